#include "core/config/secret_parser.h"

#include "core/base/limits.h"
#include "core/config/settings.h"

namespace godwit::config {
namespace {

using Kind = SecretSource::Kind;

class SecretReader {
 public:
  SecretReader(Settings& settings, Report& report, Profile& profile)
      : in_(settings), report_(report), profile_(profile) {}

  void read() {
    const auto askpass = in_.path("askpass");
    const SecretSource psk = read_source("psk", askpass);
    if (profile_.auth == Authentication::kPsk) profile_.psk = psk;
    const SecretSource passphrase = read_source("key-passphrase", askpass);
    if (profile_.auth == Authentication::kCertificate) profile_.key_passphrase = passphrase;
    const SecretSource password = read_source("password", askpass);
    const SecretSource otp = read_otp(askpass);
    read_name("user", profile_.user);
    read_name("user-domain", profile_.user_domain);
    const auto keep = in_.boolean("keep-password");
    const auto place = in_.choice("otp");
    const auto optional = in_.boolean("xauth-optional");
    read_keyring(password, keep.value_or(true));
    if (profile_.xauth) {
      profile_.password = password;
      profile_.keep_password = keep.value_or(true);
      profile_.otp = otp;
      profile_.otp_place = place == "append"    ? OtpPlace::kAppend
                           : place == "prepend" ? OtpPlace::kPrepend
                                                : OtpPlace::kSeparate;
      profile_.askpass = askpass.value_or("");
      profile_.xauth_optional = optional.value_or(false);
    }
    // With XAuth the gateway may ask for something that no other key answers.
    const bool asked = profile_.xauth || profile_.psk.kind == Kind::kAskpass ||
                       profile_.key_passphrase.kind == Kind::kAskpass;
    if (askpass && !asked) {
      report_.add(key_of("askpass"), "askpass is set, but no secret comes from it",
                  "remove it, or the file or source named for the secret it should ask for");
    }
  }

 private:
  // The keyring is asked while this process may still become its user, and never again.
  void read_keyring(const SecretSource& password, bool keep) {
    const auto user = in_.text("keyring-user");
    const bool asked = profile_.psk.kind == Kind::kKeyring ||
                       profile_.key_passphrase.kind == Kind::kKeyring ||
                       (profile_.xauth && password.kind == Kind::kKeyring);
    if (user && !asked) {
      report_.add(key_of("keyring-user"), "keyring-user is set, but no secret is in a keyring",
                  "write password-source = \"keyring\", or remove this key");
    }
    if (profile_.xauth && password.kind == Kind::kKeyring && !keep) {
      report_.add(key_of("keep-password"),
                  "a password of the keyring is read once, at the start, and has to be kept",
                  "remove keep-password, or write password-source = \"askpass\"");
    }
    profile_.keyring_user = user.value_or("");
  }

  Where value_of(std::string_view key) const { return in_.find(key)->value.where; }
  Where key_of(std::string_view key) const { return in_.find(key)->key_where; }

  void read_name(const std::string& key, std::string& out) {
    const auto name = in_.text(key);
    if (!name) return;
    out = *name;
    if (name->size() > limits::kXauthFieldMax) {
      report_.add(value_of(key), key + " has " + std::to_string(name->size()) + " octets",
                  "at most " + std::to_string(limits::kXauthFieldMax) + " are sent");
    }
  }

  SecretSource read_source(const std::string& kind, const std::optional<std::string>& askpass) {
    const std::string file_key = kind + "-file";
    const std::string source_key = kind + "-source";
    const auto file = in_.path(file_key);
    const auto source = in_.choice(source_key);
    if (!source) {
      if (file) return {Kind::kFile, *file};
      // XAuth alone has a password; without it a spare askpass must not look used.
      if (askpass && (kind != "password" || profile_.xauth)) return {Kind::kAskpass, *askpass};
      return {Kind::kPrompt, {}};
    }
    if (*source == "vpnc") {
      return needing(source_key, *source, file_key, file,
                     kind == "psk" ? Kind::kVpncSecret : Kind::kVpncPassword);
    }
    if (*source != "file") report_unread(source_key, *source, file_key);
    if (*source == "file") return needing(source_key, *source, file_key, file, Kind::kFile);
    if (*source == "askpass") {
      return needing(source_key, *source, "askpass", askpass, Kind::kAskpass);
    }
    if (*source == "keyring") return {Kind::kKeyring, {}};
    return {*source == "stdin" ? Kind::kStdin : Kind::kPrompt, {}};
  }

  // A file cannot hold what serves once.
  SecretSource read_otp(const std::optional<std::string>& askpass) {
    const auto command = in_.path("otp-command");
    const auto totp = in_.path("totp-file");
    const auto source = in_.choice("otp-source");
    if (!source) {
      if (command && totp) {
        report_.add(key_of("totp-file"), "totp-file and otp-command both give one-time passwords",
                    "remove one of the two");
      }
      if (command) return {Kind::kCommand, *command};
      if (totp) return {Kind::kTotp, *totp};
      if (askpass) return {Kind::kAskpass, *askpass};
      return {Kind::kPrompt, {}};
    }
    if (*source != "command") report_unread("otp-source", *source, "otp-command");
    if (*source != "totp") report_unread("otp-source", *source, "totp-file");
    if (*source == "command") {
      return needing("otp-source", *source, "otp-command", command, Kind::kCommand);
    }
    if (*source == "totp") return needing("otp-source", *source, "totp-file", totp, Kind::kTotp);
    if (*source == "askpass") {
      return needing("otp-source", *source, "askpass", askpass, Kind::kAskpass);
    }
    return {*source == "stdin" ? Kind::kStdin : Kind::kPrompt, {}};
  }

  void report_unread(const std::string& key, const std::string& word, const std::string& other) {
    if (in_.find(other) == nullptr) return;
    report_.add(key_of(other), other + " is not read, for " + key + " = " + quote(word),
                "remove one of the two");
  }

  SecretSource needing(const std::string& key, const std::string& word, const std::string& other,
                       const std::optional<std::string>& path, Kind kind) {
    if (!in_.mentions(other)) {
      report_.add(value_of(key), key + " = " + quote(word) + " needs " + other,
                  "write " + other + " = " + std::string(find_option(other)->example));
    }
    return {kind, path.value_or("")};
  }

  Settings& in_;
  Report& report_;
  Profile& profile_;
};

}  // namespace

void read_secrets(Settings& in, Report& report, Profile& profile) {
  SecretReader(in, report, profile).read();
}

}  // namespace godwit::config
