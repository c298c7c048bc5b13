// A private D-Bus with one service on it that a test wrote, so that the system's own bus is never
// touched.
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <string>

namespace godwit::platform::test {

class PrivateBus {
 public:
  struct Service {
    const char* name;  // on the bus
    const char* path;  // its objects are at this path and below
    sd_bus_message_handler_t answer;
    void* data;
  };

  explicit PrivateBus(std::string directory);
  ~PrivateBus();
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;

  bool start();                                // false when this machine has no dbus-daemon
  void start_service(const Service& service);  // in a process of its own
  void stop_service();
  const std::string& address() const { return address_; }

 private:
  [[noreturn]] void serve(const Service& service, int ready) const;

  std::string directory_;
  std::string address_;
  pid_t bus_ = -1;
  pid_t service_ = -1;
};

}  // namespace godwit::platform::test
