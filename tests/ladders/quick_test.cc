// Quick Mode and the lives of the SAs it makes (RFC 2409 5.5): rekeys, deletes, lifetimes.
#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

// A ping every 50 ms, sent whatever else goes on, for a while. How many got no answer.
std::size_t lost_pings(World& w, Duration span) {
  std::vector<std::uint16_t> numbers;
  for (Duration at{}; at < span; at += 50ms) {
    numbers.push_back(w.send_ping());
    w.run_for(50ms);
  }
  w.run_for(2s);
  std::size_t lost = 0;
  for (const std::uint16_t number : numbers) lost += w.ping_answered(number) ? 0u : 1u;
  return lost;
}

TEST_CASE("quick mode") {
  WorldConfig config;
  SUBCASE("without PFS") {}
  SUBCASE("with PFS") {
    config.profile.pfs = crypto::DhGroup::kEcp256;
    config.gateway.pfs = crypto::DhGroup::kEcp256;
  }
  SUBCASE("aes-cbc") { config.gateway.esp = {config.profile.esp[1]}; }
  SUBCASE("aes-cbc with sha1") {
    config.profile.esp =
        config.gateway.esp = {{crypto::EspCipher::kAesCbc, 128, crypto::HashAlg::kSha1}};
  }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  std::vector<const Letter*> quick;
  for (const Letter& letter : w.gateway().letters()) {
    if (letter.header.exchange == ike::Exchange::kQuick) quick.push_back(&letter);
  }
  w.run_for(1s);
  REQUIRE(quick.size() >= 2);
  const bool pfs = config.profile.pfs.has_value();
  CHECK(quick[0]->payloads[0].first == PayloadType::kHash);
  CHECK(quick[0]->payloads[1].first == PayloadType::kSa);
  CHECK(quick[0]->count(PayloadType::kKe) == (pfs ? 1 : 0));
  CHECK(quick[0]->count(PayloadType::kId) == 2);
  CHECK(w.gateway().quick_modes() == 1);
  CHECK(w.gateway().letters().back().types() == "HASH");  // HASH(3)
  CHECK(w.ping());
  CHECK(w.ping_from_office());
  CHECK(w.event<session::SaInstalled>()->suite == w.config().gateway.esp.front());
}

TEST_CASE("quick mode is refused") {
  WorldConfig config;
  session::EndCause cause{};
  SUBCASE("no suite in common") {
    config.gateway.esp = {{crypto::EspCipher::kAesCbc, 192, crypto::HashAlg::kSha512}};
    cause = session::EndCause::kPhase2Refused;
  }
  SUBCASE("PFS wanted, none offered") {
    config.gateway.pfs = crypto::DhGroup::kEcp256;
    cause = session::EndCause::kPhase2Refused;
  }
  SUBCASE("other selectors") {
    config.gateway.refuse_quick = ike::Notify::kInvalidIdInformation;
    cause = session::EndCause::kSelectorsRefused;
  }
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
  CHECK(cause_is(w, cause));
}

TEST_CASE("lies in quick mode never bring the tunnel up (H18)") {
  WorldConfig config;
  SUBCASE("HASH(2)") { config.gateway.lies.wrong_hash_2 = true; }
  SUBCASE("SPI 0") { config.gateway.lies.esp_spi_zero = true; }
  SUBCASE("our own SPI") { config.gateway.lies.esp_spi_echoed = true; }
  SUBCASE("another suite") { config.gateway.lies.esp_other_suite = true; }
  SUBCASE("other selectors") { config.gateway.lies.esp_other_ids = true; }
  SUBCASE("a short nonce") { config.gateway.lies.short_nonce = true; }
  SUBCASE("no KE for PFS") {
    config.gateway.lies.no_pfs_key = true;
    config.profile.pfs = config.gateway.pfs = crypto::DhGroup::kEcp256;
  }
  Run w(config);
  CAPTURE(w.ladder());
  CHECK_FALSE(w.connect(90s));
  CHECK(w.finished());
}

