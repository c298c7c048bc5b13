// A private D-Bus with something on it that answers like systemd-resolved and writes down what it
// was told. Neither the system bus nor a real resolver is touched.
#pragma once

#include <string>

#include "tests/unit/platform/private_bus.h"

namespace godwit::platform::test {

class FakeResolved {
 public:
  explicit FakeResolved(const std::string& directory);

  bool start();  // false when this machine has no dbus-daemon
  void stop_service() { bus_.stop_service(); }
  void start_service();  // again
  const std::string& address() const { return bus_.address(); }
  std::string log() const;

 private:
  PrivateBus bus_;
  std::string log_;
};

}  // namespace godwit::platform::test
