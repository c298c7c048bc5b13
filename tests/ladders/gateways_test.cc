// Other gateways than the profile's first: redirects (Cisco's notify 40501), backups of the
// profile, and those that the gateway named in Mode Config (MC-16).
#include "core/session/gateways.h"

#include <algorithm>

#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using session::EndCause;

const IpAddress kFirst = *IpAddress::parse("203.0.113.1");

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

WorldConfig two_gateways() {
  WorldConfig config = with_xauth();
  config.second = config.gateway;
  return config;
}

ByteVec redirect_body(Bytes address) {
  ike::NotifyPayload notify;
  notify.type = ike::Notify::kLoadBalance;
  notify.data = to_vec(address);
  return ike::encode_notify(notify);
}

PayloadList redirect_to(const IpAddress& address) {
  return {{ike::PayloadType::kNotify, redirect_body(address.bytes())}};
}

// Until the gateway has proved the client's key, which is when a balancer speaks.
bool phase1_done(const Gateway& gateway) {
  return gateway.ike() != nullptr && gateway.ike()->stage >= Ike::Stage::kWaitUser;
}

void start_until_phase1(Run& w) {
  w.start();
  REQUIRE(w.run_until([&] { return phase1_done(w.gateway()); }, 10s));
}

void say(Run& w, const PayloadList& payloads) {
  REQUIRE(w.gateway_does([&](Gateway& g, Instant now, Outbox& out) {
    return g.send_authentic(ike::Exchange::kInformational, payloads, now, out);
  }));
}

bool up_or_finished(Run& w, Duration max = 90s) {
  return w.run_until([&] { return w.up() || w.finished().has_value(); }, max);
}

TEST_CASE("an authentic redirect is followed, and told") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = two_gateways();
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    start_until_phase1(w);
    say(w, redirect_to(kSecondGateway));
    REQUIRE(up_or_finished(w));
    REQUIRE(w.up());
    REQUIRE(w.event<session::GatewayRedirects>());
    CHECK(w.event<session::GatewayRedirects>()->from == kFirst);
    CHECK(w.event<session::GatewayRedirects>()->to == kSecondGateway);
    CHECK(w.status().gateway_origin == session::Gateways::Origin::kRedirect);
    CHECK(w.status().redirects == 1);
    CHECK(w.data_path().peer() == Endpoint{kSecondGateway, 4500});
    CHECK(w.gateway().ike() == nullptr);  // it was told
    CHECK(w.ping());
  }
}

TEST_CASE("a redirect that nobody proved is a hint: it leads nowhere") {
  WorldConfig config = two_gateways();
  SUBCASE("the gateway answers all the same") {
    Run w(config);
    CAPTURE(w.ladder());
    w.start();
    REQUIRE(w.run_until([&] { return w.gateway().ike() != nullptr; }, 10s));
    ike::Header header;
    header.initiator = w.gateway().ike()->in.initiator;
    header.responder = w.gateway().ike()->in.responder;
    header.exchange = ike::Exchange::kInformational;
    header.message_id = MessageId{7};
    ike::ChainBuilder chain;
    chain.add(ike::PayloadType::kNotify, redirect_body(kSecondGateway.bytes()));
    w.inject(session::LocalPort::kIke, w.gateway_endpoint(false),
             ike::encode_message(header, chain));
    REQUIRE(w.event<session::HintReceived>());
    REQUIRE(up_or_finished(w));
    REQUIRE(w.up());
    CHECK(w.status().redirects == 0);
    CHECK(w.data_path().peer()->address == kFirst);
  }
  SUBCASE("the gateway says nothing else") {
    config.gateway.refuse_phase1 = ike::Notify::kLoadBalance;
    Run w(config);
    CAPTURE(w.ladder());
    w.start();
    REQUIRE(up_or_finished(w));
    CHECK(cause_is(w, EndCause::kRedirected));
    CHECK(w.finished()->notify == 40501);
    CHECK(w.second().ike() == nullptr);
  }
}

TEST_CASE("gateways that redirect in a circle are left") {
  Run w(two_gateways());
  CAPTURE(w.ladder());
  start_until_phase1(w);
  say(w, redirect_to(kSecondGateway));
  REQUIRE(w.run_until([&] { return phase1_done(w.second()); }, 10s));
  REQUIRE(w.second_does([&](Gateway& g, Instant now, Outbox& out) {
    return g.send_authentic(ike::Exchange::kInformational, redirect_to(kFirst), now, out);
  }));
  REQUIRE(up_or_finished(w));
  CHECK(cause_is(w, EndCause::kRedirected));
  CHECK(w.finished()->notify == 0);
}

