// What anyone on the Internet may send (H01-H07, H20, H21): nothing goes out, nothing changes but a
// counter, and the next genuine message still works.
#include <algorithm>
#include <array>

#include "core/net/checksum.h"
#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;
using session::LocalPort;

// H01 to H07 at this moment; how many of them did something. Plaintext notifies may shorten the
// wait, so they are left out of the first moments of a test by `notifies`.
int barrage(World& w, SeededRng& rng, bool notifies = true) {
  int harm = 0;
  const auto hit = [&](Bytes message, bool counted = true) {
    for (const Endpoint& from : {kStranger, w.gateway_endpoint(false), w.gateway_endpoint(true)}) {
      harm += harmless(w, LocalPort::kIke, from, message, counted) ? 0 : 1;
      harm += harmless(w, LocalPort::kNatt, from, marked(message), counted) ? 0 : 1;
    }
  };
  for (int i = 0; i < 40; ++i) hit(random_octets(rng, rng.below(400)), false);  // H01
  ike::Header header = observed(w);
  const ByteVec body = random_octets(rng, 96);
  for (const auto exchange :
       {ike::Exchange::kMain, ike::Exchange::kAggressive, ike::Exchange::kInformational,
        ike::Exchange::kTransaction, ike::Exchange::kQuick}) {
    const bool phase1 = exchange == ike::Exchange::kMain || exchange == ike::Exchange::kAggressive;
    const std::uint32_t id = phase1 ? 0 : 0x7777;
    ike::Header stray = header;
    stray.initiator = Cookie{rng.next()};  // H02
    hit(message_of(stray, exchange, 1, id, body, PayloadType::kHash));
    stray = header;
    stray.responder = Cookie{rng.next()};
    hit(message_of(stray, exchange, 1, id, body, PayloadType::kHash));
    hit(message_of(header, exchange, 0, id, body, PayloadType::kHash));  // H04
    hit(message_of(header, exchange, 1, id, body, PayloadType::kHash));  // H05
    hit(message_of(header, exchange, 1, id, Bytes(body).first(15), PayloadType::kHash));
  }
  for (auto it = w.sent().rbegin(); it != w.sent().rend(); ++it) {  // H03
    if (!it->is_ike()) continue;
    hit(to_vec(it->message()));
    break;
  }
  if (!notifies) return harm;
  for (const auto type : {ike::Notify::kInitialContact, ike::Notify::kDpdRUThere,  // H07
                          ike::Notify::kDpdRUThereAck, ike::Notify::kConnected}) {
    hit(notify_message(header, type));
  }
  hit(delete_message(header));
  return harm;
}

TEST_CASE("H01-H05, H07 between any two messages of a connect") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = with_xauth();
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    SeededRng rng(7);
    w.start();
    while (!w.up() && !w.finished()) {
      REQUIRE(w.step());
      CHECK(barrage(w, rng) == 0);
    }
    REQUIRE(w.up());
    CHECK(w.ping());
    CHECK(w.status().retransmissions == 0);
  }
}

TEST_CASE("H01-H07 with the tunnel up") {
  Run w;
  CAPTURE(w.ladder());
  SeededRng rng(8);
  REQUIRE(w.connect());
  w.run_for(1s);
  CHECK(barrage(w, rng) == 0);
  for (const auto type : {ike::Notify::kNoProposalChosen, ike::Notify::kAuthenticationFailed,
                          ike::Notify::kInvalidCookie, ike::Notify::kInvalidSpi}) {
    const ByteVec notify = notify_message(observed(w), type);
    for (int i = 0; i < 100; ++i) {
      CHECK(harmless(w, LocalPort::kNatt, w.gateway_endpoint(true), marked(notify)));
    }
  }
  w.run_for(30s);
  CHECK(w.up());
  CHECK(w.ping());
  CHECK(w.ping_from_office());
  CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.start_rekey(t, o); }));
  w.run_for(2s);
  CHECK(w.gateway().quick_modes() == 2);
}

TEST_CASE("H06: the genuine answer wins over a plaintext notify") {
  for (const auto type : {ike::Notify::kNoProposalChosen, ike::Notify::kAuthenticationFailed,
                          ike::Notify::kInvalidCookie}) {
    for (int copies : {1, 100}) {
      Run w;
      CAPTURE(w.ladder());
      w.start();
      w.tap = [](Flight& flight) { return !flight.to_client; };  // the gateway is slow
      w.run_for(500ms);
      const ByteVec notify = notify_message(observed(w), type);
      for (int i = 0; i < copies; ++i) w.inject(LocalPort::kIke, w.gateway_endpoint(false), notify);
      CHECK(w.event_count<session::HintReceived>() <= 1);
      w.run_for(4s);
      CHECK_FALSE(w.finished());
      w.tap = nullptr;
      CHECK(w.run_until([&] { return w.up(); }, 30s));
    }
  }
}

