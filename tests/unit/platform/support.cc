#include "tests/unit/platform/support.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace godwit::platform::test {

Namespace::Namespace() : former_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  REQUIRE(static_cast<bool>(former_));
  REQUIRE(::unshare(CLONE_NEWNET) == 0);
  // The kernel gives new devices no link-local address: it would come some time later, between two
  // listings that a test compares.
  write_text("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
  auto netlink = must(Netlink::open());
  must(netlink.set_up(must(netlink.index_of("lo")), true));
}

Namespace::~Namespace() {
  if (::setns(former_.get(), CLONE_NEWNET) != 0) std::abort();
}

bool is_root() { return ::geteuid() == 0; }

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "godwit-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  REQUIRE(out.flush().good());
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

Listing list_all() {
  auto netlink = must(Netlink::open());
  return {must(netlink.addresses()), must(netlink.routes()), must(netlink.rules())};
}

std::unique_ptr<Engine> make_engine_or_skip(const EngineKind& kind) {
  ::setenv("GODWIT_RING", kind.rung, 1);
  auto engine = make_engine(kind.choice);
  ::unsetenv("GODWIT_RING");
  if (engine) return std::move(*engine);
  if (kind.choice == EngineChoice::kRing) {
    MESSAGE("skipped: ", kind.label, ": ", engine.error().message());
    return nullptr;
  }
  FAIL(engine.error().message());
  return nullptr;
}

}  // namespace godwit::platform::test
