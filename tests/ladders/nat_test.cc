// Who is behind NAT, and what follows from it (RFC 3947 3.2, 4, 5.1, 7; RFC 3948 2.3).
#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

std::uint64_t encapsulation_mode(const Letter& quick1) {
  const auto sa = ike::decode_sa(quick1.body(PayloadType::kSa));
  REQUIRE(sa);
  for (const auto& attribute : sa->proposals[0].transforms[0].attributes) {
    if (attribute.type == static_cast<std::uint16_t>(ike::Phase2Attr::kEncapsulation)) {
      return attribute.number().value_or(0);
    }
  }
  return 0;
}

const Letter* first_quick(World& w) {
  for (const Letter& letter : w.gateway().letters()) {
    if (letter.heard && letter.header.exchange == ike::Exchange::kQuick) return &letter;
  }
  return nullptr;
}

TEST_CASE("nat matrix") {
  for (const bool aggressive_mode : {false, true}) {
    for (const bool client : {false, true}) {
      for (const bool gateway : {false, true}) {
        WorldConfig config;
        config.profile.aggressive = aggressive_mode;
        config.client_natted = client;
        config.gateway_natted = gateway;
        Run w(config);
        CAPTURE(w.ladder());
        CAPTURE(aggressive_mode);
        CAPTURE(client);
        CAPTURE(gateway);
        REQUIRE(w.connect());
        REQUIRE(w.event<session::NatFound>());
        CHECK(w.event<session::NatFound>()->we_are_behind == client);
        CHECK(w.event<session::NatFound>()->gateway_is_behind == gateway);
        CHECK(w.status().nat.we_are_behind == client);
        CHECK(w.gateway().ike()->we_are_natted == gateway);
        CHECK(w.ping());
        CHECK(w.ping_from_office());
        REQUIRE(first_quick(w));
        CHECK(encapsulation_mode(*first_quick(w)) == ike::kEncapUdpTunnel);
      }
    }
  }
}

TEST_CASE("forced encapsulation makes the gateway see a NAT") {
  WorldConfig config;
  config.client_natted = false;
  config.profile.natt = config::NatTraversal::kForce;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.gateway().ike()->client_natted);
  CHECK(w.event<session::NatFound>()->forced);
  CHECK_FALSE(w.event<session::NatFound>()->we_are_behind);
  CHECK(w.ping());
}

TEST_CASE("a gateway that speaks only a draft") {
  for (const bool aggressive_mode : {false, true}) {
    for (const Natt natt : {Natt::kDraft03, Natt::kDraft02n, Natt::kDraft02}) {
      WorldConfig config;
      config.profile.aggressive = aggressive_mode;
      config.gateway.natt = {natt};
      Run w(config);
      CAPTURE(w.ladder());
      REQUIRE(w.connect());
      // NATT-16, NATT-22: payload 130, mode 61443.
      std::size_t draft_payloads = 0;
      for (const Letter& letter : w.gateway().letters()) {
        if (!letter.heard) continue;
        draft_payloads += letter.count(PayloadType::kNatDDraft);
        CHECK(letter.count(PayloadType::kNatD) == 0);
      }
      CHECK(draft_payloads == 2);
      REQUIRE(first_quick(w));
      CHECK(encapsulation_mode(*first_quick(w)) == ike::kEncapUdpTunnelDraft);
      CHECK(w.ping());
    }
  }
}

TEST_CASE("a gateway without NAT traversal") {
  WorldConfig config;
  config.gateway.natt = {};
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
  CHECK(cause_is(w, session::EndCause::kNoNatTraversal));
}

ByteVec vendor_id(std::string_view text) {
  const auto* octets = reinterpret_cast<const std::uint8_t*>(text.data());
  return to_vec(crypto::hash(crypto::HashAlg::kMd5, {Bytes(octets, text.size())}).bytes());
}

TEST_CASE("NAT traversal that is recognised and not spoken is named (NATT-22, NATT-25)") {
  for (const std::string_view draft :
       {"draft-ietf-ipsec-nat-t-ike-00", "draft-ietf-ipsec-nat-t-ike-01",
        "draft-ietf-ipsec-nat-t-ike-04", "draft-ietf-ipsec-nat-t-ike-05",
        "draft-ietf-ipsec-nat-t-ike-06", "draft-ietf-ipsec-nat-t-ike-07",
        "draft-ietf-ipsec-nat-t-ike-08", "draft-ietf-ipsec-nat-t-ike-09",
        "draft-ietf-ipsec-nat-t-ike", "Testing NAT-T RFC", "draft-stenberg-ipsec-nat-traversal-01",
        "draft-stenberg-ipsec-nat-traversal-02"}) {
    for (const bool aggressive_mode : {false, true}) {
      CAPTURE(draft);
      WorldConfig config;
      config.profile.aggressive = aggressive_mode;
      config.gateway.natt = {};
      config.gateway.other_vendors = {vendor_id(draft)};
      Run w(config);
      CAPTURE(w.ladder());
      w.start();
      REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
      CHECK(cause_is(w, session::EndCause::kNoNatTraversal));
      CHECK(w.finished()->natt == draft);
    }
  }
}

