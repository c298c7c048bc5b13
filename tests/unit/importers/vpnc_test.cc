// vpnc.conf: what each directive becomes, what is said of the others, and the file left in place.
#include "core/config/proposal.h"
#include "tests/unit/importers/samples.h"

using namespace godwit;
using namespace godwit::importers;
using config::SecretSource;

TEST_CASE("a vpnc.conf becomes a profile of aggressive mode and XAuth") {
  const Taken office = take("vpnc.conf");
  const config::Profile& p = office.profile;
  CHECK(p.gateway == "vpn.example.com");
  CHECK(p.aggressive);
  CHECK(p.xauth);
  CHECK(p.auth == config::Authentication::kPsk);
  CHECK(p.local_id == config::Identity{config::Identity::Type::kKeyId, "sales"});
  CHECK(p.user == "alice");
  CHECK(p.user_domain == "CORP");
  CHECK(p.psk == SecretSource{SecretSource::Kind::kFile, "/etc/godwit/office.psk"});
  CHECK(p.password == SecretSource{SecretSource::Kind::kFile, "/etc/godwit/office.password"});
  CHECK(office.companion(".psk") == "hunter2 group");
  CHECK(office.companion(".password") == "correct horse");
  CHECK(config::to_text(p.ike.front()) == "aes256-sha1-modp1536");
  CHECK(config::to_text(*p.pfs) == "modp1536");
  CHECK(p.natt == config::NatTraversal::kCiscoUdp);
  CHECK(p.local_port == 0);
  CHECK(p.interface == "vpn0");
  CHECK(p.mtu == 1390);
  CHECK(p.dpd_delay == std::chrono::seconds(60));
  REQUIRE(p.networks.size() == 1);
  CHECK(p.networks[0].to_string() == "10.20.0.0/16");
  CHECK(p.script == std::vector<std::string>{"/usr/local/bin/vpn-slice", "10.0.0.0/8"});
  CHECK(p.weak == std::vector<std::string>{"modp1536", "aggressive-psk"});
  CHECK(office.remarks ==
        "vpnc.conf:16: Debug, is about the process of vpnc and not about the "
        "tunnel\n");
  CHECK(office.text.find("hunter2") == std::string::npos);
  CHECK(office.text.find("# vpnc.conf:16: Debug") != std::string::npos);
}

TEST_CASE("what a vpnc.conf does not say is asked for") {
  const Taken small = take("vpnc-small.conf");
  CHECK(small.profile.user.empty());
  CHECK(small.profile.password.kind == SecretSource::Kind::kPrompt);
  CHECK(small.profile.weak == std::vector<std::string>{"modp1024", "aggressive-psk"});
  // A key that looks like a number in hexadecimal is written so that it is none.
  CHECK(small.companion(".psk") == "0x307874686973206973206e6f206e756d626572");
  CHECK(small.remarks.empty());
}

TEST_CASE("weak directives of a vpnc.conf become words, and what does not exist is told") {
  const Taken old = take("vpnc-old.conf");
  const config::Profile& p = old.profile;
  CHECK(p.gateway == "vpn.example.com");
  CHECK(p.local_id.text == "students");
  CHECK(old.companion(".psk") == "two words");
  CHECK(old.companion(".password").empty());
  CHECK(p.askpass == "/usr/bin/ssh-askpass");
  CHECK(p.weak == std::vector<std::string>{"modp1024", "3des", "md5", "aggressive-psk"});
  for (const char* words :
       {"vpnc-old.conf:9: Enable Single DES, ", "vpnc-old.conf:10: IKE DH Group, ",
        "vpnc-old.conf:12: Vendor, ", "vpnc-old.conf:13: Script, ", "vpnc-old.conf:14: this line, ",
        "vpnc-old.conf:15: CA-Dir, ", "vpnc-old.conf:17: Perfect Forward Secrecy, ",
        "vpnc-old.conf:18: Interface mode, ", "vpnc-old.conf:19: Local Addr, ",
        "vpnc-old.conf:20: Noninteractive, "}) {
    CHECK_MESSAGE(old.says(words), words);
  }
  CHECK_FALSE(old.says("hunter2"));
}

