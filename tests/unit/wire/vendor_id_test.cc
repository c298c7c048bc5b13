#include "core/ike/wire/vendor_id.h"

#include <doctest/doctest.h>

#include <set>

#include "core/crypto/hash.h"
#include "tests/unit/wire/samples.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::test;

namespace {

struct Known {
  Vendor vendor;
  std::string_view input;  // of MD5; empty when nobody published it
  std::size_t compared;    // of those 16 octets
  bool prefix;             // octets behind the compared ones may be anything
};

const std::vector<Known> kHashed = {
    {Vendor::kNattRfc3947, "RFC 3947", 16, false},
    {Vendor::kNattDraft00, "draft-ietf-ipsec-nat-t-ike-00", 16, false},
    {Vendor::kNattDraft01, "draft-ietf-ipsec-nat-t-ike-01", 16, false},
    {Vendor::kNattDraft02, "draft-ietf-ipsec-nat-t-ike-02", 16, false},
    {Vendor::kNattDraft02n, "draft-ietf-ipsec-nat-t-ike-02\n", 16, false},
    {Vendor::kNattDraft03, "draft-ietf-ipsec-nat-t-ike-03", 16, false},
    {Vendor::kNattDraft04, "draft-ietf-ipsec-nat-t-ike-04", 16, false},
    {Vendor::kNattDraft05, "draft-ietf-ipsec-nat-t-ike-05", 16, false},
    {Vendor::kNattDraft06, "draft-ietf-ipsec-nat-t-ike-06", 16, false},
    {Vendor::kNattDraft07, "draft-ietf-ipsec-nat-t-ike-07", 16, false},
    {Vendor::kNattDraft08, "draft-ietf-ipsec-nat-t-ike-08", 16, false},
    {Vendor::kNattDraft09, "draft-ietf-ipsec-nat-t-ike-09", 16, false},
    {Vendor::kNattDraftXxxx, "RFC XXXX", 16, false},
    {Vendor::kNattDraft, "draft-ietf-ipsec-nat-t-ike", 16, false},
    {Vendor::kNattTesting, "Testing NAT-T RFC", 16, false},
    {Vendor::kNattStenberg01, "draft-stenberg-ipsec-nat-traversal-01", 16, false},
    {Vendor::kNattStenberg02, "draft-stenberg-ipsec-nat-traversal-02", 16, false},
    {Vendor::kNattHuttunen, "draft-huttunen-ipsec-esp-in-udp-00.txt", 16, false},
    {Vendor::kNattSafeNet, "ESPThruNAT", 16, false},
    {Vendor::kXauth, "draft-ietf-ipsra-isakmp-xauth-06.txt", 8, false},
    {Vendor::kDpd, "CISCO-DEAD-PEER-DETECTION", 14, true},
    {Vendor::kUnity, "CISCO-UNITY", 14, true},
    {Vendor::kFragmentation, "FRAGMENTATION", 16, true},
    {Vendor::kCiscoVpn3000, "ALTIGA GATEWAY", 14, true},
    {Vendor::kCiscoVpn3000, "ALTIGA NETWORKS", 16, false},
    {Vendor::kMicrosoft, "MS NT5 ISAKMPOAKLEY", 16, true},
    {Vendor::kMicrosoft, "MS-Negotiation Discovery Capable", 16, false},
    {Vendor::kMicrosoft, "Vid-Initial-Contact", 16, false},
    {Vendor::kMicrosoft, "IKE CGA version 1", 16, false},
    {Vendor::kMicrosoft, "NLBS_PRESENT", 16, false},
    {Vendor::kMicrosoft, "MS-MamieExists", 16, false},
    {Vendor::kStrongSwan, "strongSwan", 16, false},
    {Vendor::kRacoon, "KAME/racoon", 16, false},
    {Vendor::kRacoon, "IPSec-Tools", 16, false},
    {Vendor::kNetgear, "NETGEAR", 16, false},
};

struct Raw {
  Vendor vendor;
  std::string_view hex;
  bool prefix;
};

const std::vector<Raw> kRaw = {
    {Vendor::kFortigate, "1d6e178f6c2c0be284985465450fe9d4", false},
    {Vendor::kCheckPoint, "f4ed19e0c114eb516faaac0ee37daf2807b4381f", true},
    {Vendor::kNetscreen, "699369228741c6d4ca094c93e242c9de19e7b7c6", true},
    {Vendor::kNetscreen, "fd808804df73b15150709d878044cde0ac1efcde", false},
    {Vendor::kSonicWall, "5b362bc820f60001", false},
    {Vendor::kSonicWall, "5b362bc820f60002", false},
    {Vendor::kSonicWall, "5b362bc820f60003", false},
    {Vendor::kSonicWall, "5b362bc820f60004", false},
    {Vendor::kSonicWall, "5b362bc820f60005", false},
    {Vendor::kSonicWall, "5b362bc820f60006", false},
    {Vendor::kSonicWall, "5b362bc820f60007", false},
    {Vendor::kSonicWall, "5b362bc820f60008", false},
    {Vendor::kSonicWall, "5b362bc820f70001", false},
    {Vendor::kSonicWall, "404bf439522ca3f6", false},
    {Vendor::kSonicWall, "da8e937880010000", false},
    {Vendor::kZyxel, "b858d1addd08c1e8adafea150608aa4497aa6cc8", false},
    {Vendor::kZyxel, "625027749d5ab97f5616c1602765cf480a3b7d0b", false},
    {Vendor::kZyxel, "f758f22668750f03b08df6ebe1d0", false},
};

// What is compared is recognised; with something behind it only when that is the vendor's habit;
// with an octet less or a bit changed never.
void check_rule(Vendor vendor, Bytes octets, bool prefix) {
  CHECK(recognise_vendor(octets) == vendor);
  ByteVec longer = to_vec(octets);
  longer.push_back(0x5a);
  CHECK(recognise_vendor(longer).has_value() == prefix);
  CHECK_FALSE(recognise_vendor(octets.first(octets.size() - 1)).has_value());
  for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
    ByteVec changed = to_vec(octets);
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto other = recognise_vendor(changed);
    // The numbers of SonicWall differ in few bits.
    if (vendor != Vendor::kSonicWall) CHECK_FALSE(other.has_value());
  }
}

