// The command line, the keys of a profile and the exit codes as one JSON object. The man pages and
// the completions are made from it at build time (packaging/docs/make.py), so that they cannot say
// anything else than the program does.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace godwit::client {

std::string dump_cli(const CLI::App& app);

}  // namespace godwit::client
