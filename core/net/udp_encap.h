// What a datagram on the NAT-traversal port is (RFC 3948 2.1-2.3).
#pragma once

#include <variant>

#include "core/base/bytes.h"
#include "core/base/counters.h"

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

// Drop is kKeepalive or kRunt.
Encap classify_encap(Bytes datagram);

}  // namespace godwit
