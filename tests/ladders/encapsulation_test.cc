// Without RFC 3947: plain ESP, and Cisco's ESP in UDP between ports of its own (MC-15).
#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using config::NatTraversal;
using ike::PayloadType;
using session::EndCause;

WorldConfig without(NatTraversal natt, bool aggressive_mode) {
  WorldConfig config;
  config.profile.natt = natt;
  config.profile.aggressive = aggressive_mode;
  config.client_natted = natt == NatTraversal::kCiscoUdp;
  return config;
}

ike::Attribute udp_port(std::uint16_t port) {
  return ike::Attribute::number16(static_cast<std::uint16_t>(ike::CfgAttr::kUnityNattPort), port);
}

std::uint64_t offered_mode(World& w) {
  for (const Letter& letter : w.gateway().letters()) {
    if (!letter.heard || letter.header.exchange != ike::Exchange::kQuick) continue;
    const auto sa = ike::decode_sa(letter.body(PayloadType::kSa));
    REQUIRE(sa);
    for (const auto& attribute : sa->proposals[0].transforms[0].attributes) {
      if (attribute.type == static_cast<std::uint16_t>(ike::Phase2Attr::kEncapsulation)) {
        return attribute.number().value_or(0);
      }
    }
  }
  return 0;
}

// Nothing was said of NAT traversal, and no IKE message left the first port.
void check_silence_about_nat(Run& w) {
  for (const Letter& letter : w.gateway().letters()) {
    CHECK(letter.count(PayloadType::kNatD) + letter.count(PayloadType::kNatDDraft) == 0);
    CHECK(letter.port == kIkePort);
    for (const auto& [type, body] : letter.payloads) {
      if (type != PayloadType::kVendorId || !letter.heard) continue;
      const auto vendor = ike::recognise_vendor(body);
      CHECK(vendor != ike::Vendor::kNattRfc3947);
      CHECK(vendor != ike::Vendor::kNattDraft03);
    }
  }
  CHECK(w.event<session::NatFound>() == nullptr);
  CHECK(w.event<session::Floated>() == nullptr);
  CHECK_FALSE(w.status().floated);
}

TEST_CASE("plain ESP: mode 1, port 500 alone, rekeys of both phases, no keepalive") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = without(NatTraversal::kOff, aggressive_mode);
    config.profile.esp_lifetime = 10min;
    config.profile.ike_lifetime = 20min;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
    CHECK(w.ping_from_office());
    CHECK(offered_mode(w) == ike::kEncapTunnel);
    CHECK(w.data_path().peer() == w.gateway_endpoint(true));
    CHECK(w.data_path().peer()->port == 0);
    w.run_for(30min);
    CHECK(w.ping());
    CHECK(w.status().rekeys > 1);
    CHECK(w.status().keepalives_sent == 0);
    CHECK(w.gateway().ike()->port == kIkePort);
    check_silence_about_nat(w);
  }
}

TEST_CASE("plain ESP that a NAT swallows is told, once") {
  WorldConfig config = without(NatTraversal::kOff, false);
  Run w(config);
  CAPTURE(w.ladder());
  w.tap = [](Flight& flight) { return flight.to.port == 500 || flight.from.port == 500; };
  REQUIRE(w.connect());
  CHECK_FALSE(w.ping());
  w.run_for(60s);
  CHECK(w.event_count<session::NothingArrives>() == 1);
}

TEST_CASE(
    "Cisco's UDP: IKE stays on port 500, ESP goes between ports of its own, with keepalives") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = without(NatTraversal::kCiscoUdp, aggressive_mode);
    config.gateway.extra_attributes = {udp_port(10000)};
    config.profile.ike_lifetime = 20min;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
    CHECK(w.ping_from_office());
    CHECK(offered_mode(w) == ike::kEncapTunnel);
    CHECK(w.data_path().peer() == Endpoint{w.gateway_endpoint(true).address, 10000});
    w.run_for(30min);
    CHECK(w.gateway().keepalives() > 10);
    CHECK(w.ping_from_office());  // the mapping of ESP lives
    CHECK(w.ping());
    check_silence_about_nat(w);
  }
}

TEST_CASE(
    "the port is asked for, and one that the profile does not allow ends the connect (MC-15)") {
  WorldConfig config = without(NatTraversal::kCiscoUdp, false);
  SUBCASE("none is named: the profile's") {
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
  }
  SUBCASE("another than the profile's") {
    config.gateway.extra_attributes = {udp_port(12000)};
    Run w(config);
    CAPTURE(w.ladder());
    CHECK_FALSE(w.connect());
    CHECK(cause_is(w, EndCause::kEncapsulationPort));
    CHECK(w.finished()->port == 12000);
  }
  SUBCASE("the profile's own choice") {
    config.gateway.extra_attributes = {udp_port(12000)};
    config.profile.cisco_udp_port = 12000;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
    CHECK(w.data_path().peer()->port == 12000);
  }
  SUBCASE("with RFC 3947 it moves nobody") {
    config.profile.natt = NatTraversal::kAuto;
    config.gateway.extra_attributes = {udp_port(12000)};
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
    CHECK(w.data_path().peer()->port == 4500);
  }
}

TEST_CASE("without NAT-D nothing tells whether the gateway may be followed: it is not (NATT-19)") {
  for (const NatTraversal natt : {NatTraversal::kOff, NatTraversal::kCiscoUdp}) {
    Run w(without(natt, false));
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    REQUIRE(w.ping());
    const auto peer = w.data_path().peer();
    w.tap = [](Flight& flight) {
      if (flight.to_client) flight.from = {*IpAddress::parse("203.0.113.1"), 40000};
      return true;
    };
    CHECK(w.ping());
    w.run_for(60s);
    CHECK(w.data_path().peer() == peer);
    CHECK(w.event_count<session::PeerMoved>() == 0);
  }
}

}  // namespace
}  // namespace godwit::sim
