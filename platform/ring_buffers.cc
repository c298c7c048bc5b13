// The buffers that an io_uring reads into; see ring_engine.h.
#include <sys/mman.h>

#include "platform/ring_engine.h"

namespace godwit::platform {

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
