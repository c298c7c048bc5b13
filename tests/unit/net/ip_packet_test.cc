#include <doctest/doctest.h>

#include <optional>

#include "core/net/ip_packet.h"
#include "tests/support/packets.h"

using namespace godwit;
using test::Inner;

namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

const Inner kFour = {ip("10.9.0.2"), ip("192.0.2.80")};
const Inner kSix = {ip("2001:db8::2"), ip("2001:db8:1::80")};

Inner with_tos(Inner inner, unsigned tos) {
  inner.tos = static_cast<std::uint8_t>(tos);
  return inner;
}

Inner sized(Inner inner, std::size_t upper) {
  inner.upper = ByteVec(upper, 0x77);
  return inner;
}

}  // namespace

TEST_CASE("an IPv4 packet is read") {
  const ByteVec packet = test::ip_packet(with_tos(kFour, 0xb9));
  const IpPacket view = parse_ip(packet).value();
  CHECK(view.source == kFour.source);
  CHECK(view.destination == kFour.destination);
  CHECK(view.protocol == 17);
  CHECK(view.tos == 0xb9);
  CHECK(view.dont_fragment);
  CHECK_FALSE(view.fragment);
  CHECK(view.header_size == 20);
  CHECK(view.total_size == packet.size());
}

TEST_CASE("an IPv6 packet is read") {
  const ByteVec packet = test::ip_packet(with_tos(kSix, 0xb9));
  const IpPacket view = parse_ip(packet).value();
  CHECK(view.source == kSix.source);
  CHECK(view.destination == kSix.destination);
  CHECK(view.protocol == 17);
  CHECK(view.tos == 0xb9);
  CHECK(view.header_size == 40);
  CHECK(view.total_size == packet.size());
}

TEST_CASE("octets behind the packet are tolerated, missing ones are not") {
  for (const Inner& inner : {kFour, kSix}) {
    ByteVec packet = test::ip_packet(inner);
    const std::size_t size = packet.size();
    for (std::size_t cut = 0; cut < size; ++cut) {
      CHECK(parse_ip(Bytes(packet).first(cut)).error() == Drop::kBadInner);
    }
    packet.resize(size + 100);
    CHECK(parse_ip(packet)->total_size == size);
  }
}

TEST_CASE("headers that contradict themselves are refused") {
  ByteVec packet = test::ip_packet(kFour);
  SUBCASE("version 5") { packet[0] = 0x55; }
  SUBCASE("version 0") { packet[0] = 0x05; }
  SUBCASE("header below 20 octets") { packet[0] = 0x44; }
  SUBCASE("header above the packet") { packet[0] = 0x4f; }
  SUBCASE("total length below the header") { packet[3] = 19; }
  SUBCASE("total length above the packet") { packet[3] = 33; }
  CHECK(parse_ip(packet).error() == Drop::kBadInner);
}

TEST_CASE("fragments and extension headers hide the transport") {
  ByteVec four = test::ip_packet(kFour);
  four[6] = 0x20;  // MF
  CHECK(parse_ip(four)->fragment);
  CHECK_FALSE(parse_ip(four)->dont_fragment);
  four[6] = 0x00;
  four[7] = 0x01;  // offset
  CHECK(parse_ip(four)->fragment);

  ByteVec six = test::ip_packet(kSix);
  for (const int header : {0, 43, 44, 51, 60, 135, 139, 140}) {
    six[6] = static_cast<std::uint8_t>(header);
    CHECK(parse_ip(six)->protocol == 0xff);
    CHECK(parse_ip(six)->fragment == (header == 44));
  }
}

TEST_CASE("RFC 6040 4.1: ECN is copied out, DSCP stays in") {
  for (unsigned tos = 0; tos < 256; ++tos) {
    CHECK(outer_tos(static_cast<std::uint8_t>(tos)) == (tos & 3));
  }
}

TEST_CASE("RFC 6040 4.2 figure 4: every pair of inner and outer") {
  constexpr int kNot = 0, kEct1 = 1, kEct0 = 2, kCe = 3, kGone = -1;
  struct Row {
    int inner;
    int to_not, to_ect0, to_ect1, to_ce;
  };
  const Row rows[] = {{kNot, kNot, kNot, kNot, kGone},
                      {kEct0, kEct0, kEct0, kEct1, kCe},
                      {kEct1, kEct1, kEct1, kEct1, kCe},
                      {kCe, kCe, kCe, kCe, kCe}};
  for (const Row& row : rows) {
    const std::pair<int, int> cases[] = {
        {kNot, row.to_not}, {kEct0, row.to_ect0}, {kEct1, row.to_ect1}, {kCe, row.to_ce}};
    for (const auto& one : cases) {
      const int outer = one.first;
      const int expected = one.second;
      for (const Inner& base : {kFour, kSix}) {
        const unsigned dscp = 0xb8;
        ByteVec packet = test::ip_packet(with_tos(base, dscp | static_cast<unsigned>(row.inner)));
        const ByteVec before = packet;
        // The outer DSCP must not leak in.
        const auto tos = static_cast<std::uint8_t>(0x48 | outer);
        const auto result = decapsulate_ecn(packet, tos);
        CAPTURE(row.inner);
        CAPTURE(outer);
        if (expected == kGone) {
          REQUIRE_FALSE(result);
          CHECK(result.error() == Drop::kEcnDropped);
          continue;
        }
        REQUIRE(result);
        CHECK(ip_tos(packet) == (dscp | static_cast<unsigned>(expected)));
        if (base.source.is_v4()) CHECK(test::header_sum(packet) == 0xffff);
        if (expected == row.inner) CHECK(packet == before);
      }
    }
  }
}

