// XAuth and Mode Config payloads: what becomes of a peer's values.
#include <doctest/doctest.h>

#include "core/base/limits.h"
#include "core/ike/v1/mode_config.h"
#include "core/ike/v1/xauth.h"
#include "core/net/dns_name.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::v1;

namespace {

constexpr std::uint16_t n(CfgAttr attr) { return static_cast<std::uint16_t>(attr); }

Attribute text(CfgAttr attr, std::string_view value) {
  return Attribute::octets(n(attr),
                           {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
}

Attribute octets(CfgAttr attr, const ByteVec& value) { return Attribute::octets(n(attr), value); }

ModeConfig read(std::vector<Attribute> attributes) {
  return read_mode_config({CfgType::kReply, 1, std::move(attributes)});
}

ByteVec split_entry(std::uint8_t a, std::uint8_t b, std::uint8_t mask_a, std::uint8_t mask_b) {
  return {a, b, 0, 0, mask_a, mask_b, 0, 0, 0, 0, 0, 0, 0, 0};
}

}  // namespace

TEST_CASE("MC-08, H15: only a usable unicast address is taken") {
  CHECK(read({octets(CfgAttr::kIp4Address, {10, 1, 2, 3})}).address.v4 ==
        IpAddress::parse("10.1.2.3"));
  for (const ByteVec& bad : {ByteVec{0, 0, 0, 0}, ByteVec{127, 0, 0, 1}, ByteVec{224, 0, 0, 1},
                             ByteVec{255, 255, 255, 255}, ByteVec{10, 1, 2}, ByteVec{}}) {
    CHECK_FALSE(read({octets(CfgAttr::kIp4Address, bad)}).address.v4);
  }
  // H15: the first of two counts.
  CHECK(read({octets(CfgAttr::kIp4Address, {10, 1, 2, 3}),
              octets(CfgAttr::kIp4Address, {10, 9, 9, 9})})
            .address.v4 == IpAddress::parse("10.1.2.3"));
}

TEST_CASE("MC-09: netmasks are contiguous, DNS servers few and usable") {
  CHECK(read({octets(CfgAttr::kIp4Netmask, {255, 255, 255, 0})}).netmask == 24);
  CHECK_FALSE(read({octets(CfgAttr::kIp4Netmask, {255, 0, 255, 0})}).netmask);
  std::vector<Attribute> many;
  for (std::uint8_t i = 1; i <= 20; ++i) many.push_back(octets(CfgAttr::kIp4Dns, {10, 0, 0, i}));
  many.push_back(octets(CfgAttr::kIp4Dns, {127, 0, 0, 53}));
  CHECK(read(many).dns.size() == limits::kDnsServersMax);
  CHECK(read({octets(CfgAttr::kIp4Dns, {127, 0, 0, 53})}).dns.empty());
}

TEST_CASE("MC-10, H16: split networks; everything in the list means everything") {
  CHECK(read({octets(CfgAttr::kUnitySplitInclude, split_entry(10, 50, 255, 255))}).split_include ==
        std::vector<Prefix>{*Prefix::parse("10.50.0.0/16")});
  CHECK(read({octets(CfgAttr::kUnitySplitInclude, ByteVec(13))}).split_include.empty());
  ByteVec with_default = split_entry(10, 50, 255, 255);
  append(with_default, split_entry(0, 0, 0, 0));
  CHECK(read({octets(CfgAttr::kUnitySplitInclude, with_default)}).split_include.empty());

  ByteVec thousands;
  for (int i = 0; i < 2000; ++i) {
    append(thousands,
           split_entry(static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i), 255, 255));
  }
  const ModeConfig config = read({octets(CfgAttr::kUnitySplitInclude, thousands)});
  CHECK(config.everything_v4);
  CHECK(config.split_include.empty());  // H16: more than we take is everything, not a part
}

TEST_CASE("MC-12, MC-13, A22: texts of the peer are made harmless") {
  const ModeConfig config =
      read({text(CfgAttr::kUnityBanner, "hi\x1b[31m $(id)\x07"),
            text(CfgAttr::kUnityDefaultDomain, "office.example"),
            text(CfgAttr::kUnitySplitDns, "a.example, b.example;c d;rm -rf,;`id`,ok_1.example")});
  CHECK(config.banner.find('\x1b') == std::string::npos);
  CHECK(config.banner.find('\x07') == std::string::npos);
  CHECK(config.default_domain == "office.example");
  for (const std::string& name : config.split_dns) CHECK(is_dns_name(name));
  CHECK(config.split_dns.front() == "a.example");
  CHECK(config.split_dns.back() == "ok_1.example");
  CHECK(read({text(CfgAttr::kUnityDefaultDomain, "x;touch /tmp/x")}).default_domain == "x");
  CHECK(read({text(CfgAttr::kUnityDefaultDomain, "$(id)")}).default_domain.empty());
}

TEST_CASE("DNS names") {
  for (const char* good : {"a", "office.example", "office.example.", "_tcp.x-1.example"}) {
    CHECK(is_dns_name(good));
  }
  CHECK(is_dns_name(std::string(63, 'a')));
  for (const char* bad : {"", ".", "a..b", "-a", "a-", "a b", "a;b", "a/b", "\xc3\xa4.example"}) {
    CHECK_FALSE(is_dns_name(bad));
  }
  CHECK_FALSE(is_dns_name(std::string(64, 'a')));
  CHECK_FALSE(is_dns_name(std::string(200, 'a') + "." + std::string(60, 'b')));
}

TEST_CASE("XA-04, XA-05, A17, H14: a request becomes fields, the reply echoes its type") {
  CfgPayload cfg{CfgType::kRequest,
                 7,
                 {Attribute::number16(n(CfgAttr::kXauthType), 0),
                  text(CfgAttr::kXauthMessage, "Enter\x1b your code"),
                  octets(CfgAttr::kXauthUserName, {}), octets(CfgAttr::kXauthUserPassword, {})}};
  CHECK(is_xauth(cfg));
  const XauthRequest request = read_xauth_request(cfg);
  CHECK(request.fault == XauthFault::kNone);
  CHECK(request.message.find('\x1b') == std::string::npos);
  REQUIRE(request.fields ==
          std::vector<CfgAttr>{CfgAttr::kXauthUserName, CfgAttr::kXauthUserPassword});
  std::vector<SecretBytes> values;
  values.push_back(SecretBytes::copy_of(ByteVec{'a', 'd', 'a'}));
  values.push_back(SecretBytes::copy_of(ByteVec{'p', 'w'}));
  CfgPayload reply = xauth_reply(request, values, 0);
  CHECK(reply.type == CfgType::kReply);
  CHECK(reply.identifier == 7);
  REQUIRE(reply.attributes.size() == 3);
  CHECK(reply.attributes[0] == cfg.attributes[0]);
  CHECK(reply.attributes[2].value == ByteVec{'p', 'w'});
  wipe_values(reply);
  CHECK(reply.attributes[2].value == ByteVec{0, 0});

  cfg.attributes.erase(cfg.attributes.begin());  // no type asked, none answered
  CHECK(xauth_reply(read_xauth_request(cfg), values, 0).attributes.size() == 2);
}

CfgPayload typed(std::uint16_t type, std::vector<Attribute> attributes) {
  CfgPayload cfg{CfgType::kRequest, 7, std::move(attributes)};
  cfg.attributes.insert(cfg.attributes.begin(), Attribute::number16(n(CfgAttr::kXauthType), type));
  return cfg;
}

TEST_CASE("XA-06: what no user can answer has a fault, and the reply says so") {
  const Attribute password = octets(CfgAttr::kXauthUserPassword, {});
  const Attribute challenge = octets(CfgAttr::kXauthChallenge, {1, 2});
  const auto fault = [](const CfgPayload& cfg) { return read_xauth_request(cfg).fault; };
  CHECK(fault(typed(4, {password})) == XauthFault::kUnknownType);
  CHECK(fault(typed(40000, {password})) == XauthFault::kUnknownType);
  CHECK(fault(typed(0, {password, challenge})) == XauthFault::kChallenge);
  CHECK(fault({CfgType::kRequest, 7, {password, challenge}}) == XauthFault::kChallenge);
  CHECK(fault(typed(1, {password})) == XauthFault::kNoChallenge);
  CHECK(fault(typed(1, {password, octets(CfgAttr::kXauthChallenge, {})})) ==
        XauthFault::kNoChallenge);
  const CfgPayload refusal = xauth_refusal(read_xauth_request(typed(4, {password})));
  REQUIRE(refusal.attributes.size() == 1);
  CHECK(xauth_status(refusal) == false);
}

TEST_CASE("draft-beaulieu-ike-xauth-02 6.3: OTP and S/KEY serve once, their challenge is text") {
  for (const std::uint16_t type : {std::uint16_t{2}, std::uint16_t{3}}) {
    const XauthRequest request = read_xauth_request(typed(
        type, {text(CfgAttr::kXauthChallenge, "otp-md5 499 ke1234\x1b["),
               octets(CfgAttr::kXauthUserName, {}), octets(CfgAttr::kXauthUserPassword, {})}));
    CHECK(request.fault == XauthFault::kNone);
    CHECK(request.one_time);
    CHECK_FALSE(request.chap);
    CHECK(request.challenge == "otp-md5 499 ke1234\\x1b[");
    CHECK(request.fields.size() == 2);
  }
}

// RFC 1994 4.1: the hash over the identifier, the secret and the challenge.
TEST_CASE("draft A-8: RADIUS-CHAP sends an identifier and a hash, never the password") {
  const ByteVec challenge = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16};
  const auto reply_to = [](const CfgPayload& cfg) {
    const XauthRequest request = read_xauth_request(cfg);
    CHECK(request.fault == XauthFault::kNone);
    std::vector<SecretBytes> values;
    for (const CfgAttr field : request.fields) {
      const std::string value = field == CfgAttr::kXauthUserName ? "joe" : "foobar";
      values.push_back(SecretBytes::copy_of(ByteVec(value.begin(), value.end())));
    }
    return xauth_reply(request, values, 0xaa);
  };
  // printf '\xaafoobar\x01\x02...\x16' | md5sum
  const ByteVec expected = {0xaa, 0x20, 0xf9, 0x24, 0x26, 0x15, 0xe5, 0x13, 0x4d,
                            0xf2, 0x82, 0x2f, 0x73, 0xeb, 0x23, 0xc1, 0xdd};
  CfgPayload cfg =
      typed(1, {octets(CfgAttr::kXauthUserName, {}), octets(CfgAttr::kXauthUserPassword, {}),
                octets(CfgAttr::kXauthChallenge, challenge)});
  const CfgPayload reply = reply_to(cfg);
  REQUIRE(reply.attributes.size() == 3);
  CHECK(reply.attributes[0] == cfg.attributes[0]);
  CHECK(reply.attributes[1].value == ByteVec{'j', 'o', 'e'});
  CHECK(reply.attributes[2].value == expected);
  // Some gateways send the challenge and leave the password to be understood.
  cfg.attributes.erase(cfg.attributes.begin() + 2);
  REQUIRE(reply_to(cfg).find(CfgAttr::kXauthUserPassword));
  CHECK(reply_to(cfg).find(CfgAttr::kXauthUserPassword)->value == expected);
}

