// Which of several connections of a file is meant.
#pragma once

#include <string>
#include <vector>

#include "core/importers/importers.h"

namespace godwit::importers {

// The place in `names` of the one that the source's user named, or of the only one. Otherwise the
// refusal lists them all.
Result<std::size_t, Refusal> choose(const std::vector<std::string>& names, const Source& source);

}  // namespace godwit::importers
