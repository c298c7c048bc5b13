// Programs of the user: which may run, and what happens to those that do not end.
#include "platform/program.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/unit/platform/support.h"

namespace godwit::platform::test {

TEST_CASE("a program's exit status, and its environment and nothing else") {
  CHECK(must(run_program({{"sh", "-c", "exit 7"}, {}})) == 7);
  CHECK(must(run_program({{"sh", "-c", "test \"$a\" = 'x y' && test -z \"$HOME\""}, {"a=x y"}})) ==
        0);
  CHECK(must(run_program({{"/nonexistent/program"}, {}})) == 127);
  CHECK(must(run_program({{"sh", "-c", "kill -9 $$"}, {}})) == 128 + 9);
}

TEST_CASE("a program that does not end is killed") {
  const auto done = run_program({{"sleep", "60"}, {}, std::chrono::milliseconds(100)});
  REQUIRE_FALSE(done);
  CHECK(done.error().error == ETIMEDOUT);
}

TEST_CASE("hooks that somebody else could have written are not run") {
  TemporaryDirectory folder;
  for (const char* name : {"20-second", "10-first", ".hidden", "30-loose", "40-text", "50-old~"}) {
    const std::string path = folder.path() + "/" + name;
    write_text(path, "#!/bin/sh\n");
    ::chmod(path.c_str(), 0755);
  }
  ::chmod((folder.path() + "/30-loose").c_str(), 0777);
  ::chmod((folder.path() + "/40-text").c_str(), 0644);
  std::vector<std::string> refused;
  const auto found = programs_in(folder.path(), refused);
  REQUIRE(found.size() == 2);
  CHECK(found[0].ends_with("10-first"));
  CHECK(found[1].ends_with("20-second"));
  REQUIRE(refused.size() == 2);
  CHECK((refused[0] + refused[1]).find("chmod go-w") != std::string::npos);
  CHECK((refused[0] + refused[1]).find("chmod u+x") != std::string::npos);
  CHECK(programs_in(folder.path() + "/absent", refused).empty());
}

}  // namespace godwit::platform::test
