#include "core/ike/wire/vendor_id.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"

namespace godwit::ike {
namespace {

constexpr std::size_t kOctetsMax = 20;
constexpr std::size_t kExact = 0;

struct Row {
  Vendor vendor;
  bool sent;           // by us, exactly as it stands here
  std::size_t size;    // octets that the row holds
  std::size_t prefix;  // octets that are compared; kExact: all of them and nothing behind
  std::array<std::uint8_t, kOctetsMax> octets;

  constexpr Bytes bytes() const { return Bytes(octets).first(size); }
};

consteval std::uint8_t nibble(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
  throw "not a hexadecimal digit";  // at compile time: no row can hold one
}

consteval Row row(Vendor vendor, std::string_view hex, std::size_t prefix, bool sent) {
  Row result{vendor, sent, hex.size() / 2, prefix, {}};
  for (std::size_t i = 0; i < result.size; ++i) {
    result.octets.at(i) =
        static_cast<std::uint8_t>((nibble(hex[2 * i]) << 4) | nibble(hex[2 * i + 1]));
  }
  return result;
}

consteval Row known(Vendor vendor, std::string_view hex, std::size_t prefix = kExact) {
  return row(vendor, hex, prefix, false);
}

consteval Row ours(Vendor vendor, std::string_view hex, std::size_t prefix = kExact) {
  return row(vendor, hex, prefix, true);
}

// Most are MD5 of the string in the comment. A vendor with a version behind its name is compared up
// to that version.
constexpr std::array kRows{
    ours(Vendor::kNattRfc3947, "4a131c81070358455c5728f20e95452f"),  // RFC 3947
    ours(Vendor::kNattDraft03,
         "7d9419a65310ca6f2c179d9215529d56"),  // draft-ietf-ipsec-nat-t-ike-03
    ours(Vendor::kNattDraft02n, "90cb80913ebb696e086381b5ec427b1f"),    // ...-02\n
    ours(Vendor::kNattDraft02, "cd60464335df21f87cfdb2fc68b6a448"),     // ...-02
    known(Vendor::kNattDraft00, "4485152d18b6bbcd0be8a8469579ddcc"),    // ...-00
    known(Vendor::kNattDraft01, "16f6ca16e4a4066d83821a0f0aeaa862"),    // ...-01
    known(Vendor::kNattDraft04, "9909b64eed937c6573de52ace952fa6b"),    // ...-04
    known(Vendor::kNattDraft05, "80d0bb3def54565ee84645d4c85ce3ee"),    // ...-05
    known(Vendor::kNattDraft06, "4d1e0e136deafa34c4f3ea9f02ec7285"),    // ...-06
    known(Vendor::kNattDraft07, "439b59f8ba676c4c7737ae22eab8f582"),    // ...-07
    known(Vendor::kNattDraft08, "8f8d83826d246b6fc7a8a6a428c11de8"),    // ...-08
    known(Vendor::kNattDraft09, "42ea5b6f898d9773a575df26e7dd19e1"),    // ...-09
    known(Vendor::kNattDraftXxxx, "810fa565f8ab14369105d706fbd57279"),  // RFC XXXX
    known(Vendor::kNattDraft, "4df37928e9fc4fd1b3262170d515c662"),    // draft-ietf-ipsec-nat-t-ike
    known(Vendor::kNattTesting, "c40fee00d5d39ddb1fc762e09b7cfea7"),  // Testing NAT-T RFC
    known(Vendor::kNattStenberg01,
          "27bab5dc01ea0760ea4e3190ac27c0d0"),  // draft-stenberg-ipsec-nat-traversal-01
    known(Vendor::kNattStenberg02, "6105c422e76847e43f9684801292aecd"),  // ...-02
    known(Vendor::kNattHuttunen,
          "6a7434c19d7e36348090a02334c9c805"),  // draft-huttunen-ipsec-esp-in-udp-00.txt
    known(Vendor::kNattSafeNet, "50760f624c63e5c53eea386c685ca083"),  // ESPThruNAT
    ours(Vendor::kXauth, "09002689dfd6b712"),  // half of draft-ietf-ipsra-isakmp-xauth-06.txt
    // RFC 3706 5.1: two octets of version end it; CISCO-DEAD-PEER-DETECTION.
    ours(Vendor::kDpd, "afcad71368a1f1c96b8696fc77570100", 14),
    ours(Vendor::kUnity, "12f5f28c457168a9702d9fe274cc0100", 14),  // CISCO-UNITY
    // FRAGMENTATION; the capabilities behind it say Main and Aggressive Mode. Windows has none.
    ours(Vendor::kFragmentation, "4048b7d56ebce88525e7de7f00d6c2d380000000", 16),
    known(Vendor::kCiscoVpn3000, "1f07f70eaa6514d3b0fa96542a50", 14),   // ALTIGA GATEWAY
    known(Vendor::kCiscoVpn3000, "f6f7efc7f5aeb8cb158cb9d094ba69e7"),   // ALTIGA NETWORKS
    known(Vendor::kMicrosoft, "1e2b516905991c7d7c96fcbfb587e461", 16),  // MS NT5 ISAKMPOAKLEY
    known(Vendor::kMicrosoft,
          "fb1de3cdf341b7ea16b7e5be0855f120"),  // MS-Negotiation Discovery Capable
    known(Vendor::kMicrosoft, "26244d38eddb61b3172a36e3d0cfb819"),   // Vid-Initial-Contact
    known(Vendor::kMicrosoft, "e3a5966a76379fe707228231e5ce8652"),   // IKE CGA version 1
    known(Vendor::kMicrosoft, "72872b95fcda2eb708efe322119b4971"),   // NLBS_PRESENT
    known(Vendor::kMicrosoft, "214ca4faffa7f32d6748e5303395ae83"),   // MS-MamieExists
    known(Vendor::kStrongSwan, "882fe56d6fd20dbc2251613b2ebe5beb"),  // strongSwan
    known(Vendor::kRacoon, "7003cbc1097dbe9c2600ba6983bc8b35"),      // KAME/racoon
    known(Vendor::kRacoon, "20a3622c1cea7ce37bee3ca484425276"),      // IPSec-Tools
    // Of the rest nobody has published an input.
    known(Vendor::kFortigate, "1d6e178f6c2c0be284985465450fe9d4"),
    known(Vendor::kCheckPoint, "f4ed19e0c114eb516faaac0ee37daf2807b4381f", 20),
    known(Vendor::kNetscreen, "699369228741c6d4ca094c93e242c9de19e7b7c6", 20),
    known(Vendor::kNetscreen, "fd808804df73b15150709d878044cde0ac1efcde"),  // Juniper SRX
    known(Vendor::kSonicWall, "5b362bc820f60001"), known(Vendor::kSonicWall, "5b362bc820f60002"),
    known(Vendor::kSonicWall, "5b362bc820f60003"), known(Vendor::kSonicWall, "5b362bc820f60004"),
    known(Vendor::kSonicWall, "5b362bc820f60005"), known(Vendor::kSonicWall, "5b362bc820f60006"),
    known(Vendor::kSonicWall, "5b362bc820f60007"), known(Vendor::kSonicWall, "5b362bc820f60008"),
    known(Vendor::kSonicWall, "5b362bc820f70001"), known(Vendor::kSonicWall, "404bf439522ca3f6"),
    known(Vendor::kSonicWall, "da8e937880010000"),
    known(Vendor::kZyxel, "b858d1addd08c1e8adafea150608aa4497aa6cc8"),
    known(Vendor::kZyxel, "625027749d5ab97f5616c1602765cf480a3b7d0b"),
    known(Vendor::kZyxel, "f758f22668750f03b08df6ebe1d0"),
    known(Vendor::kNetgear, "dbfb81eb5760b0788562067da102d755"),  // NETGEAR
};

bool matches(const Row& row, Bytes body) {
  if (row.prefix == kExact) return equal(row.bytes(), body);
  return body.size() >= row.prefix && equal(row.bytes().first(row.prefix), body.first(row.prefix));
}

std::string_view maker_name(Vendor vendor) {
  switch (vendor) {
    case Vendor::kCiscoVpn3000:
      return "Cisco VPN 3000";
    case Vendor::kMicrosoft:
      return "Microsoft";
    case Vendor::kStrongSwan:
      return "strongSwan";
    case Vendor::kRacoon:
      return "racoon";
    case Vendor::kFortigate:
      return "FortiGate";
    case Vendor::kCheckPoint:
      return "Check Point";
    case Vendor::kNetscreen:
      return "NetScreen";
    case Vendor::kSonicWall:
      return "SonicWall";
    case Vendor::kZyxel:
      return "ZyXEL";
    case Vendor::kNetgear:
      return "NETGEAR";
    default:
      return "";
  }
}

}  // namespace

std::optional<Vendor> recognise_vendor(Bytes body) {
  const auto found =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& row) { return matches(row, body); });
  if (found == kRows.end()) return std::nullopt;
  return found->vendor;
}

