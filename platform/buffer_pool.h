// Packet buffers, allocated once. A buffer has one owner at a time: the pool, the engine (queued or
// under way in the kernel) or, during one callback, the sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/limits.h"

namespace godwit::platform {

// A view of one buffer of the engine. Copying the view copies no octet and gives no second right to
// the buffer. The packet may grow to the front by kHeadRoom and to the back by kTailRoom octets.
struct Buffer {
  MutBytes storage;
  std::size_t begin = 0;
  std::size_t size = 0;
  std::uint32_t id = 0;

  MutBytes packet() const { return storage.subspan(begin, size); }
  std::size_t head_room() const { return begin; }
  std::size_t tail_room() const { return storage.size() - begin - size; }
};

inline constexpr std::size_t kBufferSize = 10 * 1024;
inline constexpr std::size_t kTunHead = 64;  // room in front of a packet read from the TUN
inline constexpr std::size_t kPacketMax = kBufferSize - kTunHead - limits::kTailRoom;
static_assert(kTunHead >= limits::kHeadRoom && kPacketMax >= 9216);

// A frame of a TUN device with offloads: its header and the largest IP packet. What is not touched
// takes no memory.
inline constexpr std::size_t kFrameSize = 68 * 1024;
inline constexpr std::uint32_t kFrames = 16;

class BufferPool {
 public:
  explicit BufferPool(std::uint32_t count, std::size_t size = kBufferSize);

  std::uint32_t count() const { return static_cast<std::uint32_t>(state_.size()); }
  std::size_t free_count() const { return free_.size(); }
  MutBytes storage(std::uint32_t id) {
    return MutBytes(memory_.get() + std::size_t{id} * size_, size_);
  }

  std::optional<std::uint32_t> take();  // kFree -> kHeld
  void give_back(std::uint32_t id);     // any -> kFree

  // The states that catch a buffer used twice; moving between them costs a store.
  enum class State : std::uint8_t { kFree, kHeld, kLent, kQueued };
  State state(std::uint32_t id) const { return state_[id]; }
  void lend(std::uint32_t id) { state_[id] = State::kLent; }  // to the sink
  void queue(std::uint32_t id);                               // CHECKs that it was lent or held

 private:
  struct Release {
    void operator()(std::uint8_t* memory) const;
  };
  std::size_t size_;  // of one
  std::unique_ptr<std::uint8_t, Release> memory_;
  std::vector<State> state_;
  std::vector<std::uint32_t> free_;
};

// Frames that hold several datagrams of one flow, as the kernel joined them (UDP_GRO). Each of
// these is a buffer of its own to the sink, with a number behind those of the other pool; the frame
// is free again when all of them are. A piece has neighbours: nothing before or behind it may be
// written to.
inline constexpr std::uint32_t kJoinedLent = 16;  // to a ring
inline constexpr std::uint32_t kJoinedBatch = 8;  // read by plain system calls
inline constexpr std::uint32_t kJoinedFrames = kJoinedLent + kJoinedBatch;

class PiecePool {
 public:
  static constexpr std::uint32_t kPiecesMax = 128;  // of a frame: UDP_MAX_SEGMENTS of Linux 6.9

  explicit PiecePool(std::uint32_t first_id);

  BufferPool& frames() { return frames_; }
  std::uint32_t count() const { return static_cast<std::uint32_t>(state_.size()); }

  // Between the two the frame stays, whatever happens to its pieces.
  void begin_cut(std::uint32_t frame);
  void end_cut(std::uint32_t frame);
  // The number of the next piece of a frame that is being cut, or nothing when it has kPiecesMax.
  std::optional<std::uint32_t> cut(std::uint32_t frame);

  bool owns(std::uint32_t id) const { return id >= first_id_; }
  void give_back(std::uint32_t id);
  BufferPool::State state(std::uint32_t id) const { return state_[id - first_id_]; }
  void lend(std::uint32_t id) { state_[id - first_id_] = BufferPool::State::kLent; }
  void queue(std::uint32_t id);

 private:
  void release(std::uint32_t frame);

  std::uint32_t first_id_;
  BufferPool frames_{kJoinedFrames, kFrameSize};
  std::vector<BufferPool::State> state_;
  std::vector<std::uint32_t> cut_;    // pieces of each frame so far
  std::vector<std::uint32_t> users_;  // pieces of each frame that are not free
};

}  // namespace godwit::platform
