// Memory that is given back.
#include "platform/resident.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

namespace godwit::platform::test {
namespace {

// The resident part of a library's code in KiB, from /proc/self/smaps.
long resident_code(const std::string& library) {
  std::ifstream maps("/proc/self/smaps");
  long sum = 0;
  bool wanted = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(" r-xp ") != std::string::npos || line.find(" rw-p ") != std::string::npos ||
        line.find(" r--p ") != std::string::npos) {
      wanted =
          line.find(" r-xp ") != std::string::npos && line.find("/" + library) != std::string::npos;
    }
    if (wanted && line.starts_with("Rss:")) sum += std::stol(line.substr(4));
  }
  return sum;
}

}  // namespace

TEST_CASE("code is given back, the program's own too, and runs as before") {
  const long library = resident_code("libsystemd.so");
  const long own = resident_code("platform_test");
  REQUIRE(library > 0);
  REQUIRE(own > 0);
  forget_code();
  CHECK(resident_code("libsystemd.so") < library);
  CHECK(resident_code("platform_test") < own);
  CHECK(std::stol("17") == 17);
}

}  // namespace godwit::platform::test
