// The commands about what may leave this machine: `routes`, `portal` and `close`.
#pragma once

#include <string>

namespace godwit::client {

struct NetworkOptions {
  std::string name;
  bool json = false;
  long long seconds = 0;  // of portal
};

// Exit codes.
int run_routes(const NetworkOptions& options);
int run_portal(const NetworkOptions& options);
int run_close(const NetworkOptions& options);

}  // namespace godwit::client
