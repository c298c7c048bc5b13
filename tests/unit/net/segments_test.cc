#include "core/net/segments.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "core/net/packet_run.h"
#include "core/net/transport.h"

using namespace godwit;

namespace {

// A slow checksum, octet pair by octet pair (RFC 1071).
std::uint16_t slow_sum(Bytes octets, std::uint32_t sum) {
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    const unsigned low = i + 1 < octets.size() ? octets[i + 1] : 0;
    sum += (unsigned{octets[i]} << 8) + low;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

struct Flow {
  bool v6 = false;
  bool udp = false;
  std::size_t options = 0;  // octets of TCP options, a multiple of 4
  std::uint8_t flags = kTcpAck;
  std::uint32_t sequence = 1000;
  std::uint16_t id = 7;
  std::uint8_t tos = 0;
  std::uint8_t ttl = 64;
};

std::size_t ip_header(const Flow& flow) { return flow.v6 ? kIpv6Header : kIpv4Header; }
std::size_t headers(const Flow& flow) {
  return ip_header(flow) + (flow.udp ? kUdpHeader : kTcpHeader + flow.options);
}

std::uint32_t pseudo(Bytes packet, const Flow& flow) {
  const Bytes addresses = flow.v6 ? packet.subspan(8, 32) : packet.subspan(12, 8);
  const std::uint32_t length = static_cast<std::uint32_t>(packet.size() - ip_header(flow));
  return slow_sum(addresses, 0) + (flow.udp ? 17u : 6u) + (length >> 16) + (length & 0xffff);
}

// A whole packet, every checksum right; the slow way, field by field.
ByteVec packet_of(const Flow& flow, Bytes payload) {
  ByteVec out(headers(flow));
  append(out, payload);
  const MutBytes ip(out);
  if (flow.v6) {
    ip[0] = 0x60 | flow.tos >> 4;
    ip[1] = static_cast<std::uint8_t>(flow.tos << 4);
    store_be(ip.subspan(4), static_cast<std::uint16_t>(out.size() - kIpv6Header));
    ip[6] = flow.udp ? 17 : 6;
    ip[7] = flow.ttl;
    for (std::size_t i = 8; i < 40; ++i) ip[i] = static_cast<std::uint8_t>(i * 11);
  } else {
    ip[0] = 0x45;
    ip[1] = flow.tos;
    store_be(ip.subspan(2), static_cast<std::uint16_t>(out.size()));
    store_be(ip.subspan(4), flow.id);
    ip[6] = 0x40;
    ip[8] = flow.ttl;
    ip[9] = flow.udp ? 17 : 6;
    for (std::size_t i = 12; i < 20; ++i) ip[i] = static_cast<std::uint8_t>(i * 13);
    store_be(ip.subspan(10), static_cast<std::uint16_t>(~slow_sum(ip.first(20), 0)));
  }
  const MutBytes transport = ip.subspan(ip_header(flow));
  store_be(transport, std::uint16_t{40000});
  store_be(transport.subspan(2), std::uint16_t{443});
  if (flow.udp) {
    store_be(transport.subspan(4), static_cast<std::uint16_t>(transport.size()));
  } else {
    store_be(transport.subspan(4), flow.sequence);
    store_be(transport.subspan(8), std::uint32_t{77});
    transport[12] = static_cast<std::uint8_t>((kTcpHeader + flow.options) / 4 << 4);
    transport[13] = flow.flags;
    store_be(transport.subspan(14), std::uint16_t{512});
    for (std::size_t i = 0; i < flow.options; ++i) transport[20 + i] = 1;
  }
  const std::size_t field = flow.udp ? kUdpChecksum : kTcpChecksum;
  const auto sum = static_cast<std::uint16_t>(~slow_sum(transport, pseudo(out, flow)));
  store_be(transport.subspan(field), flow.udp && sum == 0 ? std::uint16_t{0xffff} : sum);
  return out;
}

// The frame that a kernel hands over for `payload`: lengths of the whole, a partial checksum.
ByteVec frame_of(const Flow& flow, Bytes payload, std::size_t segment, TunOffload& offload) {
  ByteVec out = packet_of(flow, payload);
  const std::size_t field = ip_header(flow) + (flow.udp ? kUdpChecksum : kTcpChecksum);
  store_be(MutBytes(out).subspan(field), slow_sum({}, pseudo(out, flow)));
  offload.needs_checksum = true;
  offload.type = flow.udp  ? TunOffload::Type::kUdp
                 : flow.v6 ? TunOffload::Type::kTcp6
                           : TunOffload::Type::kTcp4;
  offload.header_size = static_cast<std::uint16_t>(headers(flow));
  offload.segment_size = static_cast<std::uint16_t>(segment);
  offload.checksum_start = static_cast<std::uint16_t>(ip_header(flow));
  offload.checksum_offset = static_cast<std::uint16_t>(field - ip_header(flow));
  return out;
}

// What a sender without offloads would have sent.
std::vector<ByteVec> packets_of(Flow flow, Bytes payload, std::size_t segment) {
  std::vector<ByteVec> out;
  const std::uint8_t flags = flow.flags;
  while (!payload.empty()) {
    const bool last = payload.size() <= segment;
    const Bytes some = payload.first(std::min(segment, payload.size()));
    flow.flags = flags;
    if (!last) flow.flags &= static_cast<std::uint8_t>(~(kTcpPsh | kTcpFin));
    if (!out.empty()) flow.flags &= static_cast<std::uint8_t>(~kTcpCwr);
    out.push_back(packet_of(flow, some));
    flow.sequence += static_cast<std::uint32_t>(some.size());
    ++flow.id;
    payload = payload.subspan(some.size());
  }
  return out;
}

std::vector<ByteVec> cut(const TunOffload& offload, ByteVec frame) {
  const auto segments = Segments::of(offload, frame);
  REQUIRE(segments);
  std::vector<ByteVec> out;
  for (std::size_t i = 0; i < segments->count(); ++i) {
    out.emplace_back(segments->size(i));
    segments->write(i, out.back());
  }
  return out;
}

// Joins packets as the engine does: payloads behind the first packet.
ByteVec join(std::vector<ByteVec> packets, TunOffload& offload) {
  const auto first = run_packet(packets.front());
  REQUIRE(first);
  PacketRun run(packets.front(), *first);
  ByteVec tail;
  for (std::size_t i = 1; i < packets.size(); ++i) {
    const auto next = run_packet(packets[i]);
    REQUIRE(next);
    REQUIRE(run.same_flow(packets[i], *next));
    REQUIRE(run.try_append(packets[i], *next));
    append(tail, Bytes(packets[i]).subspan(next->headers));
  }
  offload = run.finish();
  ByteVec out = packets.front();
  append(out, tail);
  return out;
}

ByteVec random_octets(std::mt19937_64& random, std::size_t size) {
  ByteVec out(size);
  for (auto& octet : out) octet = static_cast<std::uint8_t>(random());
  return out;
}

Flow random_flow(std::mt19937_64& random) {
  Flow flow;
  flow.v6 = random() % 2 == 0;
  flow.udp = random() % 3 == 0;
  flow.options = flow.udp ? 0 : random() % 11 * 4;
  flow.sequence = static_cast<std::uint32_t>(random());
  flow.id = static_cast<std::uint16_t>(random());
  flow.tos = static_cast<std::uint8_t>(random());
  if (!flow.udp && random() % 2 == 0) flow.flags |= kTcpPsh;
  return flow;
}

}  // namespace

TEST_CASE("frames are cut into what a sender without offloads sends, and joined again") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 400; ++round) {
    const Flow flow = random_flow(random);
    const std::size_t segment = 1 + random() % 1400;
    const std::size_t most = std::min(segment * kRunPacketsMax, 65535 - headers(flow));
    const ByteVec payload = random_octets(random, 1 + random() % most);
    TunOffload offload;
    const ByteVec frame = frame_of(flow, payload, segment, offload);
    const auto expected = packets_of(flow, payload, segment);
    REQUIRE(cut(offload, frame) == expected);

    TunOffload again;
    const ByteVec joined = join(expected, again);
    if (expected.size() == 1) {
      CHECK(again.type == TunOffload::Type::kNone);
      CHECK(joined == expected.front());
      continue;
    }
    CHECK(joined == frame);
    CHECK(again.type == offload.type);
    CHECK(again.segment_size == offload.segment_size);
    CHECK(again.checksum_start == offload.checksum_start);
    CHECK(again.checksum_offset == offload.checksum_offset);
    CHECK(again.header_size == offload.header_size);
    CHECK(again.needs_checksum);
  }
}

