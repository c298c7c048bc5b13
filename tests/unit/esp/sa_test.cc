#include "core/esp/sa.h"

#include <doctest/doctest.h>

#include <deque>

#include "tests/support/esp_peer.h"
#include "tests/support/packets.h"

namespace godwit::esp {

struct SaTestAccess {
  static void skip_to(OutboundSa& sa, std::uint64_t sequence) { sa.sequence_ = sequence; }
};

}  // namespace godwit::esp

using namespace godwit;
using test::Buffer;
using test::EspPeer;

namespace {

constexpr EspSpi kSpi{0xc0ffee01};
constexpr std::uint8_t kSeed = 3;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

esp::Selectors selectors() {
  return {{*Prefix::parse("10.9.0.2"), *Prefix::parse("2001:db8::2")},
          {*Prefix::parse("192.0.2.0/24"), *Prefix::parse("2001:db8:1::/48")}};
}

ByteVec outgoing(std::size_t upper, std::uint8_t tos = 0) {
  return test::ip_packet({ip("10.9.0.2"), ip("192.0.2.80"), 17, tos, true, ByteVec(upper, 0x42)});
}

ByteVec incoming(std::size_t upper, std::uint8_t tos = 0) {
  return test::ip_packet({ip("192.0.2.80"), ip("10.9.0.2"), 17, tos, true, ByteVec(upper, 0x42)});
}

esp::OutboundSa outbound_sa(const crypto::EspSuite& suite) {
  return esp::OutboundSa(test::parameters(suite, kSpi, kSeed, selectors()));
}

// One inbound SA with its counters, and batches made of datagrams.
struct Receiver {
  explicit Receiver(const crypto::EspSuite& suite)
      : sa(test::parameters(suite, kSpi, kSeed, selectors())) {}

  std::size_t open(const std::vector<ByteVec>& datagrams, std::uint8_t outer_tos = 0) {
    buffers.clear();
    std::vector<esp::Packet*> batch;
    for (const ByteVec& datagram : datagrams) {
      batch.push_back(&buffers.emplace_back(datagram, outer_tos).packet);
    }
    return sa.open(batch, counters, newest);
  }

  esp::InboundSa sa;
  Counters counters;
  std::deque<Buffer> buffers;
  std::size_t newest = 99;
};

}  // namespace

TEST_CASE("seal: the packet is what RFC 4303 2 draws, for every suite and size") {
  for (const crypto::EspSuite& suite : test::all_suites()) {
    esp::OutboundSa sa = outbound_sa(suite);
    EspPeer peer(suite, kSpi, kSeed);
    Counters counters;
    for (std::uint32_t i = 0; i < 70; ++i) {
      const ByteVec inner = outgoing(i);
      Buffer buffer(inner);
      esp::Packet* batch[] = {&buffer.packet};
      sa.seal(batch, counters);
      CHECK(buffer.packet.size == inner.size() + sa.overhead(inner.size()));
      const EspPeer::Opened opened = peer.open(buffer.vec());
      CHECK(opened.spi == kSpi.value());
      CHECK(opened.sequence == i + 1);
      CHECK(opened.next_header == 4);
      CHECK(opened.padding < suite.block());
      CHECK(opened.inner == inner);
    }
    CHECK(sa.packets() == 70);
    CHECK(counters.total() == 0);
  }
}

TEST_CASE("seal: a batch gets consecutive numbers, the right next header and outer ECN") {
  esp::OutboundSa sa = outbound_sa(test::gcm());
  EspPeer peer(test::gcm(), kSpi, kSeed);
  Counters counters;
  std::deque<Buffer> buffers;
  buffers.emplace_back(outgoing(10, 0xb8 | 2));
  buffers.emplace_back(test::ip_packet({ip("2001:db8::2"), ip("2001:db8:1::1"), 17, 3}));
  buffers.emplace_back(ByteVec(40, 0x55));  // no IP version
  buffers.emplace_back(outgoing(11, 1));
  std::vector<esp::Packet*> batch;
  for (Buffer& buffer : buffers) batch.push_back(&buffer.packet);
  sa.seal(batch, counters);

  CHECK(peer.open(buffers[0].vec()).sequence == 1);
  CHECK(peer.open(buffers[1].vec()).sequence == 2);
  CHECK(peer.open(buffers[1].vec()).next_header == 41);
  CHECK(buffers[2].packet.size == 0);
  CHECK(peer.open(buffers[3].vec()).sequence == 3);
  CHECK(buffers[0].packet.outer_tos == 2);
  CHECK(buffers[1].packet.outer_tos == 3);
  CHECK(buffers[3].packet.outer_tos == 1);
  CHECK(counters.of(Drop::kBadInner) == 1);
  CHECK(counters.total() == 1);
}

