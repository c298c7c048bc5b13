#include "tests/unit/platform/fake_resolved.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

constexpr const char* kDaemon = "/usr/bin/dbus-daemon";

std::string describe(sd_bus_message* message) {
  const std::string member = sd_bus_message_get_member(message);
  int index = 0;
  sd_bus_message_read(message, "i", &index);
  std::string line = member + " " + std::to_string(index);
  const char* text = nullptr;
  int flag = 0;
  if (member == "SetLinkDNS") {
    sd_bus_message_enter_container(message, 'a', "(iay)");
    while (sd_bus_message_enter_container(message, 'r', "iay") > 0) {
      int family = 0;
      const void* octets = nullptr;
      std::size_t size = 0;
      sd_bus_message_read(message, "i", &family);
      sd_bus_message_read_array(message, 'y', &octets, &size);
      sd_bus_message_exit_container(message);
      line += " " + std::to_string(family) + ":";
      for (std::size_t i = 0; i < size; ++i) {
        const auto octet = static_cast<const std::uint8_t*>(octets)[i];
        line += {"0123456789abcdef"[octet >> 4], "0123456789abcdef"[octet & 15]};
      }
    }
  } else if (member == "SetLinkDomains") {
    sd_bus_message_enter_container(message, 'a', "(sb)");
    while (sd_bus_message_read(message, "(sb)", &text, &flag) > 0) {
      line += std::string(" ") + text + (flag != 0 ? "~" : "");
    }
  } else if (member == "SetLinkDefaultRoute") {
    sd_bus_message_read(message, "b", &flag);
    line += " " + std::to_string(flag);
  } else if (member == "SetLinkLLMNR" || member == "SetLinkMulticastDNS") {
    sd_bus_message_read(message, "s", &text);
    line += std::string(" ") + text;
  }
  return line + "\n";
}

int answer(sd_bus_message* message, void* log, sd_bus_error*) {
  const char* const interface = sd_bus_message_get_interface(message);
  if (interface == nullptr || std::string(interface) != "org.freedesktop.resolve1.Manager")
    return 0;
  const std::string line = describe(message);
  const Fd file(::open(static_cast<const std::string*>(log)->c_str(),
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (::write(file.get(), line.data(), line.size()) < 0) return -EIO;
  return sd_bus_reply_method_return(message, "");
}

// Runs until it is killed; rings `ready` when the name is ours.
[[noreturn]] void serve(const std::string& address, std::string log, int ready) {
  sd_bus* bus = nullptr;
  if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address.c_str()) < 0 ||
      sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0 ||
      sd_bus_add_object(bus, nullptr, "/org/freedesktop/resolve1", answer, &log) < 0 ||
      sd_bus_request_name(bus, "org.freedesktop.resolve1", 0) < 0 || ::write(ready, "x", 1) != 1) {
    ::_exit(1);
  }
  while (true) {
    if (sd_bus_process(bus, nullptr) == 0) sd_bus_wait(bus, UINT64_MAX);
  }
}

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

FakeResolved::FakeResolved(std::string directory)
    : directory_(std::move(directory)), address_("unix:path=" + directory_ + "/bus") {}

FakeResolved::~FakeResolved() {
  end(service_);
  end(bus_);
}

bool FakeResolved::start() {
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
  start_service();
  return true;
}

void FakeResolved::start_service() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  service_ = fork_bound();
  if (service_ == 0) serve(address_, directory_ + "/calls", ends[1]);
  ::close(ends[1]);
  const bool ready = hear(ends[0]);
  ::close(ends[0]);
  REQUIRE(ready);
}

void FakeResolved::stop_service() { end(service_); }

std::string FakeResolved::log() const { return read_text(directory_ + "/calls"); }

}  // namespace godwit::platform::test
