// Tunnels as units: names, and what the package lets members of the group godwit do.
#include "client/unit.h"

#include <doctest/doctest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "tests/support/source_dir.h"

using namespace godwit;
using namespace godwit::client;

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