namespace {

std::uint16_t mss_at(const ByteVec& packet, std::size_t at) {
  return load_be<std::uint16_t>(Bytes(packet).subspan(at, 2));
}

void clamp(ByteVec& packet, std::size_t mtu) { clamp_mss(packet, parse_ip(packet).value(), mtu); }

}  // namespace

TEST_CASE("the MSS of a SYN is lowered and the checksum stays right") {
  for (const Inner& base : {kFour, kSix}) {
    const std::size_t header = base.source.is_v4() ? 20 : 40;
    for (const int flags : {0x02, 0x12}) {  // SYN, SYN and ACK
      for (std::size_t odd = 0; odd < 4; ++odd) {
        ByteVec options(odd, 1);  // no-operations move the option off even offsets
        append(options, ByteVec{2, 4, 0x05, 0xb4, 4, 2});
        options.resize((options.size() + 3) / 4 * 4);
        ByteVec packet = test::tcp_packet(base, static_cast<std::uint8_t>(flags), options);
        REQUIRE(test::upper_sum(packet, header, 6) == 0xffff);
        clamp(packet, 1300);
        CHECK(mss_at(packet, header + 20 + odd + 2) == 1300 - header - 20);
        CHECK(test::upper_sum(packet, header, 6) == 0xffff);
      }
    }
  }
}

TEST_CASE("the MSS is right for every MTU") {
  for (std::size_t mtu = 100; mtu < 1700; ++mtu) {
    ByteVec packet = test::tcp_packet(kFour, 0x02, ByteVec{1, 2, 4, 0x05, 0xb4, 0, 0, 0});
    clamp(packet, mtu);
    REQUIRE(mss_at(packet, 20 + 20 + 3) == std::min<std::size_t>(1460, mtu - 40));
    REQUIRE(test::upper_sum(packet, 20, 6) == 0xffff);
  }
}

TEST_CASE("packets that must not be clamped are left alone") {
  const ByteVec mss = {2, 4, 0x05, 0xb4};
  ByteVec packet;
  SUBCASE("no SYN") { packet = test::tcp_packet(kFour, 0x10, mss); }
  SUBCASE("already small") { packet = test::tcp_packet(kFour, 0x02, ByteVec{2, 4, 0x01, 0x00}); }
  SUBCASE("no option") { packet = test::tcp_packet(kFour, 0x02, {}); }
  SUBCASE("behind the end of options") {
    packet = test::tcp_packet(kFour, 0x02, ByteVec{0, 2, 4, 5, 0xb4, 0, 0, 0});
  }
  SUBCASE("an option of length zero") {
    packet = test::tcp_packet(kFour, 0x02, ByteVec{8, 0, 2, 4, 5, 0xb4, 0, 0});
  }
  SUBCASE("an option beyond the header") {
    packet = test::tcp_packet(kFour, 0x02, ByteVec{8, 9, 2, 4, 5, 0xb4, 0, 0});
  }
  SUBCASE("an MSS option of another length") {
    packet = test::tcp_packet(kFour, 0x02, ByteVec{2, 3, 0x05, 0xb4});
  }
  SUBCASE("a kind without length at the end") {
    packet = test::tcp_packet(kFour, 0x02, ByteVec{1, 1, 1, 2});
  }
  SUBCASE("a data offset beyond the segment") {
    packet = test::tcp_packet(kFour, 0x02, mss);
    packet[20 + 12] = 0xf0;
  }
  SUBCASE("a data offset below five") {
    packet = test::tcp_packet(kFour, 0x02, mss);
    packet[20 + 12] = 0x40;
  }
  SUBCASE("a fragment") {
    packet = test::tcp_packet(kFour, 0x02, mss);
    packet[6] = 0x20;
  }
  SUBCASE("no TCP") {
    packet = test::tcp_packet(kFour, 0x02, mss);
    packet[9] = 17;
  }
  SUBCASE("a segment cut short") {
    Inner inner = sized(kFour, 19);
    inner.protocol = 6;
    inner.upper[13] = 0x02;
    packet = test::ip_packet(inner);
  }
  const ByteVec before = packet;
  clamp(packet, 1000);
  CHECK(packet == before);
}

TEST_CASE("an MTU without room for headers clamps nothing") {
  ByteVec packet = test::tcp_packet(kFour, 0x02, ByteVec{2, 4, 0x05, 0xb4});
  const ByteVec before = packet;
  clamp(packet, 40);
  CHECK(packet == before);
}

