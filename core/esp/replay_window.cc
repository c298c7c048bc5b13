#include "core/esp/replay_window.h"

#include <algorithm>

#include "core/base/check.h"

namespace godwit::esp {
namespace {

constexpr std::uint64_t kWordBits = 64;
// RFC 6479: one word more than the window needs, so that moving on clears whole words and the bits
// of the window itself are never shifted.
constexpr std::uint64_t kWords = limits::kReplayWindow / kWordBits + 1;

constexpr std::size_t slot(std::uint64_t sequence) {
  return static_cast<std::size_t>(sequence / kWordBits % kWords);
}

constexpr std::uint64_t bit(std::uint64_t sequence) {
  return std::uint64_t{1} << (sequence % kWordBits);
}

}  // namespace

bool ReplayWindow::may_accept(std::uint64_t sequence) const {
  if (sequence == 0) return false;
  if (sequence > highest_) return true;
  if (highest_ - sequence >= limits::kReplayWindow) return false;
  return (bits_[slot(sequence)] & bit(sequence)) == 0;
}

void ReplayWindow::mark(std::uint64_t sequence) {
  CHECK(may_accept(sequence));
  if (sequence > highest_) {
    // Words that the window enters still hold bits of one turn of the ring ago.
    const std::uint64_t steps = sequence / kWordBits - highest_ / kWordBits;
    for (std::uint64_t i = 1; i <= std::min(steps, kWords); ++i) {
      bits_[slot(highest_ + i * kWordBits)] = 0;
    }
    highest_ = sequence;
  }
  bits_[slot(sequence)] |= bit(sequence);
}

}  // namespace godwit::esp
