// What a TUN device was set up to take and give beyond single packets.
#pragma once

namespace godwit::platform {

struct TunOffloads {
  bool header = false;  // struct virtio_net_hdr stands before each frame; checksums may be partial
  bool tcp = false;     // frames of many TCP packets, both ways
  bool udp = false;     // of many UDP packets
  friend bool operator==(const TunOffloads&, const TunOffloads&) = default;
};

}  // namespace godwit::platform
