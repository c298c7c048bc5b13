#include "client/unit.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/words.h"
#include "platform/units.h"

namespace godwit::client {
namespace {

using std::chrono::seconds;

constexpr seconds kStartPatience{240};  // longer than the unit's TimeoutStartSec=
constexpr seconds kStopPatience{60};

Failure not_allowed(const platform::SysError& error, const std::string& unit) {
  if (error.error == EACCES || error.error == EPERM) {
    return failure(ExitCode::kPermission, fmt::format("this user may not start {}", unit),
                   "root lets him by `usermod -aG godwit NAME`, from his next login on; or run "
                   "it with sudo");
  }
  if (error.error == ENOENT) {
    return failure(ExitCode::kPermission,
                   fmt::format("a tunnel needs root here, where there is no unit {}", unit),
                   "run it with sudo, or install godwit@.service and the rule for the group "
                   "godwit");
  }
  return failure(
      ExitCode::kPermission,
      fmt::format("a tunnel needs root here, for systemd cannot be asked to start it: {}",
                  printable(error.message())));
}

Failure ended(const platform::Units::Outcome& outcome, const std::string& name,
              const std::string& unit) {
  const auto table = exit_code_table();
  const auto row = std::ranges::find_if(table, [&](const ExitCodeInfo& entry) {
    return number(entry.code) == outcome.exit_status && entry.code != ExitCode::kOk;
  });
  const std::string remedy = fmt::format("`journalctl -u {}` tells more", unit);
  if (row == table.end()) {
    return failure(ExitCode::kInternal,
                   fmt::format("{} could not be started ({})", unit, printable(outcome.result)),
                   remedy);
  }
  return failure(row->code, fmt::format("{}: {}", printable(name), row->sentence), remedy);
}

}  // namespace

std::string unit_of(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":_.-").find(c) != std::string_view::npos;
  };
  if (name.empty() || name.size() > 200 || !std::ranges::all_of(name, fits)) return {};
  return "godwit@" + name + ".service";
}

Result<void, Failure> connect_unit(const std::string& name, unsigned wait,
                                   const std::string& bus_address) {
  const std::string unit = unit_of(name);
  auto units = platform::Units::open(bus_address);
  if (unit.empty() || !units) {
    return fail(failure(ExitCode::kPermission, "a tunnel needs root on this machine"));
  }
  const auto outcome = units->start(unit, wait == 0 ? kStartPatience : seconds(wait));
  if (outcome && outcome->result == "done") return {};
  const bool too_long = !outcome && outcome.error().error == ETIMEDOUT;
  // It would try again, and its user was told that it failed.
  if (outcome || too_long) (void)units->stop(unit, kStopPatience);
  if (too_long) return fail(failure(ExitCode::kWaitOver, {}));
  if (!outcome) return fail(not_allowed(outcome.error(), unit));
  return fail(ended(*outcome, name, unit));
}

bool stop_unit(const std::string& name, const std::string& bus_address) {
  const std::string unit = unit_of(name);
  if (unit.empty()) return false;
  auto units = platform::Units::open(bus_address);
  if (!units || !units->is_active(unit)) return false;
  const auto outcome = units->stop(unit, kStopPatience);
  return outcome && outcome->result == "done";
}

}  // namespace godwit::client
