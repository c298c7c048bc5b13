// The keys of a profile that say how both sides prove themselves: the mode of phase 1, auth,
// certificates, and where the secrets come from. What does not fit together goes to the report.
#pragma once

#include "core/config/profile.h"
#include "core/config/report.h"
#include "core/config/settings.h"

namespace godwit::config {

void read_proof(Settings& in, Report& report, Profile& profile);

}  // namespace godwit::config