TEST_CASE("hybrid authentication of a vpnc.conf has an authority and no group key") {
  const Taken hybrid = take("vpnc-hybrid.conf");
  CHECK(hybrid.profile.auth == config::Authentication::kHybrid);
  CHECK(hybrid.profile.ca_file == "/etc/vpnc/ca.pem");
  CHECK(hybrid.profile.natt == config::NatTraversal::kForce);
  CHECK(hybrid.companions.empty());
  CHECK(hybrid.profile.weak == std::vector<std::string>{"modp1024"});
  CHECK(hybrid.says("Script, needs a shell"));
}

TEST_CASE("a vpnc.conf serves as it is, its secrets where they are") {
  const std::string text = sample("vpnc.conf");
  CHECK(is_vpnc(text));
  const auto imported = read_vpnc_in_place(text, "/etc/vpnc/office.conf");
  REQUIRE(imported.has_value());
  CHECK(imported->companions.empty());
  const auto profile = config::parse_profile(imported->profile, "x", "office");
  REQUIRE(profile.has_value());
  CHECK(profile->psk == SecretSource{SecretSource::Kind::kVpncSecret, "/etc/vpnc/office.conf"});
  CHECK(profile->password ==
        SecretSource{SecretSource::Kind::kVpncPassword, "/etc/vpnc/office.conf"});
  const auto secret = vpnc_group_secret(text);
  REQUIRE(secret.has_value());
  CHECK(std::string(secret->expose().begin(), secret->expose().end()) == "hunter2 group");
  const auto password = vpnc_user_password(text);
  REQUIRE(password.has_value());
  CHECK(std::string(password->expose().begin(), password->expose().end()) == "correct horse");
  CHECK_FALSE(vpnc_user_password(sample("vpnc-small.conf")).has_value());
}

TEST_CASE("no profile of godwit is taken for a vpnc.conf") {
  CHECK_FALSE(is_vpnc("gateway = \"vpn.example.com\"\nscript = \"/x\"\n"));
  CHECK_FALSE(is_vpnc("# IPSec gateway vpn.example.com\ngateway = \"g\"\n"));
  CHECK_FALSE(is_vpnc("Debug 1\nScript /x\n"));
}

TEST_CASE("a vpnc.conf without a gateway, or with a wrong one, is refused with the line") {
  const auto nothing = try_import("x.conf", "IPSec ID sales\nIPSec secret x\n");
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().what == "x.conf: names no gateway");
  const auto wrong = try_import("x.conf", "IPSec ID sales\nIPSec gateway http://vpn\n");
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().what.starts_with("x.conf:2: \"http://vpn\" is neither"));
}

TEST_CASE("the wrong file is not told about for ever") {
  std::string text = "IPSec gateway vpn.example.com\n";
  for (int i = 0; i < 5000; ++i) text += "something else\n";
  const auto imported = try_import("x.conf", text);
  REQUIRE(imported.has_value());
  CHECK(imported->remarks.size() == 101);
  CHECK(imported->remarks.back().remedy == "is this the right file?");
}

TEST_CASE("what the checker does not take is left out and told, not guessed") {
  const Taken odd = take("x.conf",
                         "IPSec gateway vpn.example.com\nIPSec ID a\x01"
                         "b\nInterface name much-too-long-a-name\nInterface MTU large\n"
                         "Local Port 70000\nIPSEC target network 10.0.0.1/8\n");
  for (int line : {2, 3, 4, 5, 6}) {
    CHECK_MESSAGE(odd.says("x.conf:" + std::to_string(line) + ": "), line);
  }
  CHECK(odd.profile.interface.empty());
  CHECK(odd.profile.local_port == 500);
}
