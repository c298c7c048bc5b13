// What both engines share: the pool, the queues of what waits to leave, the deadline timer, and
// batches read with plain system calls (all of epoll; the rung below multishot for the ring). For
// the sources of this room only.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "core/net/segments.h"
#include "platform/engine.h"
#include "platform/fd.h"
#include "platform/run.h"

namespace godwit::platform {

// Buffer numbers in order, without allocation after construction.
class Fifo {
 public:
  explicit Fifo(std::size_t capacity) : ids_(capacity) {}
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  bool push_back(std::uint32_t id) {
    if (size_ == ids_.size()) return false;
    ids_[around(first_ + size_++)] = id;
    return true;
  }
  bool push_front(std::uint32_t id) {
    if (size_ == ids_.size()) return false;
    first_ = around(first_ + ids_.size() - 1);
    ids_[first_] = id;
    ++size_;
    return true;
  }
  std::uint32_t at(std::size_t index) const { return ids_[around(first_ + index)]; }
  std::uint32_t pop_front() {
    const std::uint32_t id = ids_[first_];
    first_ = around(first_ + 1);
    --size_;
    return id;
  }

 private:
  // Of less than twice the capacity: a division would cost more than all the rest.
  std::size_t around(std::size_t index) const {
    return index < ids_.size() ? index : index - ids_.size();
  }

  std::vector<std::uint32_t> ids_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

// What the header of a received message says of it.
struct Arrival {
  Endpoint from;
  std::uint8_t tos = 0;
  std::size_t segment = 0;  // octets of each datagram in it but the last; 0 for a single one
};
std::optional<Arrival> decode_arrival(const msghdr& header);  // nothing: it was truncated

class EngineBase : public Engine {
 public:
  EngineBase(std::string name, std::uint32_t buffers);

  const std::string& name() const override { return name_; }
  const EngineStatistics& statistics() const override { return stats_; }
  Offloads offloads(std::uint32_t socket) const override {
    if (!is_open(socket)) return {joins_, false, false};
    return {joins_, sockets_[socket].runs, sockets_[socket].joins.on};
  }
  void send(std::uint32_t socket, const Buffer& buffer, const Endpoint& to,
            std::uint8_t tos) override;
  void write_tun(const Buffer& buffer) override;
  std::optional<Buffer> allocate() override;
  void release(const Buffer& buffer) override;

 protected:
  static constexpr std::size_t kControlRoom = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int));

  // A packet that waits to leave, by buffer number.
  struct Waiting {
    MutBytes packet;
    Endpoint to;
    std::uint8_t tos = 0;
    bool alone = false;  // refused in the company of others
  };
  // Whether the kernel is asked to join what arrives (UDP_GRO). Gateways that send a checksum of
  // zero are never joined, and single datagrams are cheaper in small buffers; so it is left when it
  // did nothing for a while, and tried again after pauses that grow.
  struct Joins {
    bool possible = false;
    bool on = false;  // as the socket was told
    bool wanted = false;
    std::uint32_t datagrams = 0, joined = 0;  // since the last look
    std::uint32_t batches = 0;                // read since they are not wanted
    Duration pause{};
    Instant retry_at{};
  };
  struct Socket {
    int fd = -1;
    std::uint32_t generation = 0;
    bool receives = true;
    bool blocked = false;  // its send buffer is full; wait for writability
    Joins joins;
    bool runs = true;  // many datagrams of one size in one call, until the kernel refuses it
    Fifo queue{kSendQueueMax};
  };
  // A frame of the TUN that is being cut into packets.
  struct Frame {
    std::uint32_t id = 0;  // in frames_
    Segments segments;
    std::size_t next = 0;
  };

  // What is told at the end of the turn.
  void leave_rung(const char* what, int error) { rungs_left_.push_back({what, error, {}}); }
  void tell_rungs(Sink& sink);
  // Of both pools.
  void recycle(std::uint32_t id) { pieces_.owns(id) ? pieces_.give_back(id) : pool_.give_back(id); }
  void lend(std::uint32_t id) { pieces_.owns(id) ? pieces_.lend(id) : pool_.lend(id); }
  void queue(std::uint32_t id) { pieces_.owns(id) ? pieces_.queue(id) : pool_.queue(id); }
  bool is_lent(std::uint32_t id) const {
    return (pieces_.owns(id) ? pieces_.state(id) : pool_.state(id)) == BufferPool::State::kLent;
  }

