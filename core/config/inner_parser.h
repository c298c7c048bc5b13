// The keys about what is inside the tunnel: addresses, networks and names. Private to the room.
#pragma once

#include "core/config/profile.h"
#include "core/config/report.h"
#include "core/config/settings.h"

namespace godwit::config {

void read_inner(Settings& in, Report& report, Profile& profile);

}  // namespace godwit::config
