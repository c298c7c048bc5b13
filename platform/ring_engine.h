// The engine on io_uring. For engine.cc only.
//
// Reads are multishot with provided buffers where the kernel can: one request outstanding for the
// TUN and one for each socket, because many single reads on a TUN wake each other and spawn kernel
// workers. The rung below polls and reads batches with plain system calls. Sends and TUN writes are
// queued and leave with the one io_uring_enter of a turn.
#pragma once

#include <liburing.h>

#include "platform/engine_base.h"

namespace godwit::platform {

// What one request may read again and again.
enum class Multishot : std::uint8_t { kNothing, kSockets, kAll };

class RingEngine final : public EngineBase {
 public:
  // The error is the system's refusal: EPERM, ENOSYS, ENOMEM, ...
  static Result<std::unique_ptr<Engine>, SysError> make(std::uint32_t buffers, Multishot multishot);
  ~RingEngine() override;

  Result<void, SysError> add_tun(int fd, const TunOffloads& offloads, Way way) override;
  void remove_tun() override;
  Result<void, SysError> add_udp(std::uint32_t socket, int fd, Way way, bool may_join) override;
  void remove_udp(std::uint32_t socket) override;
  Result<void, SysError> watch(std::uint32_t id, int fd) override;
  void unwatch(std::uint32_t id) override;
  Result<void, SysError> turn(std::optional<Instant> until, Sink& sink) override;

 private:
  enum class Kind : std::uint8_t {
    kTimer,
    kTun,
    kUdp,
    kJoined,  // a socket whose datagrams come joined
    kWatch,
    kWritable,
    kSend,
    kWrite,
    kCancel
  };

  // Buffers lent to the kernel for one group of multishot requests.
  struct Group {
    io_uring_buf_ring* ring = nullptr;
    unsigned entries = 0;
    unsigned lent = 0;
    BufferPool* pool = nullptr;
    std::size_t room = 0;  // octets of a buffer that the kernel may write
  };
  struct Source {  // a TUN or a socket that is read
    bool armed = false;
    bool joined = false;    // reads into the frames of joined datagrams
    bool stopping = false;  // to be armed anew, the other way
    std::uint32_t generation = 0;
    msghdr header{};  // of a multishot recvmsg; must outlive it
  };
  struct Watch {
    std::uint32_t id = 0;
    int fd = -1;
    bool armed = false;
    std::uint32_t generation = 0;
  };

  // Of Linux 6.7; the headers of Debian 12 are older than the kernels it meets.
  static constexpr std::uint8_t kOpReadMultishot = 49;
  static constexpr unsigned kEntries = 1024;
  static constexpr unsigned kTunGroup = 0;
  static constexpr unsigned kUdpGroup = 1;
  static constexpr unsigned kJoinedGroup = 2;

  using EngineBase::EngineBase;
  static std::uint64_t key(Kind kind, std::uint32_t generation, std::uint32_t number);
  Result<void, SysError> set_up(Multishot multishot);
  void set_up_multishot(bool tun);
  Result<void, SysError> restrict_and_enable();
  bool set_up_group(Group& group, unsigned id, unsigned entries, BufferPool& pool,
                    std::size_t room);
  io_uring_sqe* sqe();
  void refill(Group& group);
  void leave_multishot_tun();
  void leave_multishot_udp();
  void arm_tun();
  void arm_udp(std::uint32_t number);
  void follow_joins(std::uint32_t number, Sink& sink);
  void arm_poll(int fd, unsigned events, std::uint64_t user_data);
  void arm_all(Sink& sink);
  void queue_sends();
  void cancel(std::uint64_t user_data);
  std::optional<Duration> gather_time() const;
  int wait_for_many(Duration most);
  void drain(Sink& sink);
  void handle(const io_uring_cqe& cqe, Sink& sink);
  void on_tun(const io_uring_cqe& cqe, Sink& sink);
  void on_udp(std::uint32_t number, Kind kind, const io_uring_cqe& cqe, Sink& sink);
  void on_sent(std::uint32_t run, int result, Sink& sink);
  void keep_message(std::uint32_t number, std::uint32_t id, std::size_t size, Sink& sink);
  Group& group_of(Kind kind) {
    return kind == Kind::kTun ? tun_group_ : kind == Kind::kJoined ? joined_group_ : udp_group_;
  }
  std::uint64_t read_key(std::uint32_t socket) const {
    const Source& source = sources_[socket];
    return key(source.joined ? Kind::kJoined : Kind::kUdp, source.generation, socket);
  }
  void requeue(std::uint32_t number);

  io_uring ring_{};
  bool ring_ready_ = false;
  bool multishot_tun_ = false;
  bool multishot_udp_ = false;
  Group tun_group_;
  Group udp_group_;
  Group joined_group_;
  Source tun_source_;
  std::array<Source, kSocketsMax> sources_;
  std::vector<Watch> watches_;
  std::uint32_t next_generation_ = 0;
  bool timer_armed_ = false;
  std::uint64_t at_wait_ = 0;                                    // udp_received at the last wait
  std::array<std::vector<std::uint32_t>, kSocketsMax> parted_;   // runs to be tried one by one
  std::array<std::vector<std::uint32_t>, kSocketsMax> refused_;  // runs, in order

  std::optional<SysError> broken_;
};

}  // namespace godwit::platform
