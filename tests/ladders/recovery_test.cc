// What is up and stops working: the gateway forgets, the laptop sleeps or moves, a Quick Mode's
// last message is lost. The tunnel stays for the machine, and a new phase 1 brings the traffic
// back.
#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using session::EndCause;

bool traffic_within(World& w, Duration max) {
  const Instant end = w.now() + max;
  while (w.now() < end && !w.finished()) {
    if (w.ping(500ms)) return true;
  }
  return false;
}

TEST_CASE("a gateway that rebooted is connected to anew, with the same inner address") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const auto before = w.tunnel()->addresses;
  w.gateway().reboot();
  CHECK(traffic_within(w, 45s));
  CHECK(w.tunnel()->addresses == before);
  CHECK(w.event_count<session::ConnectingAnew>() == 1);
  CHECK(w.event_count<session::TunnelUp>() == 1);  // the machine saw no gap
}

TEST_CASE("a gateway that stays away ends the tunnel with the first reason") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.gateway().config().silent_from = Step::kMessage1;
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 240s));
  CHECK(cause_is(w, EndCause::kGatewayLost));
  CHECK_FALSE(w.tunnel());
}

TEST_CASE("a gateway that stays away is tried as long as the profile says, ever more slowly") {
  WorldConfig config;
  config.profile.reconnect = 30min;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.gateway().config().silent_from = Step::kMessage1;
  REQUIRE(w.run_until([&] { return w.event_count<session::ConnectingAnew>() == 1; }, 240s));
  const std::size_t before = w.sent().size();
  w.run_for(29min);
  CHECK_FALSE(w.finished());
  const std::size_t sent = w.sent().size() - before;
  CHECK(sent > 100);
  CHECK(sent < 400);
  SUBCASE("and comes back late") {
    w.gateway().reboot();
    w.gateway().config().silent_from = {};
    CHECK(traffic_within(w, 55s));
    CHECK(w.event_count<session::TunnelUp>() == 1);
  }
  SUBCASE("and never comes back") {
    REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 70s));
    CHECK(cause_is(w, EndCause::kGatewayLost));
  }
}

TEST_CASE("with reconnect = 0 a lost gateway ends the tunnel at once") {
  WorldConfig config;
  config.profile.reconnect = 0s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.gateway().config().silent_from = Step::kMessage1;
  REQUIRE(w.run_until([&] { return w.event_count<session::ConnectingAnew>() == 1; }, 240s));
  w.run_for(1s);
  CHECK(cause_is(w, EndCause::kGatewayLost));
}

TEST_CASE("without a network nothing is tried, and no gateway is found dead") {
  for (const Duration gone : {Duration(70s), Duration(10min), Duration(30h)}) {
    Run w(with_xauth());
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    const auto before = w.tunnel()->addresses;
    w.send_ping();
    w.lose_network();
    const std::size_t sent = w.sent().size();
    for (int i = 0; i < 10; ++i) {
      w.send_ping();
      w.run_for(gone / 10);
    }
    // ESP of the pings is all that left.
    for (std::size_t i = sent; i < w.sent().size(); ++i) CHECK_FALSE(w.sent()[i].is_ike());
    CHECK_FALSE(w.finished());
    CHECK(w.event_count<session::NetworkGone>() == 1);
    SUBCASE("the same network again") {
      w.change_network(w.local().ike.address, IpAddress::parse("198.51.100.9"));
    }
    SUBCASE("another one, and a gateway that has forgotten us") {
      w.gateway().reboot();
      w.change_network(*IpAddress::parse("10.77.0.5"), IpAddress::parse("198.51.100.9"));
    }
    CHECK(traffic_within(w, 15s));
    CHECK(w.tunnel()->addresses == before);
    CHECK(w.event_count<session::TunnelUp>() == 1);
    CHECK(w.event_count<session::NetworkBack>() == 1);
  }
}

TEST_CASE("the network goes away while the gateway is being connected to anew") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.gateway().config().silent_from = Step::kMessage1;
  REQUIRE(w.run_until([&] { return w.event_count<session::ConnectingAnew>() == 1; }, 240s));
  w.run_for(60s);
  w.lose_network();
  w.run_for(8h);
  CHECK_FALSE(w.finished());
  w.gateway().reboot();
  w.gateway().config().silent_from = {};
  w.change_network(*IpAddress::parse("10.77.0.5"), IpAddress::parse("198.51.100.9"));
  CHECK(traffic_within(w, 15s));
}

