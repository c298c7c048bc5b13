// What the system bus tells while a tunnel is up: systemd-resolved was started again and knows
// nothing of the tunnel's link any more, and the machine woke up (logind's PrepareForSleep).
#pragma once

#include <memory>
#include <string>

#include "platform/bus.h"
#include "platform/sys_error.h"

namespace godwit::platform {

class BusWatch {
 public:
  struct News {
    bool resolver_started = false;
    bool woke_up = false;
  };

  // `address` as for open_bus. Fails on a machine without a bus, which has neither to tell of.
  static Result<BusWatch, SysError> open(const std::string& address = {});

  int fd() const;
  // What came since the last call; never blocks. After an error (the bus is gone) nothing follows,
  // and the descriptor is not to be watched any more.
  Result<News, SysError> read();

 private:
  explicit BusWatch(Bus bus) : news_(std::make_unique<News>()), bus_(std::move(bus)) {}

  std::unique_ptr<News> news_;  // the callbacks hold its address
  Bus bus_;
};

}  // namespace godwit::platform