TEST_CASE("H06: a plaintext notify ends nothing before ten seconds") {
  Run w;
  CAPTURE(w.ladder());
  w.start();
  w.tap = [](Flight& flight) { return !flight.to_client; };
  w.run_for(500ms);
  const ByteVec notify = notify_message(observed(w), ike::Notify::kNoProposalChosen);
  w.inject(LocalPort::kIke, w.gateway_endpoint(false), notify);
  w.run_for(9500ms);
  CHECK_FALSE(w.finished());
}

// Old messages of the gateway, in any later state, get at most an answer that was given before.
TEST_CASE("B06: replayed messages move nothing") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = with_xauth();
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    std::vector<Flight> recorded;
    w.tap = [&](Flight& flight) {
      if (flight.to_client) recorded.push_back(flight);
      return true;
    };
    REQUIRE(w.connect());
    REQUIRE(w.ping());
    w.run_for(5s);
    const auto packets = w.data_path().facts().packets_in;
    for (const Flight& flight : recorded) {
      const bool natt = flight.to.port == w.local().natt.port;
      w.inject(natt ? LocalPort::kNatt : LocalPort::kIke, flight.from, flight.bytes);
    }
    CHECK(w.data_path().facts().packets_in == packets);
    CHECK(w.forms() == 1);
    w.run_for(5s);
    CHECK(w.up());
    CHECK(w.ping());
    CHECK(w.gateway().quick_modes() == 1);
  }
}

// Before each genuine message of the gateway: all its truncations, and when it is encrypted all its
// single-bit flips. The first genuine copy still does its work.
TEST_CASE("A20: all truncations, and all flipped bits of what is encrypted") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = with_xauth();
    config.profile.aggressive = aggressive_mode;
    config.gateway.xauth_type = true;
    Run w(config);
    CAPTURE(w.ladder());
    std::size_t injected = 0;
    w.tap = [&](Flight& flight) {
      if (!flight.to_client || w.up()) return true;
      const ByteVec genuine = flight.bytes;
      const LocalPort port = port_of(w, flight);
      for (std::size_t size = 0; size < genuine.size(); ++size, ++injected) {
        w.inject(port, flight.from, Bytes(genuine).first(size));
      }
      if (!is_encrypted(w, flight)) return true;
      ByteVec flipped = genuine;
      for (std::size_t bit = 0; bit < flipped.size() * 8; ++bit, ++injected) {
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        w.inject(port, flight.from, flipped);
        flipped[bit / 8] = genuine[bit / 8];
      }
      return true;
    };
    REQUIRE(w.connect(5s));
    CHECK(injected > 3000);
    CHECK(w.status().retransmissions == 0);
    w.tap = nullptr;
    w.run_for(5s);
    CHECK(w.ping());
    CHECK(w.forms() == 1);
  }
}

// Nothing in a plaintext message says which copy is the genuine one: a flipped responder cookie is
// as good as the real one. The attempt may be spoiled, the connect is not. Every third bit.
TEST_CASE("B06, B12: flipped bits of the plaintext messages") {
  for (const bool aggressive_mode : {false, true}) {
    for (int victim = 0; victim < (aggressive_mode ? 1 : 2); ++victim) {
      std::size_t bits = 1;
      for (std::size_t bit = 0; bit < bits; bit += 3) {
        WorldConfig config;
        config.profile.aggressive = aggressive_mode;
        config.gateway.notify_bad_auth = false;
        Run w(config);
        CAPTURE(w.ladder());
        CAPTURE(bit);
        CAPTURE(victim);
        int seen = 0;
        w.tap = [&](Flight& flight) {
          if (!flight.to_client || seen++ != victim) return true;
          bits = flight.bytes.size() * 8;
          ByteVec flipped = flight.bytes;
          flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
          w.inject(port_of(w, flight), flight.from, flipped);
          return true;
        };
        REQUIRE(w.connect(90s));
        w.run_for(5s);
        CHECK(w.ping());
      }
    }
  }
}

