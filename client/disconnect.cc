#include "client/disconnect.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "client/clean.h"
#include "client/control.h"
#include "client/kill_switch.h"
#include "client/profiles.h"
#include "client/words.h"
#include "platform/clock.h"
#include "platform/journal.h"

namespace godwit::client {
namespace {

constexpr Duration kPatience = 15s;

Failure not_connected(const std::string& name) {
  return failure(
      ExitCode::kNotConnected,
      fmt::format("{} is not connected; nothing of it is left on this machine", printable(name)));
}

// `gone` says when the tunnel's process has undone everything.
Result<void, Failure> wait_until(const std::function<bool()>& gone, const std::string& name,
                                 const std::string& last_resort) {
  const Instant until = platform::boot_now() + kPatience;
  while (!gone()) {
    if (platform::boot_now() >= until) {
      return fail(failure(ExitCode::kInternal,
                          fmt::format("the tunnel {} does not end", printable(name)), last_resort));
    }
    std::this_thread::sleep_for(20ms);
  }
  return {};
}

// A member of the group may ask the tunnel to end, but can neither read nor replay its journal. The
// socket is the last thing that a tunnel takes away.
Result<Disconnected, Failure> disconnect_as_member(const std::string& name) {
  const auto asked = control_ask(socket_path(name), ControlOp::kDisconnect, 5s);
  const bool left = std::filesystem::exists(run_directory() + "/" + name + ".journal");
  if (!asked && asked.error().code == ExitCode::kNotConnected) {
    if (!left) {
      GODWIT_TRY(open_left_machine(name));
      return fail(not_connected(name));
    }
    return fail(failure(ExitCode::kPermission,
                        fmt::format("the tunnel {} died; only root can clean up", printable(name)),
                        fmt::format("`sudo godwit disconnect {}`", printable(name))));
  }
  if (!asked) return fail(asked.error());
  const auto gone = [&] { return !std::filesystem::exists(socket_path(name)); };
  GODWIT_TRY(wait_until(gone, name, "ask root to end its process"));
  // One that had not come up, after a crash, leaves what was closed before.
  GODWIT_TRY(open_left_machine(name));
  return Disconnected{};
}

}  // namespace

Result<Disconnected, Failure> disconnect(const std::string& name) {
  const std::string folder = run_directory();
  if (::geteuid() != 0) return disconnect_as_member(name);
  const auto owner = platform::UndoJournal::owner_of(name, folder);
  Disconnected result;
  if (owner && owner->is_alive()) {
    const auto asked = control_ask(socket_path(name), ControlOp::kDisconnect, 5s);
    // It may not listen yet, or no longer know how to answer; a signal says the same.
    if (!asked) ::kill(owner->pid, SIGTERM);
    GODWIT_TRY(wait_until([&] { return !owner->is_alive(); }, name,
                          fmt::format("`kill -9 {}`, then disconnect again", owner->pid)));
  } else if (!std::filesystem::exists(folder + "/" + name + ".journal")) {
    result.was_closed = GODWIT_TRY(open_left_machine(name));
    if (!result.was_closed) return fail(not_connected(name));
    return result;
  } else {
    result.was_dead = true;
  }
  // After a normal end there is no journal any more; after kill -9 this undoes everything.
  GODWIT_TRY(replay_journal(name));
  result.was_closed = GODWIT_TRY(open_left_machine(name));
  return result;
}

}  // namespace godwit::client
