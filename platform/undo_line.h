// The text of a journal: entries (to_line and parse_undo of journal.h) and the owner's line at its
// head. For the sources of this room only.
#pragma once

#include <optional>
#include <string>

#include "platform/journal.h"

namespace godwit::platform {

std::string owner_line(const JournalOwner& owner);
std::optional<JournalOwner> parse_owner(const std::string& line);

}  // namespace godwit::platform
