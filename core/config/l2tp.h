// The key l2tp and what it leaves no room for. Private to the room.
#pragma once

#include "core/config/profile.h"
#include "core/config/report.h"
#include "core/config/settings.h"

namespace godwit::config {

// Sets profile.l2tp and what follows from it. The gateway's ports have been read.
void read_l2tp(Settings& in, Report& report, Profile& profile);

}  // namespace godwit::config