TEST_CASE("a gateway that forgot us and gives another inner address: the tunnel takes it") {
  Run w(with_xauth());
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const auto before = w.tunnel()->addresses;
  w.gateway().reboot();
  w.gateway().config().pool = *Prefix::parse("10.9.1.0/24");
  CHECK(traffic_within(w, 60s));
  CHECK(w.tunnel()->addresses != before);
  CHECK(w.event_count<session::AddressChanged>() == 1);
  CHECK(w.event_count<session::TunnelUp>() == 1);
  CHECK(w.ping_from_office());
  // Its replacement later keeps that one.
  const auto after = w.tunnel()->addresses;
  w.gateway().reboot();
  CHECK(traffic_within(w, 60s));
  CHECK(w.tunnel()->addresses == after);
}

TEST_CASE("a gateway that refuses us after its reboot ends the tunnel and says so") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.gateway().reboot();
  w.gateway().config().refuse_phase1 = ike::Notify::kAuthenticationFailed;
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 240s));
  CHECK((cause_is(w, EndCause::kWeAreRefused) || cause_is(w, EndCause::kGatewayLost)));
}

TEST_CASE("the laptop sleeps longer than its keys live") {
  WorldConfig config = with_xauth();
  config.gateway.dpd_delay = 30s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const auto before = w.status().outbound;
  w.suspend(72h);
  CHECK(traffic_within(w, 15s));
  CHECK(w.status().outbound != before);  // nothing is sealed under a key past its life
}

TEST_CASE("a wake-up is followed by a question at once") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  const std::uint64_t answers = w.gateway().dpd_answers();
  w.suspend(60s);
  w.run_for(1s);
  CHECK(w.gateway().dpd_answers() == answers + 1);
}

TEST_CASE("another network: the gateway is asked at once and follows, the inner address is kept") {
  for (const bool natted : {true, false}) {
    Run w;
    CAPTURE(w.ladder());
    CAPTURE(natted);
    REQUIRE(w.connect());
    const auto before = w.tunnel()->addresses;
    const auto napt = natted ? IpAddress::parse("198.51.100.9") : std::nullopt;
    w.change_network(*IpAddress::parse(natted ? "10.77.0.5" : "198.51.100.30"), napt);
    CHECK(traffic_within(w, 5s));
    CHECK(w.tunnel()->addresses == before);
    CHECK(w.ping_from_office());
    CHECK(w.event_count<session::ConnectingAnew>() == 0);
    // What NAT-D found before says nothing here: keepalives are sent to be safe.
    const auto keepalives = w.status().keepalives_sent;
    w.run_for(70s);
    CHECK(w.status().keepalives_sent > keepalives);
  }
}

TEST_CASE("another network right after the gateway deleted the last pair: the tunnel is kept") {
  WorldConfig config;
  config.profile.dpd_delay = 5s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  const std::size_t begun = w.event_count<session::Phase1Started>();
  REQUIRE(
      w.gateway_does([](Gateway& g, Instant now, Outbox& out) { return g.delete_esp(now, out); }));
  w.run_for(100ms);
  REQUIRE_FALSE(w.status().inbound);
  for (const char* address : {"10.77.0.5", "10.77.0.6"}) {
    w.change_network(*IpAddress::parse(address), IpAddress::parse("198.51.100.9"));
    w.run_for(50ms);
  }
  // No connect from the beginning, which knows a few attempts and then the end.
  CHECK(w.event_count<session::Phase1Started>() == begun);
  w.gateway().config().silent_from = Step::kMessage1;
  w.run_for(1min);
  CHECK_FALSE(w.finished());
  w.gateway().reboot();
  w.gateway().config().silent_from = {};
  CHECK(traffic_within(w, 60s));
}

TEST_CASE("another network, and a gateway that follows only IKE messages") {
  WorldConfig config;
  config.gateway.follows_esp = false;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.change_network(*IpAddress::parse("10.77.0.5"), IpAddress::parse("198.51.100.9"));
  CHECK(traffic_within(w, 5s));
}

TEST_CASE("another network, and a gateway that has forgotten us") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const auto before = w.tunnel()->addresses;
  w.gateway().reboot();
  w.change_network(*IpAddress::parse("10.77.0.5"), IpAddress::parse("198.51.100.9"));
  CHECK(traffic_within(w, 15s));
  CHECK(w.tunnel()->addresses == before);
}