constexpr auto kLast = static_cast<unsigned>(Vendor::kNetgear);

}  // namespace

TEST_CASE("vendor IDs: those that are MD5 of a string") {
  for (const Known& known : kHashed) {
    INFO(known.input);
    const auto digest = crypto::hash(crypto::HashAlg::kMd5, {as_bytes(known.input)});
    check_rule(known.vendor, digest.bytes().first(known.compared), known.prefix);
  }
}

TEST_CASE("vendor IDs: those of unknown origin") {
  for (const Raw& raw : kRaw) {
    INFO(raw.hex);
    check_rule(raw.vendor, from_hex(raw.hex), raw.prefix);
  }
}

TEST_CASE("vendor IDs: every vendor has a row here and a name of its own") {
  std::set<Vendor> covered;
  for (const Known& known : kHashed) covered.insert(known.vendor);
  for (const Raw& raw : kRaw) covered.insert(raw.vendor);
  CHECK(covered.size() == kLast + 1);
  std::set<std::string_view> names;
  for (unsigned i = 0; i <= kLast; ++i) names.insert(name(Vendor{static_cast<std::uint8_t>(i)}));
  CHECK(names.size() == kLast + 1);
  CHECK_FALSE(names.contains(""));
  CHECK(is_maker(Vendor::kFortigate));
  for (const Vendor ability : {Vendor::kDpd, Vendor::kXauth, Vendor::kUnity, Vendor::kNattRfc3947,
                               Vendor::kFragmentation}) {
    CHECK_FALSE(is_maker(ability));
  }
}

TEST_CASE("vendor IDs: as seen in the field") {
  CHECK(recognise_vendor(from_hex("afcad71368a1f1c96b8696fc77570100")) == Vendor::kDpd);
  CHECK(recognise_vendor(from_hex("12f5f28c457168a9702d9fe274cc0204")) == Vendor::kUnity);
  CHECK(recognise_vendor(from_hex("4048b7d56ebce88525e7de7f00d6c2d3c0000000")) ==
        Vendor::kFragmentation);
  CHECK(recognise_vendor(from_hex("1f07f70eaa6514d3b0fa96542a500407")) == Vendor::kCiscoVpn3000);
  CHECK(recognise_vendor(from_hex("1e2b516905991c7d7c96fcbfb587e46100000008")) ==
        Vendor::kMicrosoft);
  CHECK(recognise_vendor(from_hex("699369228741c6d4ca094c93e242c9de19e7b7c60000000500000500")) ==
        Vendor::kNetscreen);
}

TEST_CASE("vendor IDs: unknown ones of any length are nothing (ISK-29)") {
  Random random(3);
  for (std::size_t size = 0; size <= 256; ++size) {
    CHECK_FALSE(recognise_vendor(random.octets(size)).has_value());
  }
}

TEST_CASE("vendor IDs: what we send") {
  const auto sent = [](Vendor vendor) { return to_vec(vendor_octets(vendor)); };
  CHECK(sent(Vendor::kNattRfc3947) == from_hex("4a131c81070358455c5728f20e95452f"));
  CHECK(sent(Vendor::kNattDraft03) == from_hex("7d9419a65310ca6f2c179d9215529d56"));
  CHECK(sent(Vendor::kNattDraft02n) == from_hex("90cb80913ebb696e086381b5ec427b1f"));
  CHECK(sent(Vendor::kNattDraft02) == from_hex("cd60464335df21f87cfdb2fc68b6a448"));
  CHECK(sent(Vendor::kXauth) == from_hex("09002689dfd6b712"));
  CHECK(sent(Vendor::kDpd) == from_hex("afcad71368a1f1c96b8696fc77570100"));
  CHECK(sent(Vendor::kUnity) == from_hex("12f5f28c457168a9702d9fe274cc0100"));
  CHECK(sent(Vendor::kFragmentation) == from_hex("4048b7d56ebce88525e7de7f00d6c2d380000000"));
}