TEST_CASE("XA-07: NEXT_PIN and ANSWER are answered alone, and beside what the draft forbids") {
  for (const CfgAttr field : {CfgAttr::kXauthNextPin, CfgAttr::kXauthAnswer}) {
    const XauthRequest alone = read_xauth_request(
        {CfgType::kRequest, 7, {text(CfgAttr::kXauthMessage, "new"), octets(field, {})}});
    CHECK(alone.fields == std::vector<CfgAttr>{field});
    const XauthRequest mixed = read_xauth_request(
        {CfgType::kRequest, 7, {octets(CfgAttr::kXauthUserName, {}), octets(field, {})}});
    CHECK(mixed.fields == std::vector<CfgAttr>{CfgAttr::kXauthUserName, field});
  }
}

TEST_CASE("draft 6.1: the status may come with a text, which is cleaned") {
  const CfgPayload set{CfgType::kSet,
                       3,
                       {Attribute::number16(n(CfgAttr::kXauthStatus), 0),
                        text(CfgAttr::kXauthMessage, "locked\x07")}};
  CHECK(xauth_message(set) == "locked\\x07");
  CHECK(xauth_message({CfgType::kSet, 3, {}}).empty());
}

TEST_CASE("XA-08: status, and its acknowledgement without attributes") {
  const auto status = [](std::uint16_t value) {
    return CfgPayload{CfgType::kSet, 3, {Attribute::number16(n(CfgAttr::kXauthStatus), value)}};
  };
  CHECK(xauth_status(status(1)) == true);
  CHECK(xauth_status(status(0)) == false);
  CHECK(xauth_status(status(2)) == false);
  CHECK_FALSE(xauth_status({CfgType::kSet, 3, {}}));
  const CfgPayload ack = xauth_ack(status(1));
  CHECK(ack.type == CfgType::kAck);
  CHECK(ack.identifier == 3);
  CHECK(ack.attributes.empty());
}

