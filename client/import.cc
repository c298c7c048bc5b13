#include "client/import.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "client/fd.h"
#include "client/profiles.h"
#include "client/report.h"
#include "client/words.h"
#include "core/importers/importers.h"

namespace godwit::client {
namespace {

namespace fs = std::filesystem;

struct File {
  std::string path;
  Bytes octets;
};

std::string_view text_of(Bytes octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

Failure cannot(const char* verb, const std::string& path) {
  const bool denied = errno == EACCES || errno == EPERM || errno == EROFS;
  return failure(
      denied ? ExitCode::kPermission : ExitCode::kProfile,
      fmt::format("cannot {} {}: {}", verb, printable(path), std::strerror(errno)),
      denied ? "run it as root, or name a place of yours: --output FILE" : "look at the path");
}

Failure refused(const importers::Refusal& refusal) {
  return failure(ExitCode::kProfile, printable(refusal.what), printable(refusal.remedy));
}

// Kept in memory that is wiped, for there are secrets in it.
Result<SecretBytes, Failure> read_source(const std::string& path, mode_t& mode) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail(cannot("read", path));
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return fail(cannot("read", path));
  if (!S_ISREG(found.st_mode)) {
    return fail(failure(ExitCode::kProfile, fmt::format("{} is no regular file", printable(path)),
                        "name the file of the other client"));
  }
  mode = found.st_mode;
  SecretBytes text(importers::kSourceMax + 1);
  std::size_t used = 0;
  while (used < text.size()) {
    const ssize_t got = ::read(fd.get(), text.fill().data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(cannot("read", path));
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  text.truncate(used);
  return text;
}

// ipsec.secrets of the same folder; without it, or without the right to read it, nothing.
SecretBytes secrets_beside(importers::Format format, const std::string& file) {
  if (format != importers::Format::kIpsecConf) return {};
  mode_t mode = 0;
  auto found = read_source((fs::path(file).parent_path() / "ipsec.secrets").string(), mode);
  return found ? std::move(*found) : SecretBytes();
}

// A name that serves as a file, a unit's instance and an operand alike.
std::string tame(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       ((c == '.' || c == '-') && !out.empty()) || c == '_';
    if (plain) out += c;
    if (!plain && !out.empty() && out.back() != '-') out += '-';
  }
  while (out.ends_with('-') || out.ends_with('.')) out.pop_back();
  return out.empty() ? "imported" : out;
}

std::string profile_file(const ImportOptions& options) {
  if (!options.output.empty() && options.output != "-") {
    return fs::absolute(options.output).lexically_normal().string();
  }
  const std::string name =
      tame(options.name.empty() ? fs::path(options.file).stem().string() : options.name);
  return fs::absolute(config_directory() + "/" + name + ".toml").string();
}

std::string without_ending(const std::string& path) {
  const fs::path file(path);
  return (file.parent_path() / (file.extension() == ".toml" ? file.stem() : file.filename()))
      .string();
}

Result<void, Failure> write_new(const File& file, bool force) {
  const std::string path = force ? file.path + ".new" : file.path;
  if (force) ::unlink(path.c_str());
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  const Fd fd(::open(path.c_str(), flags, 0600));
  if (!fd) return fail(cannot("write", path));
  Bytes rest = file.octets;
  while (!rest.empty()) {
    const ssize_t put = ::write(fd.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return fail(cannot("write", path));
    rest = rest.subspan(static_cast<std::size_t>(put));
  }
  if (force && ::rename(path.c_str(), file.path.c_str()) != 0) {
    return fail(cannot("write", file.path));
  }
  return {};
}

// All of them or, where one cannot be written, none that was not there before.
Result<void, Failure> write_all(const std::vector<File>& files, bool force) {
  for (const File& file : files) {
    struct stat found {};
    if (force || ::lstat(file.path.c_str(), &found) != 0) continue;
    return fail(failure(ExitCode::kUsage, fmt::format("{} exists already", printable(file.path)),
                        "--force replaces it, --name NAME makes another"));
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto written = write_new(files[i], force);
    if (written) continue;
    for (std::size_t made = 0; !force && made < i; ++made) ::unlink(files[made].path.c_str());
    return written;
  }
  return {};
}

void say_remarks(const importers::Imported& imported) {
  for (const auto& remark : imported.remarks) {
    fmt::print(stderr, "{}\n", printable(remark.to_string()));
  }
}

int say_profile(const importers::Imported& imported) {
  for (const auto& file : imported.companions) {
    fmt::print(stderr,
               "{}, is named by the profile and was not written, import it again with --output "
               "FILE\n",
               printable(file.path));
  }
  fmt::print("{}", imported.profile);
  return 0;
}

Result<int, Failure> run_import(const ImportOptions& options) {
  mode_t mode = 0;
  const SecretBytes text = GODWIT_TRY(read_source(options.file, mode));
  const auto format = importers::detect(text_of(text.expose()), options.file);
  if (!format) return fail(refused(format.error()));
  const std::string path = profile_file(options);
  importers::Source source;
  source.text = text_of(text.expose());
  source.file = options.file;
  source.stem = without_ending(path);
  source.connection = options.connection;
  const SecretBytes secrets = secrets_beside(*format, options.file);
  source.secrets = text_of(secrets.expose());
  auto imported = importers::import_profile(*format, source);
  if (!imported) return fail(refused(imported.error()));
  if ((mode & 077) != 0 && !imported->companions.empty()) {
    imported->remarks.push_back({options.file, 0, "holds secrets", "others may read it",
                                 "chmod 600 it, or remove it when the tunnel works"});
  }
  say_remarks(*imported);
  if (options.output == "-") return say_profile(*imported);
  std::vector<File> files;
  for (const auto& file : imported->companions) files.push_back({file.path, file.octets.expose()});
  const std::string& profile = imported->profile;
  files.push_back({path, {reinterpret_cast<const std::uint8_t*>(profile.data()), profile.size()}});
  GODWIT_TRY(write_all(files, options.force));
  for (const File& file : files) fmt::print("wrote {}\n", printable(file.path));
  const bool found_by_name = path == profile_path(profile_name(path));
  fmt::print("try it: godwit connect {}\n", printable(found_by_name ? profile_name(path) : path));
  return 0;
}

}  // namespace

int import_file(const ImportOptions& options) {
  const auto done = run_import(options);
  if (done) return *done;
  std::cout.flush();
  fmt::print(stderr, "godwit: {}\n        {}\n", done.error().what, done.error().remedy);
  return number(done.error().code);
}

}  // namespace godwit::client
