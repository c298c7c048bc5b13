#include "core/session/actions.h"

#include <algorithm>

#include "core/base/check.h"

namespace godwit::session {

void Actions::check_room() const { CHECK(list_.size() < limits::kActionsMax); }

void Actions::install_first(std::size_t size) {
  std::stable_partition(
      list_.begin() + static_cast<std::ptrdiff_t>(size), list_.end(),
      [](const Action& action) { return std::holds_alternative<InstallSa>(action); });
}

JobDone run_job(StartJob&& start, Rng& rng) {
  return {start.id, crypto::run_job(std::move(start.job), rng)};
}

}  // namespace godwit::session