TEST_CASE("A field asked for twice is one field") {
  const CfgPayload cfg{CfgType::kRequest,
                       1,
                       {octets(CfgAttr::kXauthPasscode, {}), octets(CfgAttr::kXauthPasscode, {})}};
  CHECK(read_xauth_request(cfg).fields.size() == 1);
}

TEST_CASE("MC-10: more networks than we take in many attributes mean everything, too") {
  std::vector<Attribute> many;
  for (std::size_t i = 0; i <= limits::kSplitNetworksMax; ++i) {
    many.push_back(
        octets(CfgAttr::kUnitySplitInclude, split_entry(static_cast<std::uint8_t>(11 + (i >> 8)),
                                                        static_cast<std::uint8_t>(i), 255, 255)));
    const ModeConfig config = read(many);
    CHECK(config.everything_v4 == (many.size() > limits::kSplitNetworksMax));
    CHECK(config.split_include.size() == (config.everything_v4 ? 0 : many.size()));
  }
}

TEST_CASE("dukes 3.4: INTERNAL_IP4_SUBNET names a network; what is none is left out") {
  const auto subnet = [](ByteVec value) { return octets(CfgAttr::kIp4Subnet, value); };
  const ModeConfig config =
      read({subnet({10, 1, 2, 3, 255, 255, 0, 0}), subnet({10, 9, 0, 0, 255, 0, 255, 0}),
            subnet({}), subnet({10, 9, 0, 0, 255, 255, 0}),
            subnet({10, 9, 0, 0, 255, 255, 0, 0, 0}), subnet({172, 20, 4, 0, 255, 255, 252, 0})});
  CHECK(config.split_include ==
        std::vector<Prefix>{*Prefix::parse("10.1.0.0/16"), *Prefix::parse("172.20.4.0/22")});
  CHECK_FALSE(config.everything_v4);
  const ModeConfig full = read({subnet({10, 1, 0, 0, 255, 255, 0, 0}), subnet(ByteVec(8))});
  CHECK(full.everything_v4);
  CHECK(full.split_include.empty());
}

