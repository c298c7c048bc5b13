// A program that asks a person for a secret, as a child of ours: started without a shell and
// without our signal settings, and never left behind.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "client/fd.h"
#include "client/report.h"
#include "core/base/result.h"

namespace godwit::client {

class Child {
 public:
  // Another user, whom only root can become.
  struct Person {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::vector<std::string> environment;  // NAME=VALUE, in the place of ours
  };
  struct Command {
    std::string program;
    std::vector<std::string> arguments;
    bool talks = false;  // its standard input is a pipe of ours, else /dev/null
    std::optional<Person> person;
  };

  // Fails when the program may not be run: it must be the user's or root's own, and nobody else's
  // to change.
  static Result<Child, Failure> start(const Command& command);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  int out() const { return out_.get(); }  // what it writes
  int in() const { return in_.get(); }
  // Waits for its end; true when it exited with 0. When its answer is of no use (`patient` false),
  // or the user has lost patience, it is told to go, and after a second made to.
  bool finish(bool patient, int cancel_fd);

 private:
  Child(pid_t pid, Fd out, Fd in) : pid_(pid), out_(std::move(out)), in_(std::move(in)) {}

  pid_t pid_;
  Fd out_;
  Fd in_;
};

}  // namespace godwit::client
