// XAuth and Mode Config between phase 1 and Quick Mode.
#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using ike::CfgAttr;
using ike::CfgType;
using ike::PayloadType;

ike::CfgPayload cfg_of(const Letter& letter) {
  const auto cfg = ike::decode_cfg(letter.body(PayloadType::kAttributes));
  REQUIRE(cfg);
  return *cfg;
}

TEST_CASE("xauth, then mode config, then quick mode") {
  Run w(with_xauth(aggressive()));
  w.start();
  CAPTURE(w.ladder());
  // <-- HDR*, HASH, ATTR(REQUEST: USER_NAME, USER_PASSWORD)
  REQUIRE(w.run_until([&] { return w.forms() == 1; }, 5s));
  CHECK(w.status().stage == session::Stage::kXauth);
  CHECK(cfg_of(w.last_said()).type == CfgType::kRequest);
  // HDR*, HASH, ATTR(REPLY: USER_NAME, USER_PASSWORD) -->
  REQUIRE(w.deliver_to_gateway());
  CHECK(w.last_heard().types() == "HASH ATTR");
  auto cfg = cfg_of(w.last_heard());
  CHECK(cfg.type == CfgType::kReply);
  CHECK(cfg.find(CfgAttr::kXauthType) == nullptr);  // XA-05: absent in, absent out
  REQUIRE(cfg.find(CfgAttr::kXauthUserName));
  CHECK(cfg.find(CfgAttr::kXauthUserName)->value == ByteVec{'a', 'l', 'i', 'c', 'e'});
  // <-- HDR*, HASH, ATTR(SET: STATUS=OK)
  REQUIRE(w.deliver_to_client());
  // HDR*, HASH, ATTR(ACK) --> without attributes (XA-08)
  REQUIRE(w.deliver_to_gateway());
  cfg = cfg_of(w.last_heard());
  CHECK(cfg.type == CfgType::kAck);
  CHECK(cfg.attributes.empty());
  CHECK(w.event<session::UserAccepted>());
  // HDR*, HASH, ATTR(REQUEST: ADDRESS, ...) -->
  REQUIRE(w.run_until(
      [&] {
        return w.last_heard().header.exchange == ike::Exchange::kTransaction &&
               cfg_of(w.last_heard()).type == CfgType::kRequest;
      },
      5s));
  cfg = cfg_of(w.last_heard());
  CHECK(cfg.find(CfgAttr::kIp4Address));
  CHECK(cfg.find(CfgAttr::kIp4Netmask));
  CHECK(cfg.find(CfgAttr::kIp4Dns));
  REQUIRE(w.run_until([&] { return w.up(); }, 5s));
  CHECK(w.tunnel()->addresses.front().address() == IpAddress::v4(0x0a090002));
  CHECK(w.tunnel()->routes == std::vector<Prefix>{*Prefix::parse("10.1.0.0/16")});
  CHECK(w.tunnel()->dns == std::vector<IpAddress>{*IpAddress::parse("10.1.0.53")});
  CHECK(w.event<session::AddressAssigned>()->default_domain == "office.example");
  REQUIRE(w.event<session::GatewayMessage>());
  CHECK(w.event<session::GatewayMessage>()->text == "Welcome");
  CHECK(w.ping());
}

TEST_CASE("main mode with xauth, and a gateway that names the type") {
  auto config = with_xauth();
  config.gateway.xauth_type = true;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  for (const Letter& letter : w.gateway().letters()) {
    if (!letter.heard || letter.header.exchange != ike::Exchange::kTransaction) continue;
    const auto cfg = cfg_of(letter);
    if (cfg.type == CfgType::kReply) CHECK(cfg.find(CfgAttr::kXauthType));
  }
  CHECK(w.ping());
}

