#include "client/keyring.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "client/child.h"
#include "client/secrets.h"
#include "client/words.h"
#include "platform/caps.h"

namespace godwit::client {
namespace {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
};

template <class Look>
std::optional<Account> account(Look look) {
  std::vector<char> storage(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (look(&entry, storage.data(), storage.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return Account{found->pw_name, found->pw_uid, found->pw_gid, found->pw_dir};
}

std::optional<Account> account_named(const std::string& name) {
  return account([&](auto... rest) { return getpwnam_r(name.c_str(), rest...); });
}

std::optional<Account> account_of(uid_t uid) {
  return account([&](auto... rest) { return getpwuid_r(uid, rest...); });
}

std::optional<uid_t> uid_of_sudo() {
  const char* text = geteuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
  if (text == nullptr) return std::nullopt;
  uid_t uid = 0;
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, uid);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return uid;
}

Failure bad(std::string what, std::string remedy) {
  return failure(ExitCode::kSecret, std::move(what), std::move(remedy));
}

Result<Account, Failure> owner_of_keyring(const config::Profile& profile) {
  std::optional<Account> owner;
  if (!profile.keyring_user.empty()) {
    owner = account_named(profile.keyring_user);
    if (!owner) {
      return fail(bad(fmt::format("there is no user {}", printable(profile.keyring_user)),
                      "write the name of a user of this machine as keyring-user"));
    }
  } else {
    const uid_t uid = uid_of_sudo().value_or(geteuid());
    if (uid == 0) {
      return fail(bad("root has no keyring, and nobody else is known",
                      "write keyring-user in the profile"));
    }
    owner = account_of(uid);
    if (!owner) return fail(bad(fmt::format("user {} has no name", uid), "write keyring-user"));
  }
  if (geteuid() != 0 && owner->uid != geteuid()) {
    return fail(bad(fmt::format("only root can ask in the keyring of {}", owner->name),
                    "run it with sudo, or remove keyring-user"));
  }
  return *owner;
}

// What a session of that user would have, as far as secret-tool needs it.
Child::Person person(const Account& account) {
  Child::Person out{account.uid, account.gid, {}, {}};
  int count = 64;
  out.groups.resize(static_cast<std::size_t>(count));
  if (getgrouplist(account.name.c_str(), account.gid, out.groups.data(), &count) < 0) {
    out.groups = {account.gid};
  } else {
    out.groups.resize(static_cast<std::size_t>(count));
  }
  const std::string folder = fmt::format("/run/user/{}", account.uid);
  out.environment = {"PATH=/usr/local/bin:/usr/bin:/bin",
                     "HOME=" + account.home,
                     "USER=" + account.name,
                     "LOGNAME=" + account.name,
                     "XDG_RUNTIME_DIR=" + folder,
                     "DBUS_SESSION_BUS_ADDRESS=unix:path=" + folder + "/bus"};
  return out;
}

}  // namespace

std::vector<std::string> keyring_attributes(const std::string& profile, std::string_view kind) {
  return {"application", "godwit", "profile", profile, "secret", std::string(kind)};
}

Result<SecretBytes, Failure> ask_keyring(const config::Profile& profile, std::string_view kind,
                                         int cancel_fd, const std::string& program) {
  if (program == kSecretTool && access(kSecretTool, X_OK) != 0) {
    return fail(bad(fmt::format("{} is not there to ask the keyring", kSecretTool),
                    "install libsecret-tools (Debian) or libsecret (Fedora)"));
  }
  const Account owner = GODWIT_TRY(owner_of_keyring(profile));
  Child::Command command{program, {"lookup"}, false, {}};
  const auto attributes = keyring_attributes(profile.name, kind);
  command.arguments.insert(command.arguments.end(), attributes.begin(), attributes.end());
  if (owner.uid != geteuid()) {
    if (!platform::may_change_user()) {
      return fail(bad(fmt::format("godwit may not become {} to ask in that keyring", owner.name),
                      "in a unit, add CapabilityBoundingSet=CAP_SETUID CAP_SETGID"));
    }
    command.person = person(owner);
  }
  Child child = GODWIT_TRY(Child::start(command));
  auto secret = read_secret_line(child.out(), cancel_fd);
  const bool well = child.finish(secret.has_value(), cancel_fd);
  if (!secret && secret.error().code == ExitCode::kInterrupted) return secret;
  if (secret && well) return secret;
  return fail(bad(fmt::format("the keyring of {} is locked, or holds no {} for {}", owner.name,
                              kind, printable(profile.name)),
                  fmt::format("log in as {0} and run `secret-tool store --label='godwit {1}' "
                              "application godwit profile {1} secret {2}`",
                              owner.name, printable(profile.name), kind)));
}

}  // namespace godwit::client
