#include "client/profiles.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "client/fd.h"
#include "client/words.h"
#include "platform/journal.h"

namespace godwit::client {
namespace {

constexpr std::size_t kProfileMax = 64 * 1024;

std::string directory(const char* variable, const char* fallback) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : fallback;
}

bool is_file_name(const std::string& text) {
  return text.find('/') != std::string::npos || text.ends_with(".toml") || text.ends_with(".conf");
}

Result<SecretBytes, Failure> read_profile(const std::string& path) {
  const auto refuse = [&](const char* why) {
    return fail(failure(ExitCode::kProfile, fmt::format("{}: {}", printable(path), why),
                        "`godwit list` shows the profiles; a path needs a slash in it"));
  };
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return refuse(std::strerror(errno));
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return refuse(std::strerror(errno));
  if (!S_ISREG(found.st_mode)) return refuse("not a regular file");
  // vpnc's own files hold secrets: they are read where they can be wiped. One octet too many says
  // to the parser that the file is too large.
  SecretBytes text(kProfileMax + 1);
  std::size_t used = 0;
  ssize_t got = 0;
  while ((got = ::read(fd.get(), text.fill().data() + used, text.size() - used)) > 0) {
    used += static_cast<std::size_t>(got);
  }
  if (got < 0) return refuse(std::strerror(errno));
  text.truncate(used);
  return text;
}

// A file of vpnc's as the profile that it means, and every other text as it is.
Result<std::string, Failure> as_profile(std::string_view text, const std::string& path,
                                        std::vector<importers::Remark>* remarks) {
  if (!importers::is_vpnc(text)) return std::string(text);
  const std::string file = std::filesystem::absolute(path).lexically_normal().string();
  auto imported = importers::read_vpnc_in_place(text, file);
  if (!imported) {
    return fail(failure(ExitCode::kProfile, printable(imported.error().what),
                        printable(imported.error().remedy)));
  }
  if (remarks != nullptr) *remarks = std::move(imported->remarks);
  return std::move(imported->profile);
}

// The stems of the files of a folder that end in one of `endings`, sorted, each once.
std::vector<std::string> stems(const std::string& folder,
                               std::initializer_list<std::string_view> endings) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string ending = entry.path().extension().string();
    if (std::find(endings.begin(), endings.end(), ending) != endings.end()) {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

std::string config_directory() { return directory("GODWIT_CONF_DIR", "/etc/godwit"); }
std::string run_directory() { return directory("GODWIT_RUN_DIR", platform::kRunDirectory); }
std::string socket_path(const std::string& name) { return run_directory() + "/" + name + ".sock"; }

std::string profile_name(const std::string& name_or_file) {
  return is_file_name(name_or_file) ? std::filesystem::path(name_or_file).stem().string()
                                    : name_or_file;
}

std::string profile_path(const std::string& name_or_file) {
  if (is_file_name(name_or_file)) return name_or_file;
  const std::string toml = config_directory() + "/" + name_or_file + ".toml";
  const std::string conf = config_directory() + "/" + name_or_file + ".conf";
  std::error_code error;
  return !std::filesystem::exists(toml, error) && std::filesystem::exists(conf, error) ? conf
                                                                                       : toml;
}

Result<config::Profile, Failure> load_profile(const std::string& name_or_file,
                                              std::span<const config::Override> overrides,
                                              std::vector<importers::Remark>* remarks) {
  const std::string path = profile_path(name_or_file);
  const SecretBytes octets = GODWIT_TRY(read_profile(path));
  const std::string_view written(reinterpret_cast<const char*>(octets.expose().data()),
                                 octets.size());
  const std::string text = GODWIT_TRY(as_profile(written, path, remarks));
  auto profile = config::parse_profile(text, path, profile_name(name_or_file), overrides);
  if (profile) return std::move(*profile);
  std::string lines;
  for (const config::Diagnostic& diagnostic : profile.error()) {
    if (!lines.empty()) lines += '\n';
    lines += diagnostic.to_string();
  }
  return fail(failure(
      ExitCode::kProfile, std::move(lines),
      fmt::format("mend the {} above; `godwit check {}` looks again",
                  profile.error().size() == 1 ? "line" : "lines", printable(name_or_file))));
}

std::vector<std::string> list_profiles() { return stems(config_directory(), {".toml", ".conf"}); }
std::vector<std::string> list_tunnels() { return stems(run_directory(), {".sock", ".journal"}); }

std::vector<std::string> list_closed() { return stems(run_directory(), {".closed"}); }

bool has_died(const std::string& name) {
  std::error_code error;
  const std::string folder = run_directory();
  if (!std::filesystem::exists(folder + "/" + name + ".journal", error)) return false;
  if (const auto owner = platform::UndoJournal::owner_of(name, folder)) return !owner->is_alive();
  // Only root can read the journal; a socket that nobody listens to says the same.
  return ::geteuid() == 0 || std::filesystem::exists(socket_path(name), error);
}

}  // namespace godwit::client
