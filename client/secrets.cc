#include "client/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "client/fd.h"
#include "core/importers/importers.h"

namespace godwit::client {
namespace {

constexpr std::size_t kKeyFileMax = 64 * 1024;

Failure bad(std::string what, std::string remedy = {}) {
  return failure(ExitCode::kSecret, std::move(what), std::move(remedy));
}

// Root, whoever runs us, or whoever ran sudo to run us.
bool may_own_secrets(uid_t owner) {
  if (owner == 0 || owner == geteuid() || owner == getuid()) return true;
  const char* sudo = geteuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
  if (sudo == nullptr) return false;
  uid_t uid = 0;
  const char* end = sudo + std::strlen(sudo);
  const auto parsed = std::from_chars(sudo, end, uid);
  return parsed.ec == std::errc() && parsed.ptr == end && uid == owner;
}

std::optional<Failure> refuse_file(const std::string& path, const struct stat& st,
                                   std::size_t size_max) {
  if (!S_ISREG(st.st_mode)) return bad(fmt::format("{} is not a regular file", path));
  if (!may_own_secrets(st.st_uid)) {
    return bad(fmt::format("{} belongs to another user (uid {})", path, st.st_uid),
               fmt::format("chown root {}", path));
  }
  if ((st.st_mode & 077) != 0) {
    return bad(fmt::format("others may read or change {} (mode {:04o})", path, st.st_mode & 07777),
               fmt::format("chmod 600 {}", path));
  }
  if (st.st_size == 0) return bad(fmt::format("{} is empty", path));
  if (st.st_size > static_cast<off_t>(size_max)) {
    return bad(fmt::format("{} is too long for a secret ({} octets, at most {})", path, st.st_size,
                           size_max));
  }
  return std::nullopt;
}

// Removes one newline; refuses what no pre-shared key or password may be.
Result<SecretBytes, Failure> checked(SecretBytes&& secret, std::string_view from) {
  if (!secret.empty() && secret.expose().back() == '\n') secret.truncate(secret.size() - 1);
  if (secret.empty()) return fail(bad(fmt::format("{} is empty", from)));
  if (std::ranges::find(secret.expose(), std::uint8_t{0}) != secret.expose().end()) {
    return fail(bad(fmt::format("{} holds a NUL octet", from),
                    "write a binary key as 0x and hexadecimal digits"));
  }
  return std::move(secret);
}

int hex_digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int base64_digit(std::uint8_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

std::optional<SecretBytes> from_hex(Bytes text) {
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  SecretBytes out(text.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.fill()[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

std::optional<SecretBytes> from_base64(Bytes text) {
  std::size_t digits = text.size();
  while (digits > 0 && text.size() - digits < 2 && text[digits - 1] == '=') --digits;
  if (digits == 0 || digits % 4 == 1) return std::nullopt;
  if (digits != text.size() && text.size() % 4 != 0) return std::nullopt;
  SecretBytes out(digits * 6 / 8);
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t used = 0;
  for (const std::uint8_t c : text.first(digits)) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.fill()[used++] = static_cast<std::uint8_t>(bits >> held);
  }
  return out;
}

// The octets of a file that nobody else can read.
Result<SecretBytes, Failure> read_private_file(const std::string& path, std::size_t size_max) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK));
  if (!fd) {
    if (errno == ELOOP) {
      return fail(bad(fmt::format("{} is a symbolic link", path), "name the file itself"));
    }
    return fail(bad(fmt::format("cannot read {}: {}", path, std::strerror(errno))));
  }
  struct stat st {};
  if (fstat(fd.get(), &st) != 0) {
    return fail(bad(fmt::format("cannot read {}: {}", path, std::strerror(errno))));
  }
  if (auto refusal = refuse_file(path, st, size_max)) return fail(std::move(*refusal));
  SecretBytes secret(size_max + 1);
  std::size_t used = 0;
  while (used < secret.size()) {
    const ssize_t got = read(fd.get(), secret.fill().data() + used, secret.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(bad(fmt::format("cannot read {}: {}", path, std::strerror(errno))));
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  if (used > size_max) return fail(bad(fmt::format("{} is too long for a secret", path)));
  secret.truncate(used);
  return secret;
}

Result<SecretBytes, Failure> read_vpnc_secret(
    const std::string& path, std::optional<SecretBytes> (*find)(std::string_view text),
    const char* directive) {
  const SecretBytes file = GODWIT_TRY(read_private_file(path, kKeyFileMax));
  const Bytes text = file.expose();
  auto secret = find({reinterpret_cast<const char*>(text.data()), text.size()});
  if (secret) return std::move(*secret);
  return fail(bad(fmt::format("{} has no {}", path, directive),
                  "write it into the file, or name another source in the profile"));
}

}  // namespace

Result<SecretBytes, Failure> read_secret_file(const std::string& path) {
  return checked(GODWIT_TRY(read_private_file(path, kSecretMax)), path);
}

Result<SecretBytes, Failure> read_key_file(const std::string& path) {
  return read_private_file(path, kKeyFileMax);
}

Result<SecretBytes, Failure> decode_psk(SecretBytes&& written) {
  const Bytes text = written.expose();
  if (text.size() < 2 || text[0] != '0' || (text[1] != 'x' && text[1] != 's')) {
    return std::move(written);
  }
  const bool hex = text[1] == 'x';
  auto decoded = hex ? from_hex(text.subspan(2)) : from_base64(text.subspan(2));
  if (!decoded) {
    return fail(bad(hex ? "the pre-shared key begins with 0x but is not hexadecimal"
                        : "the pre-shared key begins with 0s but is not base64",
                    "write the key in that form, or as 0x and the hexadecimal digits of its text"));
  }
  return std::move(*decoded);
}

Result<SecretBytes, Failure> read_secret_line(int fd, int cancel_fd) {
  SecretBytes line(kSecretMax + 1);
  std::size_t used = 0;
  while (used < line.size()) {
    if (!wait_readable(fd, cancel_fd)) return fail(failure(ExitCode::kInterrupted, {}));
    const ssize_t got = read(fd, line.fill().data() + used, 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail(bad(fmt::format("cannot read a secret: {}", std::strerror(errno))));
    if (got == 0) break;
    if (line.fill()[used++] == '\n') break;
  }
  if (used > kSecretMax) return fail(bad("the secret is too long"));
  line.truncate(used);
  return checked(std::move(line), "the secret that was given");
}

Result<SecretBytes, Failure> obtain_secret(const config::SecretSource& source,
                                           const std::string& prompt, int cancel_fd) {
  switch (source.kind) {
    case config::SecretSource::Kind::kFile:
      return read_secret_file(source.path);
    case config::SecretSource::Kind::kVpncSecret:
      return read_vpnc_secret(source.path, importers::vpnc_group_secret, "IPSec secret");
    case config::SecretSource::Kind::kVpncPassword:
      return read_vpnc_secret(source.path, importers::vpnc_user_password, "Xauth password");
    case config::SecretSource::Kind::kAskpass:
    case config::SecretSource::Kind::kCommand:
      return run_askpass(source.path, prompt, cancel_fd);
    case config::SecretSource::Kind::kStdin:
      // A terminal would show what is typed.
      if (isatty(STDIN_FILENO) != 0) return ask_terminal(prompt, false, cancel_fd);
      return read_secret_line(STDIN_FILENO, cancel_fd);
    case config::SecretSource::Kind::kKeyring:  // was asked at the start, or never
      return fail(failure(ExitCode::kInputNeeded, "the keyring is asked at the start only"));
    case config::SecretSource::Kind::kPrompt:
    case config::SecretSource::Kind::kNone:
    case config::SecretSource::Kind::kTotp:
      return ask_terminal(prompt, false, cancel_fd);
  }
  return ask_terminal(prompt, false, cancel_fd);
}

}  // namespace godwit::client
