// A file that is written, replaced, or not there yet.
#include "platform/file_watch.h"

#include <poll.h>

#include <cstdio>

#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

bool is_readable(const FileWatch& watch) {
  pollfd asked{watch.fd(), POLLIN, 0};
  return ::poll(&asked, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a file that is written, made or replaced is noticed once") {
  const TemporaryDirectory folder;
  const FileWatch watch = must(FileWatch::open(folder / "resolv.conf"));
  CHECK_FALSE(watch.was_written());
  write_text(folder / "resolv.conf", "made\n");
  CHECK(is_readable(watch));
  CHECK(watch.was_written());
  CHECK_FALSE(watch.was_written());
  write_text(folder / "resolv.conf", "written\n");
  CHECK(watch.was_written());
  write_text(folder / "fresh", "another\n");
  CHECK_FALSE(watch.was_written());
  REQUIRE(std::rename((folder / "fresh").c_str(), (folder / "resolv.conf").c_str()) == 0);
  CHECK(watch.was_written());
  write_text(folder / "resolv.conf.bak", "no concern of ours\n");
  CHECK(is_readable(watch));
  CHECK_FALSE(watch.was_written());
  CHECK_FALSE(is_readable(watch));
}

TEST_CASE("a file of a folder that is not there cannot be watched") {
  const auto watch = FileWatch::open("/nonexistent/resolv.conf");
  REQUIRE_FALSE(watch);
  CHECK(watch.error().error == ENOENT);
}

}  // namespace godwit::platform::test
