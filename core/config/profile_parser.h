// The door of this room: the text of a TOML profile -> a complete, validated Profile, or every
// mistake in it. Reads no file: the caller brings the text and says where it came from.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/config/nearest.h"
#include "core/config/options.h"
#include "core/config/profile.h"
#include "core/config/report.h"

namespace godwit::config {

// A flag of the command line. It takes the place of what the file says for the same key; mistakes
// in it are reported as "--key". For lists "a,b", and a flag given twice adds to the first.
struct Override {
  std::string key;
  std::string value;
};

// The text of `file` may be empty when overrides name at least the gateway.
Result<Profile, std::vector<Diagnostic>> parse_profile(std::string_view text, std::string_view file,
                                                       std::string_view name,
                                                       std::span<const Override> overrides = {});

}  // namespace godwit::config
