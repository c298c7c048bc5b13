#include "platform/bus.h"

namespace godwit::platform {

Result<Bus, SysError> open_bus(const std::string& address) {
  sd_bus* raw = nullptr;
  int status = 0;
  if (address.empty()) {
    status = sd_bus_open_system(&raw);
  } else if ((status = sd_bus_new(&raw)) >= 0) {
    Bus bus(raw);
    status = sd_bus_set_address(raw, address.c_str());
    if (status >= 0) status = sd_bus_set_bus_client(raw, 1);
    if (status >= 0) status = sd_bus_start(raw);
    if (status < 0) return fail(SysError{"connect to D-Bus", -status, address});
    return bus;
  }
  if (status < 0) return fail(SysError{"connect to D-Bus", -status, {}});
  return Bus(raw);
}

}  // namespace godwit::platform