TEST_CASE("RFC 1191 4: fragmentation needed") {
  const ByteVec packet = test::ip_packet(sized(kFour, 1480));
  const ByteVec reply = make_packet_too_big(packet, *parse_ip(packet), ip("192.0.2.80"), 1400);
  const IpPacket view = parse_ip(reply).value();
  CHECK(view.total_size == reply.size());
  CHECK(reply.size() == 576);  // RFC 1812 4.3.2.3
  CHECK(view.source == ip("192.0.2.80"));
  CHECK(view.destination == kFour.source);
  CHECK(view.protocol == 1);
  CHECK(test::header_sum(reply) == 0xffff);

  const Bytes icmp = Bytes(reply).subspan(20);
  CHECK(icmp[0] == 3);
  CHECK(icmp[1] == 4);
  CHECK(test::naive_sum(icmp) == 0xffff);
  CHECK(load_be<std::uint16_t>(icmp.subspan(4)) == 0);
  CHECK(load_be<std::uint16_t>(icmp.subspan(6)) == 1400);
  CHECK(equal(icmp.subspan(8), Bytes(packet).first(548)));
}

TEST_CASE("RFC 4443 3.2: packet too big") {
  const ByteVec packet = test::ip_packet(sized(kSix, 1460));
  const ByteVec reply = make_packet_too_big(packet, *parse_ip(packet), ip("2001:db8:1::80"), 1400);
  const IpPacket view = parse_ip(reply).value();
  CHECK(view.total_size == reply.size());
  CHECK(reply.size() == 1280);
  CHECK(view.source == ip("2001:db8:1::80"));
  CHECK(view.destination == kSix.source);
  CHECK(view.protocol == 58);

  const Bytes icmp = Bytes(reply).subspan(40);
  CHECK(icmp[0] == 2);
  CHECK(icmp[1] == 0);
  CHECK(test::upper_sum(reply, 40, 58) == 0xffff);
  CHECK(load_be<std::uint32_t>(icmp.subspan(4)) == 1400);
  CHECK(equal(icmp.subspan(8), Bytes(packet).first(1280 - 48)));
}

TEST_CASE("a small packet is quoted whole, without what stands behind it") {
  ByteVec packet = test::ip_packet(sized(kFour, 80));
  packet.resize(packet.size() + 7, 0xee);
  const ByteVec reply = make_packet_too_big(packet, *parse_ip(packet), ip("192.0.2.80"), 68);
  CHECK(reply.size() == 20 + 8 + 100);
}

TEST_CASE("RFC 1122 3.2.2, RFC 4443 2.4: what must not be answered is not") {
  Inner inner = sized(kFour, 1480);
  std::optional<ByteVec> changed;
  IpAddress from = ip("192.0.2.80");
  SUBCASE("DF clear") { inner.dont_fragment = false; }
  SUBCASE("a multicast source") { inner.source = ip("224.0.0.1"); }
  SUBCASE("no source") { inner.source = ip("0.0.0.0"); }
  SUBCASE("a broadcast source") { inner.source = ip("255.255.255.255"); }
  SUBCASE("another family") { from = ip("2001:db8::1"); }
  SUBCASE("a fragment") {
    changed = test::ip_packet(inner);
    (*changed)[7] = 1;
  }
  SUBCASE("an ICMPv6 error") {
    from = ip("2001:db8::1");
    inner = sized(kSix, 1460);
    inner.protocol = 58;
    inner.upper[0] = 127;
  }
  SUBCASE("an IPv6 multicast source") {
    from = ip("2001:db8::1");
    inner = sized(kSix, 1460);
    inner.source = ip("ff02::1");
  }
  SUBCASE("an ICMP message without a type") {
    inner.protocol = 1;
    inner.upper.clear();
  }
  const ByteVec packet = changed ? *changed : test::ip_packet(inner);
  CHECK(make_packet_too_big(packet, *parse_ip(packet), from, 1400).empty());
}

TEST_CASE("an ICMP error is not answered, whichever it is") {
  for (const int type : {3, 4, 5, 11, 12}) {
    Inner inner = sized(kFour, 1480);
    inner.protocol = 1;
    inner.upper[0] = static_cast<std::uint8_t>(type);
    const ByteVec packet = test::ip_packet(inner);
    CHECK(make_packet_too_big(packet, *parse_ip(packet), ip("192.0.2.80"), 1400).empty());
  }
}

TEST_CASE("an echo request is answered") {
  Inner inner = sized(kFour, 1480);
  inner.protocol = 1;
  inner.upper[0] = 8;
  ByteVec packet = test::ip_packet(inner);
  CHECK_FALSE(make_packet_too_big(packet, *parse_ip(packet), ip("192.0.2.80"), 1400).empty());
  inner = sized(kSix, 1460);
  inner.protocol = 58;
  inner.upper[0] = 128;
  packet = test::ip_packet(inner);
  CHECK_FALSE(make_packet_too_big(packet, *parse_ip(packet), ip("2001:db8::1"), 1400).empty());
}
