// Inner IP packets for tests, made octet by octet and summed the slow way, so that nothing of what
// they test has a part in making them.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/net/address.h"

namespace godwit::test {

// RFC 1071 as it is written: 16 bits at a time, carries folded at the end.
inline std::uint16_t naive_sum(Bytes octets, std::uint64_t sum = 0) {
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    sum += static_cast<std::uint64_t>(octets[i]) << 8;
    if (i + 1 < octets.size()) sum += octets[i + 1];
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

inline std::uint64_t naive_pseudo(Bytes packet, std::uint8_t protocol, std::size_t length) {
  const bool v4 = packet[0] >> 4 == 4;
  const Bytes addresses = v4 ? packet.subspan(12, 8) : packet.subspan(8, 32);
  return std::uint64_t{naive_sum(addresses)} + protocol + length;
}

// 0xffff when the header checksum is right (RFC 1071 1 (3)).
inline std::uint16_t header_sum(Bytes packet) {
  return naive_sum(packet.first(static_cast<std::size_t>(packet[0] & 0x0f) * 4));
}

// 0xffff when the checksum of the upper layer, behind `header` octets, is right.
inline std::uint16_t upper_sum(Bytes packet, std::size_t header, std::uint8_t protocol) {
  const Bytes upper = packet.subspan(header);
  return naive_sum(upper, naive_pseudo(packet, protocol, upper.size()));
}

struct Inner {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 17;
  std::uint8_t tos = 0;
  bool dont_fragment = true;
  ByteVec upper = ByteVec(12, 0x5a);
};

inline ByteVec ip_packet(const Inner& inner) {
  ByteVec out;
  if (inner.source.is_v4()) {
    out = {0x45, inner.tos,      0, 0, 0x12, 0x34, std::uint8_t(inner.dont_fragment ? 0x40 : 0), 0,
           64,   inner.protocol, 0, 0};
    append(out, inner.source.bytes());
    append(out, inner.destination.bytes());
    store_be(MutBytes(out).subspan(2), static_cast<std::uint16_t>(20 + inner.upper.size()));
    store_be(MutBytes(out).subspan(10), static_cast<std::uint16_t>(~naive_sum(out)));
  } else {
    out = {std::uint8_t(0x60 | inner.tos >> 4),
           std::uint8_t(inner.tos << 4),
           0,
           0,
           0,
           0,
           inner.protocol,
           64};
    append(out, inner.source.bytes());
    append(out, inner.destination.bytes());
    store_be(MutBytes(out).subspan(4), static_cast<std::uint16_t>(inner.upper.size()));
  }
  append(out, inner.upper);
  return out;
}

// A TCP segment with these options (a multiple of four octets) and a right checksum.
inline ByteVec tcp_packet(Inner inner, std::uint8_t flags, Bytes options) {
  inner.protocol = 6;
  inner.upper = {
      0x04,  0xd2, 0x01, 0xbb, 1, 2, 3, 4, 0, 0, 0, 0, std::uint8_t((5 + options.size() / 4) << 4),
      flags, 0x72, 0x10, 0,    0, 0, 0};
  append(inner.upper, options);
  ByteVec out = ip_packet(inner);
  const std::size_t header = inner.source.is_v4() ? 20 : 40;
  const auto sum = static_cast<std::uint16_t>(~upper_sum(out, header, 6));
  store_be(MutBytes(out).subspan(header + 16), sum);
  return out;
}

}  // namespace godwit::test