TEST_CASE("H20: hostile ESP") {
  WorldConfig config;
  SUBCASE("aes-gcm") {}
  SUBCASE("aes-cbc") { config.gateway.esp = {config.profile.esp[1]}; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  w.run_for(1s);
  const Endpoint gateway = w.gateway_endpoint(true);
  const ByteVec genuine = w.gateway().esp_sent().back();
  const std::string before = fingerprint(w);
  for (int i = 0; i < 1000; ++i) CHECK(harmless(w, LocalPort::kNatt, gateway, genuine));  // replay
  // The same packet with another number: old, near and far in the future.
  for (const std::uint32_t number : {0u, 2u, 1000u, 0x8000'0000u, 0xffff'ffffu}) {
    ByteVec forged = genuine;
    store_be<std::uint32_t>(MutBytes(forged).subspan(4), number);
    CHECK(harmless(w, LocalPort::kNatt, gateway, forged));
  }
  for (std::size_t i = 0; i < genuine.size(); ++i) {
    ByteVec forged = genuine;
    forged[i] ^= 0x40;
    CHECK(harmless(w, LocalPort::kNatt, gateway, forged));
    forged = genuine;
    store_be<std::uint32_t>(MutBytes(forged).subspan(4), 77);
    forged[i] ^= 0x40;
    CHECK(harmless(w, LocalPort::kNatt, kStranger, forged));
  }
  for (std::size_t size = 5; size < std::min<std::size_t>(genuine.size(), 61); ++size) {
    CHECK(harmless(w, LocalPort::kNatt, gateway, Bytes(genuine).first(size)));
  }
  SeededRng rng(9);
  for (int i = 0; i < 200; ++i) {
    ByteVec noise = random_octets(rng, 100);
    noise[0] |= 1;
    CHECK(harmless(w, LocalPort::kNatt, gateway, noise));
    std::copy_n(genuine.begin(), 4, noise.begin());  // our SPI, another key
    CHECK(harmless(w, LocalPort::kNatt, gateway, noise));
  }
  CHECK(fingerprint(w) == before);
  CHECK(w.ping());
  CHECK(w.ping_from_office());
}

// A gateway that is authentic but sends what the selectors do not allow.
TEST_CASE("H20: inner packets outside the selectors") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  REQUIRE(w.ping_from_office());
  ByteVec packet = w.delivered().back();
  // To an address that is not ours; the header checksum is made right again.
  std::copy_n(std::array<std::uint8_t, 4>{10, 9, 0, 99}.begin(), 4, packet.begin() + 16);
  store_be<std::uint16_t>(MutBytes(packet).subspan(10), 0);
  store_be<std::uint16_t>(MutBytes(packet).subspan(10), checksum(Bytes(packet).first(20)));
  const std::size_t delivered = w.delivered().size();
  w.gateway_does([&](Gateway& g, Instant, Outbox& out) { return g.send_unchecked(packet, out); });
  w.run_for(1s);
  CHECK(w.delivered().size() == delivered);
  // No IP packet at all.
  w.gateway_does(
      [&](Gateway& g, Instant, Outbox& out) { return g.send_unchecked(ByteVec(40, 0xff), out); });
  w.run_for(1s);
  CHECK(w.delivered().size() == delivered);
  CHECK(w.ping());
}

TEST_CASE("H21: keepalives and runts") {
  WorldConfig config;
  config.profile.dpd_delay = 30s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  const std::array<std::uint8_t, 4> ff = {0xff, 0xff, 0xff, 0xff};
  const std::array<std::uint8_t, 4> zeros{};
  for (int i = 0; i < 1000; ++i) {
    for (std::size_t size = 0; size <= 4; ++size) {
      CHECK(harmless(w, LocalPort::kNatt, w.gateway_endpoint(true), Bytes(ff).first(size), false));
      CHECK(harmless(w, LocalPort::kNatt, kStranger, Bytes(zeros).first(size), false));
      CHECK(harmless(w, LocalPort::kIke, kStranger, Bytes(ff).first(size), false));
    }
  }
  // ENC-07: keepalives are no sign of life; a dead gateway that "sends" them is found dead.
  w.gateway().config().silent_from = Step::kMessage1;
  for (int i = 0; i < 300 && !w.finished(); ++i) {
    w.inject(LocalPort::kNatt, w.gateway_endpoint(true), Bytes(ff).first(1));
    w.run_for(1s);
  }
  CHECK(cause_is(w, session::EndCause::kGatewayLost));
}

TEST_CASE("H07: plaintext deletes and notifies of the gateway itself change nothing") {
  auto config = with_xauth();
  config.gateway.lies.plaintext_delete = true;
  config.gateway.lies.plaintext_notify = true;
  config.gateway.lies.unknown_payloads = false;
  for (const bool aggressive_mode : {false, true}) {
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(30s);
    CHECK(w.ping());
  }
}

}  // namespace
}  // namespace godwit::sim
