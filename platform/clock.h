// The two clocks. Everything that ages is measured with boot_now(), which counts suspend.
#pragma once

#include <chrono>

#include "core/base/instant.h"

namespace godwit::platform {

Instant boot_now();                                // CLOCK_BOOTTIME
std::chrono::system_clock::time_point wall_now();  // for certificates and for people

}  // namespace godwit::platform
