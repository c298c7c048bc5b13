// What both engines share: the pool, the queues of what waits to leave, the deadline timer, and
// batches read with plain system calls (all of epoll; the rung below multishot for the ring). For
// the sources of this room only.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "platform/engine.h"
#include "platform/fd.h"

namespace godwit::platform {

// Buffer numbers in order, without allocation after construction.
class Fifo {
 public:
  explicit Fifo(std::size_t capacity) : ids_(capacity) {}
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  bool push_back(std::uint32_t id) {
    if (size_ == ids_.size()) return false;
    ids_[(first_ + size_++) % ids_.size()] = id;
    return true;
  }
  bool push_front(std::uint32_t id) {
    if (size_ == ids_.size()) return false;
    first_ = (first_ + ids_.size() - 1) % ids_.size();
    ids_[first_] = id;
    ++size_;
    return true;
  }
  std::uint32_t at(std::size_t index) const { return ids_[(first_ + index) % ids_.size()]; }
  std::uint32_t pop_front() {
    const std::uint32_t id = ids_[first_];
    first_ = (first_ + 1) % ids_.size();
    --size_;
    return id;
  }

 private:
  std::vector<std::uint32_t> ids_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

// Fills `datagram.tos` and `from` from a received header; false when the datagram was truncated.
bool decode_header(const msghdr& header, Datagram& datagram);

class EngineBase : public Engine {
 public:
  EngineBase(std::string name, std::uint32_t buffers);

  const std::string& name() const override { return name_; }
  const EngineStatistics& statistics() const override { return stats_; }
  void send(std::uint32_t socket, const Buffer& buffer, const Endpoint& to,
            std::uint8_t tos) override;
  void write_tun(const Buffer& buffer) override;
  std::optional<Buffer> allocate() override;
  void release(const Buffer& buffer) override;

 protected:
  static constexpr std::size_t kControlRoom = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int));

  // The sendmsg(2) arguments of one buffer; they must outlive the call, so each buffer has its own.
  struct SendSlot {
    msghdr header{};
    iovec data{};
    sockaddr_storage to{};
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> control{};
    std::uint32_t socket = 0;
    std::uint32_t generation = 0;  // of the socket, to tell it from a later one of that number
  };
  struct Socket {
    int fd = -1;
    std::uint32_t generation = 0;
    bool blocked = false;  // its send buffer is full; wait for writability
    Fifo queue{kSendQueueMax};
  };

  virtual void recycle(std::uint32_t id) { pool_.give_back(id); }

  // Give packets to the sink and take back what it did not pass on.
  void deliver_tun(Sink& sink, std::span<Buffer> packets);
  void deliver_udp(Sink& sink, std::uint32_t socket, std::span<Datagram> datagrams);

  // One batch by plain system calls. The error is one that ends the descriptor.
  Result<void, SysError> read_tun_batch(Sink& sink);
  Result<void, SysError> receive_batch(std::uint32_t socket, Sink& sink);
  // Packets from the TUN may take half of the pool, so that they never starve the sockets.
  bool may_read_tun() const { return pool_.free_count() > pool_.count() / 2; }

  // After a send or a write ended for good.
  void send_ended(std::uint32_t id, int error, Sink& sink);
  void write_ended(std::uint32_t id, bool ok);
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
  std::vector<SendSlot> slots_;  // by buffer number; used for sends
  std::vector<iovec> writes_;    // by buffer number; used for TUN writes
  std::array<Socket, kSocketsMax> sockets_;
  int tun_ = -1;
  Fifo tun_queue_;
  Fd timer_;

 private:
  std::optional<Instant> timer_at_;
};

}  // namespace godwit::platform
