#include "platform/units.h"

#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

namespace godwit::platform {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

struct EndedJob {
  std::string path;
  std::string result;
};
using EndedJobs = std::vector<EndedJob>;

int on_job_removed(sd_bus_message* message, void* jobs, sd_bus_error* /*error*/) {
  unsigned id = 0;
  const char* path = nullptr;
  const char* unit = nullptr;
  const char* result = nullptr;
  if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0) {
    static_cast<EndedJobs*>(jobs)->push_back({path, result});
  }
  return 0;
}

struct Free {
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
  void operator()(char* text) const { std::free(text); }
};

SysError refused(const char* method, int status, const std::string& unit) {
  return SysError{method, -status, unit};
}

std::uint64_t microseconds(std::chrono::seconds span) {
  return static_cast<std::uint64_t>(std::chrono::microseconds(span).count());
}

}  // namespace

Result<Units, SysError> Units::open(const std::string& address) {
  return Units(GODWIT_TRY(open_bus(address)));
}

Result<Units::Outcome, SysError> Units::start(const std::string& unit,
                                              std::chrono::seconds patience) {
  return run("StartUnit", unit, patience);
}

Result<Units::Outcome, SysError> Units::stop(const std::string& unit,
                                             std::chrono::seconds patience) {
  return run("StopUnit", unit, patience);
}

Result<Units::Outcome, SysError> Units::run(const char* method, const std::string& unit,
                                            std::chrono::seconds patience) {
  // Listened for before the job exists: a short one may end before its name is known.
  EndedJobs ended;
  sd_bus_slot* raw = nullptr;
  const int watched = sd_bus_match_signal(bus_.get(), &raw, kService, kPath, kManager, "JobRemoved",
                                          on_job_removed, &ended);
  const std::unique_ptr<sd_bus_slot, Free> slot(raw);
  if (watched < 0) return fail(refused(method, watched, unit));
  const auto until = std::chrono::steady_clock::now() + patience;
  const std::string job = GODWIT_TRY(begin(method, unit, patience));
  while (true) {
    for (const EndedJob& one : ended) {
      if (one.path != job) continue;
      return Outcome{one.result, one.result == "done" ? 0 : exit_status(unit)};
    }
    ended.clear();
    const auto left =
        std::chrono::ceil<std::chrono::seconds>(until - std::chrono::steady_clock::now());
    if (left <= std::chrono::seconds(0)) return fail(SysError{method, ETIMEDOUT, unit});
    int status = sd_bus_process(bus_.get(), nullptr);
    if (status == 0) status = sd_bus_wait(bus_.get(), microseconds(left));
    if (status < 0 && status != -EINTR) return fail(refused(method, status, unit));
  }
}

// The path of the job.
Result<std::string, SysError> Units::begin(const char* method, const std::string& unit,
                                           std::chrono::seconds patience) {
  int status =
      sd_bus_call_method(bus_.get(), kService, kPath, kManager, "Subscribe", nullptr, nullptr, "");
  if (status < 0) return fail(refused(method, status, unit));
  sd_bus_message* raw = nullptr;
  status = sd_bus_message_new_method_call(bus_.get(), &raw, kService, kPath, kManager, method);
  const BusMessage call(raw);
  if (status >= 0) status = sd_bus_message_append(raw, "ss", unit.c_str(), "replace");
  if (status >= 0) status = sd_bus_message_set_allow_interactive_authorization(raw, 1);
  sd_bus_message* reply_raw = nullptr;
  if (status >= 0) {
    status = sd_bus_call(bus_.get(), raw, microseconds(patience), nullptr, &reply_raw);
  }
  const BusMessage reply(reply_raw);
  const char* job = nullptr;
  if (status >= 0) status = sd_bus_message_read(reply_raw, "o", &job);
  if (status < 0) return fail(refused(method, status, unit));
  return std::string(job);
}

std::string Units::path_of(const std::string& unit) {
  sd_bus_message* raw = nullptr;
  const int status = sd_bus_call_method(bus_.get(), kService, kPath, kManager, "GetUnit", nullptr,
                                        &raw, "s", unit.c_str());
  const BusMessage reply(raw);
  const char* path = nullptr;
  if (status < 0 || sd_bus_message_read(raw, "o", &path) < 0) return {};
  return path;
}

int Units::exit_status(const std::string& unit) {
  std::int32_t code = 0;
  const std::string path = path_of(unit);
  if (path.empty() || sd_bus_get_property_trivial(bus_.get(), kService, path.c_str(),
                                                  "org.freedesktop.systemd1.Service",
                                                  "ExecMainStatus", nullptr, 'i', &code) < 0) {
    return 0;
  }
  return code;
}

bool Units::is_active(const std::string& unit) {
  char* raw = nullptr;
  const std::string path = path_of(unit);
  if (path.empty() || sd_bus_get_property_string(bus_.get(), kService, path.c_str(),
                                                 "org.freedesktop.systemd1.Unit", "ActiveState",
                                                 nullptr, &raw) < 0) {
    return false;
  }
  const std::unique_ptr<char, Free> text(raw);
  const std::string state = text.get();
  return state != "inactive" && state != "failed";
}

}  // namespace godwit::platform
