// The keys that say where secrets come from, and what else is known of the user.
#pragma once

#include "core/config/settings.h"

namespace godwit::config {

// `profile` says already which of them its `auth` uses.
void read_secrets(Settings& in, Report& report, Profile& profile);

}  // namespace godwit::config