TEST_CASE("a redirect to no usable address is counted and dropped") {
  for (const char* to : {"127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1",
                         "203.0.113.1", "2001:db8::1"}) {
    Run w(two_gateways());
    CAPTURE(w.ladder());
    CAPTURE(to);
    start_until_phase1(w);
    say(w, redirect_to(ip(to)));
    REQUIRE(up_or_finished(w));
    CHECK(w.up());
    CHECK(w.session().counters().of(Drop::kBadRedirect) == 1);
    CHECK(w.data_path().peer()->address == kFirst);
  }
  for (const std::size_t size : {0u, 3u, 5u, 12u}) {
    Run w(two_gateways());
    CAPTURE(size);
    start_until_phase1(w);
    say(w, {{ike::PayloadType::kNotify, redirect_body(ByteVec(size, 9))}});
    REQUIRE(up_or_finished(w));
    CHECK(w.up());
    CHECK(w.session().counters().of(Drop::kBadRedirect) == 1);
  }
}

TEST_CASE("a redirect while the user is asked: the time of the connect goes on") {
  WorldConfig config = two_gateways();
  config.user.kind = User::Kind::kSilent;
  config.second->silent_from = Step::kMessage1;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.forms() == 1; }, 10s));
  say(w, redirect_to(kSecondGateway));
  w.gateway().config().silent_from = Step::kMessage1;
  REQUIRE(up_or_finished(w, 120s));
  CHECK(cause_is(w, EndCause::kNoAnswer));
}

TEST_CASE("a redirect with the tunnel up: a new phase 1 there, and the traffic follows") {
  Run w(two_gateways());
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  say(w, redirect_to(kSecondGateway));
  REQUIRE(w.run_until([&] { return w.status().gateway.address == kSecondGateway; }, 60s));
  w.run_for(10s);
  CHECK(w.ping());
  CHECK(w.up());
}

TEST_CASE("the profile's backup is tried when the gateway is silent") {
  WorldConfig config = two_gateways();
  config.knows_second = true;
  config.gateway.silent_from = Step::kMessage1;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.event<session::TryingGateway>());
  CHECK(w.event<session::TryingGateway>()->gateway == kSecondGateway);
  CHECK(w.status().gateway_origin == session::Gateways::Origin::kBackup);
  CHECK(w.data_path().peer()->address == kSecondGateway);
  CHECK(w.ping());
}

TEST_CASE("a backup is no way past a refusal") {
  WorldConfig config = two_gateways();
  config.knows_second = true;
  config.gateway.refuse_phase1 = ike::Notify::kNoProposalChosen;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(up_or_finished(w));
  CHECK(cause_is(w, EndCause::kProposalRefused));
  CHECK(w.event<session::TryingGateway>() == nullptr);
}

ike::Attribute backup_servers(std::initializer_list<const char*> addresses) {
  ByteVec value;
  for (const char* address : addresses) append(value, ip(address).bytes());
  return ike::Attribute::octets(static_cast<std::uint16_t>(ike::CfgAttr::kUnityBackupServers),
                                value);
}

TEST_CASE("a gateway that Mode Config named takes over from one that died (MC-16)") {
  WorldConfig config = two_gateways();
  config.profile.dpd_delay = 5s;
  config.gateway.extra_attributes = {backup_servers({"127.0.0.1", "203.0.113.9"})};
  SUBCASE("tried") {
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.gateway().config().silent_from = Step::kMessage1;
    REQUIRE(w.run_until([&] { return w.status().gateway.address == kSecondGateway; }, 150s));
    w.run_for(10s);
    CHECK(w.ping());
    CHECK(w.status().gateway_origin == session::Gateways::Origin::kBackup);
  }
  SUBCASE("unless the profile lists others, or none") {
    config.profile.learn_gateways = false;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.gateway().config().silent_from = Step::kMessage1;
    REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 250s));
    CHECK(cause_is(w, EndCause::kGatewayLost));
    CHECK(w.second().ike() == nullptr);
  }
}

TEST_CASE("a lost gateway whose name leads elsewhere is followed, and at once") {
  WorldConfig config = two_gateways();
  config.profile.dpd_delay = 5s;
  Run w(config);
  CAPTURE(w.ladder());
  const IpAddress first = w.gateway_endpoint(false).address;
  REQUIRE(w.connect());
  // As long as the gateway answers, its name is no reason to leave it.
  w.renamed({kSecondGateway, {}});
  w.run_for(30s);
  CHECK(w.status().gateway.address == first);
  CHECK(w.ping());
  w.renamed({first, {}});
  w.gateway().config().silent_from = Step::kMessage1;
  REQUIRE(w.run_until([&] { return w.event<session::ConnectingAnew>() != nullptr; }, 150s));
  w.run_for(1s);
  CHECK(w.event<session::TryingGateway>() == nullptr);
  CHECK(w.status().recovering);
  SUBCASE("to the same address: nothing changes") {
    w.renamed({first, {}});
    w.run_for(10s);
    CHECK(w.event<session::TryingGateway>() == nullptr);
  }
  SUBCASE("to an address of the other family: the sockets have one") {
    w.renamed({ip("2001:db8::1"), {}});
    w.run_for(10s);
    CHECK(w.event<session::TryingGateway>() == nullptr);
  }
  SUBCASE("to another") {
    w.renamed({kSecondGateway, {}});
    REQUIRE(w.run_until([&] { return w.status().gateway.address == kSecondGateway; }, 5s));
    CHECK(w.status().gateway_origin == session::Gateways::Origin::kProfile);
    w.run_for(5s);
    CHECK(w.ping());
    CHECK_FALSE(w.status().recovering);
  }
}

