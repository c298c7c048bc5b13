#include "platform/bus_watch.h"

#include <utility>

namespace godwit::platform {
namespace {

// NameOwnerChanged(name, old owner, new owner): no new owner says that the service ended.
int on_owner(sd_bus_message* message, void* news, sd_bus_error* /*error*/) {
  const char* name = nullptr;
  const char* before = nullptr;
  const char* after = nullptr;
  if (sd_bus_message_read(message, "sss", &name, &before, &after) >= 0 && *after != '\0') {
    static_cast<BusWatch::News*>(news)->resolver_started = true;
  }
  return 0;
}

int on_sleep(sd_bus_message* message, void* news, sd_bus_error* /*error*/) {
  int begins = 1;
  if (sd_bus_message_read(message, "b", &begins) >= 0 && begins == 0) {
    static_cast<BusWatch::News*>(news)->woke_up = true;
  }
  return 0;
}

}  // namespace

Result<BusWatch, SysError> BusWatch::open(const std::string& address) {
  BusWatch watch(GODWIT_TRY(open_bus(address)));
  sd_bus* const bus = watch.bus_.get();
  int status =
      sd_bus_add_match(bus, nullptr,
                       "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                       "arg0='org.freedesktop.resolve1'",
                       on_owner, watch.news_.get());
  if (status >= 0) {
    status = sd_bus_add_match(bus, nullptr,
                              "type='signal',sender='org.freedesktop.login1',"
                              "interface='org.freedesktop.login1.Manager',"
                              "member='PrepareForSleep'",
                              on_sleep, watch.news_.get());
  }
  if (status < 0) return fail(SysError{"watch D-Bus", -status, address});
  return watch;
}

int BusWatch::fd() const { return sd_bus_get_fd(bus_.get()); }

Result<BusWatch::News, SysError> BusWatch::read() {
  int status = 0;
  while ((status = sd_bus_process(bus_.get(), nullptr)) > 0) {
  }
  if (status < 0) return fail(SysError{"watch D-Bus", -status, {}});
  return std::exchange(*news_, News{});
}

}  // namespace godwit::platform
