// What an io_uring of ours may be asked to do.
#include <doctest/doctest.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "platform/engine.h"
#include "platform/fd.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

int the_ring() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(entry.path(), error);
    if (target == "anon_inode:[io_uring]") return std::stoi(entry.path().filename());
  }
  return -1;
}

}  // namespace

TEST_CASE("an io_uring is restricted to what packets need") {
  const auto engine = must(make_engine(EngineChoice::kAuto, 64));
  const int ring = the_ring();
  if (ring < 0) return;  // a kernel that gives us none
  const Fd event(::eventfd(0, EFD_CLOEXEC));
  int number = event.get();
  CHECK(::syscall(__NR_io_uring_register, ring, IORING_REGISTER_EVENTFD, &number, 1) == -1);
  CHECK(errno == EACCES);
}

}  // namespace godwit::platform::test