TEST_CASE("the user is wrong") {
  auto config = with_xauth();
  config.user.password = "hatter";
  SUBCASE("once") { config.gateway.xauth_tries = 1; }
  SUBCASE("three times") { config.gateway.xauth_tries = 3; }
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
  CHECK(cause_is(w, session::EndCause::kUserRejected));
  CHECK(w.forms() == static_cast<std::size_t>(config.gateway.xauth_tries));
}

TEST_CASE("nobody can answer") {
  auto config = with_xauth();
  config.user.kind = User::Kind::kCannot;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
  CHECK(cause_is(w, session::EndCause::kInputNeeded));
}

TEST_CASE("a slow user is waited for") {
  auto config = with_xauth();
  config.user.delay = 40s;
  Run w(config);
  CAPTURE(w.ladder());
  CHECK(w.connect(120s));
  CHECK(w.forms() == 1);
}

TEST_CASE("success before anything was asked is not believed") {
  auto config = with_xauth();
  config.gateway.lies.early_success = true;  // XA-10
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  w.run_until([&] { return w.finished().has_value() || w.up(); }, 120s);
  CHECK_FALSE(w.up());
}

TEST_CASE("addresses that cannot be used") {
  WorldConfig config;
  config.gateway.lies.bad_address = true;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
  CHECK(cause_is(w, session::EndCause::kNoAddress));
}

TEST_CASE("no split networks make a full tunnel") {
  WorldConfig config;
  config.gateway.split.clear();
  config.gateway.networks.clear();
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->routes == std::vector<Prefix>{Prefix{}});
  CHECK(w.ping());
}

TEST_CASE("several split networks") {
  WorldConfig config;
  config.gateway.split = {*Prefix::parse("10.1.0.0/16"), *Prefix::parse("10.2.0.0/16"),
                          *Prefix::parse("172.20.4.0/22")};
  config.gateway.networks = config.gateway.split;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->routes == config.gateway.split);
  CHECK(w.ping());
  CHECK(w.ping_from_office());
}

TEST_CASE("networks that the profile adds, and those that it keeps out") {
  WorldConfig config;
  config.gateway.split = {*Prefix::parse("10.1.0.0/16")};
  config.profile.more_networks = {*Prefix::parse("10.2.0.0/16"), *Prefix::parse("10.1.0.0/16")};
  config.profile.excluded_networks = {*Prefix::parse("10.1.7.0/24")};
  config.gateway.networks = {*Prefix::parse("10.1.0.0/16"), *Prefix::parse("10.2.0.0/16")};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->routes == config.gateway.networks);
  CHECK(w.tunnel()->excluded == config.profile.excluded_networks);
  CHECK(w.ping());
}

TEST_CASE("a network that the profile adds to everything makes no split tunnel") {
  WorldConfig config;
  config.gateway.split.clear();
  config.profile.more_networks = {*Prefix::parse("10.2.0.0/16")};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->routes == std::vector<Prefix>{Prefix{}, *Prefix::parse("10.2.0.0/16")});
  CHECK(w.ping());
}

TEST_CASE("networks named by INTERNAL_IP4_SUBNET are the tunnel's") {
  WorldConfig config;
  config.gateway.split.clear();
  config.gateway.extra_attributes = {ike::Attribute::octets(
      static_cast<std::uint16_t>(CfgAttr::kIp4Subnet), ByteVec{10, 1, 0, 0, 255, 255, 0, 0})};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->routes == std::vector<Prefix>{*Prefix::parse("10.1.0.0/16")});
  CHECK(w.ping());
}

TEST_CASE("mode config turned off") {
  WorldConfig config;
  config.profile.mode_config = config::ConfigMode::kOff;
  config.profile.address = *IpAddress::parse("10.9.0.77");
  config.profile.networks = {*Prefix::parse("10.1.0.0/16")};
  config.gateway.mode_config = false;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.ping());
  for (const Letter& letter : w.gateway().letters()) {
    CHECK(letter.header.exchange != ike::Exchange::kTransaction);
  }
}

}  // namespace
}  // namespace godwit::sim
