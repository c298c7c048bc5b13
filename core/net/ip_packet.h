// Read-only view of an inner IP packet: only what selectors, ECN and MSS clamping need, checked
// once.
#pragma once

#include "core/base/counters.h"
#include "core/base/result.h"
#include "core/net/address.h"

namespace godwit {

struct IpPacket {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;    // of the upper layer; 0xff when it is behind extension headers
  std::uint8_t tos = 0;         // DSCP and ECN: IPv4 TOS, IPv6 traffic class
  bool dont_fragment = false;   // IPv4 DF; true for IPv6
  bool fragment = false;        // offset or MF set: no transport header to trust
  std::size_t header_size = 0;  // IPv4 IHL*4, IPv6 40
  std::size_t total_size = 0;   // as the header says: <= the octets given
};

// Octets beyond total_size are allowed (ESP traffic-flow padding, RFC 4303 2.7). Error: kBadInner.
Result<IpPacket, Drop> parse_ip(Bytes packet);

// 4 or 6 as the first octet says; anything else for what is no IP packet. packet is not empty.
inline int ip_version(Bytes packet) { return packet[0] >> 4; }
// The TOS or traffic class of an IP packet of at least two octets.
std::uint8_t ip_tos(Bytes packet);

inline constexpr std::uint8_t kDscpMask = 0xfc;  // of a TOS octet (RFC 2474 3); the rest is ECN

// RFC 6040. Encapsulation: the outer TOS for an inner one (ECN copied, DSCP zero).
std::uint8_t outer_tos(std::uint8_t inner_tos);
// Decapsulation (figure 4): the inner header takes the more severe of the two ECN marks;
// kEcnDropped when the inner packet is Not-ECT and the outer is CE. `packet` is a packet that
// parse_ip accepted.
Result<void, Drop> decapsulate_ecn(MutBytes packet, std::uint8_t outer_tos);

// Lowers the MSS option of a TCP SYN to fit `mtu`; other packets are left alone. Keeps the
// checksum.
void clamp_mss(MutBytes packet, const IpPacket& view, std::size_t mtu);
void clamp_mss(MutBytes packet, std::size_t mtu);  // of a packet that is not empty

// An ICMP "fragmentation needed" (RFC 1191) or ICMPv6 "packet too big" (RFC 4443 3.2) that answers
// `packet`, from `from`, saying `mtu`. Empty when the packet may not be answered (an ICMP error, a
// fragment, DF clear, a multicast source).
ByteVec make_packet_too_big(Bytes packet, const IpPacket& view, const IpAddress& from,
                            std::size_t mtu);

}  // namespace godwit
