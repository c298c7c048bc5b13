// What a tunnel in the foreground tells the service manager that started it (sd_notify(3)): that
// traffic can flow, how far it has come, that its loop turns, that it ends. Without a manager
// nothing is told, and nothing of this fails.
#pragma once

#include <optional>
#include <string>

#include "core/base/instant.h"

namespace godwit::client {

class Service {
 public:
  Service();

  bool is_managed() const { return managed_; }

  // What `systemctl status` shows: the last line, behind that of ready() while the tunnel is up.
  void status(const std::string& line);
  void ready(const std::string& line);
  void stopping();

  // The loop turns: tells the manager's watchdog when that is due. Returns when to call again,
  // or nothing when nobody watches.
  std::optional<Instant> beat(Instant now);

 private:
  bool managed_;
  std::string up_;
  Duration interval_{};  // zero: there is no watchdog
  Instant due_{};
};

}  // namespace godwit::client
