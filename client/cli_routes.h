// The commands `routes` and `portal`.
#pragma once

#include <string>

namespace godwit::client {

struct RoutesOptions {
  std::string name;
  bool json = false;
  long long seconds = 0;  // of portal
};

// Exit codes.
int run_routes(const RoutesOptions& options);
int run_portal(const RoutesOptions& options);

}  // namespace godwit::client
