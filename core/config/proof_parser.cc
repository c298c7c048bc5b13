#include "core/config/proof_parser.h"

#include "core/config/values.h"

namespace godwit::config {
namespace {

constexpr std::size_t kPinsMax = 8;  // a key and its successors

constexpr std::string_view kOnlyCertificates = "is used only with certificates";
constexpr std::string_view kWriteAuth = "write auth = \"cert\" or \"hybrid\", or remove this key";

class ProofBuilder {
 public:
  ProofBuilder(Settings& in, Report& report, Profile& profile)
      : in_(in), report_(report), profile_(profile) {}

  void read() { read_exchange(); }

 private:
  Where value_of(std::string_view key) const { return in_.find(key)->value.where; }

  void read_exchange() {
    if (const auto mode = in_.choice("mode")) profile_.aggressive = *mode == "aggressive";
    const auto auth = in_.choice("auth");
    profile_.xauth = auth == "xauth-psk" || auth == "xauth-cert" || auth == "hybrid";
    if (auth == "cert" || auth == "xauth-cert") profile_.auth = Authentication::kCertificate;
    if (auth == "hybrid") profile_.auth = Authentication::kHybrid;
    read_certificates();
    read_pins();
    read_revocation();
    check_certificates();
    if (profile_.xauth || (in_.mentions("auth") && !auth)) return;
    in_.refuse({"user", "user-domain", "password-file", "password-source", "otp-source",
                "otp-command", "totp-file"},
               "is used only with XAuth", "write auth = \"xauth-psk\", or remove this key");
  }

  void read_certificates() {
    Profile& p = profile_;
    p.cert_file = in_.path_or_uri("cert-file").value_or("");
    p.key_file = in_.path_or_uri("key-file").value_or("");
    for (auto [key, file] : {std::pair("ca-file", &p.ca_file), std::pair("crl-file", &p.crl_file),
                             std::pair("gateway-cert-file", &p.gateway_cert_file),
                             std::pair("pkcs11-module", &p.pkcs11_module)}) {
      *file = in_.path(key).value_or("");
    }
  }

  void read_pins() {
    const auto pins = in_.list("gateway-cert-pin", kPinsMax);
    if (!pins) return;
    if (pins->empty() && in_.find("gateway-cert-pin")->items.empty()) {
      report_.add(value_of("gateway-cert-pin"), "gateway-cert-pin lists no pin",
                  "remove it, or write one");
    }
    for (const Item& item : *pins) {
      if (auto pin = parse_pin(item.text)) {
        profile_.gateway_pins.push_back(*pin);
      } else {
        report_.add(item.where, std::move(pin.error()));
      }
    }
  }

  // `strict` without lists, and lists that nobody reads, are mistakes.
  void read_revocation() {
    const auto word = in_.choice("revocation");
    if (!word) return;
    profile_.revocation = parse_revocation(*word);
    using enum crypto::Revocation;
    if (profile_.auth == Authentication::kPsk) {
      if (profile_.revocation != kRelaxed)
        in_.refuse({"revocation"}, kOnlyCertificates, kWriteAuth);
      return;
    }
    if (profile_.revocation == kOff && in_.mentions("crl-file")) {
      report_.add(value_of("revocation"), "crl-file is not read, for revocation = \"off\"",
                  "remove one of the two");
    }
    if (profile_.revocation == kStrict) in_.need("revocation", {"crl-file"});
    // Without an authority nobody could revoke anything.
    if (profile_.revocation == kStrict || profile_.revocation == kIfUri) {
      in_.need("revocation", {"ca-file"});
    }
  }

  void check_certificates() {
    if (profile_.auth == Authentication::kPsk) {
      in_.refuse({"ca-file", "crl-file", "gateway-cert-pin", "gateway-cert-file"},
                 kOnlyCertificates, kWriteAuth);
    } else {
      in_.refuse({"psk-file", "psk-source"}, "is not read with this auth",
                 "remove it, or write auth = \"psk\"");
      const bool pinned = in_.mentions("gateway-cert-pin") || in_.mentions("gateway-cert-file");
      if (!pinned) in_.need("auth", {"ca-file"});
      if (pinned && !in_.mentions("ca-file")) {
        in_.refuse({"crl-file"}, "is used only with ca-file",
                   "a pinned key without an authority cannot be revoked; remove this key");
      }
    }
    if (is_pkcs12_name(profile_.ca_file) && profile_.ca_file != profile_.cert_file) {
      report_.add(value_of("ca-file"), "ca-file names another PKCS#12 file than cert-file",
                  "write the authorities in PEM: openssl pkcs12 -nokeys -cacerts -in FILE");
    }
    if (profile_.auth == Authentication::kCertificate) return check_own_key();
    in_.refuse(
        {"cert-file", "key-file", "key-passphrase-source", "key-passphrase-file", "pkcs11-module"},
        "is used only with a certificate of ours",
        "write auth = \"cert\" or \"xauth-cert\", or remove this key");
  }

  void check_own_key() {
    const Profile& p = profile_;
    in_.need("auth", {"cert-file"});
    const bool token = is_token_uri(p.cert_file) || is_token_uri(p.key_file);
    if (is_pkcs12_name(p.cert_file)) {
      in_.refuse({"key-file"},
                 "is not read, for the key is in the PKCS#12 file that cert-file names",
                 "remove this key");
    } else if (!is_token_uri(p.cert_file) && !in_.is_unclear("cert-file")) {
      in_.need("auth", {"key-file"});
    }
    if (is_pkcs12_name(p.key_file)) {
      in_.refuse({"key-file"}, "names a PKCS#12 file",
                 "write it as cert-file, and remove key-file: it holds both");
    }
    if (token || in_.is_unclear("cert-file") || in_.is_unclear("key-file")) return;
    in_.refuse({"pkcs11-module"}, "is used only with a pkcs11: URI",
               "write cert-file = \"pkcs11:token=...\", or remove this key");
  }

  Settings& in_;
  Report& report_;
  Profile& profile_;
};

}  // namespace

void read_proof(Settings& in, Report& report, Profile& profile) {
  ProofBuilder(in, report, profile).read();
}

}  // namespace godwit::config
