#include "core/crypto/suite.h"

#include "core/base/check.h"

namespace godwit::crypto {

std::size_t hash_size(HashAlg alg) {
  switch (alg) {
    case HashAlg::kMd5:
      return 16;
    case HashAlg::kSha1:
      return 20;
    case HashAlg::kSha256:
      return 32;
    case HashAlg::kSha384:
      return 48;
    case HashAlg::kSha512:
      return 64;
  }
  check_failed("a hash algorithm of the enumeration", __FILE__, __LINE__);
}

std::string_view name(HashAlg alg) {
  switch (alg) {
    case HashAlg::kMd5:
      return "md5";
    case HashAlg::kSha1:
      return "sha1";
    case HashAlg::kSha256:
      return "sha256";
    case HashAlg::kSha384:
      return "sha384";
    case HashAlg::kSha512:
      return "sha512";
  }
  return "unknown";
}

namespace {

struct GroupFacts {
  DhGroup group;
  std::size_t public_size;
  std::size_t shared_size;
  bool weak;
  std::string_view name;
};

// MODP: the modulus twice (RFC 2409 5, RFC 3526). ECP: x|y and x (RFC 5903 7).
constexpr GroupFacts kGroups[] = {
    {DhGroup::kModp1024, 128, 128, true, "modp1024"},
    {DhGroup::kModp1536, 192, 192, true, "modp1536"},
    {DhGroup::kModp2048, 256, 256, false, "modp2048"},
    {DhGroup::kModp3072, 384, 384, false, "modp3072"},
    {DhGroup::kModp4096, 512, 512, false, "modp4096"},
    {DhGroup::kModp6144, 768, 768, false, "modp6144"},
    {DhGroup::kModp8192, 1024, 1024, false, "modp8192"},
    {DhGroup::kEcp256, 64, 32, false, "ecp256"},
    {DhGroup::kEcp384, 96, 48, false, "ecp384"},
    {DhGroup::kEcp521, 132, 66, false, "ecp521"},
};

const GroupFacts* find(std::uint16_t number) {
  for (const GroupFacts& facts : kGroups) {
    if (static_cast<std::uint16_t>(facts.group) == number) return &facts;
  }
  return nullptr;
}

const GroupFacts& facts_of(DhGroup group) {
  const GroupFacts* facts = find(static_cast<std::uint16_t>(group));
  CHECK(facts != nullptr);
  return *facts;
}

}  // namespace

std::optional<DhGroup> dh_group(std::uint16_t number) {
  const GroupFacts* facts = find(number);
  if (facts == nullptr) return std::nullopt;
  return facts->group;
}

std::size_t dh_public_size(DhGroup group) { return facts_of(group).public_size; }
std::size_t dh_shared_size(DhGroup group) { return facts_of(group).shared_size; }
bool is_weak(DhGroup group) { return facts_of(group).weak; }
std::string_view name(DhGroup group) { return facts_of(group).name; }

std::size_t EspSuite::salt_size() const { return cipher == EspCipher::kAesGcm16 ? 4 : 0; }

std::size_t EspSuite::integrity_key_size() const { return integrity ? hash_size(*integrity) : 0; }

std::size_t EspSuite::keymat_size() const {
  return key_size() + salt_size() + integrity_key_size();
}

std::size_t EspSuite::iv_size() const { return cipher == EspCipher::kAesCbc ? 16 : 8; }

std::size_t EspSuite::icv_size() const {
  if (cipher == EspCipher::kAesGcm16) return 16;
  if (!integrity) return 0;
  if (icv96) return 12;
  switch (*integrity) {
    case HashAlg::kMd5:  // RFC 2403 2
    case HashAlg::kSha1:
      return 12;  // RFC 2404 2
    default:
      return hash_size(*integrity) / 2;  // RFC 4868 2.3
  }
}

// RFC 4303 2.4: the trailer ends on a 4-octet boundary whatever the cipher needs.
std::size_t EspSuite::block() const {
  switch (cipher) {
    case EspCipher::kAesCbc:
      return 16;
    case EspCipher::k3desCbc:
      return 8;
    case EspCipher::kAesGcm16:
      return 4;
  }
  check_failed("an ESP cipher of the enumeration", __FILE__, __LINE__);
}

std::uint64_t EspSuite::packets_to_rekey() const {
  return cipher == EspCipher::k3desCbc ? 3ull << 18 : 3ull << 30;
}

std::uint64_t EspSuite::octets_to_rekey() const {
  switch (cipher) {
    case EspCipher::kAesCbc:
      return 24ull << 30;
    case EspCipher::k3desCbc:
      return 768ull << 20;
    case EspCipher::kAesGcm16:
      return ~0ull;  // its counter mode has no such bound within 2^32 packets
  }
  check_failed("an ESP cipher of the enumeration", __FILE__, __LINE__);
}

}  // namespace godwit::crypto