TEST_CASE("FIN and PSH stay with the last packet, CWR with the first") {
  Flow flow;
  flow.flags = kTcpAck | kTcpPsh | kTcpFin | kTcpCwr;
  const ByteVec payload(3000, 1);
  TunOffload offload;
  const ByteVec frame = frame_of(flow, payload, 1000, offload);
  const auto packets = cut(offload, frame);
  REQUIRE(packets.size() == 3);
  CHECK(packets[0][20 + kTcpFlags] == (kTcpAck | kTcpCwr));
  CHECK(packets[1][20 + kTcpFlags] == kTcpAck);
  CHECK(packets[2][20 + kTcpFlags] == (kTcpAck | kTcpPsh | kTcpFin));
  CHECK(packets == packets_of(flow, payload, 1000));
}

TEST_CASE("a frame that is one packet gets its checksum") {
  for (const bool udp : {false, true}) {
    Flow flow;
    flow.udp = udp;
    TunOffload offload;
    const ByteVec payload(100, 9);
    ByteVec frame = frame_of(flow, payload, 0, offload);
    offload.type = TunOffload::Type::kNone;
    CHECK(cut(offload, frame) == std::vector<ByteVec>{packet_of(flow, payload)});
    offload.needs_checksum = false;
    CHECK(cut(offload, frame) == std::vector<ByteVec>{frame});
  }
}

