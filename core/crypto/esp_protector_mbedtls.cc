// The ESP transforms on mbedTLS. Key schedules and HMAC states are made once per SA, so that a
// packet costs no allocation and no key setup.
#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/crypto/esp_packet_cut.h"
#include "core/crypto/esp_protector.h"
#include "core/crypto/mbedtls_owned.h"

namespace godwit::crypto {

namespace {

constexpr std::size_t kIcvMax = 32;
constexpr std::size_t kMacMax = 64;
constexpr std::size_t kAesBlock = 16;

// A block cipher in CBC mode, over whole blocks in place. `chain`: the IV, spoiled by the call.
class AesCbc {
 public:
  static constexpr std::size_t kBlock = kAesBlock;

  explicit AesCbc(Bytes key) {
    const auto bits = static_cast<unsigned>(key.size() * 8);
    CHECK(mbedtls_aes_setkey_enc(encrypt_.get(), key.data(), bits) == 0);
    CHECK(mbedtls_aes_setkey_dec(decrypt_.get(), key.data(), bits) == 0);
  }
  void encrypt(MutBytes chain, MutBytes body) {
    CHECK(mbedtls_aes_crypt_cbc(encrypt_.get(), MBEDTLS_AES_ENCRYPT, body.size(), chain.data(),
                                body.data(), body.data()) == 0);
  }
  void decrypt(MutBytes chain, MutBytes body) {
    CHECK(mbedtls_aes_crypt_cbc(decrypt_.get(), MBEDTLS_AES_DECRYPT, body.size(), chain.data(),
                                body.data(), body.data()) == 0);
  }

 private:
  Aes encrypt_;
  Aes decrypt_;
};

class TripleDesCbc {
 public:
  static constexpr std::size_t kBlock = MBEDTLS_DES_KEY_SIZE;

  explicit TripleDesCbc(Bytes key) {
    CHECK(mbedtls_des3_set3key_enc(encrypt_.get(), key.data()) == 0);
    CHECK(mbedtls_des3_set3key_dec(decrypt_.get(), key.data()) == 0);
  }
  void encrypt(MutBytes chain, MutBytes body) {
    CHECK(mbedtls_des3_crypt_cbc(encrypt_.get(), MBEDTLS_DES_ENCRYPT, body.size(), chain.data(),
                                 body.data(), body.data()) == 0);
  }
  void decrypt(MutBytes chain, MutBytes body) {
    CHECK(mbedtls_des3_crypt_cbc(decrypt_.get(), MBEDTLS_DES_DECRYPT, body.size(), chain.data(),
                                 body.data(), body.data()) == 0);
  }

 private:
  Des3 encrypt_;
  Des3 decrypt_;
};

// CBC with HMAC (RFC 3602, RFC 2451, RFC 4868): encrypt, then authenticate SPI to ciphertext.
template <class Cipher>
class CbcHmac final : public EspProtector {
 public:
  CbcHmac(const EspSuite& suite, Bytes keymat, Bytes iv_key)
      : layout_(suite), cipher_(keymat.first(suite.key_size())) {
    const Bytes mac_key = keymat.subspan(suite.key_size());
    CHECK(suite.iv_size() == Cipher::kBlock && suite.block() == Cipher::kBlock);
    CHECK(mbedtls_aes_setkey_enc(iv_maker_.get(), iv_key.data(), 128) == 0);
    CHECK(mbedtls_md_setup(mac_.get(), md_info(*suite.integrity), 1) == 0);
    CHECK(mbedtls_md_hmac_starts(mac_.get(), mac_key.data(), mac_key.size()) == 0);
  }

  void seal(std::span<EspPacket> batch) override {
    for (EspPacket& packet : batch) seal_one(packet);
  }

  void open(std::span<EspPacket> batch) override {
    for (EspPacket& packet : batch) packet.ok = open_one(packet.bytes);
  }

  std::string_view backend() const override { return "mbedtls"; }

 private:
  void seal_one(EspPacket& packet) {
    Cut parts;
    CHECK(cut(layout_, packet.bytes, parts));
    // RFC 3602 3 wants an unpredictable IV. A counter under a key that nobody else has is one (NIST
    // SP 800-38A appendix C) and needs no randomness per packet. Whole it never repeats; the half
    // that 3DES takes does so as rarely as a random one.
    std::array<std::uint8_t, kAesBlock> chain{};
    store_be(MutBytes(chain).last(8), packet.sequence);
    CHECK(mbedtls_aes_crypt_ecb(iv_maker_.get(), MBEDTLS_AES_ENCRYPT, chain.data(), chain.data()) ==
          0);
    std::copy_n(chain.begin(), Cipher::kBlock, parts.iv.begin());
    cipher_.encrypt(chain, parts.body);
    std::array<std::uint8_t, kMacMax> mac;
    authenticate(packet.bytes.first(packet.bytes.size() - parts.icv.size()), mac);
    std::copy_n(mac.begin(), parts.icv.size(), parts.icv.begin());
    wipe(mac);
  }

