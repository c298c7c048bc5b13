#include "core/net/packet_run.h"

#include <cstring>

#include "core/net/checksum.h"
#include "core/net/ip_packet.h"
#include "core/net/transport.h"

namespace godwit {
namespace {

constexpr std::size_t kFrameMax = 65535;

Bytes addresses(Bytes packet) {
  return ip_version(packet) == 4 ? packet.subspan(12, 8) : packet.subspan(8, 32);
}

std::uint32_t pseudo_sum(Bytes packet, bool udp, std::size_t length) {
  return std::uint32_t{checksum_add(addresses(packet))} + (udp ? kProtocolUdp : kProtocolTcp) +
         static_cast<std::uint32_t>(length);
}

// Of a known size, so that the compiler compares words instead of calling memcmp.
template <std::size_t kSize>
bool equal_at(Bytes a, Bytes b, std::size_t at) {
  return std::memcmp(a.subspan(at, kSize).data(), b.subspan(at, kSize).data(), kSize) == 0;
}

// What one header of the joined frame has to say for all: version, TOS, TTL and DF of IPv4;
// traffic class, flow label and hop limit of IPv6.
bool same_ip(Bytes a, Bytes b) {
  if (ip_version(a) == 4) {
    return equal_at<2>(a, b, 0) && a[6] == b[6] && equal_at<2>(a, b, 8) && equal_at<8>(a, b, 12);
  }
  return equal_at<4>(a, b, 0) && equal_at<34>(a, b, 6);
}

}  // namespace

std::optional<RunPacket> run_packet(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  const auto ip = parse_ip(packet);
  if (!ip || ip->fragment) return std::nullopt;
  RunPacket out;
  out.udp = ip->protocol == kProtocolUdp;
  if (!out.udp && ip->protocol != kProtocolTcp) return std::nullopt;
  out.transport = ip->header_size;
  const Bytes transport = packet.subspan(out.transport);
  const std::size_t fixed = out.udp ? kUdpHeader : kTcpHeader;
  if (transport.size() < fixed) return std::nullopt;
  const std::size_t header = out.udp ? fixed : std::size_t{transport[kTcpDataOffset]} / 16 * 4;
  if (header < fixed || header >= transport.size() || ip->total_size != packet.size() ||
      (ip_version(packet) == 4 && ip->header_size != kIpv4Header)) {
    return out;
  }
  out.headers = out.transport + header;
  out.payload = packet.size() - out.headers;
  if (out.udp) {
    // A checksum of zero says that there is none: the joined frame would get one.
    if (load_be<std::uint16_t>(transport.subspan(4)) != transport.size() ||
        load_be<std::uint16_t>(transport.subspan(kUdpChecksum)) == 0) {
      return out;
    }
  } else {
    const std::uint8_t flags = transport[kTcpFlags];
    if ((flags & ~kTcpPsh) != kTcpAck) return out;
    out.sequence = load_be<std::uint32_t>(transport.subspan(4));
    out.push = (flags & kTcpPsh) != 0;
  }
  out.joins = checksum(transport, pseudo_sum(packet, out.udp, transport.size())) == 0;
  return out;
}

PacketRun::PacketRun(MutBytes first, const RunPacket& view)
    : first_(first),
      view_(view),
      size_(first.size()),
      next_(static_cast<std::uint32_t>(view.sequence + view.payload)),
      closed_(view.push) {}

bool PacketRun::same_flow(Bytes packet, const RunPacket& view) const {
  if (view.udp != view_.udp || ip_version(packet) != ip_version(first_)) return false;
  const bool addresses =
      ip_version(packet) == 4 ? equal_at<8>(packet, first_, 12) : equal_at<32>(packet, first_, 8);
  // Both may have options or extension headers of other sizes, and the ports behind them.
  const Bytes ports = Bytes(first_).subspan(view_.transport, 4);
  return addresses && std::memcmp(packet.subspan(view.transport, 4).data(), ports.data(), 4) == 0;
}

bool PacketRun::try_append(Bytes packet, const RunPacket& view) {
  const bool fits = !closed_ && view.joins && count_ < kRunPacketsMax &&
                    view.payload <= view_.payload && size_ + view.payload <= kFrameMax &&
                    view.headers == view_.headers && same_ip(packet, first_);
  // Of TCP: the acknowledgement, the window and every option, timestamps included; not the
  // sequence number, the flags and the checksum.
  const std::size_t tcp = view_.transport;
  const bool follows =
      fits && (view.udp || (view.sequence == next_ && equal_at<5>(packet, first_, tcp + 8) &&
                            equal_at<2>(packet, first_, tcp + 14) &&
                            equal(packet.subspan(tcp + 18, view_.headers - tcp - 18),
                                  Bytes(first_).subspan(tcp + 18, view_.headers - tcp - 18))));
  if (!follows) {
    closed_ = true;
    return false;
  }
  // Nothing may stand behind a short packet, or behind one that is to be handed on at once.
  closed_ = view.payload < view_.payload || view.push;
  view_.push = view.push;
  size_ += view.payload;
  next_ += static_cast<std::uint32_t>(view.payload);
  ++count_;
  return true;
}

TunOffload PacketRun::finish() {
  TunOffload out;
  if (count_ == 1) return out;
  const bool v4 = ip_version(first_) == 4;
  if (v4) {
    store_be(first_.subspan(2), static_cast<std::uint16_t>(size_));
    store_be(first_.subspan(kIpv4Checksum), std::uint16_t{0});
    store_be(first_.subspan(kIpv4Checksum), checksum(first_.first(kIpv4Header)));
  } else {
    store_be(first_.subspan(4), static_cast<std::uint16_t>(size_ - kIpv6Header));
  }
  const MutBytes transport = first_.subspan(view_.transport);
  const std::size_t length = size_ - view_.transport;
  const std::size_t field = view_.udp ? kUdpChecksum : kTcpChecksum;
  if (view_.udp) {
    store_be(transport.subspan(4), static_cast<std::uint16_t>(length));
  } else if (view_.push) {
    transport[kTcpFlags] |= kTcpPsh;
  }
  const std::uint32_t sum = pseudo_sum(first_, view_.udp, length);
  store_be(transport.subspan(field), checksum_add({}, sum));
  out.needs_checksum = true;
  out.type = view_.udp ? TunOffload::Type::kUdp
             : v4      ? TunOffload::Type::kTcp4
                       : TunOffload::Type::kTcp6;
  out.header_size = static_cast<std::uint16_t>(view_.headers);
  out.segment_size = static_cast<std::uint16_t>(view_.payload);
  out.checksum_start = static_cast<std::uint16_t>(view_.transport);
  out.checksum_offset = static_cast<std::uint16_t>(field);
  return out;
}

}  // namespace godwit
