// What the process keeps in memory.
#pragma once

namespace godwit::platform {

// Gives back the memory of all code and constants, the program's own and its libraries': what is
// used again is read again, from the page cache as a rule. For the moment when most of what ran
// will not run again.
void forget_code();

}  // namespace godwit::platform
