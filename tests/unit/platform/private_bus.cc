#include "tests/unit/platform/private_bus.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

constexpr const char* kDaemon = "/usr/bin/dbus-daemon";

// A child that cannot outlive the test program.
pid_t fork_bound() {
  const pid_t child = ::fork();
  if (child == 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return child;
}

void end(pid_t& child) {
  if (child <= 0) return;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  child = -1;
}

// Waits for an octet or the end of the other side.
bool hear(int fd) {
  char octet = 0;
  return ::read(fd, &octet, 1) == 1;
}

}  // namespace

PrivateBus::PrivateBus(std::string directory)
    : directory_(std::move(directory)), address_("unix:path=" + directory_ + "/bus") {}

PrivateBus::~PrivateBus() {
  end(service_);
  end(bus_);
}

bool PrivateBus::start() {
  if (::access(kDaemon, X_OK) != 0) return false;
  const std::string config = directory_ + "/bus.conf";
  write_text(
      config,
      "<busconfig><type>session</type><listen>" + address_ +
          "</listen><policy context=\"default\"><allow send_destination=\"*\" "
          "eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>");
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  bus_ = fork_bound();
  if (bus_ == 0) {
    ::close(ends[0]);
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);  // complains of its limits
    const std::string file = "--config-file=" + config;
    const std::string print = "--print-address=" + std::to_string(ends[1]);
    ::execl(kDaemon, kDaemon, file.c_str(), "--nofork", print.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  const bool up = hear(ends[0]);
  ::close(ends[0]);
  REQUIRE(up);
  return true;
}

void PrivateBus::start_service(const Service& service) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  service_ = fork_bound();
  if (service_ == 0) serve(service, ends[1]);
  ::close(ends[1]);
  const bool ready = hear(ends[0]);
  ::close(ends[0]);
  REQUIRE(ready);
}

void PrivateBus::stop_service() { end(service_); }

// Runs until it is killed; rings `ready` when the name is ours.
void PrivateBus::serve(const Service& service, int ready) const {
  sd_bus* bus = nullptr;
  if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address_.c_str()) < 0 ||
      sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0 ||
      sd_bus_add_fallback(bus, nullptr, service.path, service.answer, service.data) < 0 ||
      sd_bus_request_name(bus, service.name, 0) < 0 || ::write(ready, "x", 1) != 1) {
    ::_exit(1);
  }
  while (true) {
    if (sd_bus_process(bus, nullptr) == 0) sd_bus_wait(bus, UINT64_MAX);
  }
}

}  // namespace godwit::platform::test
