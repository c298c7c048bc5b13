// What is denied once the filter is there, and what a tunnel and its children still do.
#include "platform/syscall_filter.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <thread>

#include "platform/caps.h"
#include "platform/engine.h"
#include "tests/unit/platform/support.h"

using namespace godwit;
using namespace godwit::platform;
using namespace godwit::platform::test;

namespace {

// Runs `body` behind the filter; 77: there is none on this machine.
int filtered(const std::function<int()>& body) {
  return in_child([&] {
    if (!harden_process()) return 76;
    const auto done = filter_system_calls();
    if (!done) return done.error().error == ENOSYS ? 77 : 76;
    return body();
  });
}

bool fails_with(int error, long result) { return result == -1 && errno == error; }

#define REQUIRE_FILTER()                                    \
  if (filtered([] { return 42; }) == 77) {                  \
    MESSAGE("skipped: no seccomp filters on this machine"); \
    return;                                                 \
  }                                                         \
  static_assert(true)

}  // namespace

TEST_CASE("denied system calls fail with EPERM, on threads that start later too") {
  REQUIRE_FILTER();
  const auto denied = [] {
    if (!fails_with(EPERM, ptrace(PTRACE_TRACEME, 0, nullptr, nullptr))) return 1;
    if (!fails_with(EPERM, mount("none", "/mnt", "tmpfs", 0, nullptr))) return 2;
    if (!fails_with(EPERM, unshare(CLONE_NEWUSER))) return 3;
    if (!fails_with(EPERM, syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0))) return 4;
    if (!fails_with(EPERM, syscall(SYS_bpf, 0, nullptr, 0))) return 5;
    if (!fails_with(EPERM, syscall(SYS_keyctl, 0, 0, 0, 0, 0))) return 6;
    if (!fails_with(EPERM, syscall(SYS_process_vm_readv, getppid(), nullptr, 0, nullptr, 0, 0))) {
      return 7;
    }
    char typed = 'x';
    if (!fails_with(EPERM, ioctl(STDIN_FILENO, TIOCSTI, &typed))) return 8;
    for (const int family : {AF_PACKET, AF_ALG, AF_VSOCK, AF_AX25, AF_KEY}) {
      if (!fails_with(EAFNOSUPPORT, socket(family, SOCK_DGRAM, 0))) return 9;
    }
    return 42;
  };
  CHECK(filtered(denied) == 42);
  CHECK(filtered([&] {
          int code = 0;
          std::thread([&] { code = denied(); }).join();
          return code;
        }) == 42);
}

TEST_CASE("a tunnel and its children work behind the filter") {
  REQUIRE_FILTER();
  CHECK(filtered([] { return std::system("/bin/sh -c 'exit 42'") >> 8; }) == 42);
  CHECK(filtered([] {
          for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
            const Fd fd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            if (!fd) return 1;
          }
          return make_engine(EngineChoice::kAuto) ? 42 : 2;
        }) == 42);
}
