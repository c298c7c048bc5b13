#include "client/clean.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "client/profiles.h"

namespace godwit::client {

using namespace std::chrono_literals;

Result<platform::ReplayReport, Failure> replay_journal(const std::string& name) {
  const std::string folder = run_directory();
  auto replayed = platform::UndoJournal::replay_file(name, folder);
  for (int i = 0; i < 100 && !replayed && replayed.error().error == EWOULDBLOCK; ++i) {
    std::this_thread::sleep_for(20ms);
    replayed = platform::UndoJournal::replay_file(name, folder);
  }
  if (!replayed) return fail(failure(ExitCode::kCannotApply, replayed.error().message()));
  if (!replayed->complete()) {
    return fail(failure(ExitCode::kCannotApply, replayed->failures.front().message()));
  }
  ::rmdir(folder.c_str());  // succeeds only when nothing else is in it
  return std::move(*replayed);
}

Result<bool, Failure> clean(const std::string& name) {
  const std::string folder = run_directory();
  std::error_code ignored;
  if (!std::filesystem::exists(folder + "/" + name + ".journal", ignored)) return false;
  if (::geteuid() != 0) {
    return fail(failure(ExitCode::kPermission, "only root can clean up after a tunnel"));
  }
  const auto owner = platform::UndoJournal::owner_of(name, folder);
  if (owner && owner->is_alive()) return false;
  GODWIT_TRY(replay_journal(name));
  return true;
}

}  // namespace godwit::client
