// The I/O loop: one TUN device, some UDP sockets, some descriptors to watch, one deadline.
//
//   while (running) {
//     GODWIT_TRY(engine->turn(next_deadline, sink));   // submit, wait, collect, call the sink
//     now = boot_now(); ... deadlines, actions ...     // queue sends and writes
//   }
//
// What the caller may assume:
// - Everything queued by send(), send_copy() and write_tun*() leaves at the start of the next
// turn(),
//   in the order it was queued for each socket and for the TUN. What cannot leave because a
//   socket's send buffer is full waits in a bounded queue in that order; beyond it packets are
//   dropped and counted. A packet never overtakes another of the same socket; one that was
//   overtaken in the kernel is dropped instead of sent late.
// - A buffer given to the sink may be changed in place and passed to send() or write_tun() during
//   the callback, which take it over. What was not passed on returns to the pool when the callback
//   returns. No memory is allocated per packet.
// - A packet read from the TUN or a socket has at least limits::kHeadRoom octets before it and
//   limits::kTailRoom after it, and both may be overwritten.
// - Batches hold up to kBatch packets, in the order in which they arrived.
// - A datagram longer than a buffer is dropped and counted, never given truncated.
// - The deadline counts suspended time: after a resume a passed deadline wakes turn() at once.
// - An engine belongs to the thread that made it. Descriptors stay the caller's: remove them here
//   before closing them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/base/instant.h"
#include "core/net/address.h"
#include "platform/buffer_pool.h"
#include "platform/sys_error.h"
#include "platform/tun_offloads.h"

namespace godwit::platform {

inline constexpr std::size_t kBatch = 64;
inline constexpr std::uint32_t kSocketsMax = 8;    // socket numbers are 0 .. kSocketsMax - 1
inline constexpr std::size_t kSendQueueMax = 512;  // packets waiting for one socket

struct Datagram {
  Buffer buffer;
  Endpoint from;         // an IPv4 peer is an IPv4 address, whatever the socket's family
  std::uint8_t tos = 0;  // DSCP and ECN of the outer header
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  virtual void on_tun(std::span<Buffer> packets) = 0;
  virtual void on_udp(std::uint32_t socket, std::span<Datagram> datagrams) = 0;
  virtual void on_readable(std::uint32_t id) = 0;  // a watched descriptor, until it is drained
  // A datagram was refused for good: EMSGSIZE, ENETUNREACH, EPERM, ... `size` is its payload.
  virtual void on_send_error(std::uint32_t socket, int error, std::size_t size) = 0;
  // The kernel refused a rung at run time, and the one below is used from now on. Once each.
  virtual void on_rung_left(const SysError& refusal) = 0;
};

struct EngineStatistics {
  std::uint64_t tun_read = 0;          // packets; a frame may hold many
  std::uint64_t tun_frames = 0;        // read
  std::uint64_t tun_refused = 0;       // frames that contradict their header
  std::uint64_t tun_written = 0;       // packets
  std::uint64_t tun_writes = 0;        // frames
  std::uint64_t tun_write_failed = 0;  // the kernel refused the packet, or the device is down
  std::uint64_t udp_received = 0;
  std::uint64_t udp_receives = 0;  // runs of datagrams that arrived together
  std::uint64_t udp_sent = 0;
  std::uint64_t udp_sends = 0;     // runs of datagrams that left together
  std::uint64_t send_failed = 0;   // reported by on_send_error
  std::uint64_t send_dropped = 0;  // queue full, or overtaken
  std::uint64_t send_waited = 0;   // the socket's send buffer was full once
  std::uint64_t truncated = 0;     // larger than a buffer
  std::uint64_t no_buffer = 0;     // the pool was empty when something had to be read or copied
  std::uint64_t turns = 0;
  std::uint64_t system_calls = 0;  // waits and submits; epoll_wait, read, write, *mmsg
};

// Which way packets go through a descriptor here: another engine may have the other way.
enum class Way : std::uint8_t { kBoth, kIn, kOut };

// What is in use now: a rung that the kernel refuses is left at run time.
struct Offloads {
  TunOffloads tun;
  bool udp_runs = false;   // many datagrams of one size leave a socket in one call
  bool udp_joins = false;  // and arrive in one
};

class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  // "io_uring", "epoll", or "epoll (io_uring: Operation not permitted)".
  virtual const std::string& name() const = 0;
  virtual const EngineStatistics& statistics() const = 0;
  virtual Offloads offloads(std::uint32_t socket) const = 0;

  // `fd` must be non-blocking. One TUN at a time. In is what is read.
  virtual Result<void, SysError> add_tun(int fd, const TunOffloads& offloads = {},
                                         Way way = Way::kBoth) = 0;
  // Forgets the TUN, and packets queued for it, so that closing it removes the device.
  virtual void remove_tun() = 0;

  // `may_join` lets the kernel hand over many datagrams of one flow at once (UDP_GRO); such a
  // packet has others before and behind it instead of room.
  virtual Result<void, SysError> add_udp(std::uint32_t socket, int fd, Way way = Way::kBoth,
                                         bool may_join = false) = 0;
  virtual void remove_udp(std::uint32_t socket) = 0;  // what waits to be sent is dropped

  // on_readable(id) is called in every turn in which `fd` can be read.
  virtual Result<void, SysError> watch(std::uint32_t id, int fd) = 0;
  virtual void unwatch(std::uint32_t id) = 0;

  // Sends what is queued, waits until something happens or `until` has come, and tells the sink.
  // May return early with nothing to tell. Without `until` it waits as long as it takes.
  virtual Result<void, SysError> turn(std::optional<Instant> until, Sink& sink) = 0;

  // Take over `buffer`, which came from the sink or from allocate().
  virtual void send(std::uint32_t socket, const Buffer& buffer, const Endpoint& to,
                    std::uint8_t tos) = 0;
  virtual void write_tun(const Buffer& buffer) = 0;

  // An empty buffer with begin = kTunHead and size 0, or nothing when all are under way. The caller
  // passes it to send(), write_tun() or release().
  virtual std::optional<Buffer> allocate() = 0;
  virtual void release(const Buffer& buffer) = 0;

  // Copy what they are given. False when no buffer was free or it is too long: it was dropped and
  // counted.
  bool send_copy(std::uint32_t socket, Bytes datagram, const Endpoint& to, std::uint8_t tos = 0);
  bool write_tun_copy(Bytes packet);
};

enum class EngineChoice : std::uint8_t { kAuto, kRing, kEpoll };

// kAuto tries io_uring and falls back to epoll when the system refuses it; kRing fails instead.
// GODWIT_RING=single|udp|multi in the environment allows multishot requests for nothing, for the
// sockets alone (as Linux 6.0 to 6.6 have them), or for all; GODWIT_RING=off is kEpoll.
// GODWIT_UDP=plain sends and receives each datagram by itself, GODWIT_UDP=send joins those that
// leave.
Result<std::unique_ptr<Engine>, SysError> make_engine(EngineChoice choice = EngineChoice::kAuto,
                                                      std::uint32_t buffers = 1024);

}  // namespace godwit::platform
