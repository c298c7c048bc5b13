#include "tests/sim/l2tp.h"

#include "core/net/ip_packet.h"
#include "tests/support/packets.h"

namespace godwit::sim {
namespace {

constexpr std::size_t kUdpHeader = 8;

}  // namespace

ByteVec l2tp_packet(const IpAddress& source, const IpAddress& destination, Bytes payload) {
  test::Inner inner{source, destination};
  inner.upper.resize(kUdpHeader);
  const MutBytes udp(inner.upper);
  store_be(udp, kL2tpPort);
  store_be(udp.subspan(2), kL2tpPort);
  store_be(udp.subspan(4), static_cast<std::uint16_t>(kUdpHeader + payload.size()));
  store_be(udp.subspan(6), std::uint16_t{0});
  append(inner.upper, payload);
  ByteVec packet = test::ip_packet(inner);
  const auto sum = static_cast<std::uint16_t>(~test::upper_sum(packet, 20, 17));
  store_be(MutBytes(packet).subspan(26), sum == 0 ? std::uint16_t{0xffff} : sum);
  return packet;
}

ByteVec l2tp_words(Bytes packet) {
  const auto view = parse_ip(packet);
  if (!view || view->protocol != 17 || packet.size() < 20 + kUdpHeader) return {};
  if (load_be<std::uint16_t>(packet.subspan(20)) != kL2tpPort) return {};
  if (test::upper_sum(packet, 20, 17) != 0xffff || test::header_sum(packet) != 0xffff) return {};
  return to_vec(packet.subspan(20 + kUdpHeader));
}

ByteVec l2tp_echo(Bytes packet) {
  const ByteVec words = l2tp_words(packet);
  const auto view = parse_ip(packet);
  return words.empty() ? words : l2tp_packet(view->destination, view->source, words);
}

}  // namespace godwit::sim