TEST_CASE("MC-15: Cisco's port of ESP in UDP is asked for on wish, and read with a value alone") {
  const auto asks = [](bool wish) {
    ConfigWishes wishes;
    wishes.udp_port = wish;
    return mode_config_request(7, wishes).find(CfgAttr::kUnityNattPort) != nullptr;
  };
  CHECK(asks(true));
  CHECK_FALSE(asks(false));
  CfgPayload cfg;
  cfg.type = CfgType::kReply;
  const auto type = static_cast<std::uint16_t>(CfgAttr::kUnityNattPort);
  cfg.attributes = {Attribute::number16(type, 10000)};
  CHECK(read_mode_config(cfg).udp_port == 10000);
  cfg.attributes = {Attribute::number16(type, 0)};
  CHECK_FALSE(read_mode_config(cfg).udp_port);
  cfg.attributes = {Attribute::octets(type, {})};
  CHECK_FALSE(read_mode_config(cfg).udp_port);
}

std::size_t backups_in(Bytes value) {
  CfgPayload cfg;
  cfg.type = CfgType::kReply;
  cfg.attributes.push_back(
      Attribute::octets(static_cast<std::uint16_t>(CfgAttr::kUnityBackupServers), value));
  return read_mode_config(cfg).backup_servers.size();
}

