// The command line.
#pragma once

namespace godwit::client {

// Runs the command and returns its exit code. Throws nothing.
int run(int argc, char** argv);

}  // namespace godwit::client