TEST_CASE("another network during a connect starts it again") {
  Run w;
  CAPTURE(w.ladder());
  w.start();
  w.run_for(15ms);
  w.change_network(*IpAddress::parse("10.77.0.5"), IpAddress::parse("198.51.100.9"));
  REQUIRE(w.run_until([&] { return w.up(); }, 10s));
  CHECK(w.ping());
}

TEST_CASE("a Quick Mode whose last message never arrives is made again") {
  Run w;
  CAPTURE(w.ladder());
  int swallowed = 0;
  w.tap = [&](Flight& flight) {
    if (flight.to_client || swallowed >= 8) return true;
    const Sent sent{w.now(), flight};
    const Bytes message = sent.message();
    const auto header = ike::decode_header(message);
    // Message 3 holds a HASH alone: the shortest of all.
    if (!header || header->exchange != ike::Exchange::kQuick || message.size() > 80) return true;
    ++swallowed;
    return false;
  };
  REQUIRE(w.connect());
  CHECK(traffic_within(w, 90s));
  CHECK(swallowed >= 2);
  CHECK(w.status().rekeys >= 1);
}

TEST_CASE("a tunnel in which nobody answers is made again a few times only") {
  WorldConfig config;
  config.gateway.echo_ping = false;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  for (int i = 0; i < 600; ++i) {
    w.send_ping();
    w.run_for(1s);
  }
  CHECK(w.up());
  CHECK(w.status().rekeys == 3);
}

TEST_CASE("a sleep during a connect starts it again") {
  Run w;
  CAPTURE(w.ladder());
  w.start();
  w.run_for(15ms);
  w.gateway().reboot();  // what was half done is not kept for an hour
  w.suspend(1h);
  REQUIRE(w.run_until([&] { return w.up(); }, 10s));
  CHECK(w.ping());
}

TEST_CASE("a sleep while the gateway is being connected to anew") {
  Run w(with_xauth());
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.gateway().reboot();
  const Instant end = w.now() + 60s;
  while (w.event_count<session::ConnectingAnew>() == 0 && w.now() < end) w.ping(500ms);
  REQUIRE(w.event_count<session::ConnectingAnew>() == 1);
  w.run_for(15ms);
  w.gateway().reboot();
  w.suspend(1h);
  CHECK(traffic_within(w, 5s + w.config().user.delay));
  CHECK(w.event_count<session::TunnelUp>() == 1);
}

// In either direction.
bool is_quick(const World& w, const Flight& flight) {
  const Sent sent{w.now(), {false, flight.from, flight.to, flight.bytes}};
  const auto header = ike::decode_header(sent.message());
  return header && header->exchange == ike::Exchange::kQuick;
}

TEST_CASE("a Quick Mode that began under an ISAKMP SA ends under it after that was replaced") {
  WorldConfig config;
  config.profile.esp_lifetime = 100s;
  config.profile.ike_lifetime = 104s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  std::optional<Cookie> first;  // of the SA under which the Quick Mode began
  std::size_t late = 0;
  w.tap = [&](Flight& flight) {
    if (flight.to_client || !is_quick(w, flight)) return true;
    const Sent sent{w.now(), flight};
    const Cookie cookie = ike::decode_header(sent.message())->initiator;
    if (!first) first = cookie;
    CHECK(cookie == *first);
    // Nothing of it arrives before the other SA has taken over.
    if (w.event_count<session::GatewayAuthenticated>() < 2) return false;
    ++late;
    return true;
  };
  REQUIRE(w.run_until([&] { return w.status().rekeys == 1; }, 95s));
  CHECK(late >= 1);
  CHECK(w.ping());
}

TEST_CASE("a new ESP SA carries the traffic as soon as its predecessor's life is over") {
  WorldConfig config;
  config.profile.esp_lifetime = 50s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const Instant expires = w.now() + 50s;
  w.run_for(1s);
  std::optional<Flight> answer;
  w.tap = [&](Flight& flight) {
    if (!flight.to_client || !is_quick(w, flight)) return true;
    if (!answer) answer = flight;
    return false;
  };
  w.run_for(expires - 500ms - w.now());
  REQUIRE(answer);
  // Half of the second is left for which a new SA waits.
  w.inject(session::LocalPort::kNatt, answer->from, answer->bytes);
  CHECK(w.ping(200ms));
  w.run_for(expires + 50ms - w.now());
  CHECK(w.status().rekeys == 1);
  CHECK(w.ping(200ms));
}

}  // namespace
}  // namespace godwit::sim
