// What connect prints: a line a step on standard output, failures on standard error; with --json
// the steps go to standard error and one object to standard output. A tunnel in the background has
// neither and speaks to the system's log.
#pragma once

#include <string>

#include "client/report.h"
#include "client/service.h"
#include "core/base/instant.h"
#include "core/config/profile.h"

namespace godwit::client {

class Progress {
 public:
  Progress(bool json, bool quiet);

  void event(const session::Event& event);
  void say(const std::string& line);
  void up(const config::Profile& profile, const session::Event& assigned);
  int failed(const Failure& failure);  // the exit code
  void ended();
  void to_system_log(const std::string& name);
  Service& service() { return service_; }

 private:
  Service service_;  // hears the same
  bool json_;
  bool quiet_;
  bool in_background_ = false;
  std::string name_;  // openlog() keeps a pointer to it
  bool was_up_ = false;
  Instant started_;
};

}  // namespace godwit::client
