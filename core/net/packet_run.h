// Packets of one TCP or UDP flow, joined into one frame for a TUN device with offloads: what the
// kernel's own GRO does (Linux, net/ipv4/tcp_offload.c), by the same rules, so that a receiver
// cannot tell. Only the headers of the first packet are changed; payloads stay where they are.
#pragma once

#include <optional>

#include "core/base/bytes.h"
#include "core/net/tun_offload.h"

namespace godwit {

inline constexpr std::size_t kRunPacketsMax = 64;  // Linux before 6.9 takes no more for UDP

// A TCP or UDP packet. Others may be joined with it when it has nothing but ACK and PSH, no IP
// options, payload, and a checksum that is right: the kernel will not look at it again.
struct RunPacket {
  bool joins = false;
  bool udp = false;
  std::size_t transport = 0;  // where TCP or UDP begins
  std::size_t headers = 0;    // of both layers
  std::size_t payload = 0;
  std::uint32_t sequence = 0;
  bool push = false;
};
std::optional<RunPacket> run_packet(Bytes packet);  // nothing for other packets and fragments

class PacketRun {
 public:
  // `first`, which joins, is viewed and must live until finish().
  PacketRun(MutBytes first, const RunPacket& view);

  bool same_flow(Bytes packet, const RunPacket& view) const;
  // Whether `packet`, of the same flow, follows what is in the run and was joined. If not, no later
  // packet of the flow is joined either: order would be lost.
  bool try_append(Bytes packet, const RunPacket& view);

  std::size_t count() const { return count_; }
  // Writes the lengths and the pseudo-header's sum of the whole into the first packet, unless it
  // is alone, and says what stands before it.
  TunOffload finish();

 private:
  MutBytes first_;
  RunPacket view_;
  std::size_t size_;  // of the whole, headers once
  std::size_t count_ = 1;
  std::uint32_t next_;  // sequence number
  bool closed_;
};

}  // namespace godwit
