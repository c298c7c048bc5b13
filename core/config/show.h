// The effective profile as TOML: what parse_profile() would read to get the same one.
#pragma once

#include <string>

#include "core/config/profile.h"

namespace godwit::config {

// Every default is written out; secrets appear as the path of their file only.
std::string show_profile(const Profile& profile);

}  // namespace godwit::config
