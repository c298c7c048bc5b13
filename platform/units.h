// Units of systemd, started and stopped over D-Bus. Who may do that decides polkit; where there is
// an agent for it, it may ask the user for a password.
#pragma once

#include <chrono>
#include <string>

#include "platform/bus.h"

namespace godwit::platform {

class Units {
 public:
  // How a job came out: "done", "failed", "timeout", "canceled", "dependency", ...
  struct Outcome {
    std::string result;
    int exit_status = 0;  // of the service's main process, when it is not "done"
  };

  // `address` of the bus; empty: the system bus.
  static Result<Units, SysError> open(const std::string& address = {});

  // They wait for the job's end. EACCES: polkit says no. ENOENT: there is no such unit. ETIMEDOUT:
  // it takes longer than `patience`, and goes on.
  Result<Outcome, SysError> start(const std::string& unit, std::chrono::seconds patience);
  Result<Outcome, SysError> stop(const std::string& unit, std::chrono::seconds patience);
  // It runs, or waits to be started again.
  bool is_active(const std::string& unit);

 private:
  explicit Units(Bus bus) : bus_(std::move(bus)) {}
  Result<Outcome, SysError> run(const char* method, const std::string& unit,
                                std::chrono::seconds patience);
  Result<std::string, SysError> begin(const char* method, const std::string& unit,
                                      std::chrono::seconds patience);
  int exit_status(const std::string& unit);
  std::string path_of(const std::string& unit);  // empty: it is not loaded

  Bus bus_;
};

}  // namespace godwit::platform
