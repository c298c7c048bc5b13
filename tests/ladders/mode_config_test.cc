// Mode Config beyond one IPv4 address: both families, push, leases, and what Quick Mode is asked
// for behind it.
#include <algorithm>

#include "tests/ladders/support.h"
#include "tests/support/packets.h"

namespace godwit::sim {
namespace {

using ike::CfgAttr;
using ike::CfgType;
using ike::PayloadType;
using Networks = GatewayConfig::Networks;

constexpr std::uint16_t n(CfgAttr attr) { return static_cast<std::uint16_t>(attr); }

Prefix prefix(const char* text) { return *Prefix::parse(text); }

// What the gateway read of that type, in order.
std::vector<ike::CfgPayload> heard(World& w, CfgType type) {
  std::vector<ike::CfgPayload> out;
  for (const Letter& letter : w.gateway().letters()) {
    if (!letter.heard || letter.header.exchange != ike::Exchange::kTransaction) continue;
    const auto cfg = ike::decode_cfg(letter.body(PayloadType::kAttributes));
    REQUIRE(cfg);
    if (cfg->type == type) out.push_back(*cfg);
  }
  return out;
}

// What first messages of Quick Mode asked for.
std::vector<Prefix> asked_for(World& w) {
  std::vector<Prefix> out;
  for (const Letter& letter : w.gateway().letters()) {
    if (!letter.heard || letter.header.exchange != ike::Exchange::kQuick) continue;
    if (letter.count(PayloadType::kId) != 2) continue;
    out.push_back(*ike::decode_id(letter.body(PayloadType::kId, 1))->as_prefix());
  }
  return out;
}

// At the gateway, which has the last one when message 3 has arrived.
std::size_t pairs(World& w) {
  w.run_for(1s);
  return w.gateway().child_count();
}

WorldConfig both_families(WorldConfig config = {}) {
  config.gateway.pool6 = prefix("fd00:60::/64");
  config.gateway.split = {prefix("10.1.0.0/16"), prefix("fd00:50::/64")};
  config.gateway.networks = config.gateway.split;
  return config;
}

ike::Attribute subnet(std::uint8_t second) {
  return ike::Attribute::octets(n(CfgAttr::kIp4Subnet), ByteVec{10, second, 0, 0, 255, 255, 0, 0});
}

// A gateway without Unity that names two networks.
WorldConfig two_subnets() {
  WorldConfig config;
  config.gateway.unity = false;
  config.gateway.extra_attributes = {subnet(1), subnet(2)};
  config.gateway.networks = {prefix("10.1.0.0/16"), prefix("10.2.0.0/16")};
  return config;
}

TEST_CASE("MC-08, QM-09: an address of each family, and a pair of ESP SAs for each") {
  auto config = both_families();
  SUBCASE("main") {}
  SUBCASE("aggressive, with xauth") { config = both_families(with_xauth(aggressive())); }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.tunnel()->addresses.size() == 2);
  CHECK(w.tunnel()->addresses[0] == prefix("10.9.0.2/32"));
  CHECK(w.tunnel()->addresses[1] == prefix("fd00:60::2/128"));
  CHECK(w.tunnel()->routes == config.gateway.split);
  CHECK(asked_for(w) == std::vector<Prefix>{Prefix{}, prefix("fd00:50::/64")});
  CHECK(pairs(w) == 2);
  CHECK(w.ping());
  test::Inner inner;
  inner.source = *IpAddress::parse("fd00:60::2");
  inner.destination = *IpAddress::parse("fd00:50::9");
  const ByteVec packet = test::ip_packet(inner);
  REQUIRE(w.send_inner(packet));
  w.run_for(1s);
  const auto& received = w.gateway().received();
  CHECK(std::ranges::find(received, packet) != received.end());
  CHECK(w.status().networks.size() == 2);
}

TEST_CASE("an IPv6 address alone") {
  auto config = both_families();
  config.gateway.split = {prefix("fd00:50::/64")};
  config.gateway.lies.bad_address = true;  // 127.0.0.1, beside a good one
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->addresses == std::vector<Prefix>{prefix("fd00:60::2/128")});
  CHECK(w.tunnel()->routes == std::vector<Prefix>{prefix("fd00:50::/64")});
}

