// What a datagram on the NAT-traversal port is (RFC 3948 2.1-2.3).
#pragma once

#include <variant>

#include "core/base/bytes.h"
#include "core/base/counters.h"
#include "core/base/result.h"

namespace godwit {

inline constexpr std::size_t kNonEspMarker = 4;      // four zero octets before IKE on port 4500
inline constexpr std::uint8_t kNatKeepalive = 0xff;  // the whole of a keepalive

struct EncapIke {
  Bytes message;
};  // after the marker
struct EncapEsp {
  Bytes packet;
};  // from the SPI on
using Encap = std::variant<EncapIke, EncapEsp, Drop>;

// What a raw socket of protocol 50 delivers of IPv4: the header is in front (of IPv6 it is not).
// Drop is kEspFragment (RFC 4303 3.4.1: never ESP) or kRunt.
Result<Bytes, Drop> esp_behind_ipv4(Bytes packet);

// Drop is kKeepalive or kRunt.
Encap classify_encap(Bytes datagram);

}  // namespace godwit
