#include "core/crypto/cbc.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/base/secret.h"
#include "core/crypto/mbedtls_owned.h"

namespace godwit::crypto {

namespace {

constexpr std::size_t kAesBlock = 16;
constexpr std::size_t kDesBlock = 8;

void crypt_3des(int mode, Bytes key, Bytes iv, MutBytes data) {
  CHECK(key.size() == MBEDTLS_DES_KEY_SIZE * 3);
  CHECK(data.size() % kDesBlock == 0);
  if (data.empty()) return;

  Des3 des;
  CHECK((mode == MBEDTLS_DES_ENCRYPT ? mbedtls_des3_set3key_enc(des.get(), key.data())
                                     : mbedtls_des3_set3key_dec(des.get(), key.data())) == 0);
  std::array<std::uint8_t, kDesBlock> chain;
  std::copy(iv.begin(), iv.end(), chain.begin());
  CHECK(mbedtls_des3_crypt_cbc(des.get(), mode, data.size(), chain.data(), data.data(),
                               data.data()) == 0);
  wipe(chain);
}

void crypt_aes(int mode, Bytes key, Bytes iv, MutBytes data) {
  CHECK(key.size() == 16 || key.size() == 24 || key.size() == 32);
  CHECK(iv.size() == kAesBlock);
  CHECK(data.size() % kAesBlock == 0);
  if (data.empty()) return;

  Aes aes;
  const auto bits = static_cast<unsigned>(key.size() * 8);
  CHECK((mode == MBEDTLS_AES_ENCRYPT ? mbedtls_aes_setkey_enc(aes.get(), key.data(), bits)
                                     : mbedtls_aes_setkey_dec(aes.get(), key.data(), bits)) == 0);
  // The library leaves the next IV where it found this one, so it works on a copy.
  std::array<std::uint8_t, kAesBlock> chain;
  std::copy(iv.begin(), iv.end(), chain.begin());
  CHECK(mbedtls_aes_crypt_cbc(aes.get(), mode, data.size(), chain.data(), data.data(),
                              data.data()) == 0);
  wipe(chain);
}

}  // namespace

void cbc_encrypt(Bytes key, Bytes iv, MutBytes data) {
  if (iv.size() == kDesBlock) return crypt_3des(MBEDTLS_DES_ENCRYPT, key, iv, data);
  crypt_aes(MBEDTLS_AES_ENCRYPT, key, iv, data);
}

void cbc_decrypt(Bytes key, Bytes iv, MutBytes data) {
  if (iv.size() == kDesBlock) return crypt_3des(MBEDTLS_DES_DECRYPT, key, iv, data);
  crypt_aes(MBEDTLS_AES_DECRYPT, key, iv, data);
}

}  // namespace godwit::crypto
