// Which ports a message may come to and go to, before and behind the float (RFC 3947 3, 4, 7).
#include <algorithm>

#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using session::LocalPort;

// Where everything that the client sends goes, once it has used the NAT-traversal port.
bool stays_on_natt_ports(const World& w) {
  bool floated = false;
  return std::ranges::all_of(w.sent(), [&](const Sent& sent) {
    floated |= sent.flight.from == w.local().natt;
    return !floated ||
           (sent.flight.from == w.local().natt && sent.flight.to == w.gateway_endpoint(true));
  });
}

TEST_CASE("a new phase 1 begins on the floated ports, and nothing floats again (NATT-11)") {
  WorldConfig config = with_xauth();
  config.profile.ike_lifetime = 600s;
  SUBCASE("main") {}
  SUBCASE("aggressive") { config.profile.aggressive = true; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const Cookie first = w.gateway().ike()->in.initiator;
  w.run_for(600s);
  REQUIRE(w.gateway().ike());
  CHECK(w.gateway().ike()->in.initiator != first);
  CHECK(stays_on_natt_ports(w));
  CHECK(w.event_count<session::Floated>() == 1);
  CHECK(w.ping());
}

// Every genuine message behind the float comes to port 500 first, where it is none.
TEST_CASE("after the float nothing is heard on port 500 (NATT-13)") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = with_xauth();
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    int harm = 0;
    std::uint64_t injected = 0;
    w.tap = [&](Flight& flight) {
      if (!flight.to_client || w.up() || port_of(w, flight) != LocalPort::kNatt) return true;
      const ByteVec message(flight.bytes.begin() + 4, flight.bytes.end());
      for (const Endpoint& from : {w.gateway_endpoint(false), flight.from}) {
        harm += harmless(w, LocalPort::kIke, from, message) ? 0 : 1;
        ++injected;
      }
      return true;
    };
    REQUIRE(w.connect(10s));
    CHECK(harm == 0);
    CHECK(injected >= 8);
    CHECK(w.session().counters().of(Drop::kWrongPort) == injected);
    CHECK(w.status().retransmissions == 0);
    CHECK(w.ping());
  }
}

TEST_CASE("keepalives begin behind the float, and none goes to port 500 (NATT-15, ENC-05)") {
  WorldConfig config = with_xauth();
  config.profile.keepalive = 5s;
  config.user.delay = 30s;
  Run w(config);
  CAPTURE(w.ladder());
  w.tap = [&](Flight& flight) { return !flight.to_client || w.now() > w.sent().front().at + 8s; };
  REQUIRE(w.connect(90s));
  std::size_t count = 0;
  bool floated = false;
  for (const Sent& sent : w.sent()) {
    floated |= sent.flight.from == w.local().natt && sent.is_ike();
    if (sent.is_ike()) continue;
    CHECK(floated);
    CHECK(sent.flight.bytes == ByteVec{0xff});
    CHECK(sent.flight.from == w.local().natt);
    CHECK(sent.flight.to == w.gateway_endpoint(true));
    ++count;
  }
  CHECK(count >= 4);  // while the user types
}

TEST_CASE("an answer of DPD from another port does not move us, who are behind NAT (DPD-10)") {
  WorldConfig config;
  config.profile.dpd_delay = 30s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  const Endpoint gateway = w.gateway_endpoint(true);
  const Endpoint elsewhere{gateway.address, 40'000};
  w.tap = [&](Flight& flight) {
    if (flight.to_client) flight.from = elsewhere;
    return true;
  };
  w.run_for(200s);
  CHECK(w.event_count<session::GatewayAlive>() >= 4);
  CHECK(w.event_count<session::PeerMoved>() == 0);
  CHECK(w.status().gateway == gateway);
  CHECK(w.data_path().peer() == gateway);
  CHECK(stays_on_natt_ports(w));
  CHECK(w.ping());
}

}  // namespace
}  // namespace godwit::sim
