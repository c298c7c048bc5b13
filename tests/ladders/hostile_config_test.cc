// What a gateway may ask and say in XAuth and Mode Config (H14, H15, H16), and the real cases B03,
// B18 and A22: credentials that leave too early, questions nobody allowed, texts that are commands.
#include <array>

#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using ike::Attribute;
using ike::CfgAttr;
using ike::CfgType;
using ike::PayloadType;
using session::EndCause;

constexpr std::uint16_t n(CfgAttr attr) { return static_cast<std::uint16_t>(attr); }

ByteVec text(std::string_view value) { return {value.begin(), value.end()}; }

bool printable(std::string_view shown) {
  return std::ranges::all_of(shown, [](char c) { return (c >= ' ' && c <= '~') || c == '\n'; });
}

Gateway::Rest xauth_request(std::vector<Attribute> attributes) {
  return {{PayloadType::kAttributes, ike::encode_cfg({CfgType::kRequest, 9, attributes})}};
}

Gateway::Rest xauth_status(std::uint16_t status) {
  return {{PayloadType::kAttributes,
           ike::encode_cfg(
               {CfgType::kSet, 9, {Attribute::number16(n(CfgAttr::kXauthStatus), status)}})}};
}

bool say(World& w, const Gateway::Rest& rest) {
  return w.gateway_does([&](Gateway& g, Instant now, Outbox& out) {
    return g.send_authentic(ike::Exchange::kTransaction, rest, now, out);
  });
}

// The gateway's answer in Mode Config, changed before it leaves.
auto configuring(std::function<void(std::vector<Attribute>&)> change) {
  return replacing(PayloadType::kAttributes, [change](ByteVec& body) {
    auto cfg = ike::decode_cfg(body);
    if (!cfg || cfg->type != CfgType::kReply) return;
    change(cfg->attributes);
    body = ike::encode_cfg(*cfg);
  });
}

auto answering(CfgAttr attr, const ByteVec& value) {
  return configuring([attr, value](std::vector<Attribute>& attributes) {
    std::erase_if(attributes, [&](const Attribute& a) { return a.type == n(attr); });
    attributes.push_back(Attribute::octets(n(attr), value));
  });
}

TEST_CASE("H14, A25: XAuth, Mode Config and R-U-THERE before the gateway has proved itself") {
  Run w(with_xauth());
  CAPTURE(w.ladder());
  w.start();
  // The gateway is through with phase 1; its message 6 is lost once, what follows is not.
  bool lost = false;
  w.tap = [&](Flight& flight) {
    if (!flight.to_client || lost || !is_encrypted(w, flight)) return true;
    lost = true;
    return false;
  };
  REQUIRE(w.run_until([&] { return lost; }, 5s));
  const std::uint64_t drops = w.total_drops();
  const std::size_t sent = w.sent().size();
  ike::NotifyPayload query;
  query.type = ike::Notify::kDpdRUThere;
  query.spi = ByteVec(16);
  query.data = ByteVec(4);
  CHECK(say(w, xauth_request({Attribute::octets(n(CfgAttr::kXauthUserPassword), {})})));
  CHECK(say(w, xauth_status(1)));
  CHECK(say(
      w,
      {{PayloadType::kAttributes,
        ike::encode_cfg({CfgType::kReply,
                         1,
                         {Attribute::octets(n(CfgAttr::kIp4Address), ByteVec{10, 9, 0, 9})}})}}));
  CHECK(w.gateway_does([&](Gateway& g, Instant now, Outbox& out) {
    return g.send_authentic(ike::Exchange::kInformational,
                            {{PayloadType::kNotify, ike::encode_notify(query)}}, now, out);
  }));
  w.run_for(200ms);
  CHECK(w.total_drops() >= drops + 4);
  CHECK(w.sent().size() == sent);
  CHECK(w.forms() == 0);
  CHECK(w.status().stage == session::Stage::kPhase1Auth);
  REQUIRE(w.run_until([&] { return w.up(); }, 30s));
  CHECK(w.forms() == 1);
  CHECK(w.ping());
}