TEST_CASE("a frame that is not what its header says is refused, never read past its end") {
  std::mt19937_64 random(12);
  for (int round = 0; round < 20000; ++round) {
    const Flow flow = random_flow(random);
    TunOffload offload;
    ByteVec frame =
        frame_of(flow, random_octets(random, 1 + random() % 300), 1 + random() % 100, offload);
    std::array<std::uint8_t, TunOffload::kSize> header{};
    encode_tun_offload(offload, header);
    for (std::uint64_t i = 0; i <= random() % 3; ++i) {
      header[random() % header.size()] = static_cast<std::uint8_t>(random());
      frame[random() % frame.size()] = static_cast<std::uint8_t>(random());
    }
    frame.resize(random() % (frame.size() + 1));
    frame.shrink_to_fit();
    const auto segments = Segments::of(decode_tun_offload(header), frame);
    if (!segments) continue;
    for (std::size_t i = 0; i < segments->count(); ++i) {
      ByteVec out(segments->size(i));
      segments->write(i, out);
    }
  }
  TunOffload other;
  std::array<std::uint8_t, TunOffload::kSize> header{};
  header[1] = 3;  // UFO, which nobody asks for
  other = decode_tun_offload(header);
  ByteVec frame = packet_of({}, ByteVec(10));
  CHECK_FALSE(Segments::of(other, frame));
}

