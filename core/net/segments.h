// A frame of a TUN device with offloads, cut into the packets that a wire would have seen: the
// kernel hands over up to 64 KiB of one flow with one header, and checksums for us to finish.
#pragma once

#include "core/base/counters.h"
#include "core/base/result.h"
#include "core/net/tun_offload.h"

namespace godwit {

class Segments {
 public:
  Segments() = default;

  // Views `frame`, which must live as long; finishes the checksum of a frame that is one packet.
  // Error: kBadInner, the frame is not what `offload` says.
  static Result<Segments, Drop> of(const TunOffload& offload, MutBytes frame);

  std::size_t count() const { return count_; }
  std::size_t size(std::size_t index) const;  // octets of a packet; index < count()
  // Writes a packet of size(index) octets with its lengths, checksums, sequence number and flags.
  void write(std::size_t index, MutBytes out) const;

 private:
  void write_ip(std::size_t index, MutBytes out) const;
  void write_transport(std::size_t index, MutBytes transport, std::uint32_t payload_sum) const;

  Bytes frame_;
  TunOffload::Type type_ = TunOffload::Type::kNone;
  std::size_t transport_ = 0;  // where TCP or UDP begins
  std::size_t headers_ = 0;    // of both layers
  std::size_t segment_ = 0;    // octets of payload in each packet but the last
  std::size_t count_ = 0;
  // Sums of what all packets share: the IPv4 header without length, ID and checksum; pseudo-header
  // and transport header without lengths, sequence number, flags and checksum.
  std::uint32_t ip_sum_ = 0;
  std::uint32_t transport_sum_ = 0;
};

}  // namespace godwit
