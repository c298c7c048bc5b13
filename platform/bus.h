// A connection to D-Bus, for the classes of this room that use one.
#pragma once

#include <systemd/sd-bus.h>

#include <memory>
#include <string>

#include "platform/sys_error.h"

namespace godwit::platform {

struct BusFree {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Bus = std::unique_ptr<sd_bus, BusFree>;
using BusMessage = std::unique_ptr<sd_bus_message, BusFree>;

// `address` of the bus; empty: the system bus.
Result<Bus, SysError> open_bus(const std::string& address);

}  // namespace godwit::platform
