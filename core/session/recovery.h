// How long and how often a tunnel that lost its gateway is connected to anew: a bound, pauses that
// grow between the attempts, and a clock that stands still while there is no network to try on.
#pragma once

#include <algorithm>
#include <optional>

#include "core/base/instant.h"
#include "core/base/rng.h"

namespace godwit::session {

class Recovery {
 public:
  // Zero: nothing is tried.
  explicit Recovery(Duration bound) : bound_(bound) {}

  void begin(Instant now) {
    until_ = now + bound_;
    pause_ = kFirstPause;
  }
  // The time that passed was no time to try in: a sleep, a question to the user, no network.
  void extend(Instant now) {
    if (until_) begin(now);
  }
  void end() { until_.reset(); }
  bool active() const { return until_.has_value(); }
  std::optional<Instant> until() const { return until_; }
  bool is_over(Instant now) const { return until_ && now >= *until_; }

  // Before the next attempt. Every client of a gateway that reboots comes back at once otherwise,
  // so a quarter of it is left to chance.
  Duration next_pause(Rng& rng) {
    const Duration pause = pause_;
    pause_ = std::min(pause_ * 2, kPauseMax);
    return pause * (875 + rng.public_number<std::uint16_t>() % 251) / 1000;
  }

 private:
  static constexpr Duration kFirstPause = 2s;
  static constexpr Duration kPauseMax = 30s;

  Duration bound_;
  Duration pause_ = kFirstPause;
  std::optional<Instant> until_;
};

}  // namespace godwit::session
