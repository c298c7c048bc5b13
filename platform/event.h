// A doorbell between threads: a job that is done rings it, the loop polls it.
#pragma once

#include "platform/fd.h"
#include "platform/sys_error.h"

namespace godwit::platform {

class Event {
 public:
  static Result<Event, SysError> open();

  int fd() const { return fd_.get(); }
  void notify() const;  // from any thread
  bool clear() const;   // whether it had been rung

 private:
  explicit Event(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace godwit::platform
