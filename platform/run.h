// Packets that leave with one system call: datagrams of one size that the kernel cuts apart again
// (UDP_SEGMENT), or packets of one flow that a TUN device takes as one frame. For the engines.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/net/address.h"
#include "core/net/packet_run.h"
#include "core/net/tun_offload.h"
#include "platform/tun_offloads.h"

namespace godwit::platform {

// The kernel's own limit for both before Linux 6.9.
inline constexpr std::size_t kRunMax = kRunPacketsMax;
// Above, a frame exceeds the device's gso_max_size with its headers, and the kernel cuts it early.
inline constexpr std::size_t kRunOctetsMax = 65000;

// The arguments of one sendmsg(2) or writev(2); they outlive the call.
struct Run {
  std::array<std::uint32_t, kRunMax> ids{};  // of the buffers, in order
  std::array<iovec, kRunMax + 1> data{};
  std::size_t count = 0;   // of buffers
  std::size_t pieces = 0;  // of data
  // Of a UDP run.
  std::uint32_t socket = 0;
  std::uint32_t generation = 0;  // of the socket, to tell it from a later one of that number
  msghdr header{};
  sockaddr_storage to{};
  static constexpr std::size_t kControl = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t));
  alignas(cmsghdr) std::array<std::uint8_t, kControl> control{};
  // Of a TUN run.
  std::array<std::uint8_t, TunOffload::kSize> offload{};

  void start(std::uint32_t id, MutBytes packet);
  void add(std::uint32_t id, MutBytes octets);
  // Fills the header of a UDP run whose datagrams have `size` octets, the last one at most.
  void address(const Endpoint& endpoint, std::uint8_t tos, std::size_t size);
};

class RunPool {
 public:
  explicit RunPool(std::uint32_t count);
  Run& operator[](std::uint32_t number) { return runs_[number]; }
  bool empty() const { return free_.empty(); }
  std::uint32_t take();  // only when not empty()
  void give_back(std::uint32_t number) { free_.push_back(number); }

 private:
  std::vector<Run> runs_;
  std::vector<std::uint32_t> free_;
};

// The runs for the TUN device that one batch of packets makes, in the order of their first packets.
class TunRuns {
 public:
  explicit TunRuns(RunPool& pool) : pool_(pool) { entries_.reserve(kRunMax); }

  // False when no run is free: the packet has to wait. `packet` lives until finish().
  bool add(std::uint32_t id, MutBytes packet, const TunOffloads& joins);
  // Completes the headers and hands each run to `leave`; without `offload` no header stands before
  // a packet.
  template <class F>
  void finish(bool offload, F leave) {
    for (Entry& entry : entries_) {
      complete(entry, offload);
      leave(entry.run);
    }
    entries_.clear();
  }

 private:
  struct Entry {
    std::uint32_t run;
    std::optional<PacketRun> packets;  // nothing: no other may join
    bool open;
  };
  static constexpr std::size_t kOpenMax = 32;  // flows that are looked through for each packet

  Entry* open_run(Bytes packet, const RunPacket& view);
  void complete(Entry& entry, bool offload);

  std::vector<Entry> entries_;
  RunPool& pool_;
};

}  // namespace godwit::platform
