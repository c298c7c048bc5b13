// Programs of the user (scripts, hooks), and the one place where they are run: without a shell,
// with an environment of their own, in a process group of their own, and not for longer than
// `patience`.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "platform/sys_error.h"

namespace godwit::platform {

inline constexpr const char* kProgramPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
    "/usr/bin:/sbin:/bin";

struct Program {
  std::vector<std::string> argv;         // the first is a path, or is looked for in kProgramPath
  std::vector<std::string> environment;  // NAME=value, all of it; kProgramPath is added
  std::chrono::milliseconds patience{60'000};
  std::string input;  // what it reads from standard input
};

// The exit status, 128 and more for a signal; what the program prints goes to standard error.
// ETIMEDOUT: it was killed with its process group.
Result<int, SysError> run_program(const Program& program);

// Why a file must not be run as root: somebody else could have written it. Empty when nobody could.
std::string program_fault(const std::string& path);

// The programs of a folder, sorted by name: regular, executable, and without a fault. A folder that
// does not exist has none. `refused` gets a sentence for each that was left out.
std::vector<std::string> programs_in(const std::string& folder, std::vector<std::string>& refused);

}  // namespace godwit::platform