TEST_CASE("a rekey before expiry loses no packet") {
  WorldConfig config;
  config.profile.esp_lifetime = 300s;
  SUBCASE("without PFS") {}
  SUBCASE("with PFS") { config.profile.pfs = config.gateway.pfs = crypto::DhGroup::kEcp256; }
  SUBCASE("the lifetime is the gateway's") {
    config.profile.esp_lifetime = 8h;
    config.gateway.esp_lifetime = 300s;
    config.gateway.responder_lifetime = true;
  }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(lost_pings(w, 900s) == 0);
  CHECK(w.gateway().quick_modes() >= 3);
  CHECK(w.status().rekeys >= 2);
  CHECK(w.gateway().child_count() <= 2);
  CHECK(w.ping_from_office());
}

TEST_CASE("the gateway starts a rekey") {
  WorldConfig config;
  config.gateway.rekey_after = 100s;
  SUBCASE("without PFS") {}
  SUBCASE("with PFS") { config.profile.pfs = config.gateway.pfs = crypto::DhGroup::kEcp256; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(lost_pings(w, 350s) == 0);
  CHECK(w.gateway().quick_modes() == 4);
  REQUIRE(w.event<session::SaInstalled>());
  CHECK(w.event<session::SaInstalled>()->by_gateway);
  CHECK(w.event<session::SaInstalled>()->rekey);
}

TEST_CASE("both sides rekey at once") {
  WorldConfig config;
  config.profile.esp_lifetime = 300s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  // The gateway starts when the client's first message of its rekey leaves.
  const std::size_t before = w.sent().size();
  const auto rekeying = [&] {
    for (std::size_t i = before; i < w.sent().size(); ++i) {
      if (!w.sent()[i].is_ike()) continue;
      const auto header = ike::decode_header(w.sent()[i].message());
      if (header && header->exchange == ike::Exchange::kQuick) return true;
    }
    return false;
  };
  REQUIRE(w.run_until(rekeying, 300s));
  CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.start_rekey(t, o); }));
  CHECK(lost_pings(w, 60s) == 0);
  CHECK(w.ping_from_office());
}

TEST_CASE("the gateway replaces and deletes the old pair") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.start_rekey(t, o); }));
  w.run_for(2s);
  CHECK(w.ping());
  CHECK(w.gateway().child_count() == 2);
  CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.delete_esp(t, o); }));
  w.run_for(2s);
  CHECK(w.gateway().child_count() == 1);
  CHECK(w.up());
  CHECK(w.ping());
  CHECK(w.ping_from_office());
}

TEST_CASE("the gateway deletes everything") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);  // until message 3 arrived
  CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.delete_esp(t, o); }));
  CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.delete_ike(t, o); }));
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 120s));
  CHECK(cause_is(w, session::EndCause::kGatewayClosed));
  CHECK_FALSE(w.tunnel());
}

TEST_CASE("phase 1 is replaced before it expires, and the traffic goes on") {
  WorldConfig config;
  config.profile.ike_lifetime = 600s;
  SUBCASE("main") {}
  SUBCASE("aggressive") { config.profile.aggressive = true; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const Cookie first = w.gateway().ike()->in.initiator;
  CHECK(lost_pings(w, 700s) == 0);
  REQUIRE(w.gateway().ike());
  CHECK(w.gateway().ike()->in.initiator != first);
  CHECK(w.up());
}

TEST_CASE("the user disconnects, at every stage") {
  auto config = with_xauth();
  SUBCASE("main") {}
  SUBCASE("aggressive") { config.profile.aggressive = true; }
  for (int steps = 0; steps < 60; ++steps) {
    Run w(config);
    CAPTURE(w.ladder());
    CAPTURE(steps);
    w.start();
    for (int i = 0; i < steps && !w.up(); ++i) w.step();
    const bool was_up = w.up();
    w.user(session::UserDisconnects{});
    REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 10s));
    CHECK(cause_is(w, session::EndCause::kUserRequest));
    CHECK_FALSE(w.tunnel());
    w.run_for(1s);
    if (was_up) {  // the Deletes arrived
      CHECK(w.gateway().child_count() == 0);
      CHECK(w.gateway().ike_count() == 0);
      break;
    }
  }
}

}  // namespace
}  // namespace godwit::sim
