// Secrets of a keyring, with a fake secret-tool, and those of the service manager.
#include "client/keyring.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "client/service_credentials.h"
#include "tests/unit/client/temp_dir.h"

using namespace godwit;
using namespace godwit::client;
using Kind = config::SecretSource::Kind;

namespace {

struct Keyring {
  ~Keyring() { close(cancel); }

  std::string tool(const std::string& does) const {
    REQUIRE(chmod(dir.path().c_str(), 0777) == 0);  // others write what they were asked
    return dir.file("secret-tool",
                    "#!/bin/sh\n{ echo \"$*\"; id -u; echo \"$DBUS_SESSION_BUS_ADDRESS\"; } > " +
                        dir.path() + "/asked\n" + does + "\n",
                    0755);
  }
  std::string ask(const std::string& does, std::string_view kind = "password") const {
    const auto secret = ask_keyring(profile, kind, cancel, tool(does));
    if (!secret) return secret.error().what + "; " + secret.error().remedy;
    return {secret->expose().begin(), secret->expose().end()};
  }
  std::string asked() const {
    std::ifstream file(dir.path() + "/asked");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TempDir dir;
  config::Profile profile;
  int cancel = eventfd(0, EFD_CLOEXEC);
};

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

}  // namespace

TEST_CASE("the keyring is asked as its user, on the user's bus") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root asks for others");
    return;
  }
  Keyring keyring;
  keyring.profile.name = "office";
  SUBCASE("of the profile") { keyring.profile.keyring_user = "nobody"; }
  SUBCASE("of sudo") { setenv("SUDO_UID", "65534", 1); }
  CHECK(keyring.ask("printf s3cret") == "s3cret");
  unsetenv("SUDO_UID");
  CHECK(keyring.asked() ==
        "lookup application godwit profile office secret password\n65534\n"
        "unix:path=/run/user/65534/bus\n");
}

TEST_CASE("a keyring without the secret says which command puts it there") {
  Keyring keyring;
  keyring.profile.name = "office";
  if (geteuid() == 0) keyring.profile.keyring_user = "nobody";
  for (const char* does : {"exit 1", "echo s3cret; exit 1", ":"}) {
    CAPTURE(std::string(does));
    const std::string said = keyring.ask(does, "psk");
    CHECK(said.find("holds no psk for office; log in as ") != std::string::npos);
    CHECK(said.find("`secret-tool store --label='godwit office' application godwit profile office "
                    "secret psk`") != std::string::npos);
    CHECK(said.find("s3cret") == std::string::npos);
  }
}

TEST_CASE("without a user there is no keyring") {
  Keyring keyring;
  keyring.profile.keyring_user = "nobody-of-that-name";
  CHECK(keyring.ask("echo x").starts_with("there is no user nobody-of-that-name; "));
  if (geteuid() != 0) return;
  keyring.profile.keyring_user.clear();
  CHECK(keyring.ask("echo x").starts_with("root has no keyring, and nobody else is known; "));
}

TEST_CASE("credentials of the service manager take the place of questions") {
  const TempDir dir;
  config::Profile profile;
  profile.name = "office";
  profile.xauth = true;
  profile.psk = {Kind::kPrompt, {}};
  profile.password = {Kind::kAskpass, "/usr/bin/ssh-askpass"};
  profile.otp = {Kind::kPrompt, {}};
  profile.key_passphrase = {Kind::kNone, {}};
  for (const char* name :
       {"office.psk", "office.password", "office.totp", "office.key-passphrase", "other.psk"}) {
    dir.file(name, "x");
  }
  const auto before = profile;
  use_service_credentials(profile);
  CHECK(profile.psk == before.psk);  // no service
  const Variable folder("CREDENTIALS_DIRECTORY", dir.path());
  use_service_credentials(profile);
  CHECK(profile.psk == config::SecretSource{Kind::kFile, dir.path() + "/office.psk"});
  CHECK(profile.password == config::SecretSource{Kind::kFile, dir.path() + "/office.password"});
  CHECK(profile.otp == config::SecretSource{Kind::kTotp, dir.path() + "/office.totp"});
  CHECK(profile.key_passphrase.kind == Kind::kNone);  // nobody asks for one

  auto named = before;
  named.psk = {Kind::kFile, "/etc/godwit/office.psk"};
  named.password = {Kind::kKeyring, {}};
  const auto kept = named;
  use_service_credentials(named);
  CHECK(named.psk == kept.psk);
  CHECK(named.password == kept.password);

  auto other = before;
  other.name = "home";
  use_service_credentials(other);
  CHECK(other.psk.kind == Kind::kPrompt);
}
