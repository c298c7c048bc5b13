// A private D-Bus with something on it that answers like systemd-resolved and writes down what it
// was told. Neither the system bus nor a real resolver is touched.
#pragma once

#include <sys/types.h>

#include <string>

namespace godwit::platform::test {

class FakeResolved {
 public:
  explicit FakeResolved(std::string directory);
  ~FakeResolved();
  FakeResolved(const FakeResolved&) = delete;
  FakeResolved& operator=(const FakeResolved&) = delete;

  bool start();  // false when this machine has no dbus-daemon
  void stop_service();
  void start_service();  // again
  const std::string& address() const { return address_; }
  std::string log() const;

 private:
  std::string directory_;
  std::string address_;
  pid_t bus_ = -1;
  pid_t service_ = -1;
};

}  // namespace godwit::platform::test
