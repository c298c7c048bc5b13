#include "core/config/show.h"

#include "core/config/proposal.h"
#include "core/config/report.h"
#include "core/config/values.h"

namespace godwit::config {
namespace {

class Writer {
 public:
  void raw(std::string_view key, std::string_view value) {
    out_ += std::string(key) + " = " + std::string(value) + "\n";
  }
  void text(std::string_view key, std::string_view value) { raw(key, toml_string(value)); }
  void number(std::string_view key, std::size_t value) { raw(key, std::to_string(value)); }
  void boolean(std::string_view key, bool value) { raw(key, value ? "true" : "false"); }
  void duration(std::string_view key, Duration value) { text(key, duration_text(value)); }

  template <class T, class ToText>
  void list(std::string_view key, const std::vector<T>& values, ToText to_words) {
    std::string all;
    for (const T& value : values) all += (all.empty() ? "" : ", ") + toml_string(to_words(value));
    raw(key, "[" + all + "]");
  }

  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void show_secret(Writer& w, const std::string& kind, const SecretSource& secret) {
  using Kind = SecretSource::Kind;
  switch (secret.kind) {
    case Kind::kNone:
      return;
    case Kind::kFile:
      w.text(kind + "-source", "file");
      w.text(kind + "-file", secret.path);
      return;
    case Kind::kVpncSecret:
    case Kind::kVpncPassword:
      w.text(kind + "-source", "vpnc");
      w.text(kind + "-file", secret.path);
      return;
    case Kind::kAskpass:
      w.text(kind + "-source", "askpass");
      return;
    case Kind::kKeyring:
      w.text(kind + "-source", "keyring");
      return;
    case Kind::kStdin:
      w.text(kind + "-source", "stdin");
      return;
    case Kind::kPrompt:
      w.text(kind + "-source", "prompt");
      return;
    case Kind::kCommand:
      w.text(kind + "-source", "command");
      w.text("otp-command", secret.path);
      return;
    case Kind::kTotp:
      w.text(kind + "-source", "totp");
      w.text("totp-file", secret.path);
      return;
  }
}

void show_gateway(Writer& w, const Profile& p) {
  w.text("gateway", p.gateway);
  if (!p.backup_gateways.empty()) {
    w.list("backup-gateways", p.backup_gateways, [](const std::string& host) { return host; });
  } else {
    w.text("backup-gateways", p.learn_gateways ? "gateway" : "none");
  }
  w.number("gateway-port", p.gateway_port);
  w.number("gateway-natt-port", p.gateway_natt_port);
  w.number("local-port", p.local_port);
  w.number("local-natt-port", p.local_natt_port);
}

std::string_view auth_word(const Profile& p) {
  switch (p.auth) {
    case Authentication::kCertificate:
      return p.xauth ? "xauth-cert" : "cert";
    case Authentication::kHybrid:
      return "hybrid";
    case Authentication::kPsk:
      break;
  }
  return p.xauth ? "xauth-psk" : "psk";
}

void show_user(Writer& w, const Profile& p) {
  if (!p.user.empty()) w.text("user", p.user);
  if (!p.user_domain.empty()) w.text("user-domain", p.user_domain);
  show_secret(w, "password", p.password);
  w.boolean("keep-password", p.keep_password);
  w.text("otp", p.otp_place == OtpPlace::kAppend    ? "append"
                : p.otp_place == OtpPlace::kPrepend ? "prepend"
                                                    : "separate");
  show_secret(w, "otp", p.otp);
  w.boolean("xauth-optional", p.xauth_optional);
}

void show_authentication(Writer& w, const Profile& p) {
  w.text("mode", p.aggressive ? "aggressive" : "main");
  w.text("auth", auth_word(p));
  if (!p.cert_file.empty()) w.text("cert-file", p.cert_file);
  if (!p.key_file.empty()) w.text("key-file", p.key_file);
  show_secret(w, "key-passphrase", p.key_passphrase);
  if (!p.pkcs11_module.empty()) w.text("pkcs11-module", p.pkcs11_module);
  if (!p.ca_file.empty()) w.text("ca-file", p.ca_file);
  if (!p.crl_file.empty()) w.text("crl-file", p.crl_file);
  if (p.auth != Authentication::kPsk) w.text("revocation", revocation_word(p.revocation));
  if (!p.gateway_pins.empty()) w.list("gateway-cert-pin", p.gateway_pins, pin_text);
  if (!p.gateway_cert_file.empty()) w.text("gateway-cert-file", p.gateway_cert_file);
  if (!p.local_id.text.empty()) w.text("id", p.local_id.text);
  w.text("id-type", id_type_word(p.local_id.type));
  if (p.remote_id) {
    w.text("remote-id", p.remote_id->text);
    w.text("remote-id-type", id_type_word(p.remote_id->type));
  }
  if (p.auth == Authentication::kPsk) show_secret(w, "psk", p.psk);
  if (p.xauth) show_user(w, p);
  std::string askpass = p.askpass;
  for (const SecretSource* secret : {&p.psk, &p.key_passphrase}) {
    if (secret->kind == SecretSource::Kind::kAskpass) askpass = secret->path;
  }
  if (!askpass.empty()) w.text("askpass", askpass);
  if (!p.keyring_user.empty()) w.text("keyring-user", p.keyring_user);
}

void show_proposals(Writer& w, const Profile& p) {
  w.list("ike", p.ike, [](const crypto::IkeSuite& suite) { return to_text(suite); });
  w.list("esp", p.esp, [](const crypto::EspSuite& suite) { return to_text(suite); });
  w.text("pfs", p.pfs ? to_text(*p.pfs) : "none");
  w.duration("ike-lifetime", p.ike_lifetime);
  w.duration("esp-lifetime", p.esp_lifetime);
  if (p.esp_lifetime_bytes != 0) w.text("esp-lifetime-bytes", octets_text(p.esp_lifetime_bytes));
  const auto same = [](const std::string& word) { return word; };
  if (!p.weak.empty()) w.list("allow-weak", p.weak, same);
}

std::string prefix_text(const Prefix& prefix) { return prefix.to_string(); }

void show_inner(Writer& w, const Profile& p) {
  const auto same = [](const std::string& name) { return name; };
  w.boolean("l2tp", p.l2tp);
  if (!p.interface.empty()) w.text("interface", p.interface);
  w.number("mtu", p.mtu);
  if (!p.script.empty()) w.text("script", join_command(p.script));
  w.boolean("copy-dscp", p.copy_dscp);
  w.boolean("outer-fragments", p.outer_fragments);
  if (p.l2tp) return;  // what follows is refused then
  w.text("mode-config", p.mode_config == ConfigMode::kPull   ? "pull"
                        : p.mode_config == ConfigMode::kPush ? "push"
                        : p.mode_config == ConfigMode::kOff  ? "off"
                                                             : "auto");
  if (p.mode_config != ConfigMode::kOff) {
    w.boolean("ipv6-address", p.ask_ipv6);
    w.boolean("local-lan", p.local_lan);
  }
  w.text("ipv6", p.ipv6 == Ipv6::kBlock ? "block" : p.ipv6 == Ipv6::kAllow ? "allow" : "tunnel");
  w.text("kill-switch", p.kill_switch == KillSwitch::kOn    ? "on"
                        : p.kill_switch == KillSwitch::kLan ? "lan"
                                                            : "off");
  if (!p.application_version.empty()) w.text("application-version", p.application_version);
  if (!p.ddns_hostname.empty()) w.text("ddns-hostname", p.ddns_hostname);
  w.text("phase2", p.phase2 == PhaseTwo::kOne          ? "one"
                   : p.phase2 == PhaseTwo::kPerNetwork ? "per-network"
                                                       : "auto");
  if (!p.networks.empty()) {
    w.list("networks", p.networks, prefix_text);
  }
  if (!p.more_networks.empty()) w.list("add-networks", p.more_networks, prefix_text);
  if (!p.excluded_networks.empty()) w.list("exclude-networks", p.excluded_networks, prefix_text);
  if (p.prefer) w.text("prefer", *p.prefer == Prefer::kLocal ? "local" : "vpn");
  if (p.address) w.text("address", p.address->to_string());
  if (!p.dns.empty()) {
    w.list("dns", p.dns, [](const IpAddress& server) { return server.to_string(); });
  } else {
    w.text("dns", p.use_dns ? "gateway" : "none");
  }
  if (!p.search_domains.empty()) w.list("search-domains", p.search_domains, same);
  if (!p.routing_domains.empty()) w.list("routing-domains", p.routing_domains, same);
}

std::string_view natt_word(NatTraversal natt) {
  switch (natt) {
    case NatTraversal::kForce:
      return "force";
    case NatTraversal::kOff:
      return "off";
    case NatTraversal::kCiscoUdp:
      return "cisco-udp";
    case NatTraversal::kAuto:
      break;
  }
  return "auto";
}

void show_liveness(Writer& w, const Profile& p) {
  w.text("nat-traversal", natt_word(p.natt));
  if (p.natt == NatTraversal::kCiscoUdp) w.number("cisco-udp-port", p.cisco_udp_port);
  w.text("fragmentation", p.fragmentation == Fragmentation::kAlways ? "always"
                          : p.fragmentation == Fragmentation::kOff  ? "off"
                                                                    : "auto");
  w.duration("keepalive", p.keepalive);
  w.duration("dpd-delay", p.dpd_delay);
  w.number("dpd-attempts", static_cast<std::size_t>(p.dpd_attempts));
  w.duration("reconnect", p.reconnect);
  w.boolean("initial-contact", p.initial_contact);
  const auto same = [](const std::string& word) { return word; };
  if (!p.quirks) {
    w.text("quirks", "auto");
  } else if (p.quirks->empty()) {
    w.text("quirks", "none");
  } else {
    w.list("quirks", *p.quirks, same);
  }
}

}  // namespace

std::string show_profile(const Profile& profile) {
  Writer w;
  show_gateway(w, profile);
  show_authentication(w, profile);
  show_proposals(w, profile);
  show_inner(w, profile);
  show_liveness(w, profile);
  return w.take();
}

}  // namespace godwit::config
