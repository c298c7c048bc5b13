// Transport mode for one UDP flow (RFC 4303 3.1.1, RFC 3948 3.1.2 and 3.2): the datagram travels in
// ESP, its IP header stays behind and is made anew on the other side.
#pragma once

#include "core/base/counters.h"
#include "core/base/result.h"
#include "core/esp/packet.h"
#include "core/net/udp_flow.h"

namespace godwit::esp {

// Leaves of an IP packet its UDP datagram. kBadInner for what is no IP packet; kOutsideSelectors
// for what is not of the flow, and for a fragment: ESP in transport mode carries whole datagrams.
Result<void, Drop> cut_to_udp(Packet& packet, const UdpFlow& flow);

// Puts an IP header in front of the UDP datagram of an opened packet and makes its checksum right
// for these addresses; a checksum of zero stays zero over IPv4 (RFC 768). What follows the datagram
// is traffic-flow padding (RFC 4303 2.7). kBadInner, or kInnerAddress for another flow.
// Needs the length of the header in front.
Result<void, Drop> make_ip_packet(Packet& packet, const UdpFlow& flow);

}  // namespace godwit::esp
