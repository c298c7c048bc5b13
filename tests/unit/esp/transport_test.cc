// Transport mode for one UDP flow (RFC 4303 3.1.1, RFC 3948 3.1.2): headers made anew, checksums
// against the slow sum of RFC 1071, and everything that is not of the flow.
#include "core/esp/transport.h"

#include <doctest/doctest.h>

#include <deque>
#include <random>

#include "core/esp/sa.h"
#include "tests/support/esp_peer.h"
#include "tests/support/packets.h"

using namespace godwit;
using test::Buffer;
using test::EspPeer;

namespace {

constexpr EspSpi kSpi{0xc0ffee01};
constexpr std::uint8_t kSeed = 3;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

const UdpFlow kFlow4 = {{ip("192.168.7.20"), 1701}, {ip("203.0.113.1"), 1701}};
const UdpFlow kFlow6 = {{ip("2001:db8::20"), 1701}, {ip("2001:db8:1::1"), 1701}};

// A datagram whose checksum is right between these two, or zero.
ByteVec datagram(const Endpoint& from, const Endpoint& to, Bytes words, bool sum = true) {
  test::Inner inner{from.address, to.address};
  inner.upper.assign(8, 0);
  const MutBytes udp(inner.upper);
  store_be(udp, from.port);
  store_be(udp.subspan(2), to.port);
  store_be(udp.subspan(4), static_cast<std::uint16_t>(8 + words.size()));
  append(inner.upper, words);
  const ByteVec packet = test::ip_packet(inner);
  const std::size_t header = from.address.is_v4() ? 20 : 40;
  const auto right = static_cast<std::uint16_t>(~test::upper_sum(packet, header, 17));
  if (sum) store_be(MutBytes(inner.upper).subspan(6), right == 0 ? std::uint16_t{0xffff} : right);
  return inner.upper;
}

ByteVec packet_of(const Endpoint& from, const Endpoint& to, ByteVec upper) {
  return test::ip_packet({from.address, to.address, 17, 0, true, std::move(upper)});
}

esp::Selectors selectors(const UdpFlow& flow) {
  const auto host = [](const Endpoint& end) {
    return *Prefix::make(end.address, end.address.bits());
  };
  return {{host(flow.local)}, {host(flow.remote)}};
}

esp::SaParameters parameters(const crypto::EspSuite& suite, const UdpFlow& flow) {
  auto made = test::parameters(suite, kSpi, kSeed, selectors(flow));
  made.transport = flow;
  return made;
}

// What comes of a payload that the gateway sealed.
struct Receiver {
  explicit Receiver(const crypto::EspSuite& suite, const UdpFlow& flow = kFlow4)
      : peer(suite, kSpi, kSeed), sa(parameters(suite, flow)) {}

  ByteVec open(Bytes payload, test::Trailer trailer = {.next_header = 17}, std::uint8_t tos = 0) {
    return open_sealed(peer.seal(++sequence, payload, trailer), tos);
  }
  ByteVec open_sealed(Bytes sealed, std::uint8_t tos = 0) {
    Buffer buffer(sealed, tos);
    esp::Packet* batch[] = {&buffer.packet};
    std::size_t newest = 0;
    authentic += sa.open(batch, counters, newest);
    return buffer.vec();
  }
  void refused(Bytes payload, Drop reason, test::Trailer trailer = {.next_header = 17}) {
    const auto before = counters.of(reason);
    const auto was = authentic;
    CHECK(open(payload, trailer).empty());
    CHECK(counters.of(reason) == before + 1);
    CHECK(authentic == was + 1);  // the window moved all the same
  }

  EspPeer peer;
  esp::InboundSa sa;
  Counters counters;
  std::uint32_t sequence = 0;
  std::size_t authentic = 0;
};

}  // namespace

TEST_CASE("seal: the UDP datagram travels, next header 17, and the IP header stays behind") {
  for (const UdpFlow& flow : {kFlow4, kFlow6}) {
    for (const crypto::EspSuite& suite : test::all_suites()) {
      esp::OutboundSa sa(parameters(suite, flow));
      EspPeer peer(suite, kSpi, kSeed);
      Counters counters;
      for (std::uint32_t i = 0; i < 40; ++i) {
        const ByteVec udp = datagram(flow.local, flow.remote, ByteVec(i, 0x42));
        const ByteVec inner = packet_of(flow.local, flow.remote, udp);
        Buffer buffer(inner);
        esp::Packet* batch[] = {&buffer.packet};
        sa.seal(batch, counters);
        CHECK(buffer.packet.size == udp.size() + sa.overhead(udp.size()));
        const EspPeer::Opened opened = peer.open(buffer.vec());
        CHECK(opened.next_header == 17);
        CHECK(opened.inner == udp);
        CHECK(opened.sequence == i + 1);
      }
      CHECK(counters.total() == 0);
    }
  }
}

