// How an io_uring comes to be, and its end; see ring_engine.h.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "platform/ring_engine.h"

namespace godwit::platform {
namespace {

constexpr unsigned kUdpBuffers = 256;  // lent for datagrams, but a quarter of the pool at most

io_uring_restriction restriction(unsigned what, std::uint8_t value) {
  io_uring_restriction out{};
  out.opcode = static_cast<std::uint16_t>(what);
  out.sqe_op = value;  // of a union: whatever `what` is about
  return out;
}

// liburing declares functions for these two, and its shared library before 2.4 has none.
long register_with(int ring, unsigned what, const void* values, unsigned count) {
  return ::syscall(__NR_io_uring_register, ring, what, values, count);
}

}  // namespace

Result<std::unique_ptr<Engine>, SysError> RingEngine::make(std::uint32_t buffers,
                                                           Multishot multishot) {
  auto engine = std::unique_ptr<RingEngine>(new RingEngine("io_uring", buffers));
  GODWIT_TRY(engine->set_up(multishot));
  GODWIT_TRY(engine->arm_timer(std::nullopt));
  return std::unique_ptr<Engine>(std::move(engine));
}

Result<void, SysError> RingEngine::set_up(Multishot multishot) {
  // Newest first: completions run when we enter the kernel anyway and wake nobody in between.
  constexpr std::array<unsigned, 3> kFlags = {
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
      IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, 0};
  int status = -EINVAL;
  for (const unsigned flags : kFlags) {
    io_uring_params parameters{};
    parameters.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED;
    parameters.cq_entries = 4 * kEntries;
    status = io_uring_queue_init_params(kEntries, &ring_, &parameters);
    if (status != -EINVAL) break;
  }
  if (status < 0) return fail(SysError{"io_uring_setup", -status, {}});
  ring_ready_ = true;
  if (multishot != Multishot::kNothing) {
    set_up_multishot(multishot == Multishot::kAll);
    // Before Linux 6.0 a ring that asks for one datagram at a time makes half of what epoll does.
    if (!multishot_udp_) return fail(SysError{"io_uring multishot", EOPNOTSUPP, {}});
  }
  return restrict_and_enable();
}

void RingEngine::set_up_multishot(bool tun) {
  // The tail of a datagram's buffer stays ours: sealing needs room there.
  if (!set_up_group(tun_group_, kTunGroup, kFrames, frames_, kFrameSize) ||
      !set_up_group(udp_group_, kUdpGroup, std::min(kUdpBuffers, std::bit_floor(pool_.count() / 4)),
                    pool_, kBufferSize - limits::kTailRoom) ||
      !set_up_group(joined_group_, kJoinedGroup, kJoinedLent, pieces_.frames(), kFrameSize)) {
    return;  // before Linux 5.19: poll and read
  }
  io_uring_probe* const probe = io_uring_get_probe_ring(&ring_);
  multishot_tun_ = tun && probe != nullptr && probe->last_op >= kOpReadMultishot;
  // Multishot recvmsg came with Linux 6.0 and has no opcode of its own; SEND_ZC came with it.
  multishot_udp_ = probe != nullptr && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC) != 0;
  if (probe != nullptr) io_uring_free_probe(probe);
}

// A filter of system calls sees io_uring_enter(2) alone. From here on this ring does what packets
// need: it opens no file and connects nothing, whoever writes into its queue.
Result<void, SysError> RingEngine::restrict_and_enable() {
  std::vector<io_uring_restriction> allowed;
  for (const io_uring_op op : {IORING_OP_POLL_ADD, IORING_OP_RECVMSG, IORING_OP_WRITEV,
                               IORING_OP_SENDMSG, IORING_OP_ASYNC_CANCEL}) {
    allowed.push_back(restriction(IORING_RESTRICTION_SQE_OP, static_cast<std::uint8_t>(op)));
  }
  if (multishot_tun_) {
    allowed.push_back(restriction(IORING_RESTRICTION_SQE_OP, kOpReadMultishot));
  }
  allowed.push_back(restriction(IORING_RESTRICTION_SQE_FLAGS_ALLOWED, IOSQE_BUFFER_SELECT));
  allowed.push_back(restriction(IORING_RESTRICTION_REGISTER_OP, IORING_UNREGISTER_PBUF_RING));
  const auto count = static_cast<unsigned>(allowed.size());
  if (register_with(ring_.ring_fd, IORING_REGISTER_RESTRICTIONS, allowed.data(), count) != 0) {
    return fail(last_error("restrict io_uring"));
  }
  if (register_with(ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) != 0) {
    return fail(last_error("enable io_uring"));
  }
  return {};
}

bool RingEngine::set_up_group(Group& group, unsigned id, unsigned entries, BufferPool& pool,
                              std::size_t room) {
  const std::size_t size = entries * sizeof(io_uring_buf);
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) return false;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = entries;
  registration.bgid = static_cast<std::uint16_t>(id);
  if (io_uring_register_buf_ring(&ring_, &registration, 0) != 0) {
    ::munmap(memory, size);
    return false;
  }
  group.ring = static_cast<io_uring_buf_ring*>(memory);
  group.entries = entries;
  group.pool = &pool;
  group.room = room;
  io_uring_buf_ring_init(group.ring);
  return true;
}

RingEngine::~RingEngine() {
  // Nothing may write into the pool's memory any more when it is freed.
  if (ring_ready_) io_uring_queue_exit(&ring_);
  for (const Group* group : {&tun_group_, &udp_group_, &joined_group_}) {
    if (group->ring != nullptr) ::munmap(group->ring, group->entries * sizeof(io_uring_buf));
  }
}

}  // namespace godwit::platform
