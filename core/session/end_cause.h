// What a failure of phase 1 means for the session.
#pragma once

#include "core/ike/v1/phase1.h"
#include "core/session/event.h"

namespace godwit::session {

EndCause cause_of(const ike::v1::Failure& failure);

}  // namespace godwit::session
