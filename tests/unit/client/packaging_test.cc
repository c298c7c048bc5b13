// What is packaged agrees with the program: versions, the unit's exit codes, the example profiles.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "client/exit_codes.h"
#include "client/profiles.h"
#include "client/report.h"
#include "tests/support/source_dir.h"

using namespace godwit;
using namespace godwit::client;

namespace {

const std::string kPackaging = test::source_dir() + "/packaging/";

std::string text_of(const std::string& file) {
  std::ifstream in(kPackaging + file);
  std::ostringstream out;
  out << in.rdbuf();
  CHECK_MESSAGE(!out.str().empty(), file);
  return out.str();
}

}  // namespace

TEST_CASE("the unit is not restarted after what another attempt cannot mend") {
  const std::string unit = text_of("systemd/godwit@.service");
  const std::string key = "RestartPreventExitStatus=";
  const std::size_t at = unit.find(key);
  REQUIRE(at != std::string::npos);
  std::istringstream line(unit.substr(at + key.size(), unit.find('\n', at) - at - key.size()));
  std::set<int> in_unit;
  for (int code = 0; line >> code;) in_unit.insert(code);
  std::set<int> in_table;
  for (const ExitCodeInfo& row : exit_code_table()) {
    if (!retry_may_help(row.code)) in_table.insert(number(row.code));
  }
  CHECK(in_unit == in_table);
  CHECK(in_unit.contains(number(ExitCode::kUserRejected)));
}

TEST_CASE("each example profile passes the check") {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kPackaging + "examples")) {
    CAPTURE(entry.path().string());
    const auto profile = load_profile(entry.path().string(), {});
    CHECK_MESSAGE(profile.has_value(), (profile ? "" : profile.error().what));
    ++found;
  }
  CHECK(found >= 6);
}

TEST_CASE("every package has the version of the program") {
  const std::string version = GODWIT_VERSION;
  CHECK(text_of("debian/changelog").starts_with("godwit (" + version + "-"));
  CHECK(text_of("rpm/godwit.spec").find("\nVersion:        " + version + "\n") !=
        std::string::npos);
  const std::string changes = text_of("CHANGELOG.md");
  const std::size_t newest = changes.find("\n## ");
  REQUIRE(newest != std::string::npos);
  CHECK(changes.substr(newest).starts_with("\n## " + version + " ("));
}