TEST_CASE("a version that is spoken wins over those that are not, whatever their order (NATT-23)") {
  WorldConfig config;
  config.gateway.natt = {Natt::kDraft03};
  config.gateway.other_vendors = {vendor_id("draft-ietf-ipsec-nat-t-ike-08"),
                                  vendor_id("draft-ietf-ipsec-nat-t-ike-02"),
                                  vendor_id("draft-ietf-ipsec-nat-t-ike-00")};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.event<session::PeerAnswered>()->natt == session::NattVersion::kDraft03);
  CHECK(w.ping());
}

TEST_CASE("odd NAT-D payloads count as a NAT (B12)") {
  WorldConfig config;
  config.client_natted = false;
  SUBCASE("wrong") { config.gateway.lies.wrong_nat_d = true; }
  SUBCASE("short") { config.gateway.lies.short_nat_d = true; }
  SUBCASE("missing") { config.gateway.lies.no_nat_d = true; }
  for (const bool aggressive_mode : {false, true}) {
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.event<session::NatFound>()->we_are_behind);
    CHECK(w.ping());
  }
}

std::size_t keepalives(const World& w) {
  std::size_t count = 0;
  for (const Sent& sent : w.sent()) count += sent.is_keepalive() ? 1u : 0u;
  return count;
}

TEST_CASE("a keepalive after 20 s of silence, only behind NAT") {
  WorldConfig config;
  config.profile.dpd_delay = 0s;
  SUBCASE("behind NAT") {
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    const Instant quiet = w.sent().back().at;
    w.run_for(119s);
    CHECK(keepalives(w) == 5);
    CHECK(w.sent().back().flight.to == w.gateway_endpoint(true));
    CHECK(w.sent().back().flight.from == w.local().natt);
    CHECK(w.sent().back().at - quiet == 100s);
    CHECK(w.gateway().keepalives() == 5);
    CHECK(w.status().keepalives_sent == 5);
    CHECK(w.ping_from_office());  // the mapping lives
  }
  SUBCASE("traffic makes it unnecessary") {
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    for (int i = 0; i < 10; ++i) {
      w.run_for(15s);
      CHECK(w.ping());
    }
    CHECK(keepalives(w) == 0);
  }
  SUBCASE("not behind NAT") {
    config.client_natted = false;
    config.gateway_natted = true;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(300s);
    CHECK(keepalives(w) == 0);
  }
  SUBCASE("the profile says never: the mapping dies") {
    config.profile.keepalive = 0s;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(300s);
    CHECK(keepalives(w) == 0);
    CHECK_FALSE(w.ping_from_office());
  }
}

TEST_CASE("a NAT rebinding is survived") {
  WorldConfig config;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const auto before = *w.gateway().esp_peer();
  w.napt()->rebind();
  CHECK_FALSE(w.ping_from_office());  // the gateway does not know yet
  CHECK(w.ping());                    // an authentic packet tells it
  CHECK(w.gateway().esp_peer() != before);
  CHECK(w.ping_from_office());
}

TEST_CASE("the gateway is followed only when we are not behind NAT") {
  WorldConfig config;
  SUBCASE("behind NAT: never (RFC 3947 7)") {}
  SUBCASE("not behind NAT: by authentic ESP") { config.client_natted = false; }
  config.gateway_natted = true;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  const Endpoint moved{*IpAddress::parse("203.0.113.1"), 40000};
  w.tap = [&](Flight& flight) {
    if (flight.to_client) flight.from = moved;
    return true;
  };
  CHECK(w.ping_from_office());  // accepted in any case
  w.run_for(1s);
  if (config.client_natted) {
    CHECK(w.data_path().peer() == w.gateway_endpoint(true));
    CHECK(w.event_count<session::PeerMoved>() == 0);
  } else {
    CHECK(w.data_path().peer() == moved);
    REQUIRE(w.event<session::PeerMoved>());
    CHECK(w.event<session::PeerMoved>()->to == moved);
  }
  // A forged packet from yet another place moves nobody.
  ByteVec forged = w.gateway().esp_sent().back();
  forged.back() ^= 1;
  const auto peer = w.data_path().peer();
  w.inject(session::LocalPort::kNatt, {*IpAddress::parse("192.0.2.66"), 4500}, forged);
  // Nor does a replay of a genuine one.
  w.inject(session::LocalPort::kNatt, {*IpAddress::parse("192.0.2.66"), 4500},
           w.gateway().esp_sent().back());
  w.run_for(1s);
  CHECK(w.data_path().peer() == peer);
}

}  // namespace
}  // namespace godwit::sim
