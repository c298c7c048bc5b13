// The lies of tests/sim/gateway_config.h that no other ladder tells: either the tunnel comes up and
// carries traffic, or the connect ends with the right cause within 90 s. And what H17 and H22 leave
// of fragments and ICMP.
#include <array>

#include "core/net/checksum.h"
#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;
using session::EndCause;
using session::LocalPort;

TEST_CASE("A21: payloads that the exchange has no place for spoil their message") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config;
    config.profile.aggressive = aggressive_mode;
    config.gateway.lies.unknown_payloads = true;
    Run w(config);
    CAPTURE(w.ladder());
    CHECK(ended_unanswered(end_of_connect(w)));
    CHECK(w.session().counters().of(Drop::kUnexpectedPayload) > 0);
    CHECK_FALSE(sent_encrypted(w));
  }
}

// IKE1-32: a lifetime is shortened, but not to nothing.
TEST_CASE("a lifetime of zero does not make a storm of rekeys") {
  WorldConfig config;
  config.gateway.lies.lifetime_zero = true;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  for (int i = 0; i < 120; ++i) {
    CHECK(w.ping());
    w.run_for(5s);
  }
  CHECK(w.up());
  CHECK(w.gateway().quick_modes() >= 2);
  CHECK(w.gateway().quick_modes() <= 15);
}

TEST_CASE("B06: an older answer in place of the new one") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = with_xauth();
    config.profile.aggressive = aggressive_mode;
    config.profile.esp_lifetime = 300s;
    config.gateway.lies.replayed_reply = true;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.forms() == 1);
    CHECK(w.session().counters().of(Drop::kRetransmission) > 0);
    CHECK(w.status().retransmissions > 0);
    CHECK(w.ping());
    w.run_for(400s);  // a rekey among them
    CHECK(w.gateway().quick_modes() >= 2);
    CHECK(w.ping());
  }
}

// H18: RFC 4303 2.1 lets the receiver choose its SPI, and one SPI is one SA. The old pair stays.
TEST_CASE("H18: a rekey that is answered with the SPI of the pair before") {
  WorldConfig config;
  config.profile.esp_lifetime = 600s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  const auto inbound = w.status().inbound;
  w.gateway().config().lies.esp_spi_reused = true;
  for (int i = 0; i < 115; ++i) {
    CHECK(w.ping());
    w.run_for(5s);
  }
  CHECK(sent_of(w, ike::Exchange::kQuick) > 2);  // it was tried
  CHECK(w.status().inbound == inbound);
  CHECK(w.gateway().quick_modes() == 1);
  w.gateway().config().lies.esp_spi_reused = false;
  w.run_for(120s);
  CHECK(w.up());
  CHECK(w.ping());
  CHECK(w.status().inbound != inbound);
}

// Hardly any of these fits another: each is one counted datagram, and 32 KiB is all they can fill.
TEST_CASE("H17, A01, A02, A03, A04, A21: endless fragments beside an honest gateway") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config;
    config.profile.aggressive = aggressive_mode;
    config.gateway.lies.endless_fragments = true;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(60s);
    CHECK(w.session().counters().total() > 4000);
    CHECK(w.ping());
    CHECK(w.ping_from_office());
    CHECK(w.status().retransmissions == 0);
  }
}

TEST_CASE("H17: endless fragments and no answer") {
  WorldConfig config;
  config.gateway.lies.endless_fragments = true;
  EndCause late = EndCause::kNoAnswer;
  SUBCASE("from message 3 on") { config.gateway.silent_from = Step::kMessage3; }
  SUBCASE("from message 5 on") {
    config.gateway.silent_from = Step::kMessage5;
    late = EndCause::kNoAnswerAfterFloat;
  }
  Run w(config);
  CAPTURE(w.ladder());
  const auto cause = end_of_connect(w);
  CHECK((cause == late || cause == EndCause::kProtocol));
}

