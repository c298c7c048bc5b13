// swanctl.conf and ipsec.conf, with their secrets.
#include "core/config/proposal.h"
#include "core/importers/settings_tree.h"
#include "tests/unit/importers/samples.h"

using namespace godwit;
using namespace godwit::importers;

namespace {

constexpr const char* kSecrets =
    "# ipsec.secrets\n"
    ": RSA alice.key \"open sesame\"\n"
    "@other.example.com : PSK \"wrong\"\n"
    "sales @vpn.example.com : PSK \"hunter2 group\"\n"
    "bob : XAUTH \"wrong\"\n"
    "alice : XAUTH \"correct horse\"\n"
    "%any 192.0.2.1 : PSK 0sc3dhbGxvdw==\n";

Result<Imported, Refusal> chosen(const std::string& name, const std::string& connection) {
  const std::string text = sample(name);
  const auto format = detect(text, name);
  REQUIRE(format.has_value());
  Source source;
  source.text = text;
  source.file = name;
  source.stem = "/etc/godwit/office";
  source.connection = connection;
  source.secrets = kSecrets;
  return import_profile(*format, source);
}

Taken take_one(const std::string& name, const std::string& connection) {
  auto imported = chosen(name, connection);
  REQUIRE_MESSAGE(imported.has_value(), (imported ? "" : imported.error().what));
  INFO(imported->profile);
  auto profile = config::parse_profile(imported->profile, name, "office");
  REQUIRE(profile.has_value());
  Taken taken{std::move(*profile), imported->profile, "", std::move(imported->companions)};
  for (const Remark& one : imported->remarks) taken.remarks += one.to_string() + "\n";
  return taken;
}

std::string refusal(const std::string& name, const std::string& connection) {
  const auto imported = chosen(name, connection);
  return imported ? "" : imported.error().what;
}

std::vector<std::string> words(const std::vector<crypto::IkeSuite>& suites) {
  std::vector<std::string> out;
  for (const auto& suite : suites) out.push_back(config::to_text(suite));
  return out;
}

std::string tree_fault(std::string_view text) {
  const auto tree = SettingsTree::parse(text);
  return tree ? "" : std::to_string(tree.error().line) + ": " + tree.error().message;
}

}  // namespace

TEST_CASE("a connection of swanctl.conf and the secrets that are its own") {
  const Taken home = take("swanctl.conf");
  const config::Profile& p = home.profile;
  CHECK(p.gateway == "vpn.example.com");
  CHECK(p.backup_gateways == std::vector<std::string>{"vpn2.example.com"});
  CHECK(p.aggressive);
  CHECK(p.xauth);
  CHECK(p.auth == config::Authentication::kPsk);
  CHECK(p.user == "alice");
  CHECK(p.local_id == config::Identity{config::Identity::Type::kKeyId, "sales"});
  CHECK(p.remote_id == config::Identity{config::Identity::Type::kFqdn, "vpn.example.com"});
  CHECK(words(p.ike) ==
        std::vector<std::string>{"aes256-sha256-modp2048", "aes128-sha256-modp2048"});
  REQUIRE(p.esp.size() == 2);
  CHECK(config::to_text(p.esp[0]) == "aes256gcm16");
  CHECK(config::to_text(*p.pfs) == "modp2048");
  CHECK(p.natt == config::NatTraversal::kForce);
  CHECK(p.dpd_delay == std::chrono::seconds(45));
  CHECK(p.ike_lifetime == std::chrono::hours(4));
  CHECK(p.esp_lifetime == std::chrono::hours(1));
  CHECK(p.networks.size() == 2);
  CHECK(home.companion(".psk") == "hunter2 \"group\"");
  CHECK(home.companion(".password") == "correct horse");
  for (const char* said :
       {"swanctl.conf:12: if_id_in, ", "swanctl.conf:30: updown, ", "swanctl.conf:32: other, ",
        "swanctl.conf:53: include, ", "swanctl.conf:8: proposals, aggressive mode allows one"}) {
    CHECK_MESSAGE(home.says(said), home.remarks);
  }
}

