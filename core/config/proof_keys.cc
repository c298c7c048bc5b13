#include "core/config/proof_keys.h"

#include "core/base/limits.h"

namespace godwit::config {
namespace {

class ProofKeys {
 public:
  ProofKeys(Settings& in, Report& report, Profile& profile)
      : in_(in), report_(report), profile_(profile) {}

  void read() {
    read_exchange();
    read_secrets();
  }

 private:
  Where value_of(std::string_view key) const { return in_.find(key)->value.where; }
  Where key_of(std::string_view key) const { return in_.find(key)->key_where; }

  void read_exchange() {
    if (const auto mode = in_.choice("mode")) profile_.aggressive = *mode == "aggressive";
    const auto auth = in_.choice("auth");
    profile_.xauth = auth == "xauth-psk" || auth == "xauth-cert" || auth == "hybrid";
    if (auth == "cert" || auth == "xauth-cert") profile_.auth = Authentication::kCertificate;
    if (auth == "hybrid") profile_.auth = Authentication::kHybrid;
    read_certificates();
    if (profile_.xauth || (in_.mentions("auth") && !auth)) return;
    in_.refuse({"user", "password-file", "password-source"}, "is used only with XAuth",
               "write auth = \"xauth-psk\", or remove this key");
  }

  void read_certificates() {
    Profile& p = profile_;
    for (auto [key, file] :
         {std::pair("cert-file", &p.cert_file), std::pair("key-file", &p.key_file),
          std::pair("ca-file", &p.ca_file), std::pair("crl-file", &p.crl_file)}) {
      *file = in_.path(key).value_or("");
    }
    if (profile_.auth == Authentication::kPsk) {
      in_.refuse({"ca-file", "crl-file"}, "is used only with certificates",
                 "write auth = \"cert\" or \"hybrid\", or remove this key");
    } else {
      in_.refuse({"psk-file", "psk-source"}, "is not read with this auth",
                 "remove it, or write auth = \"psk\"");
      in_.need("auth", {"ca-file"});
    }
    if (profile_.auth == Authentication::kCertificate)
      return in_.need("auth", {"cert-file", "key-file"});
    in_.refuse({"cert-file", "key-file"}, "is used only with a certificate of ours",
               "write auth = \"cert\" or \"xauth-cert\", or remove this key");
  }

  void read_secrets() {
    const auto askpass = in_.path("askpass");
    const SecretSource psk = read_secret("psk", askpass);
    if (profile_.auth == Authentication::kPsk) profile_.psk = psk;
    const SecretSource password = read_secret("password", askpass);
    if (profile_.xauth) profile_.password = password;
    if (const auto user = in_.text("user")) {
      profile_.user = *user;
      if (user->size() > limits::kXauthFieldMax) {
        report_.add(value_of("user"), "user has " + std::to_string(user->size()) + " octets",
                    "at most " + std::to_string(limits::kXauthFieldMax) + " are sent");
      }
    }
    const bool asked = profile_.psk.kind == SecretSource::Kind::kAskpass ||
                       password.kind == SecretSource::Kind::kAskpass;
    if (askpass && !asked) {
      report_.add(key_of("askpass"), "askpass is set, but no secret comes from it",
                  "remove it, or the file or source named for the secret it should ask for");
    }
  }

  SecretSource read_secret(const std::string& kind, const std::optional<std::string>& askpass) {
    using Kind = SecretSource::Kind;
    const std::string file_key = kind + "-file";
    const std::string source_key = kind + "-source";
    const auto file = in_.path(file_key);
    const auto source = in_.choice(source_key);
    if (!source) {
      if (file) return {Kind::kFile, *file};
      // XAuth alone has a password; without it a spare askpass must not look used.
      if (askpass && (kind == "psk" || profile_.xauth)) return {Kind::kAskpass, *askpass};
      return {Kind::kPrompt, {}};
    }
    if (*source != "file" && in_.find(file_key) != nullptr) {
      report_.add(key_of(file_key),
                  file_key + " is not read, for " + source_key + " = " + quote(*source),
                  "remove one of the two");
    }
    if (*source == "file") {
      if (!in_.mentions(file_key)) report_needs(source_key, *source, file_key);
      return {Kind::kFile, file.value_or("")};
    }
    if (*source == "askpass") {
      if (!in_.mentions("askpass")) report_needs(source_key, *source, "askpass");
      return {Kind::kAskpass, askpass.value_or("")};
    }
    return {*source == "stdin" ? Kind::kStdin : Kind::kPrompt, {}};
  }

  void report_needs(const std::string& key, const std::string& word, const std::string& other) {
    report_.add(value_of(key), key + " = " + quote(word) + " needs " + other,
                "write " + other + " = " + std::string(find_option(other)->example));
  }

  Settings& in_;
  Report& report_;
  Profile& profile_;
};

}  // namespace

void read_proof_keys(Settings& in, Report& report, Profile& profile) {
  ProofKeys(in, report, profile).read();
}

}  // namespace godwit::config