TEST_CASE("MC-16: backup servers are unicast addresses, in octets or dotted, ten at most") {
  const auto text = [](std::string_view words) {
    return Bytes(reinterpret_cast<const std::uint8_t*>(words.data()), words.size());
  };
  CHECK(backups_in(ByteVec{203, 0, 113, 9}) == 1);
  CHECK(backups_in(ByteVec{203, 0, 113, 9, 203, 0, 113, 10, 203, 0, 113, 9}) == 2);
  CHECK(backups_in(ByteVec{127, 0, 0, 1, 224, 0, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255}) == 0);
  CHECK(backups_in(ByteVec{203, 0, 113}) == 0);
  CHECK(backups_in(ByteVec{203, 0, 113, 9, 1}) == 0);
  CHECK(backups_in({}) == 0);
  CHECK(backups_in(text("203.0.113.9")) == 1);
  CHECK(backups_in(text("203.0.113.9, 203.0.113.10;203.0.113.11")) == 3);
  CHECK(backups_in(text("203.0.113.9,,999.1.1.1,127.0.0.1")) == 1);
  ByteVec many;
  for (std::uint8_t i = 1; i <= 40; ++i) append(many, ByteVec{203, 0, 113, i});
  CHECK(backups_in(many) == limits::kBackupGatewaysMax);
}

TEST_CASE("MC-14: a SET is acknowledged attribute by attribute, without the values") {
  const CfgPayload set{
      CfgType::kSet,
      9,
      {octets(CfgAttr::kIp4Address, {10, 1, 2, 3}), Attribute::number16(n(CfgAttr::kUnityPfs), 1)}};
  const CfgPayload ack = mode_config_ack(set);
  CHECK(ack.type == CfgType::kAck);
  CHECK(ack.identifier == 9);
  CHECK(ack.attributes ==
        std::vector<Attribute>{octets(CfgAttr::kIp4Address, {}), octets(CfgAttr::kUnityPfs, {})});
  CHECK(offers_address(set));
  CHECK_FALSE(offers_address({CfgType::kSet, 9, {octets(CfgAttr::kIp4Dns, {10, 0, 0, 1})}}));
}

namespace {

ByteVec v6(const char* text, std::initializer_list<std::uint8_t> more = {}) {
  ByteVec out = to_vec(IpAddress::parse(text)->bytes());
  out.insert(out.end(), more);
  return out;
}

}  // namespace

TEST_CASE("MC-08: an IPv6 address has 16 octets, or 17 with a prefix length, and is unicast") {
  for (const ByteVec& good : {v6("fd00::5"), v6("fd00::5", {64})}) {
    const ModeConfig config = read({octets(CfgAttr::kIp6Address, good)});
    CHECK(config.address.v6 == IpAddress::parse("fd00::5"));
    CHECK_FALSE(config.address.v4);
    CHECK_FALSE(config.address.empty());
  }
  for (const ByteVec& bad : {v6("::"), v6("::1"), v6("ff02::1"), v6("fe80::1"), ByteVec(15, 0xfd),
                             v6("fd00::5", {64, 0}), ByteVec{10, 1, 2, 3}, ByteVec{}}) {
    CHECK(read({octets(CfgAttr::kIp6Address, bad)}).address.empty());
  }
  // An address under the number of the other family is none.
  CHECK(read({octets(CfgAttr::kIp4Address, v6("fd00::5"))}).address.empty());
  const ModeConfig both = read({octets(CfgAttr::kIp4Address, {10, 1, 2, 3}),
                                octets(CfgAttr::kIp6Address, v6("fd00::5")),
                                octets(CfgAttr::kIp6Address, v6("fd00::6"))});
  CHECK(both.address.all() ==
        std::vector<IpAddress>{*IpAddress::parse("10.1.2.3"), *IpAddress::parse("fd00::5")});
}