TEST_CASE("a full tunnel of both families asks for everything of both") {
  auto config = both_families();
  config.gateway.split.clear();
  config.gateway.networks.clear();
  config.profile.mtu = 1200;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->routes == std::vector<Prefix>{Prefix{}, prefix("::/0")});
  CHECK(w.tunnel()->mtu == limits::kIpv6MtuMin);  // RFC 8200 5
}

TEST_CASE("a gateway that carries no IPv6 does not cost the IPv4 tunnel") {
  auto config = both_families();
  config.gateway.networks = {prefix("10.1.0.0/16")};
  config.gateway.asked_for = Networks::kOnlyNamed;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  // Each family both ways.
  CHECK(asked_for(w) == std::vector<Prefix>{Prefix{}, prefix("10.1.0.0/16"), prefix("fd00:50::/64"),
                                            prefix("::/0")});
  CHECK(w.tunnel()->addresses == std::vector<Prefix>{prefix("10.9.0.2/32")});
  CHECK(w.tunnel()->routes == std::vector<Prefix>{prefix("10.1.0.0/16")});
  REQUIRE(w.event<session::FamilyRefused>());
  CHECK(w.event<session::FamilyRefused>()->reason.cause == session::EndCause::kSelectorsRefused);
  CHECK(w.ping());
}

TEST_CASE("the profile does not ask for IPv6") {
  auto config = both_families();
  config.profile.ask_ipv6 = false;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(heard(w, CfgType::kRequest).at(0).find(CfgAttr::kIp6Address) == nullptr);
  CHECK(w.tunnel()->addresses.size() == 1);
}

TEST_CASE("the profile's networks decide about families, too") {
  auto config = both_families();
  config.profile.networks = {prefix("fd00:50::/64")};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->routes == config.profile.networks);
  CHECK(w.tunnel()->addresses == std::vector<Prefix>{prefix("fd00:60::2/128")});
}

TEST_CASE("the profile's networks are of a family without an address") {
  WorldConfig config;
  config.profile.networks = {prefix("fd00:50::/64")};
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
  CHECK(cause_is(w, session::EndCause::kNoAddress));
}

TEST_CASE("mode config turned off, with an IPv6 address") {
  WorldConfig config;
  config.profile.mode_config = config::ConfigMode::kOff;
  config.profile.address = *IpAddress::parse("fd00:60::77");
  config.profile.networks = {prefix("fd00:50::/64")};
  config.gateway.mode_config = false;
  config.gateway.networks = config.profile.networks;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.up() || w.finished(); }, 90s));
  // The simulated gateway knows no such client; what it was asked for counts.
  CHECK(asked_for(w).front() == prefix("fd00:50::/64"));
}

TEST_CASE("QM-09: one pair for all is refused, one for each network is tried") {
  WorldConfig config;
  config.gateway.split = {prefix("10.1.0.0/16"), prefix("10.2.0.0/16")};
  config.gateway.networks = config.gateway.split;
  config.gateway.asked_for = Networks::kOnlyNamed;
  SUBCASE("the refusal names the SPI") {}
  SUBCASE("it does not") { config.gateway.error_spi = false; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect(20s));
  CHECK(asked_for(w) ==
        std::vector<Prefix>{Prefix{}, prefix("10.1.0.0/16"), prefix("10.2.0.0/16")});
  CHECK(w.tunnel()->routes == config.gateway.split);
  CHECK(pairs(w) == 2);
  CHECK(w.ping());
}

TEST_CASE("one pair for each network is refused, one for all is tried") {
  auto config = two_subnets();
  config.gateway.asked_for = Networks::kOnlyEverything;
  SUBCASE("the refusal names the SPI") {}
  SUBCASE("it does not") { config.gateway.error_spi = false; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect(20s));
  CHECK(asked_for(w) ==
        std::vector<Prefix>{prefix("10.1.0.0/16"), prefix("10.2.0.0/16"), Prefix{}});
  CHECK(w.tunnel()->routes == config.gateway.networks);
  CHECK(pairs(w) == 1);
  CHECK(w.ping());
}

TEST_CASE("one of two networks is refused: what was agreed on is deleted before the other way") {
  auto config = two_subnets();
  config.gateway.networks = {prefix("10.2.0.0/16"), prefix("10.3.0.0/16")};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect(20s));
  CHECK(asked_for(w).size() == 3);
  CHECK(w.tunnel()->routes == std::vector<Prefix>{prefix("10.1.0.0/16"), prefix("10.2.0.0/16")});
  CHECK(pairs(w) == 1);
}

