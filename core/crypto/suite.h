// The algorithms godwit knows, their sizes and their strength. Numbers on the wire are ike/wire's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace godwit::crypto {

enum class HashAlg : std::uint8_t { kMd5, kSha1, kSha256, kSha384, kSha512 };

std::size_t hash_size(HashAlg alg);  // octets: 16, 20, 32, 48, 64; also the output of its HMAC prf
std::string_view name(HashAlg alg);  // "sha256"

// Values are the IANA group numbers (RFC 2409, 3526, 5903).
enum class DhGroup : std::uint16_t {
  kModp1024 = 2,
  kModp1536 = 5,
  kModp2048 = 14,
  kModp3072 = 15,
  kModp4096 = 16,
  kModp6144 = 17,
  kModp8192 = 18,
  kEcp256 = 19,
  kEcp384 = 20,
  kEcp521 = 21,
};

std::optional<DhGroup> dh_group(std::uint16_t number);  // nothing for a group we do not know
std::size_t dh_public_size(DhGroup group);  // octets on the wire: modulus, or x|y (RFC 5903 7)
std::size_t dh_shared_size(DhGroup group);  // octets of g^xy: modulus, or x only
bool is_weak(DhGroup group);                // 2 and 5
std::string_view name(DhGroup group);       // "modp2048", "ecp256"

// Encryption of IKE messages: CBC with zero padding (RFC 2409 appendix B).
struct IkeCipher {
  enum class Alg : std::uint8_t { kAes, k3des };
  std::uint16_t key_bits = 256;  // AES: 128, 192, 256; 3DES: 192, parity included
  Alg alg = Alg::kAes;
  std::size_t key_size() const { return key_bits / 8u; }
  std::size_t block() const { return alg == Alg::k3des ? 8 : 16; }
  static constexpr std::size_t kBlockMax = 16;
  friend bool operator==(const IkeCipher&, const IkeCipher&) = default;
};

// What one phase-1 transform proposes (RFC 2409 4), authentication method and lifetime aside.
struct IkeSuite {
  IkeCipher cipher;
  HashAlg hash = HashAlg::kSha256;
  DhGroup group = DhGroup::kModp2048;
  friend bool operator==(const IkeSuite&, const IkeSuite&) = default;
};

enum class EspCipher : std::uint8_t { kAesCbc, kAesGcm16, k3desCbc };

// One ESP transform. integrity is set for CBC and empty for GCM.
struct EspSuite {
  EspCipher cipher = EspCipher::kAesGcm16;
  std::uint16_t key_bits = 128;  // 3DES: 192, parity included (RFC 2451 2.2)
  std::optional<HashAlg> integrity;
  // HMAC-SHA2-256 cut to 96 bits, as a draft before RFC 4868 had it. On the wire the two are one,
  // so only the gateway's owner can say which it is.
  bool icv96 = false;

  std::size_t key_size() const { return key_bits / 8u; }
  std::size_t salt_size() const;           // 4 for GCM (RFC 4106 8.1)
  std::size_t integrity_key_size() const;  // the hash's output (RFC 4868 2.1.1)
  std::size_t keymat_size() const;         // encryption key, salt or integrity key, in this order
  std::size_t iv_size() const;             // 16 AES-CBC, 8 3DES and GCM
  std::size_t icv_size() const;            // 12 MD5 and SHA-1, 16, 24, 32; 16 GCM
  std::size_t block() const;  // payload and trailer are padded to this: 16 AES-CBC, 8 3DES, 4 GCM
  // ESP-22: after how much one key is to be replaced. A quarter of what it could protect is left
  // for the negotiation: of 2^32 sequence numbers; of 2^20 packets and 1 GiB under blocks of 64
  // bits, which give away text long before 2^32 of them (Sweet32); of 32 GiB under AES-CBC.
  std::uint64_t packets_to_rekey() const;
  std::uint64_t octets_to_rekey() const;
  friend bool operator==(const EspSuite&, const EspSuite&) = default;
};

// The sizes around the payload of an ESP packet of a suite, which every packet needs.
struct EspLayout {
  explicit EspLayout(const EspSuite& suite)
      : iv(suite.iv_size()), icv(suite.icv_size()), block(suite.block()) {}
  bool is_whole(std::size_t octets) const { return (octets & (block - 1)) == 0; }  // blocks
  // Octets that are missing to whole blocks.
  std::size_t padding(std::size_t octets) const { return (0 - octets) & (block - 1); }

  std::size_t iv;
  std::size_t icv;
  std::size_t block;  // a power of two
};

}  // namespace godwit::crypto
