#include "core/net/segments.h"

#include <algorithm>
#include <array>

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

// The words of each header that differ from packet to packet, by their offsets.
constexpr std::array kIpv4Varying = {std::size_t{2}, std::size_t{4}, kIpv4Checksum};
constexpr std::array kUdpVarying = {kUdpLength, kUdpChecksum};
constexpr std::array kTcpVarying = {kTcpSequence, kTcpSequence + 2, kTcpDataOffset, kTcpChecksum};

// What the other words of a header add to its checksum.
template <std::size_t kCount>
std::uint32_t sum_without(Bytes header, const std::array<std::size_t, kCount>& varying) {
  std::uint32_t sum = checksum_add(header);
  // RFC 1624 3: in ones' complement a word is taken away by adding its complement.
  for (const std::size_t at : varying) {
    sum += static_cast<std::uint16_t>(~load_be<std::uint16_t>(header.subspan(at)));
  }
  return sum;
}

std::uint32_t words(std::uint32_t value) { return (value >> 16) + (value & 0xffff); }

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
  const Bytes header = out.frame_.subspan(start, transport);
  out.transport_sum_ = udp ? sum_without(header, kUdpVarying) : sum_without(header, kTcpVarying);
  out.transport_sum_ += checksum_add(addresses);
  out.transport_sum_ += udp ? kProtocolUdp : kProtocolTcp;
  if (version == 4) out.ip_sum_ = sum_without(frame.first(ip_header), kIpv4Varying);
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
  // Nothing that is written here is read back: the processor would wait for small stores before a
  // large load. So the payload is summed on its way, and headers are known sums.
  const std::uint16_t payload_sum = checksum_copy(payload, out.subspan(headers_));
  write_ip(index, out);
  write_transport(index, out.subspan(transport_), payload_sum);
}

void Segments::write_ip(std::size_t index, MutBytes out) const {
  if (ip_version(frame_) == 6) {
    store_be(out.subspan(4), static_cast<std::uint16_t>(out.size() - kIpv6Header));
    return;
  }
  // RFC 6864 4: packets that may be fragmented need an ID of their own.
  const auto id = static_cast<std::uint16_t>(load_be<std::uint16_t>(frame_.subspan(4)) + index);
  const auto size = static_cast<std::uint16_t>(out.size());
  store_be(out.subspan(2), size);
  store_be(out.subspan(4), id);
  store_be(out.subspan(kIpv4Checksum), checksum({}, ip_sum_ + size + id));
}

void Segments::write_transport(std::size_t index, MutBytes transport,
                               std::uint32_t payload_sum) const {
  const auto length = static_cast<std::uint32_t>(transport.size());
  const std::uint32_t sum = transport_sum_ + payload_sum + length;
  if (type_ == TunOffload::Type::kUdp) {
    store_be(transport.subspan(kUdpLength), static_cast<std::uint16_t>(length));
    const std::uint16_t field = checksum({}, sum + length);
    store_be(transport.subspan(kUdpChecksum), field == 0 ? std::uint16_t{0xffff} : field);
    return;
  }
  const Bytes first = frame_.subspan(transport_);
  const auto sequence = static_cast<std::uint32_t>(
      load_be<std::uint32_t>(first.subspan(kTcpSequence)) + index * segment_);
  // FIN and PSH belong to the last packet, CWR to the first (RFC 3168 6.1.2).
  std::uint8_t flags = first[kTcpFlags];
  if (index + 1 < count_) flags &= static_cast<std::uint8_t>(~(kTcpFin | kTcpPsh));
  if (index > 0) flags &= static_cast<std::uint8_t>(~kTcpCwr);
  store_be(transport.subspan(kTcpSequence), sequence);
  transport[kTcpFlags] = flags;
  const std::uint32_t offset_and_flags = std::uint32_t{first[kTcpDataOffset]} << 8 | flags;
  store_be(transport.subspan(kTcpChecksum), checksum({}, sum + words(sequence) + offset_and_flags));
}

}  // namespace godwit
