#include "client/kill_switch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "client/apply.h"
#include "client/fd.h"
#include "client/gateway_names.h"
#include "client/profiles.h"
#include "client/words.h"
#include "platform/firewall.h"
#include "platform/journal.h"

namespace godwit::client {
namespace {

using namespace std::chrono_literals;

Failure of_system(const platform::SysError& error) {
  return failure(error.error == EPERM ? ExitCode::kPermission : ExitCode::kCannotApply,
                 error.message());
}

Failure cannot_write(const std::string& path) {
  return failure(ExitCode::kCannotApply, fmt::format("write {}: {}", path, std::strerror(errno)));
}

// Whole or not at all: it is renamed into its place.
Result<void, Failure> write_down(const std::string& path, const std::string& text) {
  const std::string draft = path + "~";
  {
    const Fd file(
        ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return fail(cannot_write(draft));
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      return fail(cannot_write(draft));
    }
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return fail(cannot_write(path));
  return {};
}

// Nothing where a tunnel of that name lives. One that was killed keeps its lock for a moment.
Result<std::optional<platform::JournalLock>, Failure> lock_ended(const std::string& name) {
  auto lock = platform::JournalLock::take(name, run_directory());
  for (int i = 0; i < 100 && !lock && lock.error().error == EWOULDBLOCK; ++i) {
    std::this_thread::sleep_for(20ms);
    lock = platform::JournalLock::take(name, run_directory());
  }
  if (lock) return std::optional(std::move(*lock));
  if (lock.error().error == EWOULDBLOCK) return std::optional<platform::JournalLock>();
  return fail(of_system(lock.error()));
}

}  // namespace

std::string closed_path(const std::string& name) {
  return run_directory() + "/" + name + ".closed";
}

bool is_closed(const std::string& name) {
  std::error_code error;
  return std::filesystem::exists(closed_path(name), error);
}

Result<void, Failure> close_machine(const config::Profile& profile,
                                    const std::optional<IpAddress>& gateway) {
  if (profile.kill_switch == config::KillSwitch::kOff) return {};
  nlohmann::json note = {{"gateway", profile.gateway}};
  if (gateway) note["address"] = gateway->to_string();
  // First the note: a table without one would be nobody's.
  GODWIT_TRY(write_down(closed_path(profile.name), note.dump() + "\n"));
  platform::Firewall firewall;
  firewall.table = platform::firewall_table(profile.name);
  firewall.mark = kMarkBase;
  firewall.mask = kMarkMask;
  firewall.owner = ::geteuid();
  firewall.local_networks = profile.kill_switch == config::KillSwitch::kLan;
  firewall.excluded = profile.excluded_networks;
  const auto made = platform::apply_firewall(firewall);
  if (made) return {};
  Failure out = of_system(made.error());
  out.remedy = "kill-switch needs nft: install nftables, or write kill-switch = \"off\"";
  return fail(std::move(out));
}

Result<std::optional<IpAddress>, Failure> close_beforehand(const config::Profile& profile) {
  // A resolver may take long; a tunnel may come and go meanwhile.
  const auto found = find_gateway(profile);
  const auto address = found ? std::optional(*found) : std::nullopt;
  const auto lock = GODWIT_TRY(lock_ended(profile.name));
  if (!lock) return address;
  ClosedWhile closed(profile.name);  // who fails to close it says nothing else
  GODWIT_TRY(close_machine(profile, address));
  closed.stay_closed(true);
  return address;
}

Result<bool, Failure> open_machine(const std::string& name) {
  if (!is_closed(name)) return false;
  const auto gone = platform::delete_firewall(platform::firewall_table(name));
  if (!gone && !platform::is_absent(gone.error())) return fail(of_system(gone.error()));
  const std::string path = closed_path(name);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail(cannot_write(path));
  ::rmdir(run_directory().c_str());  // succeeds only when nothing else is in it
  return true;
}

Result<bool, Failure> open_left_machine(const std::string& name) {
  if (!is_closed(name)) return false;
  if (::geteuid() != 0) {
    return fail(failure(
        ExitCode::kPermission,
        fmt::format("the kill switch of {} is closed, and only root opens it", printable(name)),
        fmt::format("`sudo godwit disconnect {}`", printable(name))));
  }
  const auto lock = GODWIT_TRY(lock_ended(name));
  return lock ? open_machine(name) : false;
}

Result<IpAddress, Failure> find_gateway(const config::Profile& profile) {
  auto found = resolve(profile.gateway);
  if (found || !is_closed(profile.name)) return found;
  if (const auto last = remembered_gateway(profile.name, profile.gateway)) return *last;
  found.error().remedy = fmt::format("the kill switch is closed; `godwit disconnect {}` opens it",
                                     printable(profile.name));
  return found;
}

std::optional<IpAddress> remembered_gateway(const std::string& name, const std::string& gateway) {
  std::ifstream file(closed_path(name));
  const auto note = nlohmann::json::parse(file, nullptr, false);
  if (!note.is_object() || note.value("gateway", nlohmann::json()) != gateway) return std::nullopt;
  const auto address = note.find("address");
  if (address == note.end() || !address->is_string()) return std::nullopt;
  return IpAddress::parse(address->get_ref<const std::string&>());
}

}  // namespace godwit::client
