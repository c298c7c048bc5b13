#include "core/net/udp_encap.h"

#include <algorithm>

#include "core/base/limits.h"

namespace godwit {

Encap classify_encap(Bytes datagram) {
  // RFC 3948 2.3: one octet 0xff, nothing else, is a NAT keepalive.
  if (datagram.size() == 1 && datagram[0] == kNatKeepalive) return Drop::kKeepalive;
  // Below an ESP header there is nothing that IKE or ESP could begin with.
  if (datagram.size() < limits::kEspHeader) return Drop::kRunt;
  // RFC 3948 2.2: an SPI is never zero, so four zero octets announce IKE.
  const Bytes head = datagram.first(kNonEspMarker);
  if (std::all_of(head.begin(), head.end(), [](std::uint8_t octet) { return octet == 0; })) {
    return EncapIke{datagram.subspan(kNonEspMarker)};
  }
  return EncapEsp{datagram};
}

}  // namespace godwit
