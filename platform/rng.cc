#include "platform/rng.h"

#include <sys/random.h>

#include <cerrno>

#include "core/base/check.h"

namespace godwit::platform {
namespace {

void fill(MutBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    // Going on without randomness would be worse than ending.
    CHECK(got > 0);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace

void SystemRng::fill_public(MutBytes out) { fill(out); }
void SystemRng::fill_secret(MutBytes out) { fill(out); }

}  // namespace godwit::platform