TEST_CASE("MC-09: DNS and WINS servers of both families, each capped") {
  std::vector<Attribute> many;
  for (std::uint8_t i = 1; i <= 20; ++i) {
    many.push_back(octets(CfgAttr::kIp4Nbns, {10, 0, 0, i}));
    many.push_back(octets(CfgAttr::kIp6Dns, v6("fd00::", {})));
    many.back().value.back() = i;
  }
  many.push_back(octets(CfgAttr::kIp6Dns, {10, 0, 0, 1}));
  many.push_back(octets(CfgAttr::kIp4Nbns, {0, 0, 0, 0}));
  const ModeConfig config = read(many);
  CHECK(config.nbns.size() == limits::kDnsServersMax);
  CHECK(config.dns.size() == limits::kDnsServersMax);
  CHECK(config.dns.front() == *IpAddress::parse("fd00::1"));
}

TEST_CASE("dukes 3.4: INTERNAL_IP6_SUBNET; everything of one family leaves the other alone") {
  const auto subnet = [](ByteVec value) { return octets(CfgAttr::kIp6Subnet, value); };
  const ModeConfig config =
      read({subnet(v6("fd00:50::1", {64})), subnet(v6("fd00:50::", {64})),
            subnet(v6("fd00:51::", {129})), subnet(v6("fd00:51::")),
            subnet({10, 0, 0, 0, 255, 0, 0, 0}), subnet(v6("fd00:52::", {48}))});
  CHECK(config.split_include ==
        std::vector<Prefix>{*Prefix::parse("fd00:50::/64"), *Prefix::parse("fd00:52::/48")});
  const ModeConfig full = read({subnet(v6("fd00:50::", {64})), subnet(v6("::", {0})),
                                octets(CfgAttr::kIp4Subnet, {10, 0, 0, 0, 255, 0, 0, 0})});
  CHECK(full.everything_v6);
  CHECK_FALSE(full.everything_v4);
  CHECK(full.split_include == std::vector<Prefix>{*Prefix::parse("10.0.0.0/8")});
}

TEST_CASE("MC-11: of the networks to leave outside the tunnel only private ones count") {
  ByteVec list = split_entry(10, 9, 255, 255);
  append(list, split_entry(8, 8, 255, 255));  // public
  append(list, split_entry(0, 0, 0, 0));      // everything
  append(list, split_entry(172, 20, 255, 255));
  append(list, split_entry(192, 0, 255, 0));  // more than is private
  append(list, split_entry(169, 254, 255, 255));
  append(list, split_entry(10, 0, 255, 1));  // no netmask
  CHECK(read({octets(CfgAttr::kUnityLocalLan, list)}).local_lan ==
        std::vector<Prefix>{*Prefix::parse("10.9.0.0/16"), *Prefix::parse("172.20.0.0/16"),
                            *Prefix::parse("169.254.0.0/16")});
  CHECK(read({octets(CfgAttr::kUnityLocalLan, ByteVec(13, 10))}).local_lan.empty());
  // Without protocol and ports, as strongSwan's attr plugin sends one.
  const ByteVec lone = {192, 168, 9, 0, 255, 255, 255, 0};
  CHECK(read({octets(CfgAttr::kUnityLocalLan, lone)}).local_lan ==
        std::vector<Prefix>{*Prefix::parse("192.168.9.0/24")});
  CHECK(read({octets(CfgAttr::kUnitySplitInclude, lone)}).split_include.size() == 1);
  ByteVec many;
  for (std::uint8_t i = 0; i < 200; ++i) append(many, split_entry(10, i, 255, 255));
  CHECK(read({octets(CfgAttr::kUnityLocalLan, many)}).local_lan.size() ==
        limits::kLocalNetworksMax);
}