TEST_CASE("both ways are refused, and the first refusal is told") {
  auto config = two_subnets();
  config.gateway.networks = {prefix("10.7.0.0/16")};
  config.gateway.asked_for = Networks::kOnlyNamed;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 20s));
  CHECK(cause_is(w, session::EndCause::kSelectorsRefused));
  CHECK(asked_for(w).size() == 3);
}

TEST_CASE("the profile says how many pairs of ESP SAs there are") {
  auto config = two_subnets();
  SUBCASE("one") {
    config.profile.phase2 = config::PhaseTwo::kOne;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect(20s));
    CHECK(asked_for(w) == std::vector<Prefix>{Prefix{}});
    CHECK(w.tunnel()->routes == config.gateway.networks);
  }
  SUBCASE("one for each, although the gateway speaks Unity") {
    config.gateway.unity = true;
    config.gateway.split = config.gateway.networks;
    config.profile.phase2 = config::PhaseTwo::kPerNetwork;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect(20s));
    CHECK(asked_for(w) == config.gateway.networks);
  }
  SUBCASE("one, and the gateway refuses it") {
    config.profile.phase2 = config::PhaseTwo::kOne;
    config.gateway.asked_for = Networks::kOnlyNamed;
    Run w(config);
    CAPTURE(w.ladder());
    w.start();
    REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 20s));
    CHECK(cause_is(w, session::EndCause::kSelectorsRefused));
    CHECK(asked_for(w).size() == 1);
  }
}

TEST_CASE("QM-09, QM-16: a narrower answer is what the tunnel carries, and what may be rekeyed") {
  WorldConfig config;
  config.gateway.unity = false;
  config.gateway.split.clear();
  config.gateway.networks = {prefix("10.1.0.0/16")};
  config.gateway.narrows = true;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect(20s));
  CHECK(asked_for(w) == std::vector<Prefix>{Prefix{}});
  CHECK(w.tunnel()->routes == config.gateway.networks);
  CHECK(w.ping());
  REQUIRE(
      w.gateway_does([](Gateway& g, Instant now, Outbox& out) { return g.start_rekey(now, out); }));
  REQUIRE(w.run_until([&] { return w.status().rekeys == 1; }, 10s));
  CHECK(w.ping());
}

TEST_CASE("networks that overlap have pairs of their own") {
  auto config = two_subnets();
  config.gateway.extra_attributes = {
      ike::Attribute::octets(n(CfgAttr::kIp4Subnet), ByteVec{10, 0, 0, 0, 255, 0, 0, 0}), subnet(1),
      subnet(1)};
  config.gateway.networks = {prefix("10.0.0.0/8")};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect(20s));
  CHECK(pairs(w) == 2);
  CHECK(w.tunnel()->routes == std::vector<Prefix>{prefix("10.0.0.0/8"), prefix("10.1.0.0/16")});
  CHECK(w.ping());
}

TEST_CASE("MC-14: a gateway that pushes the configuration") {
  auto config = both_families();
  bool asks = true;
  SUBCASE("main, and we are told so") {
    config.profile.mode_config = config::ConfigMode::kPush;
    asks = false;
  }
  SUBCASE("main, and we ask as well") {}
  SUBCASE("aggressive, with xauth") {
    config = both_families(with_xauth(aggressive()));
    config.profile.mode_config = config::ConfigMode::kPush;
    asks = false;
  }
  config.gateway.push = true;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect(20s));
  // MC-04: HDR*, HASH, ATTR(ACK) --> the attributes, without their values.
  const auto acks = heard(w, CfgType::kAck);
  REQUIRE(!acks.empty());
  CHECK(acks.back().identifier == 77);
  CHECK(acks.back().find(CfgAttr::kIp6Address));
  for (const auto& attribute : acks.back().attributes) CHECK(attribute.value.empty());
  CHECK(w.tunnel()->addresses.size() == 2);
  CHECK(w.tunnel()->routes == config.gateway.split);
  CHECK(w.ping());
  if (!asks) {
    for (const Letter& letter : w.gateway().letters()) {
      if (!letter.heard || letter.header.exchange != ike::Exchange::kTransaction) continue;
      CHECK(ike::decode_cfg(letter.body(PayloadType::kAttributes))->type != CfgType::kRequest);
    }
  }
}

