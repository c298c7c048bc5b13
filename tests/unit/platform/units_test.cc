// Units of a fake systemd on a private bus.
#include "platform/units.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/platform/private_bus.h"
#include "tests/unit/platform/support.h"

using namespace godwit;
using namespace godwit::platform;
using namespace godwit::platform::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* kJob = "/org/freedesktop/systemd1/job/7";
constexpr const char* kUnit = "/org/freedesktop/systemd1/unit/any";

int end_job(sd_bus_message* message, const char* result) {
  sd_bus* const bus = sd_bus_message_get_bus(message);
  // Another one's first; ours before its name is known.
  for (const char* job : {"/org/freedesktop/systemd1/job/6", kJob}) {
    sd_bus_emit_signal(bus, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                       "JobRemoved", "uoss", 7, job, "x.service", job == kJob ? result : "done");
  }
  return sd_bus_reply_method_return(message, "o", kJob);
}

int answer(sd_bus_message* message, void* /*data*/, sd_bus_error* error) {
  const std::string member = sd_bus_message_get_member(message);
  const char* unit = nullptr;
  if (member == "Subscribe") return sd_bus_reply_method_return(message, "");
  if (member == "GetUnit") return sd_bus_reply_method_return(message, "o", kUnit);
  if (member == "Get") {
    const char* property = nullptr;
    sd_bus_message_read(message, "ss", &unit, &property);
    if (std::string(property) == "ExecMainStatus") {
      return sd_bus_reply_method_return(message, "v", "i", 16);
    }
    return sd_bus_reply_method_return(message, "v", "s", "activating");
  }
  sd_bus_message_read(message, "s", &unit);
  const std::string name = unit;
  if (name == "stays.service") return sd_bus_reply_method_return(message, "o", kJob);
  if (name == "denied.service") {
    return sd_bus_error_set(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "no");
  }
  if (name == "absent.service") {
    return sd_bus_error_set(error, "org.freedesktop.systemd1.NoSuchUnit", "no");
  }
  return end_job(message, name == "fails.service" ? "failed" : "done");
}

}  // namespace

TEST_CASE("a unit is started and stopped over D-Bus, and its job waited for") {
  const TemporaryDirectory dir;
  PrivateBus bus(dir.path());
  if (!bus.start()) {
    MESSAGE("skipped: no dbus-daemon");
    return;
  }
  bus.start_service({"org.freedesktop.systemd1", "/org/freedesktop/systemd1", answer, nullptr});
  Units units = must(Units::open(bus.address()));
  CHECK(must(units.start("godwit@office.service", 10s)).result == "done");
  CHECK(must(units.stop("godwit@office.service", 10s)).result == "done");
  const auto failed = must(units.start("fails.service", 10s));
  CHECK(failed.result == "failed");
  CHECK(failed.exit_status == 16);
  CHECK(units.start("denied.service", 10s).error().error == EACCES);
  CHECK(units.start("absent.service", 10s).error().error == ENOENT);
  CHECK(units.start("stays.service", 1s).error().error == ETIMEDOUT);
  CHECK(units.is_active("godwit@office.service"));
  bus.stop_service();
  CHECK_FALSE(units.start("godwit@office.service", 1s));
  CHECK_FALSE(units.is_active("godwit@office.service"));
}