TEST_CASE("swanctl.conf with certificates, hybrid, L2TP, and what is none of ours") {
  const std::string file = "certificate-swanctl.conf";
  const Taken old = take_one(file, "old");
  CHECK(old.profile.auth == config::Authentication::kCertificate);
  CHECK(old.profile.xauth);
  CHECK(old.profile.cert_file == "/etc/swanctl/x509/alice.pem");
  CHECK(old.profile.key_file == "/etc/swanctl/private/alice.key");
  CHECK(old.profile.ca_file == "/etc/swanctl/x509ca/ca.pem");
  CHECK(old.companion(".passphrase") == "open");
  CHECK(old.profile.user == "alice");
  CHECK(old.companion(".password") == "swallow");
  CHECK(old.profile.gateway_port == 1500);
  CHECK(old.profile.mode_config == config::ConfigMode::kPush);
  CHECK(old.profile.dpd_delay == std::chrono::seconds(10));
  CHECK(old.says("revocation, "));  // strict needs lists, which only a person can bring

  const Taken hybrid = take_one(file, "hybrid");
  CHECK(hybrid.profile.auth == config::Authentication::kHybrid);
  CHECK(hybrid.profile.gateway_cert_file == "/etc/swanctl/x509/gateway.pem");
  CHECK(hybrid.says("id, a gateway is known by its name"));
  CHECK(hybrid.companion(".password").empty());

  const Taken l2tp = take_one(file, "l2tp");
  CHECK(l2tp.profile.l2tp);
  CHECK(l2tp.companion(".psk") == "0sc3dhbGxvdw==");

  CHECK(refusal(file, "new") == file + ":26: this connection is of IKEv2");
  CHECK(refusal(file, "gateway") == file + ":28: remote_addrs names no gateway");
  CHECK(refusal(file, "") == file + ": has several connections");
}

TEST_CASE("a conn of ipsec.conf and the secrets beside it") {
  const Taken office = take_one("ipsec.conf", "office");
  const config::Profile& p = office.profile;
  CHECK(p.gateway == "vpn.example.com");
  CHECK(p.aggressive);
  CHECK(p.xauth);
  CHECK(p.user == "alice");
  CHECK(p.local_id == config::Identity{config::Identity::Type::kKeyId, "sales"});
  CHECK(p.remote_id == config::Identity{config::Identity::Type::kFqdn, "vpn.example.com"});
  CHECK(words(p.ike) == std::vector<std::string>{"aes256-sha1-modp1024"});
  CHECK(p.weak == std::vector<std::string>{"modp1024", "3des", "md5", "aggressive-psk"});
  CHECK(p.ike_lifetime == std::chrono::hours(8));
  CHECK(p.dpd_delay == std::chrono::seconds(20));
  CHECK(p.networks.size() == 1);
  CHECK(office.companion(".psk") == "hunter2 group");
  CHECK(office.companion(".password") == "correct horse");
  CHECK(office.remarks == "ipsec.conf:28: mark, has no counterpart here, look at it\n");
}

TEST_CASE("ipsec.conf with certificates, L2TP, and what is none of ours") {
  const Taken certificate = take_one("ipsec.conf", "certificate");
  CHECK(certificate.profile.auth == config::Authentication::kCertificate);
  CHECK(certificate.profile.xauth);
  CHECK(certificate.profile.cert_file == "/etc/ipsec.d/certs/alice.pem");
  CHECK(certificate.profile.key_file == "/etc/ipsec.d/private/alice.key");
  CHECK(certificate.companion(".passphrase") == "open sesame");
  CHECK(certificate.profile.ca_file == "/etc/godwit/office-ca.pem");
  CHECK(certificate.says("put it into /etc/godwit/office-ca.pem"));

  const Taken l2tp = take_one("ipsec.conf", "l2tp");
  CHECK(l2tp.profile.l2tp);
  CHECK(l2tp.companion(".psk") == "0sc3dhbGxvdw==");

  CHECK(refusal("ipsec.conf", "modern") == "ipsec.conf:45: this connection is of IKEv2");
  const Taken swapped = take_one("ipsec.conf", "server");
  CHECK(swapped.profile.gateway == "192.0.2.1");
  CHECK(refusal("ipsec.conf", "nobody") == "ipsec.conf: has no connection \"nobody\"");
}

TEST_CASE("strongSwan's sections are a tree with bounds, and a mistake has its line") {
  const auto tree = SettingsTree::parse("a { b = \"x\\\"y\nz\" # c\n c { d=1 } }\ne = f # g\n");
  REQUIRE(tree.has_value());
  const TreeSection* a = tree->root().section("a");
  REQUIRE(a != nullptr);
  CHECK(a->setting("b")->value == "x\"y\nz");
  CHECK(a->section("c")->setting("d")->value == "1");
  CHECK(a->section("c")->setting("d")->line == 3);
  CHECK(tree->root().setting("e")->value == "f");
  CHECK(tree_fault("a {\n b = 1\n") == "3: a section is not closed");
  CHECK(tree_fault("a\n") == "2: ends in the middle of a statement");
  CHECK(tree_fault("}\n") == "1: a name is missing here");
  CHECK(tree_fault("a = \"x\n").ends_with("a quotation mark is not closed"));
  CHECK(tree_fault("a b\n") == "1: neither = nor { follows a name");
  CHECK(tree_fault("a{a{a{a{a{a{a{a{a{a{") == "1: is nested too deeply");
}