  // Takes the next datagrams for one call from the socket's queue; nothing when none waits or no
  // run is free.
  std::optional<std::uint32_t> form_sends(std::uint32_t socket);
  // After a call with them: they left, or never will.
  void sends_ended(std::uint32_t run, int error, Sink& sink);
  // They wait in front of the queue again.
  void sends_refused(std::uint32_t run);
  // Whether `error` is of one datagram, or of their company: then each is tried alone.
  bool part_run(const Run& run, int error);
  // Joins what waits for the TUN and calls leave(run) for each frame.
  template <class F>
  void form_writes(F leave) {
    while (!tun_queue_.empty()) {
      const std::uint32_t id = tun_queue_.at(0);
      if (!tun_runs_.add(id, waiting_[id].packet, joins_)) break;
      tun_queue_.pop_front();
    }
    tun_runs_.finish(offloads_.header, leave);
  }
  void writes_ended(std::uint32_t run, int error);

  // A frame of `size` octets was read into frames_.
  void keep_frame(std::uint32_t id, std::size_t size);
  // Cuts the frames that wait into packets for the sink, as long as there are buffers.
  void deliver_frames(Sink& sink);
  void drop_frames();

  // Give packets to the sink and take back what it did not pass on.
  void deliver_tun(Sink& sink, std::span<Buffer> packets);
  void deliver_udp(Sink& sink, std::uint32_t socket, std::span<Datagram> datagrams);

  // Collects what arrived until there is a batch. `id` of the pool, or of a joined frame, holds
  // `size` octets from `begin`; both take it over.
  void keep_datagram(std::uint32_t socket, std::uint32_t id, std::size_t begin, std::size_t size,
                     const Arrival& arrival, Sink& sink);
  void keep_joined(std::uint32_t socket, std::uint32_t frame, std::size_t begin, std::size_t size,
                   const Arrival& arrival, Sink& sink);
  void flush_udp(Sink& sink);
  // Counts for the decision about joins.
  void count_joins(Socket& socket, std::size_t datagrams);
  // Tells the socket what is wanted. Nothing may be reading it. What it was told before still holds
  // for what it has in its queue, so that has to be read before joins are left.
  void switch_joins(Socket& socket);

  // One batch by plain system calls. The error is one that ends the descriptor.
  Result<void, SysError> read_tun_batch(Sink& sink);
  Result<void, SysError> receive_batch(std::uint32_t socket, Sink& sink);
  // Packets from the TUN may take half of the pool, so that they never starve the sockets.
  bool may_read_tun() const { return pool_.free_count() > pool_.count() / 2; }

  void send_ended(std::uint32_t socket, std::uint32_t id, int error, Sink& sink);
  void write_ended(std::uint32_t id, bool ok);
  void open_socket(std::uint32_t number, int fd, Way way, bool may_join);
  void drop_queue(Socket& socket);
  void drop_tun_queue();

  // Arms the timer for `until`; true when it has come already.
  Result<bool, SysError> arm_timer(std::optional<Instant> until);
  void clear_timer();

  bool is_open(std::uint32_t socket) const {
    return socket < kSocketsMax && sockets_[socket].fd >= 0;
  }

  std::string name_;
  EngineStatistics stats_;
  BufferPool pool_;
  PiecePool pieces_;              // what arrives joined
  BufferPool frames_;             // what is read from the TUN, up to 64 KiB each
  std::vector<Waiting> waiting_;  // by buffer number, pieces included
  RunPool runs_;
  TunRuns tun_runs_;
  std::array<Socket, kSocketsMax> sockets_;
  int tun_ = -1;
  bool reads_tun_ = true;
  TunOffloads offloads_;
  TunOffloads joins_;           // the same, until the device refuses a joined frame
  std::vector<Frame> cutting_;  // at most kFrames
  Fifo tun_queue_;
  Fd timer_;

 private:
  Datagram& next_datagram(std::uint32_t socket, Sink& sink);
  // Whether the socket's queue was emptied.
  Result<bool, SysError> receive_joined(std::uint32_t socket, Sink& sink);

  std::optional<Instant> timer_at_;
  std::vector<SysError> rungs_left_;
  std::array<Buffer, kBatch> tun_batch_;
  std::array<Datagram, kBatch> udp_batch_;
  std::size_t udp_count_ = 0;
  std::uint32_t udp_socket_ = 0;
};

}  // namespace godwit::platform