TEST_CASE("names that are looked up again replace the old addresses, but no redirect") {
  session::Gateways gateways({"vpn", kFirst}, {{"vpn2", kSecondGateway}}, true);
  const IpAddress moved = ip("203.0.113.77");
  CHECK_FALSE(gateways.renew({kFirst, {{"vpn2", moved}}}));
  CHECK(gateways.renew({kSecondGateway, {{"vpn2", moved}}}));
  CHECK(gateways.advance(true));
  CHECK(gateways.current() == kSecondGateway);
  CHECK(gateways.name() == "vpn");
  CHECK_FALSE(gateways.renew({kSecondGateway, {}}));  // vpn2 was not found, and is where it was
  CHECK(gateways.advance(true));
  CHECK(gateways.current() == moved);
  CHECK(gateways.name() == "vpn2");
  CHECK(gateways.renew({kSecondGateway, {{"vpn2", kFirst}}}));
  CHECK(gateways.advance(true));
  CHECK(gateways.current() == kSecondGateway);
  REQUIRE(gateways.redirect(moved) == session::Gateways::Redirect::kFollowed);
  CHECK_FALSE(gateways.renew({kFirst, {}}));
  CHECK(gateways.current() == moved);
}

TEST_CASE("what a gateway named is not tried before a tunnel was up (MC-16)") {
  session::Gateways gateways({"vpn", kFirst}, {}, true);
  gateways.learn({kSecondGateway});
  CHECK_FALSE(gateways.advance(false));
  CHECK(gateways.advance(true));
  CHECK(gateways.current() == kSecondGateway);
  CHECK(gateways.name() == "vpn");
}

TEST_CASE("at most ten gateways are learned, unicast of the same family, none twice (MC-16)") {
  session::Gateways gateways({"vpn", kFirst}, {}, true);
  std::vector<IpAddress> named = {ip("224.0.0.1"), ip("::1"), ip("2001:db8::7"), kFirst};
  for (std::uint32_t i = 0; i < 40; ++i) named.push_back(IpAddress::v4(0xc633'6400 + i / 2 + 1));
  gateways.learn(named);
  std::vector<IpAddress> tried;
  while (gateways.advance(true) && gateways.current() != kFirst) {
    tried.push_back(gateways.current());
  }
  CHECK(tried.size() == 10);
  std::ranges::sort(tried);
  CHECK(std::ranges::adjacent_find(tried) == tried.end());
}

TEST_CASE("the gateways go round, and a silent member leads back to the cluster") {
  session::Gateways gateways({"vpn", kFirst}, {{"vpn2", kSecondGateway}}, true);
  CHECK(gateways.advance(false));
  CHECK(gateways.current() == kSecondGateway);
  CHECK(gateways.name() == "vpn2");
  CHECK(gateways.advance(false));
  CHECK(gateways.current() == kFirst);
  const IpAddress member = ip("203.0.113.77");
  REQUIRE(gateways.redirect(member) == session::Gateways::Redirect::kFollowed);
  CHECK(gateways.name() == "vpn");
  CHECK(gateways.advance(false));
  CHECK(gateways.current() == kFirst);
  CHECK(gateways.origin() == session::Gateways::Origin::kProfile);
}

TEST_CASE("three redirects in a row, not four; a tunnel ends the row") {
  session::Gateways gateways({"vpn", kFirst}, {}, true);
  for (std::uint32_t i = 1; i <= 3; ++i) {
    CHECK(gateways.redirect(IpAddress::v4(0xc633'6400 + i)) ==
          session::Gateways::Redirect::kFollowed);
  }
  CHECK(gateways.redirect(IpAddress::v4(0xc633'6409)) == session::Gateways::Redirect::kCircle);
  gateways.settled();
  CHECK(gateways.redirect(IpAddress::v4(0xc633'6409)) == session::Gateways::Redirect::kFollowed);
  CHECK(gateways.redirects() == 4);
}

}  // namespace
}  // namespace godwit::sim