TEST_CASE("what the kernel's GRO would not join is not joined") {
  const ByteVec payload(100, 5);
  Flow flow;
  const auto follows = [&](Flow next, std::size_t size, bool same_flow = true) {
    ByteVec first = packet_of(flow, payload);
    const ByteVec second = packet_of(next, ByteVec(size, 6));
    const auto a = run_packet(first);
    const auto b = run_packet(second);
    REQUIRE((a && b));
    PacketRun run(first, *a);
    CHECK(run.same_flow(second, *b) == same_flow);
    return run.try_append(second, *b);
  };
  Flow next = flow;
  next.sequence += 100;
  CHECK(follows(next, 100));
  CHECK(follows(next, 60));
  CHECK_FALSE(follows(next, 101));
  CHECK_FALSE(follows(flow, 100));  // the same octets again
  Flow other = next;
  other.sequence += 1;
  CHECK_FALSE(follows(other, 100));
  other = next;
  other.tos = 2;
  CHECK_FALSE(follows(other, 100));
  other = next;
  other.ttl = 63;
  CHECK_FALSE(follows(other, 100));
  other = next;
  other.options = 4;
  CHECK_FALSE(follows(other, 100));
  other = next;
  other.flags |= kTcpFin;
  CHECK_FALSE(follows(other, 100));
  flow.flags |= kTcpPsh;
  CHECK_FALSE(follows(next, 100));
}

TEST_CASE("nothing is joined behind a short packet, a packet with PSH, or a gap") {
  Flow flow;
  ByteVec first = packet_of(flow, ByteVec(100, 1));
  PacketRun run(first, *run_packet(first));
  flow.sequence += 100;
  const ByteVec second = packet_of(flow, ByteVec(50, 2));
  flow.sequence += 50;
  const ByteVec third = packet_of(flow, ByteVec(50, 3));
  CHECK(run.try_append(second, *run_packet(second)));
  CHECK_FALSE(run.try_append(third, *run_packet(third)));
  // The gap closes the run: the next one in order must not overtake what was refused.
  Flow again;
  ByteVec start = packet_of(again, ByteVec(100, 1));
  PacketRun gap(start, *run_packet(start));
  CHECK_FALSE(gap.try_append(third, *run_packet(third)));
  again.sequence += 100;
  const ByteVec late = packet_of(again, ByteVec(100, 2));
  CHECK_FALSE(gap.try_append(late, *run_packet(late)));
}

TEST_CASE("packets that others may not be joined with") {
  const auto joins = [](Bytes packet) {
    const auto view = run_packet(packet);
    return view && view->joins;
  };
  Flow flow;
  const ByteVec payload(100, 5);
  CHECK(joins(packet_of(flow, payload)));
  CHECK_FALSE(joins(packet_of(flow, {})));  // a bare acknowledgement
  for (const unsigned flags : {0x02u, 0x11u, 0x14u, 0x30u, 0x50u, 0x90u, 0u}) {
    Flow other = flow;
    other.flags = static_cast<std::uint8_t>(flags);
    CHECK_FALSE(joins(packet_of(other, payload)));
  }
  ByteVec fragment = packet_of(flow, payload);
  fragment[6] |= 0x20;
  CHECK_FALSE(joins(fragment));
  ByteVec longer = packet_of(flow, payload);
  longer.push_back(0);
  CHECK_FALSE(joins(longer));
  Flow udp = flow;
  udp.udp = true;
  ByteVec no_checksum = packet_of(udp, payload);
  store_be(MutBytes(no_checksum).subspan(26), std::uint16_t{0});
  CHECK_FALSE(joins(no_checksum));
  // Any damage shows in the checksum, which nobody would look at again.
  for (const bool is_udp : {false, true}) {
    flow.udp = is_udp;
    const ByteVec whole = packet_of(flow, payload);
    for (std::size_t at = 20; at < whole.size(); ++at) {
      ByteVec damaged = whole;
      damaged[at] ^= 0x10;
      CHECK_FALSE(joins(damaged));
    }
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CHECK_FALSE(joins(Bytes(whole).first(size)));
    }
  }
}
