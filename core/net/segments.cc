#include "core/net/segments.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/net/checksum.h"
#include "core/net/ip_packet.h"
#include "core/net/transport.h"

namespace godwit {
namespace {

// The kernel left the sum of the pseudo-header where the checksum belongs.
bool finish_checksum(const TunOffload& offload, MutBytes frame) {
  const std::size_t start = offload.checksum_start;
  const std::size_t field = start + offload.checksum_offset;
  if (start >= frame.size() || field + 2 > frame.size()) return false;
  const std::uint16_t sum = checksum(frame.subspan(start));
  // RFC 768: zero stands for "none", so a sum of zero is sent as its other form.
  const bool udp = offload.checksum_offset == kUdpChecksum;
  store_be(frame.subspan(field), udp && sum == 0 ? std::uint16_t{0xffff} : sum);
  return true;
}

}  // namespace

Result<Segments, Drop> Segments::of(const TunOffload& offload, MutBytes frame) {
  Segments out;
  out.frame_ = frame;
  out.type_ = offload.type;
  out.count_ = 1;
  if (frame.empty() || !offload.known) return fail(Drop::kBadInner);
  if (offload.type == TunOffload::Type::kNone) {
    if (offload.needs_checksum && !finish_checksum(offload, frame)) return fail(Drop::kBadInner);
    return out;
  }
  const bool udp = offload.type == TunOffload::Type::kUdp;
  // The lengths in the header may be those of the first packet; only the addresses are needed.
  const int version = ip_version(frame);
  const std::size_t start = offload.checksum_start;
  const std::size_t ip_header = version == 4 ? std::size_t{frame[0] & 0x0fu} * 4 : kIpv6Header;
  const bool right_version = offload.type == TunOffload::Type::kTcp4 ? version == 4
                             : offload.type == TunOffload::Type::kTcp6
                                 ? version == 6
                                 : version == 4 || version == 6;
  if (!right_version || start < ip_header || ip_header < kIpv4Header) return fail(Drop::kBadInner);
  const std::size_t fixed = start + (udp ? kUdpHeader : kTcpHeader);
  if (frame.size() <= fixed) return fail(Drop::kBadInner);
  const std::size_t transport =
      udp ? kUdpHeader : std::size_t{frame[start + kTcpDataOffset]} / 16 * 4;
  if (transport < (udp ? kUdpHeader : kTcpHeader)) return fail(Drop::kBadInner);
  out.transport_ = start;
  out.headers_ = start + transport;
  out.segment_ = offload.segment_size;
  if (frame.size() <= out.headers_ || out.segment_ == 0) return fail(Drop::kBadInner);
  const std::size_t payload = frame.size() - out.headers_;
  out.count_ = (payload + out.segment_ - 1) / out.segment_;
  const Bytes addresses = version == 4 ? Bytes(frame).subspan(12, 8) : Bytes(frame).subspan(8, 32);
  out.pseudo_ = std::uint32_t{checksum_add(addresses)} + (udp ? kProtocolUdp : kProtocolTcp);
  return out;
}

std::size_t Segments::size(std::size_t index) const {
  if (type_ == TunOffload::Type::kNone) return frame_.size();
  const std::size_t begin = headers_ + index * segment_;
  return headers_ + std::min(segment_, frame_.size() - begin);
}

void Segments::write(std::size_t index, MutBytes out) const {
  CHECK(index < count_ && out.size() == size(index));
  if (type_ == TunOffload::Type::kNone) {
    std::copy(frame_.begin(), frame_.end(), out.begin());
    return;
  }
  const Bytes payload = frame_.subspan(headers_ + index * segment_, out.size() - headers_);
  std::copy_n(frame_.begin(), headers_, out.begin());
  std::copy(payload.begin(), payload.end(), out.begin() + static_cast<std::ptrdiff_t>(headers_));

  if (ip_version(out) == 4) {
    store_be(out.subspan(2), static_cast<std::uint16_t>(out.size()));
    // RFC 6864 4: packets that may be fragmented need an ID of their own.
    const auto id = load_be<std::uint16_t>(out.subspan(4));
    store_be(out.subspan(4), static_cast<std::uint16_t>(id + index));
    const std::size_t header = std::size_t{out[0] & 0x0fu} * 4;
    store_be(out.subspan(kIpv4Checksum), std::uint16_t{0});
    store_be(out.subspan(kIpv4Checksum), checksum(out.first(header)));
  } else {
    store_be(out.subspan(4), static_cast<std::uint16_t>(out.size() - kIpv6Header));
  }
  const MutBytes transport = out.subspan(transport_);
  const auto length = static_cast<std::uint32_t>(transport.size());
  if (type_ == TunOffload::Type::kUdp) {
    store_be(transport.subspan(4), static_cast<std::uint16_t>(length));
    store_be(transport.subspan(kUdpChecksum), std::uint16_t{0});
    const std::uint16_t sum = checksum(transport, pseudo_ + length);
    store_be(transport.subspan(kUdpChecksum), sum == 0 ? std::uint16_t{0xffff} : sum);
    return;
  }
  const auto sequence = load_be<std::uint32_t>(transport.subspan(4));
  store_be(transport.subspan(4), static_cast<std::uint32_t>(sequence + index * segment_));
  // FIN and PSH belong to the last packet, CWR to the first (RFC 3168 6.1.2).
  if (index + 1 < count_) transport[kTcpFlags] &= static_cast<std::uint8_t>(~(kTcpFin | kTcpPsh));
  if (index > 0) transport[kTcpFlags] &= static_cast<std::uint8_t>(~kTcpCwr);
  store_be(transport.subspan(kTcpChecksum), std::uint16_t{0});
  store_be(transport.subspan(kTcpChecksum), checksum(transport, pseudo_ + length));
}

}  // namespace godwit
