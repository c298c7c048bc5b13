// Quick Mode and the lives of the SAs it makes (RFC 2409 5.5): rekeys, deletes, lifetimes.
#include "tests/ladders/hostile.h"

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
  SUBCASE("3des with md5") {
    config.profile.esp =
        config.gateway.esp = {{crypto::EspCipher::k3desCbc, 192, crypto::HashAlg::kMd5}};
  }
  SUBCASE("sha256 cut to 96 bits") {
    config.profile.esp =
        config.gateway.esp = {{crypto::EspCipher::kAesCbc, 256, crypto::HashAlg::kSha256, true}};
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

// Old gateways cut HMAC-SHA2-256 to 96 bits and negotiate it by the same number: the tunnel comes
// up and every packet is dropped.
TEST_CASE("sha256 of two lengths does not meet") {
  WorldConfig config;
  config.profile.esp = {{crypto::EspCipher::kAesCbc, 256, crypto::HashAlg::kSha256}};
  config.gateway.esp = {{crypto::EspCipher::kAesCbc, 256, crypto::HashAlg::kSha256, true}};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK_FALSE(w.ping());
  CHECK(w.gateway().esp_counters().of(Drop::kEspTooShort) > 0);
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

using Lie = void (*)(GatewayConfig&);

void edit_sa(GatewayConfig& gateway, std::function<void(ike::SaPayload&)> change) {
  gateway.edit = replacing_sa(ike::Protocol::kEsp, std::move(change));
}

void set_attribute(GatewayConfig& gateway, ike::Phase2Attr type, std::uint16_t value) {
  edit_sa(gateway, [=](ike::SaPayload& sa) {
    for (ike::Attribute& a : sa.proposals[0].transforms[0].attributes) {
      if (a.type == static_cast<std::uint16_t>(type)) a = ike::Attribute::number16(a.type, value);
    }
  });
}

// The answers of Quick Mode that no client can use.
const Lie kQuickLies[] = {
    [](GatewayConfig& g) { g.lies.wrong_hash_2 = true; },
    [](GatewayConfig& g) { g.lies.esp_spi_zero = true; },
    [](GatewayConfig& g) { g.lies.esp_spi_echoed = true; },
    [](GatewayConfig& g) { g.lies.esp_other_suite = true; },
    [](GatewayConfig& g) { g.lies.esp_other_ids = true; },
    [](GatewayConfig& g) { g.lies.short_nonce = true; },
    [](GatewayConfig& g) { g.lies.no_pfs_key = true; },
    [](GatewayConfig& g) { g.lies.unknown_payloads = true; },
    [](GatewayConfig& g) {
      edit_sa(g, [](auto& sa) { sa.proposals[0].protocol = ike::Protocol::kAh; });
    },
    [](GatewayConfig& g) {
      edit_sa(g, [](auto& sa) { sa.proposals[0].spi = ByteVec{0, 0, 0, 255}; });
    },
    [](GatewayConfig& g) { edit_sa(g, [](auto& sa) { sa.proposals.push_back(sa.proposals[0]); }); },
    [](GatewayConfig& g) {
      edit_sa(
          g, [](auto& sa) { sa.proposals[0].transforms.push_back(sa.proposals[0].transforms[0]); });
    },
    [](GatewayConfig& g) {  // A24: no key length, no keys
      edit_sa(g, [](auto& sa) {
        std::erase_if(sa.proposals[0].transforms[0].attributes, [](const ike::Attribute& a) {
          return a.type == static_cast<std::uint16_t>(ike::Phase2Attr::kKeyLength);
        });
      });
    },
    [](GatewayConfig& g) { set_attribute(g, ike::Phase2Attr::kKeyLength, 0); },
    [](GatewayConfig& g) { set_attribute(g, ike::Phase2Attr::kKeyLength, 256); },
    [](GatewayConfig& g) { set_attribute(g, ike::Phase2Attr::kKeyLength, 65535); },
    [](GatewayConfig& g) { set_attribute(g, ike::Phase2Attr::kEncapsulation, 1); },
    [](GatewayConfig& g) { set_attribute(g, ike::Phase2Attr::kEncapsulation, 2); },
    [](GatewayConfig& g) { set_attribute(g, ike::Phase2Attr::kEncapsulation, 4); },
    [](GatewayConfig& g) { set_attribute(g, ike::Phase2Attr::kGroup, 14); },
    [](GatewayConfig& g) {  // AES-GMAC: a transform that encrypts nothing
      edit_sa(g, [](auto& sa) { sa.proposals[0].transforms[0].id = 23; });
    },
    [](GatewayConfig& g) {  // a second SA payload
      g.edit = [](PayloadList& list) {
        if (list[0].first == PayloadType::kSa && list.size() > 3) list.push_back(list[0]);
      };
    },
};

WorldConfig with_pfs() {
  WorldConfig config;
  config.profile.pfs = config.gateway.pfs = crypto::DhGroup::kEcp256;
  return config;
}

TEST_CASE("H18, A24: no lie in Quick Mode brings the tunnel up") {
  for (std::size_t i = 0; i < std::size(kQuickLies); ++i) {
    WorldConfig config = with_pfs();
    config.gateway.silent_from = Step::kNever;
    Run w(config);
    CAPTURE(w.ladder());
    CAPTURE(i);
    // Phase 1 is honest.
    w.tap = [&](Flight&) {
      if (w.status().stage == session::Stage::kQuickMode) kQuickLies[i](w.gateway().config());
      return true;
    };
    const auto cause = end_of_connect(w);
    const bool refused =
        cause == session::EndCause::kPhase2Refused || cause == session::EndCause::kSelectorsRefused;
    CHECK((refused || ended_unanswered(cause)));
    CHECK(w.data_path().facts().pair_count == 0);
  }
}

// The old pair carries the traffic until an honest answer replaces it.
TEST_CASE("H18: a rekey that is lied to leaves the old SAs alone") {
  for (std::size_t i = 0; i < std::size(kQuickLies); ++i) {
    WorldConfig config = with_pfs();
    config.profile.esp_lifetime = 600s;
    Run w(config);
    CAPTURE(w.ladder());
    CAPTURE(i);
    REQUIRE(w.connect());
    REQUIRE(w.ping());
    const GatewayConfig honest = w.gateway().config();
    const auto inbound = w.status().inbound;
    w.run_for(470s);
    kQuickLies[i](w.gateway().config());
    CHECK(lost_pings(w, 50s) == 0);
    CHECK(w.status().inbound == inbound);
    CHECK(w.gateway().quick_modes() == 1);
    w.gateway().config() = honest;
    CHECK(lost_pings(w, 60s) == 0);
    CHECK(w.gateway().quick_modes() == 2);
  }
}

TEST_CASE("H18, A11: IDs of 14 types and every size in Quick Mode") {
  for (const std::size_t which : {0u, 1u}) {
    for (std::uint8_t type = 0; type < 14; ++type) {
      for (const std::size_t size : {0u, 1u, 3u, 4u, 8u, 16u, 32u, 20'000u}) {
        WorldConfig config;
        config.gateway.edit = [=](PayloadList& list) {
          std::size_t seen = 0;
          if (list[0].first != PayloadType::kSa) return;
          for (auto& [kind, body] : list) {
            if (kind != PayloadType::kId || seen++ != which) continue;
            body = ike::encode_id({ike::IdType{type}, 0, 0, ByteVec(size, 0x41)});
          }
        };
        Run w(config);
        CAPTURE(w.ladder());
        CAPTURE(static_cast<int>(type));
        CAPTURE(size);
        // Another network behind the gateway may be narrower than what was asked for.
        const bool narrower =
            which == 1 && size == (type == 4 ? 8u : 4u) && (type == 1 || type == 4);
        const auto cause = end_of_connect(w);
        CHECK((cause == session::EndCause::kSelectorsRefused || narrower));
      }
    }
  }
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

// ESP-22: kilobytes are counted in each direction, and new keys are there before they run out.
TEST_CASE("a rekey before the octets run out loses no packet") {
  WorldConfig config;
  config.ping_size = 1200;
  config.gateway.esp_kilobytes = 1024;
  SUBCASE("the limit is ours") { config.profile.esp_lifetime_bytes = 1 << 20; }
  SUBCASE("the limit is the gateway's") { config.gateway.responder_lifetime = true; }
  SUBCASE("of two limits the smaller one") {
    config.profile.esp_lifetime_bytes = 4 << 20;
    config.gateway.responder_lifetime = true;
  }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.event<session::SaInstalled>()->octets_max == 1 << 20);
  REQUIRE(w.status().esp_rekey_after.has_value());
  CHECK(*w.status().esp_rekey_after >= (1u << 20) * 3 / 4 - 1200);
  CHECK(*w.status().esp_rekey_after <= (1u << 20) * 4 / 5);
  CHECK(lost_pings(w, 120s) == 0);  // 2400 of them, 2.7 MiB each way
  CHECK(w.status().rekeys == 3);
  CHECK(w.gateway().quick_modes() == 4);
  CHECK(w.gateway().child_count() <= 2);
  CHECK(w.ping_from_office());
}

TEST_CASE("without a limit octets do not bring new keys") {
  WorldConfig config;
  config.ping_size = 1200;
  Run w(config);
  REQUIRE(w.connect());
  CHECK(lost_pings(w, 60s) == 0);
  CHECK(w.status().rekeys == 0);
  CHECK_FALSE(w.status().esp_rekey_after.has_value());
}

// RFC 4301 4.4.2.1: at the end of their life the SAs end, whatever became of the next ones.
TEST_CASE("keys whose octets ran out protect nothing more, and the tunnel waits for new ones") {
  WorldConfig config;
  config.ping_size = 1200;
  config.profile.esp_lifetime_bytes = 1 << 20;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.gateway().config().silent_from = Step::kQuick;
  w.gateway().config().echo_ping = true;
  CHECK(lost_pings(w, 60s) > 0);
  const auto sent = w.data_path_facts();
  CHECK(sent.pair_count == 0);
  CHECK(w.gateway().received().size() <= (1u << 20) / 1200 + 1);
  w.gateway().config().silent_from = Step::kNever;
  REQUIRE(w.run_until([&] { return w.data_path_facts().pair_count == 1; }, 60s));
  CHECK(w.ping());
  CHECK(w.ping_from_office());
  CHECK(w.forms() == 0);
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

// What the client sent of Quick Mode, and how many pairs of SAs it had then.
std::vector<std::size_t> pairs_when_sent(const World& w) {
  std::vector<std::size_t> pairs;
  for (const Sent& sent : w.sent()) {
    const auto header = ike::decode_header(sent.message());
    if (sent.is_ike() && header && header->exchange == ike::Exchange::kQuick) {
      pairs.push_back(sent.pairs);
    }
  }
  return pairs;
}

// The peer may send under the new SAs as soon as it has read that message.
TEST_CASE("a pair is in place before the message leaves that lets the peer use it (QM-15)") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  CHECK(pairs_when_sent(w) == std::vector<std::size_t>{0, 1});  // messages 1 and 3
  CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.start_rekey(t, o); }));
  w.run_for(1s);
  CHECK(pairs_when_sent(w) == std::vector<std::size_t>{0, 1, 2});  // message 2 of the gateway's
  // ISK-10: who began phase 1 comes first in the header, whoever begins what is under it.
  for (const Sent& sent : w.sent()) {
    const auto header = ike::decode_header(sent.message());
    if (!sent.is_ike() || !header) continue;
    CHECK(header->initiator == w.gateway().ike()->in.initiator);
  }
}