// Every length of the payload, every number, first, last, doubled and never complete.
TEST_CASE("H17, A01: fragments of every shape change nothing") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  ike::Header header = observed(w);
  header.first = PayloadType::kFragment;
  int harm = 0;
  for (const auto exchange : {ike::Exchange::kMain, ike::Exchange::kInformational}) {
    for (unsigned number = 0; number < 256; ++number) {
      for (const std::uint16_t length : std::initializer_list<std::uint16_t>{0, 3, 4, 7, 8, 40}) {
        // Generic header, fragment ID, number, last; what the length leaves out stands there too.
        ByteVec body{0, 0, 0, 0, 0, 1, static_cast<std::uint8_t>(number), number % 2 == 0};
        store_be<std::uint16_t>(MutBytes(body).subspan(2), length);
        body.resize(40);
        const ByteVec message =
            message_of(header, exchange, 0, exchange == ike::Exchange::kMain ? 0 : 5, body,
                       PayloadType::kFragment);
        for (int copies = 0; copies < 2; ++copies) {
          // One that may be the first of a message is kept, and no drop.
          harm += harmless(w, LocalPort::kNatt, w.gateway_endpoint(true), marked(message), false)
                      ? 0
                      : 1;
        }
      }
    }
  }
  CHECK(harm == 0);
  CHECK(w.session().counters().of(Drop::kBadFragment) > 4000);
  CHECK(w.ping());
}

TEST_CASE("H07, A25: R-U-THERE without protection is never answered") {
  WorldConfig config;
  config.profile.dpd_delay = 0s;
  config.gateway.dpd_delay = 20s;
  config.gateway.lies.plaintext_dpd = true;
  for (const bool aggressive_mode : {false, true}) {
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(200s);
    std::size_t plain = 0;
    std::size_t asked = 0;
    for (const Letter& letter : w.gateway().letters()) {
      if (letter.heard || letter.header.exchange != ike::Exchange::kInformational) continue;
      (letter.header.encrypted() ? asked : plain) += 1;
    }
    CHECK(plain > 5);
    CHECK(sent_of(w, ike::Exchange::kInformational) == asked);
    CHECK(w.session().counters().of(Drop::kPlaintextNotify) >= plain);
    CHECK(w.ping());
  }
}

TEST_CASE("H07: every lie in plaintext at once") {
  auto config = with_xauth();
  config.gateway.lies.plaintext_delete = true;
  config.gateway.lies.plaintext_notify = true;
  config.gateway.lies.plaintext_dpd = true;
  config.gateway.lies.answers_twice = true;
  config.gateway.lies.endless_fragments = true;
  for (const bool aggressive_mode : {false, true}) {
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(30s);
    CHECK(w.ping());
    CHECK(w.forms() == 1);
  }
}

// An ICMP error never reaches the core. A forged "fragmentation needed" can lower the kernel's path
// MTU, and the client answers a refused datagram with set_mtu, never below 576.
TEST_CASE("H22: with the least MTU that a forged ICMP can bring about the tunnel lives") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  w.data_path().set_mtu(576);
  ByteVec large(577);
  large[0] = 0x45;
  store_be<std::uint16_t>(MutBytes(large).subspan(2), 577);
  large[6] = 0x40;  // do not fragment
  large[8] = 64;
  large[9] = 17;
  std::ranges::copy(w.tunnel()->addresses.front().address().bytes(), large.begin() + 12);
  std::ranges::copy(IpAddress::parse("10.1.0.10")->bytes(), large.begin() + 16);
  store_be<std::uint16_t>(MutBytes(large).subspan(10), checksum(Bytes(large).first(20)));
  CHECK_FALSE(w.send_inner(large));
  CHECK(w.data_path().counters().of(Drop::kTooBig) == 1);
  for (int i = 0; i < 60; ++i) {
    CHECK(w.ping());
    w.run_for(5s);
  }
  CHECK(w.up());
  CHECK(w.ping_from_office());
}

}  // namespace
}  // namespace godwit::sim