std::string_view name(Vendor vendor) {
  switch (vendor) {
    case Vendor::kNattRfc3947:
      return "RFC 3947";
    case Vendor::kNattDraft00:
      return "draft-ietf-ipsec-nat-t-ike-00";
    case Vendor::kNattDraft01:
      return "draft-ietf-ipsec-nat-t-ike-01";
    case Vendor::kNattDraft02:
      return "draft-ietf-ipsec-nat-t-ike-02";
    case Vendor::kNattDraft02n:
      return "draft-ietf-ipsec-nat-t-ike-02 (newline)";
    case Vendor::kNattDraft03:
      return "draft-ietf-ipsec-nat-t-ike-03";
    case Vendor::kNattDraft04:
      return "draft-ietf-ipsec-nat-t-ike-04";
    case Vendor::kNattDraft05:
      return "draft-ietf-ipsec-nat-t-ike-05";
    case Vendor::kNattDraft06:
      return "draft-ietf-ipsec-nat-t-ike-06";
    case Vendor::kNattDraft07:
      return "draft-ietf-ipsec-nat-t-ike-07";
    case Vendor::kNattDraft08:
      return "draft-ietf-ipsec-nat-t-ike-08";
    case Vendor::kNattDraft09:
      return "draft-ietf-ipsec-nat-t-ike-09";
    case Vendor::kNattDraftXxxx:
      return "draft-ietf-ipsec-nat-t-ike-04 to 08 (as RFC XXXX)";
    case Vendor::kNattDraft:
      return "draft-ietf-ipsec-nat-t-ike";
    case Vendor::kNattTesting:
      return "Testing NAT-T RFC";
    case Vendor::kNattStenberg01:
      return "draft-stenberg-ipsec-nat-traversal-01";
    case Vendor::kNattStenberg02:
      return "draft-stenberg-ipsec-nat-traversal-02";
    case Vendor::kNattHuttunen:
      return "draft-huttunen-ipsec-esp-in-udp-00";
    case Vendor::kNattSafeNet:
      return "ESPThruNAT (SafeNet)";
    case Vendor::kXauth:
      return "XAuth";
    case Vendor::kDpd:
      return "DPD";
    case Vendor::kUnity:
      return "Cisco Unity";
    case Vendor::kFragmentation:
      return "fragmentation";
    default:
      return maker_name(vendor);
  }
}

bool is_maker(Vendor vendor) { return !maker_name(vendor).empty(); }

Bytes vendor_octets(Vendor vendor) {
  const auto found = std::find_if(kRows.begin(), kRows.end(),
                                  [&](const Row& row) { return row.vendor == vendor && row.sent; });
  CHECK(found != kRows.end());
  return found->bytes();
}

}  // namespace godwit::ike
