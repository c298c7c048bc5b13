// SIGINT, SIGTERM, SIGHUP and SIGCHLD as something to poll. Open it before the first thread starts:
// the signals are blocked in the calling thread and in those it starts afterwards. SIGPIPE is
// ignored.
#pragma once

#include <csignal>
#include <optional>

#include "platform/fd.h"
#include "platform/sys_error.h"

namespace godwit::platform {

class Signals {
 public:
  static Result<Signals, SysError> open();

  int fd() const { return fd_.get(); }
  std::optional<int> read();  // the next signal, or nothing; never blocks

 private:
  explicit Signals(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace godwit::platform