TEST_CASE("MC-14: what is pushed is not taken where the profile says pull") {
  WorldConfig config;
  config.profile.mode_config = config::ConfigMode::kPull;
  config.gateway.push = true;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return !heard(w, CfgType::kAck).empty(); }, 10s));
  CHECK(heard(w, CfgType::kAck).at(0).attributes.empty());
  REQUIRE(w.run_until([&] { return w.finished() || w.up(); }, 120s));
  CHECK(cause_is(w, session::EndCause::kNoAddress));
}

TEST_CASE("a gateway that is waited for and pushes nothing") {
  WorldConfig config;
  config.profile.mode_config = config::ConfigMode::kPush;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.finished() || w.up(); }, 120s));
  CHECK(cause_is(w, session::EndCause::kNoAddress));
}

TEST_CASE("another attempt of the same connect asks for the address of the first") {
  auto config = both_families();
  config.gateway.silent_from = Step::kQuick;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return heard(w, CfgType::kRequest).size() == 1; }, 10s));
  CHECK(heard(w, CfgType::kRequest)[0].find(CfgAttr::kIp4Address)->value.empty());
  REQUIRE(w.run_until([&] { return heard(w, CfgType::kRequest).size() == 2; }, 88s));
  const auto again = heard(w, CfgType::kRequest)[1];
  CHECK(again.find(CfgAttr::kIp4Address)->value == ByteVec{10, 9, 0, 2});
  CHECK(again.find(CfgAttr::kIp6Address)->value.back() == 2);
}

TEST_CASE("MC-07: an address that runs out is asked for again before, under the same SA") {
  WorldConfig config;
  config.gateway.extra_attributes = {ike::Attribute::number32(n(CfgAttr::kAddressExpiry), 600)};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.status().address_expires_in);
  CHECK(*w.status().address_expires_in > 590s);
  w.run_for(30min);
  const auto requests = heard(w, CfgType::kRequest);
  CHECK(requests.size() == 4);  // at the start, and each 480 s
  CHECK(requests.back().find(CfgAttr::kIp4Address)->value == ByteVec{10, 9, 0, 2});
  CHECK(w.gateway().ike_count() == 1);
  CHECK(w.event_count<session::Phase1Started>() == 1);
  CHECK(w.ping());
}

TEST_CASE("MC-07: an address that is not renewed costs the SA, and the next one asks for it") {
  WorldConfig config;
  config.gateway.extra_attributes = {ike::Attribute::number32(n(CfgAttr::kAddressExpiry), 600)};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.gateway().config().push = true;  // answers no request any more
  w.run_for(580s);
  CHECK(w.event_count<session::Phase1Started>() == 1);
  w.gateway().config().push = false;
  w.run_for(60s);
  CHECK(w.event_count<session::Phase1Started>() == 2);
  CHECK(heard(w, CfgType::kRequest).back().find(CfgAttr::kIp4Address)->value ==
        ByteVec{10, 9, 0, 2});
  CHECK(w.ping());
}

TEST_CASE("Unity PFS: the gateway asks for it, and phase 1's group serves") {
  WorldConfig config;
  config.gateway.extra_attributes = {ike::Attribute::number16(n(CfgAttr::kUnityPfs), 1)};
  config.gateway.pfs = crypto::DhGroup::kEcp256;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect(20s));
  CHECK(w.ping());
  CHECK(w.status().pfs_wanted);
}

TEST_CASE("MC-11: networks outside the tunnel need the profile's word") {
  WorldConfig config;
  ByteVec lan = {10, 1, 7, 0, 255, 255, 255, 0};
  lan.resize(14);
  config.gateway.extra_attributes = {ike::Attribute::octets(n(CfgAttr::kUnityLocalLan), lan)};
  SUBCASE("not said") {
    Run w(config);
    REQUIRE(w.connect(20s));
    CHECK(w.tunnel()->excluded.empty());
    CHECK(heard(w, CfgType::kRequest)[0].find(CfgAttr::kUnityLocalLan) == nullptr);
  }
  SUBCASE("said") {
    config.profile.local_lan = true;
    Run w(config);
    REQUIRE(w.connect(20s));
    CHECK(w.tunnel()->excluded == std::vector<Prefix>{prefix("10.1.7.0/24")});
    CHECK(heard(w, CfgType::kRequest)[0].find(CfgAttr::kUnityLocalLan));
  }
}

}  // namespace
}  // namespace godwit::sim
