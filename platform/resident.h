// What the process keeps in memory.
#pragma once

#include <string_view>

namespace godwit::platform {

// Gives back the memory of a loaded library's code, found by the beginning of its file's name; what
// is run again is read again. For a library that tests itself when it is set up, and of whose code
// little is run afterwards. Nothing happens when none has that name.
void forget_code(std::string_view library);

}  // namespace godwit::platform