  bool open_one(MutBytes bytes) {
    Cut parts;
    if (!cut(layout_, bytes, parts)) return false;
    std::array<std::uint8_t, kMacMax> mac;
    authenticate(bytes.first(bytes.size() - parts.icv.size()), mac);
    const bool genuine = equal_ct(Bytes(mac).first(parts.icv.size()), parts.icv);
    wipe(mac);  // the right ICV of a forged packet is nobody's business
    if (!genuine) return false;

    std::array<std::uint8_t, Cipher::kBlock> chain;
    std::copy(parts.iv.begin(), parts.iv.end(), chain.begin());
    cipher_.decrypt(chain, parts.body);
    return true;
  }

  void authenticate(Bytes covered, std::array<std::uint8_t, kMacMax>& mac) {
    CHECK(mbedtls_md_hmac_reset(mac_.get()) == 0);
    CHECK(mbedtls_md_hmac_update(mac_.get(), covered.data(), covered.size()) == 0);
    CHECK(mbedtls_md_hmac_finish(mac_.get(), mac.data()) == 0);
  }

  EspLayout layout_;
  Cipher cipher_;
  Aes iv_maker_;
  Md mac_;
};

// AES-GCM with a 16-octet ICV (RFC 4106).
class Gcm16 final : public EspProtector {
 public:
  Gcm16(const EspSuite& suite, Bytes keymat) : layout_(suite) {
    CHECK(mbedtls_gcm_setkey(gcm_.get(), MBEDTLS_CIPHER_ID_AES, keymat.data(), suite.key_bits) ==
          0);
    const Bytes salt = keymat.subspan(suite.key_size());
    std::copy(salt.begin(), salt.end(), salt_.fill().begin());
  }

  void seal(std::span<EspPacket> batch) override {
    for (EspPacket& packet : batch) seal_one(packet);
  }

  void open(std::span<EspPacket> batch) override {
    for (EspPacket& packet : batch) packet.ok = open_one(packet.bytes);
  }

  std::string_view backend() const override { return "mbedtls"; }

 private:
  using Nonce = std::array<std::uint8_t, 12>;

  // RFC 4106 4: salt, then the IV of the packet.
  Nonce nonce(Bytes iv) const {
    Nonce out;
    std::copy(salt_.expose().begin(), salt_.expose().end(), out.begin());
    std::copy(iv.begin(), iv.end(), out.begin() + 4);
    return out;
  }

  void seal_one(EspPacket& packet) {
    Cut parts;
    CHECK(cut(layout_, packet.bytes, parts));
    // RFC 4106 3.1: an IV must never repeat under a key; a 64-bit sequence number never does.
    store_be(parts.iv, packet.sequence);
    Nonce n = nonce(parts.iv);
    CHECK(mbedtls_gcm_crypt_and_tag(gcm_.get(), MBEDTLS_GCM_ENCRYPT, parts.body.size(), n.data(),
                                    n.size(), parts.header.data(), parts.header.size(),
                                    parts.body.data(), parts.body.data(), parts.icv.size(),
                                    parts.icv.data()) == 0);
    wipe(n);
  }

  bool open_one(MutBytes bytes) {
    Cut parts;
    if (!cut(layout_, bytes, parts)) return false;
    Nonce n = nonce(parts.iv);
    // Compares the tag in constant time and wipes the body when it is wrong.
    const int result = mbedtls_gcm_auth_decrypt(
        gcm_.get(), parts.body.size(), n.data(), n.size(), parts.header.data(), parts.header.size(),
        parts.icv.data(), parts.icv.size(), parts.body.data(), parts.body.data());
    wipe(n);
    return result == 0;
  }

  EspLayout layout_;
  Gcm gcm_;
  Secret<4> salt_;
};

}  // namespace

std::unique_ptr<EspProtector> make_esp_protector(const EspSuite& suite, const SecretBytes& keymat,
                                                 const Secret<16>& iv_key) {
  CHECK(suite.key_bits == 128 || suite.key_bits == 192 || suite.key_bits == 256);
  CHECK(keymat.size() == suite.keymat_size());
  CHECK(suite.icv_size() <= kIcvMax);
  if (suite.cipher == EspCipher::kAesGcm16) {
    CHECK(!suite.integrity);
    return std::make_unique<Gcm16>(suite, keymat.expose());
  }
  CHECK(suite.integrity.has_value());  // encryption without integrity is not offered (RFC 8221 4)
  if (suite.cipher == EspCipher::k3desCbc) {
    CHECK(suite.key_bits == 192);
    return std::make_unique<CbcHmac<TripleDesCbc>>(suite, keymat.expose(), iv_key.expose());
  }
  return std::make_unique<CbcHmac<AesCbc>>(suite, keymat.expose(), iv_key.expose());
}

}  // namespace godwit::crypto
