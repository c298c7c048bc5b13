// `godwit connect`: from a valid profile to a tunnel that runs in the background, or to a machine
// that looks as if nothing had been tried.
#pragma once

#include <optional>
#include <string>

#include "core/config/profile.h"

namespace godwit::client {

struct ConnectOptions {
  bool foreground = false;
  bool json = false;
  bool quiet = false;
  unsigned wait = 0;                  // seconds until it gives up; 0: as long as the session tries
  std::optional<std::string> keylog;  // a folder
};

// The exit code. In the background case it is returned in the parent; the child never returns.
int connect(const config::Profile& profile, const ConnectOptions& options);

}  // namespace godwit::client
