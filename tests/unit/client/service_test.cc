// What a service manager hears. The manager is a socket of this test.
#include "client/service.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include "client/fd.h"
#include "tests/unit/client/temp_dir.h"

using namespace godwit;
using namespace godwit::client;

namespace {

class Manager {
 public:
  explicit Manager(const char* watchdog_microseconds) {
    const std::string path = dir_.path() + "/notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    fd_ = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    REQUIRE(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
    if (watchdog_microseconds != nullptr) setenv("WATCHDOG_USEC", watchdog_microseconds, 1);
  }
  ~Manager() {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
  }
  std::string hears() const {
    std::array<char, 512> text{};
    const ssize_t got = recv(fd_.get(), text.data(), text.size(), 0);
    return got < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(got));
  }

 private:
  TempDir dir_;
  Fd fd_;
};

}  // namespace

TEST_CASE("a service manager hears how far the tunnel is, when traffic flows and when it ends") {
  const Manager manager(nullptr);
  Service service;
  service.status("asking the gateway\nREADY=1");
  CHECK(manager.hears() == "STATUS=asking the gateway READY=1");
  service.ready("up");
  CHECK(manager.hears() == "READY=1\nSTATUS=up");
  service.status("new keys");
  CHECK(manager.hears() == "STATUS=up; new keys");
  service.stopping();
  CHECK(manager.hears() == "STOPPING=1\nSTATUS=disconnecting");
  CHECK_FALSE(service.beat(Instant{}).has_value());  // nobody watches
  CHECK(manager.hears().empty());
}

TEST_CASE("a watchdog hears of a loop that turns, three times in its interval") {
  const Manager manager("30000000");
  Service service;
  Instant now = Instant{} + std::chrono::seconds(100);
  const auto due = service.beat(now);
  CHECK(manager.hears() == "WATCHDOG=1");
  REQUIRE(due.has_value());
  CHECK(*due == now + std::chrono::seconds(10));
  CHECK(service.beat(now + std::chrono::seconds(9)) == due);
  CHECK(manager.hears().empty());
  CHECK(service.beat(*due) == *due + std::chrono::seconds(10));
  CHECK(manager.hears() == "WATCHDOG=1");
}

TEST_CASE("without a service manager nothing is told and nothing fails") {
  Service service;
  service.ready("up");
  service.stopping();
  CHECK_FALSE(service.beat(Instant{}).has_value());
}