TEST_CASE("H14: success that nothing led to, before the question and while it is open") {
  auto config = with_xauth();
  config.user.delay = 5s;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  std::size_t told = 0;
  const auto tell = [&] { told += say(w, xauth_status(1)) ? 1u : 0u; };
  REQUIRE(w.run_until([&] { return w.forms() == 1; }, 5s));
  for (int i = 0; i < 20; ++i) {
    tell();
    w.run_for(100ms);
  }
  CHECK(told == 20);
  CHECK_FALSE(w.event<session::UserAccepted>());
  CHECK_FALSE(w.up());
  REQUIRE(w.run_until([&] { return w.up(); }, 30s));
  CHECK(w.forms() == 1);
  CHECK(w.ping());
}

TEST_CASE("H14, B02: a gateway that says success and never asks") {
  auto config = with_xauth();
  config.gateway.lies.early_success = true;  // XA-10
  for (const bool aggressive_mode : {false, true}) {
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    CHECK(ended_unanswered(end_of_connect(w)));
    CHECK(w.forms() == 0);
    CHECK_FALSE(w.tunnel());
    CHECK_FALSE(w.event<session::UserAccepted>());
  }
}

TEST_CASE("H14: nine questions for one password") {
  auto config = with_xauth();
  config.user.password = "hatter";
  config.gateway.xauth_tries = 1000;
  Run w(config);
  CAPTURE(w.ladder());
  CHECK(end_of_connect(w) == EndCause::kUserRejected);
  CHECK(w.forms() == 1 + limits::kXauthRetriesMax);
}

TEST_CASE("H14, A17: a question of 20,000 octets with escape codes is asked once") {
  auto config = with_xauth();
  for (int i = 0; i < 2000; ++i) config.gateway.xauth_message += "\x1b]0;x\x07\x1b[2J";
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.forms() == 1);
  CHECK(w.ping());
}

// A rogue gateway that does not know the key asks all the same.
TEST_CASE("B03: no credential leaves before the gateway has proved itself") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = with_xauth();
    config.profile.aggressive = aggressive_mode;
    config.profile.user = "alice";
    SUBCASE("HASH_R is wrong") { config.gateway.lies.wrong_hash_r = true; }
    SUBCASE("another key") { config.gateway.psk = "halibut"; }
    SUBCASE("another identity") {
      config.profile.remote_id = {config::Identity::Type::kFqdn, "gw.example"};
    }
    Run w(config);
    CAPTURE(w.ladder());
    const auto cause = end_of_connect(w);
    REQUIRE(cause);
    CHECK(*cause != EndCause::kUserRejected);
    CHECK(w.forms() == 0);
    CHECK(sent_of(w, ike::Exchange::kTransaction) == 0);
  }
}

// The group's key is known to every user: who has it could ask for passwords.
TEST_CASE("B18: a question that the profile does not allow reaches nobody") {
  for (const CfgAttr attr : {CfgAttr::kXauthUserPassword, CfgAttr::kXauthPasscode,
                             CfgAttr::kXauthNextPin, CfgAttr::kXauthAnswer}) {
    Run w;
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(1s);
    REQUIRE(say(w, xauth_request({Attribute::octets(n(attr), {})})));
    w.run_for(1s);
    CHECK(w.forms() == 0);
    const auto cfg = ike::decode_cfg(w.last_heard().body(PayloadType::kAttributes));
    if (cfg) CHECK(cfg->find(attr) == nullptr);
    CHECK(w.ping());
  }
}

TEST_CASE("H15: addresses that are none, or not ours to have") {
  const std::array<ByteVec, 8> useless = {ByteVec{0, 0, 0, 0},
                                          ByteVec{127, 0, 0, 1},
                                          ByteVec{224, 0, 0, 1},
                                          ByteVec{255, 255, 255, 255},
                                          ByteVec{10, 9, 0},
                                          ByteVec{10, 9, 0, 2, 1},
                                          ByteVec{},
                                          ByteVec(16, 0x20)};
  for (const ByteVec& value : useless) {
    WorldConfig config;
    config.gateway.edit = answering(CfgAttr::kIp4Address, value);
    Run w(config);
    CAPTURE(w.ladder());
    CHECK(end_of_connect(w) == EndCause::kNoAddress);
  }
}