TEST_CASE("seal: inner_max is the largest that fits, for every suite and payload") {
  for (const crypto::EspSuite& suite : test::all_suites()) {
    const esp::OutboundSa sa = outbound_sa(suite);
    for (std::size_t payload = 0; payload < 1500; ++payload) {
      const std::size_t inner = sa.inner_max(payload);
      if (inner != 0) REQUIRE(inner + sa.overhead(inner) <= payload);
      REQUIRE(inner + 1 + sa.overhead(inner + 1) > payload);
    }
  }
}

TEST_CASE("seal: sequence numbers end and never wrap (RFC 4303 3.3.3)") {
  esp::OutboundSa sa = outbound_sa(test::cbc(crypto::HashAlg::kSha256));
  EspPeer peer(test::cbc(crypto::HashAlg::kSha256), kSpi, kSeed);
  esp::SaTestAccess::skip_to(sa, 0xffff'fffd);
  Counters counters;
  std::deque<Buffer> buffers;
  std::vector<esp::Packet*> batch;
  for (int i = 0; i < 5; ++i) batch.push_back(&buffers.emplace_back(outgoing(20)).packet);
  sa.seal(batch, counters);
  CHECK(peer.open(buffers[0].vec()).sequence == 0xffff'fffe);
  CHECK(peer.open(buffers[1].vec()).sequence == 0xffff'ffff);
  for (std::size_t i = 2; i < 5; ++i) CHECK(buffers[i].packet.size == 0);
  CHECK(sa.exhausted());
  CHECK(sa.packets() == 0xffff'ffff);
  CHECK(counters.of(Drop::kSequenceExhausted) == 3);
  CHECK(counters.total() == 3);
}

TEST_CASE("open: what seal made comes back, for every suite") {
  for (const crypto::EspSuite& suite : test::all_suites()) {
    esp::OutboundSa sender = outbound_sa(suite);
    Receiver receiver(suite);
    Counters counters;
    std::vector<ByteVec> datagrams;
    std::vector<ByteVec> inners;
    for (std::size_t i = 0; i < 64; ++i) {
      Buffer buffer(inners.emplace_back(incoming(i * 21)));
      esp::Packet* batch[] = {&buffer.packet};
      sender.seal(batch, counters);
      datagrams.push_back(buffer.vec());
    }
    std::swap(datagrams[10], datagrams[63]);
    CHECK(receiver.open(datagrams) == 64);
    CHECK(receiver.newest == 10);
    std::swap(inners[10], inners[63]);
    for (std::size_t i = 0; i < 64; ++i) CHECK(receiver.buffers[i].vec() == inners[i]);
    CHECK(receiver.sa.packets() == 64);
    CHECK(receiver.sa.bytes() == sender.bytes());
    CHECK(receiver.counters.total() == 0);
  }
}

TEST_CASE("open: a copy in the same batch is a replay, a forgery before it is not") {
  EspPeer peer(test::gcm(), kSpi, kSeed);
  Receiver receiver(test::gcm());
  const ByteVec good = peer.seal(7, incoming(30));
  ByteVec forged = good;
  forged.back() ^= 1;
  CHECK(receiver.open({forged, good, good, peer.seal(6, incoming(30))}) == 2);
  CHECK(receiver.newest == 1);
  CHECK(receiver.buffers[0].packet.size == 0);
  CHECK(receiver.buffers[1].vec() == incoming(30));
  CHECK(receiver.buffers[2].packet.size == 0);
  CHECK(receiver.buffers[3].vec() == incoming(30));
  CHECK(receiver.counters.of(Drop::kBadTag) == 1);
  CHECK(receiver.counters.of(Drop::kReplay) == 1);
  CHECK(receiver.counters.total() == 2);

  // Late: authentic, but it tells nothing new about the peer.
  CHECK(receiver.open({peer.seal(3, incoming(30))}) == 1);
  CHECK(receiver.newest == 1);
}

TEST_CASE("open: a forged number far ahead does not move the window") {
  EspPeer peer(test::gcm(), kSpi, kSeed);
  Receiver receiver(test::gcm());
  CHECK(receiver.open({peer.seal(1, incoming(8))}) == 1);
  ByteVec forged = peer.seal(2, incoming(8));
  store_be(MutBytes(forged).subspan(4), std::uint32_t{0x8000'0000});
  CHECK(receiver.open({forged}) == 0);
  CHECK(receiver.counters.of(Drop::kBadTag) == 1);
  CHECK(receiver.open({peer.seal(2, incoming(8))}) == 1);
}

TEST_CASE("open: wrong payloads are authentic, counted once and not delivered") {
  for (const crypto::EspSuite& suite : test::all_suites()) {
    EspPeer peer(suite, kSpi, kSeed);
    const struct {
      ByteVec payload;
      test::Trailer trailer;
      Drop reason;
    } cases[] = {
        {incoming(9), {.pad_length = std::uint8_t{255}}, Drop::kBadPadding},
        {incoming(9), {.extra_blocks = 1, .zero_padding = true}, Drop::kBadPadding},
        {incoming(9), {.next_header = 59}, Drop::kDummy},
        {incoming(9), {.next_header = 0}, Drop::kBadNextHeader},
        {incoming(9), {.next_header = 41}, Drop::kBadInner},
        {{}, {.next_header = 4}, Drop::kBadInner},
        {outgoing(9), {}, Drop::kInnerAddress},
    };
    for (const auto& wrong : cases) {
      Receiver receiver(suite);
      CHECK(receiver.open({peer.seal(1, wrong.payload, wrong.trailer)}) == 1);
      CHECK(receiver.newest == 0);
      CHECK(receiver.buffers[0].packet.size == 0);
      CHECK(receiver.counters.of(wrong.reason) == 1);
      CHECK(receiver.counters.total() == 1);
      CHECK(receiver.sa.packets() == 1);
      CHECK(receiver.sa.bytes() == 0);
    }
  }
}

TEST_CASE("open: padding of any valid length is fine (RFC 4303 2.4)") {
  for (const crypto::EspSuite& suite : test::all_suites()) {
    EspPeer peer(suite, kSpi, kSeed);
    Receiver receiver(suite);
    for (std::uint32_t blocks = 0; blocks * suite.block() + suite.block() <= 255; ++blocks) {
      test::Trailer trailer;
      trailer.extra_blocks = blocks;
      CHECK(receiver.open({peer.seal(blocks + 1, incoming(9), trailer)}) == 1);
      CHECK(receiver.buffers[0].vec() == incoming(9));
    }
    CHECK(receiver.counters.total() == 0);
  }
}

TEST_CASE("open: RFC 6040, the outer mark reaches the inner packet") {
  EspPeer peer(test::gcm(), kSpi, kSeed);
  Receiver receiver(test::gcm());
  CHECK(receiver.open({peer.seal(1, incoming(9, 0xb8 | 2))}, 3) == 1);
  CHECK(receiver.buffers[0].vec() == incoming(9, 0xb8 | 3));
  CHECK(receiver.open({peer.seal(2, incoming(9, 0xb8))}, 3) == 1);
  CHECK(receiver.buffers[0].packet.size == 0);
  CHECK(receiver.counters.of(Drop::kEcnDropped) == 1);
  CHECK(receiver.counters.total() == 1);
}

TEST_CASE("selectors: both ends must match, and none allow nothing") {
  const esp::Selectors both = selectors();
  CHECK(both.allows(ip("10.9.0.2"), ip("192.0.2.1")));
  CHECK(both.allows(ip("2001:db8::2"), ip("2001:db8:1::9")));
  CHECK_FALSE(both.allows(ip("10.9.0.3"), ip("192.0.2.1")));
  CHECK_FALSE(both.allows(ip("10.9.0.2"), ip("192.0.3.1")));
  CHECK_FALSE(both.allows(ip("192.0.2.1"), ip("10.9.0.2")));
  CHECK_FALSE(esp::Selectors{}.allows(ip("10.9.0.2"), ip("192.0.2.1")));
}
