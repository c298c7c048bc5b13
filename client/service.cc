#include "client/service.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace godwit::client {
namespace {

// A line of its own for each variable: a line break inside one would begin the next.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// A manager that cannot be told is no reason to end a tunnel.
void notify(const std::string& state) { (void)::sd_notify(0, state.c_str()); }

}  // namespace

Service::Service() : managed_(std::getenv("NOTIFY_SOCKET") != nullptr) {
  std::uint64_t timeout = 0;
  if (::sd_watchdog_enabled(0, &timeout) <= 0) return;
  // sd_watchdog_enabled(3) advises half of the time; a busy machine is late now and then.
  interval_ = std::chrono::microseconds(timeout / 3);
}

void Service::status(const std::string& line) {
  notify("STATUS=" + up_ + (up_.empty() ? "" : "; ") + one_line(line));
}

void Service::ready(const std::string& line) {
  up_ = one_line(line);
  notify("READY=1\nSTATUS=" + up_);
}

void Service::stopping() {
  up_.clear();
  notify("STOPPING=1\nSTATUS=disconnecting");
}

std::optional<Instant> Service::beat(Instant now) {
  if (interval_ == Duration{}) return std::nullopt;
  if (now >= due_) {
    notify("WATCHDOG=1");
    due_ = now + interval_;
  }
  return due_;
}

}  // namespace godwit::client