TEST_CASE("the gateway begins a Quick Mode for what is not ours (QM-16)") {
  const Prefix other = *Prefix::parse("192.168.0.0/16");
  for (const std::size_t which : {0u, 1u}) {
    Run w;
    CAPTURE(w.ladder());
    CAPTURE(which);
    REQUIRE(w.connect());
    REQUIRE(w.ping());
    const auto quick = sent_of(w, ike::Exchange::kQuick);
    w.gateway().config().edit = [&](PayloadList& list) {
      std::size_t seen = 0;
      for (auto& [type, body] : list) {
        if (type != PayloadType::kId || seen++ != which) continue;
        body = ike::encode_id(ike::IdPayload::subnet(other));
      }
    };
    CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.start_rekey(t, o); }));
    w.run_for(30s);
    CHECK(sent_of(w, ike::Exchange::kQuick) == quick);
    CHECK(w.data_path().facts().pair_count == 1);
    CHECK(w.ping());
  }
}

TEST_CASE("of two pairs the new one sends, and the old one hears for half a minute (QM-17)") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.start_rekey(t, o); }));
  w.run_for(2s);
  REQUIRE(w.ping());
  const auto before = w.data_path().facts();
  REQUIRE(before.pair_count == 2);
  CHECK(before.pairs[1].packets_in > 0);
  for (int i = 0; i < 25; ++i) {
    w.run_for(1s);
    CHECK(w.ping());
    REQUIRE(w.data_path().facts().pair_count == 2);
  }
  CHECK(w.data_path().facts().pairs[0].packets_out == before.pairs[0].packets_out);
  w.run_for(10s);
  CHECK(w.data_path().facts().pair_count == 1);
  CHECK(w.ping());
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