TEST_CASE("MC-07, MC-18, Unity: expiry, PFS, the advice about passwords, the gateway's version") {
  const ModeConfig none = read({});
  CHECK_FALSE(none.expires_after);
  CHECK_FALSE(none.save_password);
  CHECK_FALSE(none.pfs);
  const ModeConfig some = read({Attribute::number32(n(CfgAttr::kAddressExpiry), 3600),
                                Attribute::number16(n(CfgAttr::kUnityPfs), 1),
                                Attribute::number16(n(CfgAttr::kUnitySavePassword), 0),
                                text(CfgAttr::kApplicationVersion, "Gateway 1.0\x1b[2J")});
  CHECK(some.expires_after == Duration(1h));
  CHECK(some.pfs);
  CHECK(some.save_password == false);
  CHECK(some.application_version.find('\x1b') == std::string::npos);
  CHECK(some.application_version.starts_with("Gateway 1.0"));
  CHECK(read({Attribute::number16(n(CfgAttr::kUnitySavePassword), 1)}).save_password == true);
  for (const ByteVec& bad : {ByteVec{}, ByteVec{1}, ByteVec(4), ByteVec(5, 1), ByteVec(8, 1)}) {
    CHECK_FALSE(read({octets(CfgAttr::kAddressExpiry, bad)}).expires_after);
  }
}

TEST_CASE("MC-05: what is asked for, and the address that we had") {
  ConfigWishes wishes;
  CfgPayload request = mode_config_request(7, wishes);
  CHECK(request.identifier == 7);
  REQUIRE(request.find(CfgAttr::kIp4Address));
  CHECK(request.find(CfgAttr::kIp4Address)->value.empty());
  for (const CfgAttr attr : {CfgAttr::kIp6Address, CfgAttr::kUnityBanner, CfgAttr::kUnityFwType,
                             CfgAttr::kApplicationVersion, CfgAttr::kUnityDdnsHostname}) {
    CHECK(request.find(attr) == nullptr);
  }
  wishes.ip6 = wishes.unity = wishes.local_lan = true;
  wishes.previous = {*IpAddress::parse("10.1.2.3"), *IpAddress::parse("fd00::5")};
  wishes.ddns_hostname = "laptop";
  request = mode_config_request(7, wishes);
  CHECK(request.find(CfgAttr::kIp4Address)->value == ByteVec{10, 1, 2, 3});
  REQUIRE(request.find(CfgAttr::kIp6Address));
  CHECK(request.find(CfgAttr::kIp6Address)->value == v6("fd00::5"));
  REQUIRE(request.find(CfgAttr::kUnityLocalLan));
  CHECK(request.find(CfgAttr::kUnityDdnsHostname)->value.size() == 6);
  CHECK(request.find(CfgAttr::kUnityFwType) == nullptr);  // nobody here has a firewall to report
}

TEST_CASE("MC-04, MC-06, MC-17: what a gateway that asks is told") {
  const CfgPayload request{
      CfgType::kRequest,
      4,
      {text(CfgAttr::kApplicationVersion, ""), text(CfgAttr::kIp4Address, ""),
       text(CfgAttr::kSupportedAttributes, ""), text(CfgAttr::kUnityDdnsHostname, "")}};
  const CfgPayload silent = mode_config_reply(request, {});
  CHECK(silent.type == CfgType::kReply);
  CHECK(silent.identifier == 4);
  REQUIRE(silent.attributes.size() == 1);  // no name of this machine, no version
  const ByteVec& known = silent.attributes[0].value;
  CHECK(silent.attributes[0].type == n(CfgAttr::kSupportedAttributes));
  CHECK(known.size() % 2 == 0);
  CHECK(known[0] == 0);
  CHECK(known[1] == n(CfgAttr::kIp4Address));
  ConfigWishes wishes;
  wishes.application_version = "godwit";
  const CfgPayload told = mode_config_reply(request, wishes);
  REQUIRE(told.find(CfgAttr::kApplicationVersion));
  CHECK(told.find(CfgAttr::kApplicationVersion)->value.size() == 6);
  CHECK(mode_config_reply({CfgType::kRequest, 4, {}}, wishes).attributes.empty());
}
