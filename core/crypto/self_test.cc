// Known answers for each primitive the client relies on, and a first use of AES and GCM.
#include <algorithm>
#include <array>
#include <string_view>

#include "core/crypto/cbc.h"
#include "core/crypto/hash.h"
#include "core/crypto/mbedtls_owned.h"
#include "core/crypto/modp.h"

namespace godwit::crypto {

namespace {

using Block = std::array<std::uint8_t, 16>;

// RFC 3602 4, case 1.
bool cbc_is_right() {
  constexpr Block kKey = {0x06, 0xa9, 0x21, 0x40, 0x36, 0xb8, 0xa1, 0x5b,
                          0x51, 0x2e, 0x03, 0xd5, 0x34, 0x12, 0x00, 0x06};
  constexpr Block kIv = {0x3d, 0xaf, 0xba, 0x42, 0x9d, 0x9e, 0xb4, 0x30,
                         0xb4, 0x22, 0xda, 0x80, 0x2c, 0x9f, 0xac, 0x41};
  constexpr Block kPlain = {'S', 'i', 'n', 'g', 'l', 'e', ' ', 'b',
                            'l', 'o', 'c', 'k', ' ', 'm', 's', 'g'};
  constexpr Block kCipher = {0xe3, 0x53, 0x77, 0x9c, 0x10, 0x79, 0xae, 0xb8,
                             0x27, 0x08, 0x94, 0x2d, 0xbe, 0x77, 0x18, 0x1a};
  Block block = kPlain;
  cbc_encrypt(kKey, kIv, block);
  if (block != kCipher) return false;
  cbc_decrypt(kKey, kIv, block);
  return block == kPlain;
}

// The GCM specification's test case 2: one zero block under zero key and nonce.
bool gcm_is_right() {
  constexpr Block kZero{};
  constexpr Block kCipher = {0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92,
                             0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe, 0x78};
  constexpr Block kTag = {0xab, 0x6e, 0x47, 0xd4, 0x2c, 0xec, 0x13, 0xbd,
                          0xf5, 0x3a, 0x67, 0xb2, 0x12, 0x57, 0xbd, 0xdf};
  Gcm gcm;
  Block text = kZero;
  Block tag{};
  if (mbedtls_gcm_setkey(gcm.get(), MBEDTLS_CIPHER_ID_AES, kZero.data(), 128) != 0) return false;
  if (mbedtls_gcm_crypt_and_tag(gcm.get(), MBEDTLS_GCM_ENCRYPT, text.size(), kZero.data(), 12,
                                nullptr, 0, text.data(), text.data(), tag.size(),
                                tag.data()) != 0) {
    return false;
  }
  if (text != kCipher || tag != kTag) return false;
  if (mbedtls_gcm_auth_decrypt(gcm.get(), text.size(), kZero.data(), 12, nullptr, 0, tag.data(),
                               tag.size(), text.data(), text.data()) != 0) {
    return false;
  }
  if (text != kZero) return false;
  tag[0] ^= 1;  // a library that accepts any tag is worse than none
  return mbedtls_gcm_auth_decrypt(gcm.get(), text.size(), kZero.data(), 12, nullptr, 0, tag.data(),
                                  tag.size(), text.data(), text.data()) != 0;
}

// RFC 4231 4.3: key "Jefe".
bool hmac_is_right() {
  constexpr std::array<std::uint8_t, 4> kKey = {'J', 'e', 'f', 'e'};
  constexpr std::string_view kData = "what do ya want for nothing?";
  constexpr std::array<std::uint8_t, 32> kMac = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                                 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                                 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                                 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
  std::array<std::uint8_t, kData.size()> data{};
  std::copy(kData.begin(), kData.end(), data.begin());
  return equal(prf_public(HashAlg::kSha256, kKey, {data}), kMac);
}

}  // namespace

bool self_test() {
  return cbc_is_right() && gcm_is_right() && hmac_is_right() && modp_primes_intact();
}

}  // namespace godwit::crypto