TEST_CASE("seal: IP options and octets behind the packet do not travel; ECN goes outside") {
  esp::OutboundSa sa(parameters(test::gcm(), kFlow4));
  EspPeer peer(test::gcm(), kSpi, kSeed);
  Counters counters;
  const ByteVec udp = datagram(kFlow4.local, kFlow4.remote, ByteVec(9, 1));
  ByteVec inner = packet_of(kFlow4.local, kFlow4.remote, udp);
  inner[0] = 0x46;
  inner[1] = 0xb8 | 2;
  inner.insert(inner.begin() + 20, {1, 1, 1, 0});
  store_be(MutBytes(inner).subspan(2), static_cast<std::uint16_t>(inner.size()));
  inner.push_back(0x77);
  Buffer buffer(inner);
  esp::Packet* batch[] = {&buffer.packet};
  sa.seal(batch, counters);
  CHECK(peer.open(buffer.vec()).inner == udp);
  CHECK(buffer.packet.outer_tos == 2);
}

TEST_CASE("seal: what is not of the flow is dropped and takes no number") {
  esp::OutboundSa sa(parameters(test::gcm(), kFlow4));
  Counters counters;
  const ByteVec good =
      packet_of(kFlow4.local, kFlow4.remote, datagram(kFlow4.local, kFlow4.remote, ByteVec(20, 1)));
  const auto refused = [&](ByteVec bad, Drop reason) {
    const auto before = counters.of(reason);
    Buffer buffer(bad);
    esp::Packet* batch[] = {&buffer.packet};
    sa.seal(batch, counters);
    CHECK(buffer.packet.size == 0);
    CHECK(counters.of(reason) == before + 1);
  };
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    ByteVec bad = good;
    bad[at] = value;
    return bad;
  };
  refused(changed(9, 6), Drop::kOutsideSelectors);     // TCP
  refused(changed(6, 0x20), Drop::kOutsideSelectors);  // more fragments
  refused(changed(7, 0x10), Drop::kOutsideSelectors);  // a later fragment
  refused(changed(15, 21), Drop::kOutsideSelectors);
  refused(changed(19, 2), Drop::kOutsideSelectors);
  refused(changed(21, 0), Drop::kOutsideSelectors);
  refused(changed(23, 0), Drop::kOutsideSelectors);
  refused(changed(0, 0x55), Drop::kBadInner);
  refused(changed(25, 7), Drop::kBadInner);     // a UDP length below its header
  refused(changed(24, 0x70), Drop::kBadInner);  // above the packet
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    refused(to_vec(Bytes(good).first(size)), Drop::kBadInner);
  }
  CHECK(sa.packets() == 0);
}

TEST_CASE("open: a new IP header, and a checksum that is right for it (RFC 3948 3.1.2)") {
  // The gateway sums over its own view: it has a private address, and knows the laptop's NAT.
  const Endpoint raddr{ip("10.99.0.1"), 1701};
  const Endpoint nat_public{ip("198.51.100.7"), 1701};
  std::mt19937 random(1);
  for (const crypto::EspSuite& suite : test::all_suites()) {
    Receiver receiver(suite);
    for (int i = 0; i < 300; ++i) {
      ByteVec words(random() % 200);
      for (std::uint8_t& octet : words) octet = static_cast<std::uint8_t>(random());
      const ByteVec opened = receiver.open(datagram(raddr, nat_public, words));
      REQUIRE(opened.size() == 28 + words.size());
      CHECK(test::header_sum(opened) == 0xffff);
      CHECK(test::upper_sum(opened, 20, 17) == 0xffff);
      CHECK(load_be<std::uint16_t>(Bytes(opened).subspan(26)) != 0);
      // But for the identification, which says nothing, it is what a stack would have made.
      ByteVec expected =
          packet_of(kFlow4.remote, kFlow4.local, datagram(kFlow4.remote, kFlow4.local, words));
      CHECK(equal(Bytes(opened).subspan(12), Bytes(expected).subspan(12)));
    }
    CHECK(receiver.counters.total() == 0);
    CHECK(receiver.sa.bytes() > 0);
  }
}

