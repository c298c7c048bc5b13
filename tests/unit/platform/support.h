// A network namespace of its own for each test, and the few things that tests of this room share.
#pragma once

#include <doctest/doctest.h>
#include <sys/types.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/engine.h"
#include "platform/fd.h"
#include "platform/netlink.h"

namespace godwit::platform::test {

// Moves this thread into a fresh namespace whose loopback is up, and back when it is destroyed.
class Namespace {
 public:
  Namespace();
  ~Namespace();
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

 private:
  Fd former_;
};

bool is_root();

// A directory that is removed with all it holds.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs `body` in a child process and returns its exit code; 128 + signal when it was killed. The
// child never returns into doctest.
int in_child(const std::function<int()>& body);

void write_text(const std::string& path, const std::string& text);
std::string read_text(const std::string& path);
bool exists(const std::string& path);  // also a dangling symlink

// What the kernel knows about this namespace, for comparing before and after.
struct Listing {
  std::vector<InterfaceAddress> addresses;
  std::vector<Route> routes;
  std::vector<Rule> rules;
  friend bool operator==(const Listing&, const Listing&) = default;
};
Listing list_all();

// The ways in which an engine can run.
struct EngineKind {
  std::string label;
  EngineChoice choice;
  const char* rung;  // GODWIT_RING
};
inline const EngineKind kEngines[] = {
    {"io_uring, multishot", EngineChoice::kRing, "multi"},
    {"io_uring, multishot sockets", EngineChoice::kRing, "udp"},
    {"io_uring, single", EngineChoice::kRing, "single"},
    {"epoll", EngineChoice::kEpoll, "multi"},
};
// Nothing, with a visible message, where the system refuses io_uring.
std::unique_ptr<Engine> make_engine_or_skip(const EngineKind& kind);

// A variable of the environment, until destroyed. An empty value unsets it.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

// Hands each callback to a function that a test set.
class TestSink : public Sink {
 public:
  std::function<void(std::span<Buffer>)> tun;
  std::function<void(std::uint32_t, std::span<Datagram>)> udp;
  std::function<void(std::uint32_t)> readable;
  std::function<void(std::uint32_t, int, std::size_t)> send_error;
  std::vector<SysError> rungs_left;

  void on_tun(std::span<Buffer> packets) override {
    if (tun) tun(packets);
  }
  void on_udp(std::uint32_t socket, std::span<Datagram> datagrams) override {
    if (udp) udp(socket, datagrams);
  }
  void on_readable(std::uint32_t id) override {
    if (readable) readable(id);
  }
  void on_rung_left(const SysError& refusal) override { rungs_left.push_back(refusal); }
  void on_send_error(std::uint32_t socket, int error, std::size_t size) override {
    if (send_error) send_error(socket, error, size);
  }
};

template <class T>
T must(Result<T, SysError> result) {
  if (!result) FAIL(result.error().message());
  return std::move(result).value();
}
inline void must(const Result<void, SysError>& result) {
  if (!result) FAIL(result.error().message());
}

}  // namespace godwit::platform::test

#define REQUIRE_ROOT()                                      \
  if (!::godwit::platform::test::is_root()) {               \
    MESSAGE("skipped: needs root for a network namespace"); \
    return;                                                 \
  }                                                         \
  static_assert(true)
