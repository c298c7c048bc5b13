// Clock, randomness, signals, capabilities, and the engine where io_uring is refused.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstring>

#include "platform/caps.h"
#include "platform/clock.h"
#include "platform/rng.h"
#include "platform/signals.h"
#include "platform/tun.h"
#include "platform/udp.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

// From now on io_uring_setup fails with `error`, as it does in many containers.
bool refuse_io_uring(unsigned error) {
  std::array<sock_filter, 4> program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// 42 when the engine that make_engine chose has `name` and carries a datagram.
int run_refused(unsigned error, const std::string& name) {
  if (!refuse_io_uring(error)) return 1;
  if (make_engine(EngineChoice::kRing)) return 2;
  auto engine = make_engine(EngineChoice::kAuto);
  if (!engine || (*engine)->name() != name) return 3;
  const auto socket = UdpSocket::open(IpAddress::v4(0x7f000001), 0, 0);
  if (!socket || !(*engine)->add_udp(0, socket->fd())) return 4;
  bool heard = false;
  TestSink sink;
  sink.udp = [&](std::uint32_t, std::span<Datagram>) { heard = true; };
  (*engine)->send_copy(0, ByteVec(10), socket->local());
  while (!heard) {
    if (!(*engine)->turn(std::nullopt, sink)) return 5;
  }
  return 42;
}

}  // namespace

TEST_CASE("where io_uring is refused the engine runs on epoll and says why") {
  REQUIRE_ROOT();
  const Namespace space;
  CHECK(in_child([] { return run_refused(EPERM, "epoll (io_uring: Operation not permitted)"); }) ==
        42);
  const std::string absent = std::string("epoll (io_uring: ") + std::strerror(ENOSYS) + ")";
  CHECK(in_child([&] { return run_refused(ENOSYS, absent); }) == 42);
  CHECK(in_child([] { return run_refused(ENOMEM, "epoll (io_uring: Cannot allocate memory)"); }) ==
        42);
  CHECK(must(make_engine(EngineChoice::kEpoll))->name() == "epoll");
}

TEST_CASE("after start only the administration of the network is left") {
  REQUIRE_ROOT();
  const Namespace space;
  const int code = in_child([] {
    if (!harden_process() || !drop_capabilities()) return 1;
    if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 2;
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 3;
    rlimit core{1, 1};
    if (::getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) return 4;
    std::string status = read_text("/proc/self/status");
    for (const char* set : {"CapPrm:\t", "CapEff:\t", "CapBnd:\t"}) {
      // Bit 12 is CAP_NET_ADMIN.
      if (status.find(set + std::string("0000000000001000\n")) == std::string::npos) return 5;
    }
    // What a running tunnel still needs works.
    auto netlink = Netlink::open();
    const auto tun = Tun::open("");
    if (!netlink || !tun) return 6;
    if (!tun->set_up(*netlink)) return 7;
    if (!netlink->add_address({tun->index(), IpAddress::v4(0x0a010203), 32})) return 8;
    if (!UdpSocket::open(IpAddress{}, 0, 0x676f)) return 9;
    if (!drop_capabilities()) return 10;  // a second time
    if (::sethostname("x", 1) == 0) return 11;
    return 42;
  });
  CHECK(code == 42);
}

TEST_CASE("memory stays out of swap and of dumps where the system lets it") {
  REQUIRE_ROOT();
  const int code = in_child([] {
    if (!harden_process()) return 1;
    if (!read_text("/proc/self/coredump_filter").starts_with("00000000")) return 2;
    if (!lock_memory()) return 3;
    if (read_text("/proc/self/status").find("VmLck:\t       0 kB") != std::string::npos) return 4;
    const std::vector<std::uint8_t> later(1 << 20);  // no limit is in its way
    return later.size() == 1 << 20 ? 42 : 5;
  });
  CHECK((code == 42 || code == 3));
  if (code == 3) MESSAGE("skipped: RLIMIT_MEMLOCK cannot be lifted here");
}

TEST_CASE("signals are read, not suffered") {
  const int code = in_child([] {
    auto signals = Signals::open();
    if (!signals || signals->read()) return 1;
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) {
      if (::raise(number) != 0 || signals->read() != number) return 2;
    }
    return signals->read() ? 3 : 42;
  });
  CHECK(code == 42);
}

TEST_CASE("the boot clock does not go back, and the generator does not repeat itself") {
  const Instant first = boot_now();
  CHECK(boot_now() >= first);
  CHECK(first.time_since_epoch() > 0s);
  CHECK(wall_now().time_since_epoch() > 24h * 365 * 50);
  SystemRng rng;
  std::array<std::uint8_t, 64> a{};
  std::array<std::uint8_t, 64> b{};
  rng.fill_public(a);
  rng.fill_secret(b);
  CHECK(a != b);
  CHECK(a != std::array<std::uint8_t, 64>{});
  ByteVec large(100'000);
  rng.fill_secret(large);
  CHECK(std::count(large.end() - 1000, large.end(), 0) < 100);
}

TEST_CASE("an error of the system can be read") {
  CHECK(SysError{"add route", EEXIST, "10.0.0.0/8"}.message() ==
        "add route 10.0.0.0/8: File exists");
  CHECK(SysError{"socket", EMFILE, {}}.message() == "socket: Too many open files");
}

}  // namespace godwit::platform::test
