// The anti-replay window (RFC 4303 3.4.3, RFC 6479): it is looked at before the ICV is verified and
// moved only after.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/limits.h"

namespace godwit::esp {

class ReplayWindow {
 public:
  // Sequence number 0 is never accepted (RFC 4303 3.3.3).
  bool may_accept(std::uint64_t sequence) const;
  void mark(std::uint64_t sequence);  // may_accept(sequence) held
  std::uint64_t highest() const { return highest_; }

 private:
  std::array<std::uint64_t, limits::kReplayWindow / 64 + 1> bits_{};
  std::uint64_t highest_ = 0;
};

}  // namespace godwit::esp
