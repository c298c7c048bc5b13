// An ESP packet cut at every octet and with every bit flipped: the tag refuses it (RFC 4303 3.4.4),
// and nothing of the SA has moved when the genuine packet comes.
#include <doctest/doctest.h>

#include "core/esp/sa.h"
#include "tests/support/esp_peer.h"
#include "tests/support/packets.h"

using namespace godwit;

namespace {

constexpr EspSpi kSpi{0xc0ffee01};
constexpr std::uint8_t kSeed = 3;
// Every single flipped bit of it is a number above the window's first place, never zero.
constexpr std::uint32_t kSequence = 0x00010204;

const test::Inner kInner = {IpAddress::v4(0xc0000250), IpAddress::v4(0x0a090002)};

struct Receiver {
  explicit Receiver(const crypto::EspSuite& suite)
      : sa(test::parameters(suite, kSpi, kSeed,
                            {{*Prefix::parse("10.9.0.2")}, {*Prefix::parse("192.0.2.0/24")}})) {}

  // What came out: the inner packet, or nothing.
  ByteVec open(Bytes datagram) {
    test::Buffer buffer(datagram);
    esp::Packet* batch[] = {&buffer.packet};
    std::size_t newest = 0;
    accepted += sa.open(batch, counters, newest);
    return buffer.vec();
  }

  esp::InboundSa sa;
  Counters counters;
  std::size_t accepted = 0;
};

}  // namespace

TEST_CASE("every flipped bit of an ESP packet is refused by the tag") {
  for (const crypto::EspSuite& suite : test::all_suites()) {
    const ByteVec inner = test::ip_packet(kInner);
    const ByteVec good = test::EspPeer(suite, kSpi, kSeed).seal(kSequence, inner);
    Receiver receiver(suite);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      CAPTURE(bit);
      ByteVec bad = good;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      REQUIRE(receiver.open(bad).empty());
      REQUIRE(receiver.counters.of(Drop::kBadTag) == bit + 1);
    }
    CHECK(receiver.counters.total() == good.size() * 8);
    CHECK(receiver.accepted == 0);
    CHECK(receiver.open(good) == inner);
    CHECK(receiver.accepted == 1);
  }
}

TEST_CASE("every truncation of an ESP packet is refused") {
  for (const crypto::EspSuite& suite : test::all_suites()) {
    const ByteVec inner = test::ip_packet(kInner);
    const ByteVec good = test::EspPeer(suite, kSpi, kSeed).seal(kSequence, inner);
    // RFC 4303 2: both numbers, the IV, a block with the trailer in it, the tag.
    const std::size_t least = 8 + suite.iv_size() + suite.block() + suite.icv_size();
    Receiver receiver(suite);
    std::uint64_t by_tag = 0;
    for (std::size_t size = 0; size < good.size(); ++size) {
      CAPTURE(size);
      REQUIRE(receiver.open(Bytes(good).first(size)).empty());
      // Only what could be a packet is worth the tag's work: whole blocks, one at least.
      if (size >= least && (size - least) % suite.block() == 0) ++by_tag;
      REQUIRE(receiver.counters.of(Drop::kBadTag) == by_tag);
      REQUIRE(receiver.counters.of(Drop::kEspTooShort) == size + 1 - by_tag);
    }
    CHECK(by_tag > 0);
    CHECK(receiver.counters.total() == good.size());
    CHECK(receiver.open(good) == inner);
  }
}
