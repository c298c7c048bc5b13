#include "core/net/udp_encap.h"

#include <algorithm>

#include "core/base/limits.h"
#include "core/net/ip_packet.h"

namespace godwit {

Result<Bytes, Drop> esp_behind_ipv4(Bytes packet) {
  const auto view = parse_ip(packet);
  if (!view || !view->source.is_v4()) return fail(Drop::kRunt);
  if (view->fragment) return fail(Drop::kEspFragment);
  const Bytes esp = packet.first(view->total_size).subspan(view->header_size);
  if (esp.size() < limits::kEspHeader) return fail(Drop::kRunt);
  return esp;
}

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
