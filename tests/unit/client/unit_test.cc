// Tunnels as units: names, and what the package lets members of the group godwit do.
#include "client/unit.h"

#include <doctest/doctest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "tests/support/source_dir.h"
#include "tests/unit/client/temp_dir.h"
#include "tests/unit/platform/private_bus.h"

using namespace godwit;
using namespace godwit::client;

namespace {

// A systemd that writes down what it is told; "office" comes up, "wrong" has a wrong password.
int answer(sd_bus_message* message, void* log, sd_bus_error* error) {
  const std::string member = sd_bus_message_get_member(message);
  if (member == "Subscribe") return sd_bus_reply_method_return(message, "");
  if (member == "GetUnit") {
    return sd_bus_reply_method_return(message, "o", "/org/freedesktop/systemd1/unit/any");
  }
  const char* text = nullptr;
  sd_bus_message_read(message, "s", &text);
  const std::string first = text;
  if (member == "Get") {
    return first == "org.freedesktop.systemd1.Service"
               ? sd_bus_reply_method_return(message, "v", "i", number(ExitCode::kUserRejected))
               : sd_bus_reply_method_return(message, "v", "s", "activating");
  }
  std::ofstream(*static_cast<const std::string*>(log), std::ios::app)
      << member << ' ' << first << '\n';
  if (first == "godwit@denied.service") {
    return sd_bus_error_set(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "no");
  }
  const bool fails = first == "godwit@wrong.service" && member == "StartUnit";
  const char* job = "/org/freedesktop/systemd1/job/1";
  sd_bus_emit_signal(sd_bus_message_get_bus(message), "/org/freedesktop/systemd1",
                     "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", 1, job,
                     first.c_str(), fails ? "failed" : "done");
  return sd_bus_reply_method_return(message, "o", job);
}

}  // namespace

TEST_CASE("who is not root starts a unit, and hears why it failed") {
  const TempDir dir;
  std::string log = dir.path() + "/calls";
  platform::test::PrivateBus bus(dir.path());
  if (!bus.start()) {
    MESSAGE("skipped: no dbus-daemon");
    return;
  }
  CHECK(connect_unit("office", 5, bus.address()).error().code == ExitCode::kPermission);
  bus.start_service({"org.freedesktop.systemd1", "/org/freedesktop/systemd1", answer, &log});
  CHECK(connect_unit("office", 5, bus.address()));
  const auto denied = connect_unit("denied", 5, bus.address());
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code == ExitCode::kPermission);
  CHECK(denied.error().remedy.find("usermod -aG godwit") != std::string::npos);
  const auto wrong = connect_unit("wrong", 5, bus.address());
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == ExitCode::kUserRejected);
  CHECK(wrong.error().remedy.find("journalctl -u godwit@wrong.service") != std::string::npos);
  CHECK(stop_unit("office", bus.address()));
  std::ifstream calls(log);
  const std::string all((std::istreambuf_iterator<char>(calls)), {});
  CHECK(all ==
        "StartUnit godwit@office.service\nStartUnit godwit@denied.service\n"
        "StartUnit godwit@wrong.service\nStopUnit godwit@wrong.service\n"
        "StopUnit godwit@office.service\n");
}

TEST_CASE("a unit has the profile's name, where a unit can have it") {
  CHECK(unit_of("office") == "godwit@office.service");
  CHECK(unit_of("a-b_c.d:7") == "godwit@a-b_c.d:7.service");
  for (const char* name : {"", "a b", "a/b", "a@b", "\xc3\xa4", "a\nb", "%i"}) {
    CAPTURE(std::string(name));
    CHECK(unit_of(name).empty());
  }
  CHECK(unit_of(std::string(201, 'a')).empty());
}

TEST_CASE("the rule for polkit lets the group start the units of profiles, and no other unit") {
  std::ifstream file(test::source_dir() + "/packaging/polkit/50-godwit.rules");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string rule = text.str();
  // The languages of regular expressions are the same in both.
  const auto begin = rule.find("/^");
  const auto end = rule.find("$/");
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  const std::regex units(rule.substr(begin + 1, end - begin));
  for (const char* name : {"office", "a-b_c.d:7"}) CHECK(std::regex_match(unit_of(name), units));
  for (const char* other :
       {"ssh.service", "godwit@.service", "godwit@a.service.d", "godwit@a.socket",
        "xgodwit@a.service", "godwit@a b.service", "godwit@a/../b.service"}) {
    CAPTURE(std::string(other));
    CHECK_FALSE(std::regex_match(other, units));
  }
  CHECK(rule.find(R"(!subject.isInGroup("godwit"))") != std::string::npos);
  for (const char* verb : {"start", "stop"}) {
    CHECK(rule.find("\"" + std::string(verb) + "\"") != std::string::npos);
  }
}

TEST_CASE("without a bus a tunnel needs root") {
  const auto started = connect_unit("office", 1, "unix:path=/nonexistent/bus");
  REQUIRE_FALSE(started);
  CHECK(started.error().code == ExitCode::kPermission);
  CHECK_FALSE(stop_unit("office", "unix:path=/nonexistent/bus"));
}
