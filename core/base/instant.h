// Time is an argument. An Instant counts since boot and includes suspend (CLOCK_BOOTTIME), so a
// laptop wakes with aged SAs. The core cannot ask for the time: BootTime has no now().
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace godwit {

struct BootTime {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<BootTime>;
  static constexpr bool is_steady = true;
};

using Instant = std::chrono::time_point<BootTime>;
using Duration = BootTime::duration;

using namespace std::chrono_literals;

// The earlier of two deadlines, either of which may be absent.
inline std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a) return b;
  if (!b) return a;
  return *a < *b ? a : b;
}

}  // namespace godwit
