#include "core/session/actions.h"

#include "core/base/check.h"

namespace godwit::session {

void Actions::check_room() const { CHECK(list_.size() < limits::kActionsMax); }

JobDone run_job(StartJob&& start, Rng& rng) {
  return {start.id, crypto::run_job(std::move(start.job), rng)};
}

}  // namespace godwit::session
