// The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
#pragma once

#include "core/base/bytes.h"
#include "core/net/address.h"

namespace godwit {

// Folded, not inverted sum of `octets` on top of `initial` (host order).
std::uint16_t checksum_add(Bytes octets, std::uint32_t initial = 0);
// The same of octets that are copied into `to`, of their size, on the way.
std::uint16_t checksum_copy(Bytes octets, MutBytes to, std::uint32_t initial = 0);
// The value to store in a header field that is zero in `octets`.
std::uint16_t checksum(Bytes octets, std::uint32_t initial = 0);
// Sum of the pseudo-header for TCP, UDP and ICMPv6, to be used as `initial`.
std::uint32_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                std::uint8_t protocol, std::uint32_t length);
// RFC 1624: the checksum after a 16-bit field changed from `before` to `after`.
std::uint16_t checksum_update(std::uint16_t checksum, std::uint16_t before, std::uint16_t after);

}  // namespace godwit