TEST_CASE("H15: our own physical address, and the gateway's, are no inner addresses") {
  for (const ByteVec& value : {ByteVec{192, 168, 7, 20}, ByteVec{203, 0, 113, 1}}) {
    WorldConfig config;
    config.gateway.edit = answering(CfgAttr::kIp4Address, value);
    Run w(config);
    CAPTURE(w.ladder());
    CHECK(end_of_connect(w) == EndCause::kNoAddress);
    CHECK_FALSE(w.tunnel());
  }
}

TEST_CASE("H15: of two addresses the first counts, a netmask with a hole does not") {
  WorldConfig config;
  config.gateway.edit = configuring([](std::vector<Attribute>& attributes) {
    attributes.push_back(Attribute::octets(n(CfgAttr::kIp4Address), ByteVec{10, 9, 0, 99}));
    std::erase_if(attributes, [](const Attribute& a) { return a.type == n(CfgAttr::kIp4Netmask); });
    attributes.push_back(Attribute::octets(n(CfgAttr::kIp4Netmask), ByteVec{255, 0, 255, 0}));
  });
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->addresses == std::vector<Prefix>{*Prefix::parse("10.9.0.2/32")});
  CHECK(w.ping());
}

ByteVec split_list(std::size_t entries) {
  ByteVec out;
  for (std::size_t i = 0; i < entries; ++i) {
    append(out, ByteVec{172, static_cast<std::uint8_t>(16 + i / 256), static_cast<std::uint8_t>(i),
                        0, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0});
  }
  return out;
}

// Fails towards the tunnel, never past it: what cannot be taken whole means everything.
TEST_CASE("H16: a split list of 13 octets, with 0/0, or of too many entries is the full tunnel") {
  const ByteVec everything(14);
  ByteVec with_everything = split_list(3);
  append(with_everything, everything);
  for (const ByteVec& list : {ByteVec(13), everything, with_everything,
                              split_list(limits::kSplitNetworksMax + 1), split_list(2200)}) {
    WorldConfig config;
    config.gateway.networks.clear();
    config.gateway.edit = answering(CfgAttr::kUnitySplitInclude, list);
    Run w(config);
    CAPTURE(w.ladder());
    CAPTURE(list.size());
    REQUIRE(w.connect());
    CHECK(w.tunnel()->routes == std::vector<Prefix>{Prefix{}});
    CHECK(w.ping());
  }
}

TEST_CASE("H16: thousands of split networks") {
  WorldConfig config;
  config.gateway.lies.many_networks = true;
  config.gateway.networks.clear();
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->routes == std::vector<Prefix>{Prefix{}});
  CHECK(w.ping());
  CHECK(w.gateway().quick_modes() == 1);
}

TEST_CASE("H16: a split network over the laptop's own LAN is one network among others") {
  WorldConfig config;
  config.gateway.split = {*Prefix::parse("192.168.7.0/24"), *Prefix::parse("10.1.0.0/16")};
  config.gateway.networks = config.gateway.split;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.tunnel()->routes == config.gateway.split);
  CHECK(w.tunnel()->gateway == w.gateway_endpoint(true).address);
  CHECK(w.ping());
}

TEST_CASE("H16, A22: domain, split DNS and banner that are commands, or 12,000 octets of noise") {
  ByteVec binary(12'000);
  for (std::size_t i = 0; i < binary.size(); ++i) binary[i] = static_cast<std::uint8_t>(i);
  for (const ByteVec& value :
       {text("x.example;rm -rf /"), text("$(id)"), text("`id`"), text("a\nnameserver 192.0.2.1"),
        text("' || reboot '"), text("\x1b[2J"), text("..."), binary}) {
    WorldConfig config;
    config.gateway.edit = configuring([&](std::vector<Attribute>& attributes) {
      attributes.push_back(Attribute::octets(n(CfgAttr::kUnityDefaultDomain), value));
      attributes.push_back(Attribute::octets(n(CfgAttr::kUnityBanner), value));
    });
    config.gateway.domain.clear();
    config.gateway.banner.clear();
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    for (const std::string& domain : w.tunnel()->search_domains) {
      CHECK(domain.size() < 254);
      CHECK(domain.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-_.") == std::string::npos);
    }
    REQUIRE(w.event<session::GatewayMessage>());
    CHECK(w.event<session::GatewayMessage>()->text.size() <= limits::kBannerMax);
    CHECK(printable(w.event<session::GatewayMessage>()->text));
    CHECK(w.ping());
  }
}

}  // namespace
}  // namespace godwit::sim
