// Dead peer detection both ways (RFC 3706), retransmission (RFC 2408 5.1), and how a session ends
// when nobody answers.
#include <algorithm>
#include <array>

#include "core/ike/v1/proposal.h"
#include "core/ike/wire/encode.h"
#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using session::EndCause;

TEST_CASE("the client probes a silent gateway, and is answered") {
  WorldConfig config;
  config.profile.dpd_delay = 30s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(200s);
  CHECK(w.up());
  CHECK(w.gateway().dpd_answers() >= 4);
  CHECK(w.gateway().dpd_answers() <= 8);
}

TEST_CASE("traffic makes probes unnecessary (DPD-08)") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  for (int i = 0; i < 40; ++i) {
    w.run_for(5s);
    CHECK(w.ping());
  }
  CHECK(w.gateway().dpd_answers() == 0);
}

TEST_CASE("the gateway probes, and is answered") {
  WorldConfig config;
  config.profile.dpd_delay = 0s;
  config.gateway.dpd_delay = 30s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(300s);
  // A gateway that got no answer would have dropped everything by now.
  CHECK(w.gateway().ike_count() == 1);
  CHECK(w.gateway().dpd_answers() == 0);
  CHECK(w.ping());
}

TEST_CASE("a gateway that falls silent is lost") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  w.gateway().config().silent_from = Step::kMessage1;
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 300s));
  CHECK(cause_is(w, EndCause::kGatewayLost));
  CHECK(w.event<session::GatewaySilent>());
}

// What a gateway sends first when it wants a new phase 1.
ByteVec first_message(std::uint64_t cookie) {
  ike::Header header;
  header.initiator = Cookie{cookie};
  header.first = ike::PayloadType::kSa;
  ike::ChainBuilder chain;
  chain.add(ike::PayloadType::kSa, ike::encode_sa(ike::v1::offer_phase1(
                                       std::array{crypto::IkeSuite{}}, ike::kAuthPsk, 8h)));
  return ike::encode_message(header, chain.octets());
}

TEST_CASE("a gateway that begins phase 1 gets a new one of ours (IKE1-40)") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const Cookie first = w.gateway().ike()->in.initiator;
  const Endpoint gateway = w.status().gateway;
  Endpoint other = gateway;
  ++other.port;
  // Not from elsewhere, not to the old port, not sooner than 30 s after the last.
  w.inject(session::LocalPort::kNatt, other, marked(first_message(1)));
  w.inject(session::LocalPort::kIke, gateway, first_message(2));
  w.run_for(40s);
  CHECK(w.gateway().ike()->in.initiator == first);
  w.inject(session::LocalPort::kNatt, gateway, marked(first_message(3)));
  w.run_for(2s);
  const Cookie second = w.gateway().ike()->in.initiator;
  CHECK(second != first);
  w.inject(session::LocalPort::kNatt, gateway, marked(first_message(4)));
  w.run_for(20s);
  CHECK(w.gateway().ike()->in.initiator == second);
  w.run_for(12s);
  CHECK(w.gateway().ike()->in.initiator != second);
  CHECK(w.up());
  CHECK(w.ping());
}

TEST_CASE("a gateway without DPD is never probed") {
  WorldConfig config;
  config.gateway.dpd = false;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(600s);
  CHECK(w.up());
  for (const Letter& letter : w.gateway().letters()) {
    if (letter.heard) CHECK(letter.header.exchange != ike::Exchange::kInformational);
  }
}

// ISK-22: the same octets after gaps that grow, each within 20 %. What follows a first answer is
// sent ten times, so that the whole connect fits into 90 s.
void check_backoff(const World& w, std::size_t first, std::size_t transmissions) {
  constexpr std::array<double, 12> kGaps = {1, 1, 2, 2, 3, 3, 4, 4, 6, 6, 8, 8};
  const auto& sent = w.sent();
  REQUIRE(sent.size() >= first + transmissions);
  for (std::size_t i = 0; i + 1 < transmissions; ++i) {
    CHECK(sent[first + i + 1].flight.bytes == sent[first].flight.bytes);
    CHECK(sent[first + i + 1].flight.to == sent[first].flight.to);
    const double gap =
        std::chrono::duration<double>(sent[first + i + 1].at - sent[first + i].at).count();
    CHECK(gap >= kGaps[i] * 0.799);
    CHECK(gap <= kGaps[i] * 1.201);
  }
  // A second attempt, if there is time for one, begins with new cookies and other octets.
  if (sent.size() > first + transmissions) {
    CHECK(sent[first + transmissions].flight.bytes != sent[first].flight.bytes);
  }
}

TEST_CASE("no answer: the message is resent byte for byte, with backoff") {
  WorldConfig config;
  EndCause cause = EndCause::kNoAnswer;
  std::size_t first = 0;
  config.gateway.silent_from = Step::kMessage1;
  SUBCASE("Main 1") {}
  SUBCASE("Aggressive 1") { config.profile.aggressive = true; }
  SUBCASE("Main 3") {
    config.gateway.silent_from = Step::kMessage3;
    first = 1;
  }
  SUBCASE("Main 5, after the float") {
    config.gateway.silent_from = Step::kMessage5;
    first = 2;
    cause = EndCause::kNoAnswerAfterFloat;
  }
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
  CHECK(cause_is(w, cause));
  check_backoff(w, first, first == 0 ? 7 : 10);
  CHECK(w.event_count<session::Retransmitting>() >= (first == 0 ? 6u : 9u));
}

