// What stands before each frame of a TUN device that has offloads: struct virtio_net_hdr of
// <linux/virtio_net.h> (VIRTIO 1.2, 5.1.6), ten octets in the machine's own order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"

namespace godwit {

struct TunOffload {
  enum class Type : std::uint8_t { kNone = 0, kTcp4 = 1, kTcp6 = 4, kUdp = 5 };
  static constexpr std::size_t kSize = 10;
  static constexpr std::uint8_t kNeedsChecksum = 1;

  // The checksum at checksum_start + checksum_offset holds the sum of the pseudo-header only.
  bool needs_checksum = false;
  Type type = Type::kNone;            // what the frame is cut into; unknown types are kNone
  bool known = true;                  // false: a type that nobody asked for
  std::uint16_t header_size = 0;      // a hint of the kernel's; not to be relied on
  std::uint16_t segment_size = 0;     // octets of payload in each packet but the last
  std::uint16_t checksum_start = 0;   // where TCP or UDP begins
  std::uint16_t checksum_offset = 0;  // from there
};

TunOffload decode_tun_offload(Bytes header);  // header.size() >= TunOffload::kSize
void encode_tun_offload(const TunOffload& offload, MutBytes header);

}  // namespace godwit
