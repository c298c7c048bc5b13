#include "core/ike/v1/retransmission.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"

namespace godwit::ike::v1 {
namespace {

// Each gap twice, then longer ones: 20 % of loss each way lose one try in three, and a connect of
// six exchanges has 90 s.
constexpr std::array<Duration, 13> kGaps = {1s, 1s, 2s, 2s, 3s, 3s, 4s, 4s, 6s, 6s, 8s, 8s, 12s};

// +-20 %, so that a room full of laptops does not come back in step.
Duration jittered(Duration gap, Rng& rng) {
  const std::int64_t permille = 800 + rng.public_number<std::uint16_t>() % 401;
  return gap * permille / 1000;
}

}  // namespace

void Retransmission::start(ByteVec message, Instant now, int attempts, Rng& rng) {
  message_ = std::move(message);
  attempt_ = 1;
  attempts_max_ = attempts;
  give_up_.reset();
  schedule(now, rng);
}

void Retransmission::schedule(Instant now, Rng& rng) {
  const std::size_t index = std::min(static_cast<std::size_t>(attempt_ - 1), kGaps.size() - 1);
  next_ = now + jittered(kGaps[index], rng);
}

std::optional<Instant> Retransmission::due() const {
  if (!active()) return std::nullopt;
  return give_up_ ? std::min(*give_up_, next_) : next_;
}

Bytes Retransmission::resend(Instant now, Rng& rng) {
  CHECK(active() && !exhausted());
  ++attempt_;
  schedule(now, rng);
  // After a hint this was the last transmission unless another one fits before the end.
  if (give_up_ && next_ >= *give_up_) {
    next_ = *give_up_;
    attempts_max_ = attempt_;
  }
  return message_;
}

void Retransmission::shorten(Instant when) {
  if (give_up_) return;  // the first hint counts: later ones cannot prolong the wait
  give_up_ = when;
  if (next_ >= when) {
    next_ = when;
    attempts_max_ = attempt_;
  }
}

}  // namespace godwit::ike::v1