TEST_CASE("no answer later on ends with a reason within 90 s") {
  auto config = with_xauth();
  config.user.delay = 0s;
  const auto step = std::array{Step::kXauth, Step::kModeConfig, Step::kQuick};
  for (const Step silent : step) {
    for (const bool aggressive_mode : {false, true}) {
      config.profile.aggressive = aggressive_mode;
      config.gateway.silent_from = silent;
      Run w(config);
      CAPTURE(w.ladder());
      w.start();
      REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
      CHECK((w.finished()->cause == EndCause::kNoAnswer ||
             (silent == Step::kModeConfig && w.finished()->cause == EndCause::kNoAddress) ||
             w.finished()->cause == EndCause::kNoAnswerAfterFloat));
    }
  }
}

TEST_CASE("a wrong pre-shared key") {
  for (const bool aggressive_mode : {false, true}) {
    for (const bool told : {false, true}) {
      WorldConfig config;
      config.profile.aggressive = aggressive_mode;
      config.psk = "halibut";
      config.gateway.notify_bad_auth = told;
      Run w(config);
      CAPTURE(w.ladder());
      CAPTURE(aggressive_mode);
      CAPTURE(told);
      w.start();
      REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
      if (aggressive_mode) {
        CHECK(cause_is(w, EndCause::kGatewayAuthFailed));
      } else if (told) {
        CHECK((cause_is(w, EndCause::kWeAreRefused) || cause_is(w, EndCause::kGatewayAuthFailed)));
      } else {
        CHECK((cause_is(w, EndCause::kNoAnswerAfterFloat) ||
               cause_is(w, EndCause::kGatewayAuthFailed)));
      }
    }
  }
}

TEST_CASE("a wrong HASH_R") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config;
    config.profile.aggressive = aggressive_mode;
    config.gateway.lies.wrong_hash_r = true;
    Run w(config);
    CAPTURE(w.ladder());
    w.start();
    REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
    CHECK(cause_is(w, EndCause::kGatewayAuthFailed));
    CHECK(w.forms() == 0);
  }
}

TEST_CASE("the proposal is refused") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config;
    config.profile.aggressive = aggressive_mode;
    config.gateway.ike = {{{128}, crypto::HashAlg::kSha1, crypto::DhGroup::kModp1024}};
    Run w(config);
    CAPTURE(w.ladder());
    w.start();
    REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
    CHECK(cause_is(w, EndCause::kProposalRefused));
    CHECK(w.finished()->notify == static_cast<std::uint16_t>(ike::Notify::kNoProposalChosen));
  }
}

TEST_CASE("answers that were never offered") {
  WorldConfig config;
  SUBCASE("another hash") { config.gateway.lies.unoffered_transform = true; }
  SUBCASE("another key length") { config.gateway.lies.other_key_length = true; }
  SUBCASE("two transforms") { config.gateway.lies.two_transforms = true; }
  SUBCASE("two SA payloads") { config.gateway.lies.second_sa = true; }
  SUBCASE("a KE of zeros") { config.gateway.lies.zero_key = true; }
  SUBCASE("a short nonce") { config.gateway.lies.short_nonce = true; }
  SUBCASE("another cookie half-way") { config.gateway.lies.stale_cookie = true; }
  for (const bool aggressive_mode : {false, true}) {
    if (aggressive_mode && config.gateway.lies.stale_cookie) continue;
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    CHECK_FALSE(w.connect());
    CHECK(w.finished());
  }
}

TEST_CASE("a gateway with another identity than the profile's") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config;
    config.profile.aggressive = aggressive_mode;
    config.profile.remote_id = {config::Identity::Type::kFqdn, "gw.example"};
    Run w(config);
    CAPTURE(w.ladder());
    w.start();
    REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 90s));
    CHECK(cause_is(w, EndCause::kGatewayIdentity));
  }
}

TEST_CASE("answers that come twice are harmless") {
  auto config = with_xauth();
  config.gateway.lies.answers_twice = true;
  for (const bool aggressive_mode : {false, true}) {
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
    CHECK(w.forms() == 1);
  }
}

// Each message of the gateway is lost once, then each of the client's.
TEST_CASE("any one message may be lost") {
  for (const bool aggressive_mode : {false, true}) {
    for (const bool to_client : {false, true}) {
      for (int victim = 0; victim < 9; ++victim) {
        auto config = with_xauth();
        config.profile.aggressive = aggressive_mode;
        Run w(config);
        CAPTURE(w.ladder());
        int seen = 0;
        w.tap = [&](Flight& flight) { return flight.to_client != to_client || seen++ != victim; };
        REQUIRE(w.connect());
        w.run_for(20s);  // a lost message 3 of Quick Mode comes again
        w.tap = nullptr;
        CHECK(w.ping());
        CHECK(w.forms() == 1);
      }
    }
  }
}

}  // namespace
}  // namespace godwit::sim
