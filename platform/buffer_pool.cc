#include "platform/buffer_pool.h"

#include <cstdlib>

#include "core/base/check.h"

namespace godwit::platform {
namespace {
constexpr std::size_t kPage = 4096;
static_assert(kBufferSize % 64 == 0);
}  // namespace

void BufferPool::Release::operator()(std::uint8_t* memory) const { std::free(memory); }

BufferPool::BufferPool(std::uint32_t count, std::size_t size)
    : size_(size), state_(count, State::kFree) {
  const std::size_t whole = (std::size_t{count} * size + kPage - 1) / kPage * kPage;
  memory_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kPage, whole)));
  CHECK(memory_ != nullptr);
  free_.reserve(count);
  // The last one given back is taken first: its cache lines are warm.
  for (std::uint32_t id = count; id-- > 0;) free_.push_back(id);
}

std::optional<std::uint32_t> BufferPool::take() {
  if (free_.empty()) return std::nullopt;
  const std::uint32_t id = free_.back();
  free_.pop_back();
  state_[id] = State::kHeld;
  return id;
}

void BufferPool::give_back(std::uint32_t id) {
  CHECK(state_[id] != State::kFree);
  state_[id] = State::kFree;
  free_.push_back(id);
}

void BufferPool::queue(std::uint32_t id) {
  CHECK(id < state_.size());
  CHECK(state_[id] == State::kLent || state_[id] == State::kHeld);
  state_[id] = State::kQueued;
}

PiecePool::PiecePool(std::uint32_t first_id)
    : first_id_(first_id),
      state_(std::size_t{kJoinedFrames} * kPiecesMax, BufferPool::State::kFree),
      cut_(kJoinedFrames, 0),
      users_(kJoinedFrames, 0) {}

void PiecePool::begin_cut(std::uint32_t frame) {
  CHECK(users_[frame] == 0);
  cut_[frame] = 0;
  users_[frame] = 1;
}

void PiecePool::end_cut(std::uint32_t frame) { release(frame); }

std::optional<std::uint32_t> PiecePool::cut(std::uint32_t frame) {
  if (cut_[frame] == kPiecesMax) return std::nullopt;
  const std::uint32_t piece = frame * kPiecesMax + cut_[frame]++;
  ++users_[frame];
  state_[piece] = BufferPool::State::kHeld;
  return first_id_ + piece;
}

void PiecePool::give_back(std::uint32_t id) {
  const std::uint32_t piece = id - first_id_;
  CHECK(state_[piece] != BufferPool::State::kFree);
  state_[piece] = BufferPool::State::kFree;
  release(piece / kPiecesMax);
}

void PiecePool::queue(std::uint32_t id) {
  BufferPool::State& state = state_[id - first_id_];
  CHECK(state == BufferPool::State::kLent || state == BufferPool::State::kHeld);
  state = BufferPool::State::kQueued;
}

void PiecePool::release(std::uint32_t frame) {
  CHECK(users_[frame] > 0);
  if (--users_[frame] == 0) frames_.give_back(frame);
}

}  // namespace godwit::platform