TEST_CASE("open: a sum that comes out as zero is written as ones (RFC 768)") {
  Receiver receiver(test::gcm());
  bool seen = false;
  for (unsigned value = 0; value <= 0xffff && !seen; ++value) {
    const ByteVec words = {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
    ByteVec udp = datagram(kFlow4.remote, kFlow4.local, words);
    if (load_be<std::uint16_t>(Bytes(udp).subspan(6)) != 0xffff) continue;
    seen = true;
    store_be(MutBytes(udp).subspan(6), std::uint16_t{0x1234});
    const ByteVec opened = receiver.open(udp);
    REQUIRE(opened.size() == 30);
    CHECK(load_be<std::uint16_t>(Bytes(opened).subspan(26)) == 0xffff);
  }
  CHECK(seen);
}

TEST_CASE("open: a checksum of zero stays zero over IPv4, and is made over IPv6") {
  Receiver four(test::gcm());
  const ByteVec opened =
      four.open(datagram(kFlow4.remote, kFlow4.local, ByteVec(5, 7), /*sum=*/false));
  REQUIRE(opened.size() == 33);
  CHECK(load_be<std::uint16_t>(Bytes(opened).subspan(26)) == 0);
  Receiver six(test::gcm(), kFlow6);
  const ByteVec made = six.open(datagram(kFlow6.remote, kFlow6.local, ByteVec(5, 7), false));
  REQUIRE(made.size() == 53);
  CHECK(test::upper_sum(made, 40, 17) == 0xffff);
  CHECK(made[6] == 17);
  CHECK(load_be<std::uint16_t>(Bytes(made).subspan(4)) == 13);
}

TEST_CASE("open: the outer TOS is the packet's own") {
  Receiver receiver(test::gcm());
  const ByteVec udp = datagram(kFlow4.remote, kFlow4.local, ByteVec(5, 7));
  CHECK(receiver.open(udp, {.next_header = 17}, 3)[1] == 3);
  CHECK(receiver.counters.total() == 0);
}

TEST_CASE("open: octets behind the datagram are padding (RFC 4303 2.7)") {
  Receiver receiver(test::gcm());
  const ByteVec udp = datagram(kFlow4.remote, kFlow4.local, ByteVec(5, 7));
  CHECK(receiver.open(udp, {.next_header = 17, .tfc = 300}).size() == 33);
  CHECK(receiver.counters.total() == 0);
}

TEST_CASE("ENC-10, ESP-17: what is not of the flow is refused after the tag") {
  for (const crypto::EspSuite& suite : test::all_suites()) {
    Receiver receiver(suite);
    const ByteVec good = datagram(kFlow4.remote, kFlow4.local, ByteVec(20, 9));
    const auto changed = [&](std::size_t at, std::uint8_t value) {
      ByteVec bad = good;
      bad[at] = value;
      return bad;
    };
    receiver.refused(changed(1, 1), Drop::kInnerAddress);  // another port of the gateway's
    receiver.refused(changed(3, 1), Drop::kInnerAddress);  // another port of ours
    receiver.refused(changed(5, 7), Drop::kBadInner);
    receiver.refused(changed(4, 9), Drop::kBadInner);
    const ByteVec whole = packet_of(kFlow4.remote, kFlow4.local, good);
    for (unsigned next = 0; next < 256; ++next) {
      if (next == 17 || next == 59) continue;
      receiver.refused(next == 4 ? whole : good, Drop::kBadNextHeader,
                       {.next_header = static_cast<std::uint8_t>(next)});
    }
    receiver.refused(good, Drop::kDummy, {.next_header = 59});
    for (std::size_t size = 0; size < good.size(); ++size) {
      CAPTURE(size);
      receiver.refused(Bytes(good).first(size), Drop::kBadInner);
    }
    CHECK(receiver.open(good).size() == 48);
  }
}

TEST_CASE("open: every truncation and every flipped bit of the sealed packet is refused") {
  for (const crypto::EspSuite& suite : {test::gcm(), test::cbc(crypto::HashAlg::kSha256)}) {
    Receiver receiver(suite);
    const ByteVec udp = datagram(kFlow4.remote, kFlow4.local, ByteVec(20, 9));
    const ByteVec sealed = receiver.peer.seal(0x00010204, udp, {.next_header = 17});
    for (std::size_t size = 0; size < sealed.size(); ++size) {
      REQUIRE(receiver.open_sealed(Bytes(sealed).first(size)).empty());
    }
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      ByteVec bad = sealed;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      REQUIRE(receiver.open_sealed(bad).empty());
    }
    CHECK(receiver.authentic == 0);
    CHECK(receiver.open_sealed(sealed).size() == 48);
  }
}

TEST_CASE("a tunnel-mode SA carries no bare UDP, and its inner checksums stay (ENC-11)") {
  esp::InboundSa sa(test::parameters(test::gcm(), kSpi, kSeed, selectors(kFlow4)));
  EspPeer peer(test::gcm(), kSpi, kSeed);
  Counters counters;
  std::size_t newest = 0;
  const ByteVec udp = datagram(kFlow4.remote, kFlow4.local, ByteVec(20, 9));
  Buffer bare(peer.seal(1, udp, {.next_header = 17}));
  ByteVec wrong = packet_of(kFlow4.remote, kFlow4.local, udp);
  wrong[26] ^= 0x55;
  Buffer tunnelled(peer.seal(2, wrong));
  esp::Packet* batch[] = {&bare.packet, &tunnelled.packet};
  sa.open(batch, counters, newest);
  CHECK(bare.packet.size == 0);
  CHECK(counters.of(Drop::kBadNextHeader) == 1);
  CHECK(tunnelled.vec() == wrong);
}
