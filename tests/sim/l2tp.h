// L2TP as far as transport mode cares: UDP datagrams of port 1701, and a far end that echoes them.
#pragma once

#include "core/base/bytes.h"
#include "core/net/address.h"

namespace godwit::sim {

inline constexpr std::uint16_t kL2tpPort = 1701;

// An IPv4 packet with a UDP datagram whose checksum is right.
ByteVec l2tp_packet(const IpAddress& source, const IpAddress& destination, Bytes payload);
// The same words back; empty when the packet is none of these, or its checksum is wrong.
ByteVec l2tp_echo(Bytes packet);
// The words alone: all that is the same at both ends of a NAT.
ByteVec l2tp_words(Bytes packet);

}  // namespace godwit::sim
