#include "core/esp/transport.h"

#include "core/base/check.h"
#include "core/base/reader.h"
#include "core/base/writer.h"
#include "core/net/checksum.h"
#include "core/net/ip_packet.h"

namespace godwit::esp {
namespace {

constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kHopLimit = 64;
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kUdpChecksum = 6;  // offset in the header

// RFC 768
//  |     Source port      |   Destination port   |
//  |        Length        |       Checksum       |
struct UdpHeader {
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
  std::size_t length = 0;
};

Result<UdpHeader, Drop> parse_udp(Bytes datagram) {
  Reader reader(datagram);
  UdpHeader out;
  out.source = GODWIT_TRY(reader.be<std::uint16_t>());
  out.destination = GODWIT_TRY(reader.be<std::uint16_t>());
  out.length = GODWIT_TRY(reader.be<std::uint16_t>());
  if (out.length < kUdpHeader || out.length > datagram.size()) return fail(Drop::kBadInner);
  return out;
}

// RFC 3948 3.1.2, the second of its ways: the sum is made anew. It needs nothing of the peer, while
// the first needs original addresses that some gateways tell wrongly; the ICV has covered the
// datagram all the way.
void set_checksum(MutBytes datagram, const UdpFlow& flow) {
  const MutBytes field = datagram.subspan(kUdpChecksum, 2);
  // RFC 8200 8.1: over IPv6 a sender that made no sum is an exception that L2TP does not ask for.
  if (load_be<std::uint16_t>(field) == 0 && flow.local.address.is_v4()) return;
  store_be(field, std::uint16_t{0});
  const std::uint32_t pseudo = pseudo_header_sum(flow.remote.address, flow.local.address, kUdp,
                                                 static_cast<std::uint32_t>(datagram.size()));
  const std::uint16_t sum = checksum(datagram, pseudo);
  store_be(field, sum == 0 ? std::uint16_t{0xffff} : sum);
}

// The outer header is the packet's own in transport mode, so its TOS is too.
void write_ipv4(MutBytes header, std::size_t total, std::uint8_t tos, const UdpFlow& flow) {
  Writer writer(header);
  writer.be<std::uint8_t>(0x45);
  writer.be(tos);
  writer.be(static_cast<std::uint16_t>(total));
  writer.be<std::uint32_t>(0x4000);  // don't fragment: the identification says nothing (RFC 6864)
  writer.be(kHopLimit);
  writer.be(kUdp);
  writer.be<std::uint16_t>(0);
  writer.put(flow.remote.address.bytes());
  writer.put(flow.local.address.bytes());
  store_be(header.subspan(10), checksum(header));
}

void write_ipv6(MutBytes header, std::size_t payload, std::uint8_t tos, const UdpFlow& flow) {
  Writer writer(header);
  writer.be(std::uint32_t{0x6000'0000} | (std::uint32_t{tos} << 20));
  writer.be(static_cast<std::uint16_t>(payload));
  writer.be(kUdp);
  writer.be(kHopLimit);
  writer.put(flow.remote.address.bytes());
  writer.put(flow.local.address.bytes());
}

}  // namespace

Result<void, Drop> cut_to_udp(Packet& packet, const UdpFlow& flow) {
  const IpPacket view = GODWIT_TRY(parse_ip(packet.bytes()));
  if (view.protocol != kUdp || view.fragment || view.source != flow.local.address ||
      view.destination != flow.remote.address) {
    return fail(Drop::kOutsideSelectors);
  }
  const Bytes datagram = packet.bytes().first(view.total_size).subspan(view.header_size);
  const auto udp = parse_udp(datagram);
  if (!udp) return fail(Drop::kBadInner);
  if (udp->source != flow.local.port || udp->destination != flow.remote.port) {
    return fail(Drop::kOutsideSelectors);
  }
  packet.begin += view.header_size;
  packet.size = view.total_size - view.header_size;
  return {};
}

Result<void, Drop> make_ip_packet(Packet& packet, const UdpFlow& flow) {
  const auto udp = parse_udp(packet.bytes());
  if (!udp) return fail(Drop::kBadInner);
  if (udp->source != flow.remote.port || udp->destination != flow.local.port) {
    return fail(Drop::kInnerAddress);
  }
  packet.size = udp->length;
  set_checksum(packet.bytes(), flow);

  const bool v4 = flow.local.address.is_v4();
  const std::size_t header = v4 ? kIpv4Header : kIpv6Header;
  if (v4 && header + udp->length > 0xffff) return fail(Drop::kBadInner);
  CHECK(packet.begin >= header);
  packet.begin -= header;
  packet.size += header;
  const MutBytes front = packet.bytes().first(header);
  if (v4) {
    write_ipv4(front, packet.size, packet.outer_tos, flow);
  } else {
    write_ipv6(front, udp->length, packet.outer_tos, flow);
  }
  return {};
}

}  // namespace godwit::esp
