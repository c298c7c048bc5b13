// Whole profiles: what they mean, and all that is wrong with one at once.
#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "core/config/document.h"
#include "core/config/proposal.h"
#include "core/config/show.h"
#include "parse.h"
#include "tests/support/source_dir.h"

namespace godwit::config {
namespace {

using crypto::DhGroup;
using crypto::HashAlg;
using crypto::IkeSuite;

constexpr std::string_view kMinimal = "gateway = \"vpn.example.com\"\n";

constexpr std::string_view kFull = R"(# every key
gateway = "vpn.example.com"
gateway-port = 5500
gateway-natt-port = 5501
local-port = 0
local-natt-port = 0
mode = "aggressive"
auth = "xauth-psk"
id = "Sales \"EU\" \\ 1"
id-type = "key-id"
remote-id = "gw@example.com"
psk-source = "askpass"
askpass = "/usr/bin/ssh-askpass"
user = "alice"
password-source = "file"
password-file = "/etc/godwit/alice"
keep-password = false
user-domain = "CORP"
otp = "append"
otp-source = "totp"
totp-file = "/etc/godwit/alice.totp"
xauth-optional = true
ike = [
  "aes128-sha1-modp1024",   # a comment with a ] and a "
  "aes256-sha256-modp1024",
]
esp = ['aes128-sha1', "aes192gcm16"]
pfs = "modp1536"
ike-lifetime = 3601
esp-lifetime = "1h30m"
mode-config = false
networks = ["10.0.0.0/8", "2001:db8::/32"]
address = "10.9.8.7"
nat-traversal = "force"
fragmentation = "always"
keepalive = 0
dpd-delay = "5s"
dpd-attempts = 3
initial-contact = true
interface = "vpn0"
mtu = 1400
dns = ["10.0.0.53", "10.0.0.54"]
search-domains = ["corp.example.com"]
routing-domains = ["corp.example.com", "10.in-addr.arpa"]
allow-weak = ["aggressive-psk", "modp1024", "modp1536"]
)";

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.good(), path);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

}  // namespace

TEST_CASE("a profile of one line gets every default") {
  const auto result = parse_profile(kMinimal, "/etc/godwit/office.toml", "office");
  REQUIRE(result.has_value());
  const Profile& p = *result;
  CHECK(p.name == "office");
  CHECK(p.file == "/etc/godwit/office.toml");
  CHECK(p.gateway == "vpn.example.com");
  CHECK(p.gateway_port == 500);
  CHECK(p.gateway_natt_port == 4500);
  CHECK(p.local_port == 500);
  CHECK(p.local_natt_port == 4500);
  CHECK_FALSE(p.aggressive);
  CHECK_FALSE(p.xauth);
  CHECK(p.local_id == Identity{});
  CHECK_FALSE(p.remote_id.has_value());
  CHECK(p.psk.kind == SecretSource::Kind::kPrompt);
  CHECK(p.password.kind == SecretSource::Kind::kNone);
  std::string ike;
  for (const auto& suite : p.ike) ike += to_text(suite) + " ";
  CHECK(ike ==
        "aes256-sha256-modp2048 aes256-sha256-ecp256 aes256-sha512-modp4096 "
        "aes128-sha256-modp2048 aes256-sha1-modp2048 aes128-sha1-modp2048 ");
  std::string esp;
  for (const auto& suite : p.esp) esp += to_text(suite) + " ";
  CHECK(esp == "aes256gcm16 aes128gcm16 aes256-sha256 aes128-sha256 aes256-sha1 aes128-sha1 ");
  CHECK_FALSE(p.pfs.has_value());
  CHECK(p.ike_lifetime == 24h);
  CHECK(p.esp_lifetime == 8h);
  CHECK(p.mode_config == ConfigMode::kAuto);
  CHECK(p.phase2 == PhaseTwo::kAuto);
  CHECK(p.ask_ipv6);
  CHECK_FALSE(p.local_lan);
  CHECK(p.networks.empty());
  CHECK_FALSE(p.address.has_value());
  CHECK(p.natt == NatTraversal::kAuto);
  CHECK(p.fragmentation == Fragmentation::kAuto);
  CHECK(p.keepalive == 20s);
  CHECK(p.dpd_delay == 30s);
  CHECK(p.dpd_attempts == 5);
  CHECK(p.reconnect == 10min);
  CHECK_FALSE(p.initial_contact);
  CHECK(p.interface.empty());
  CHECK(p.mtu == 0);
  CHECK(p.use_dns);
  CHECK(p.dns.empty());
  CHECK(p.weak.empty());
}

TEST_CASE("a profile that says everything") {
  const Profile p = good(kFull);
  CHECK(p.gateway_port == 5500);
  CHECK(p.local_natt_port == 0);
  CHECK(p.aggressive);
  CHECK(p.xauth);
  CHECK(p.local_id == Identity{Identity::Type::kKeyId, "Sales \"EU\" \\ 1"});
  REQUIRE(p.remote_id.has_value());
  CHECK(p.remote_id->type == Identity::Type::kUserFqdn);
  CHECK(p.psk == SecretSource{SecretSource::Kind::kAskpass, "/usr/bin/ssh-askpass"});
  CHECK(p.password == SecretSource{SecretSource::Kind::kFile, "/etc/godwit/alice"});
  CHECK(p.otp == SecretSource{SecretSource::Kind::kTotp, "/etc/godwit/alice.totp"});
  CHECK(p.otp_place == OtpPlace::kAppend);
  CHECK(p.user_domain == "CORP");
  CHECK_FALSE(p.keep_password);
  CHECK(p.xauth_optional);
  CHECK(p.askpass == "/usr/bin/ssh-askpass");
  REQUIRE(p.ike.size() == 2);
  CHECK(p.ike[0] == IkeSuite{{128}, HashAlg::kSha1, DhGroup::kModp1024});
  CHECK(p.pfs == DhGroup::kModp1536);
  CHECK(p.ike_lifetime == 3601s);
  CHECK(p.esp_lifetime == 90min);
  CHECK(p.networks.size() == 2);
  CHECK(p.address == IpAddress::parse("10.9.8.7"));
  CHECK(p.natt == NatTraversal::kForce);
  CHECK(p.fragmentation == Fragmentation::kAlways);
  CHECK(p.keepalive == 0s);
  CHECK(p.mtu == 1400);
  CHECK(p.dns.size() == 2);
  CHECK(p.routing_domains == std::vector<std::string>{"corp.example.com", "10.in-addr.arpa"});
  CHECK(p.weak == std::vector<std::string>{"modp1024", "modp1536", "aggressive-psk"});
}

TEST_CASE("what vpnc's users have: a group, modp1024, XAuth, each weak choice by its name") {
  const std::string base =
      "gateway = \"vpn.example.com\"\nmode = \"aggressive\"\nauth = \"xauth-psk\"\n"
      "id = \"sales\"\nike = [\"aes128-sha1-modp1024\"]\nesp = [\"aes128-sha1\"]\n";
  const Profile p = good(base + "allow-weak = [\"modp1024\", \"aggressive-psk\"]\n");
  CHECK(p.local_id == Identity{Identity::Type::kKeyId, "sales"});
  CHECK(p.password.kind == SecretSource::Kind::kPrompt);
  CHECK(p.weak == std::vector<std::string>{"modp1024", "aggressive-psk"});
  CHECK(said(base) ==
        "p.toml:2:8: aggressive mode shows anyone who asks a hash of the pre-shared key (the group "
        "password), which can be guessed offline from a dictionary; if the gateway knows nothing "
        "better, write \"aggressive-psk\" in allow-weak\n"
        "p.toml:5:8: a large attacker can compute the keys of modp1024 and read the traffic; if "
        "the gateway knows nothing better, write \"modp1024\" in allow-weak");
}

TEST_CASE("aggressive mode has one group") {
  const std::string base =
      "gateway = \"g\"\nmode = \"aggressive\"\nallow-weak = [\"aggressive-psk\"]\n";
  const Profile p = good(base);
  CHECK(p.ike.size() == 4);
  for (const auto& suite : p.ike) CHECK(suite.group == DhGroup::kModp2048);
  CHECK(said(base + "ike = [\"aes256-sha256-modp2048\", \"aes256-sha256-ecp256\"]") ==
        "p.toml:4:34: aggressive mode allows one group, but ike has modp2048 and ecp256; write the "
        "same group in every proposal, or mode = \"main\"");
}

TEST_CASE("all mistakes of a profile are told at once, each with its place") {
  CHECK(said(R"(gatway = "vpn.example.com"
mtu = 100
psk = hunter2
  user = "bob"
ike = ["aes256-sha265-modp2048", "aes128-sha1"]
networks = ["10.0.0.0/33",
id-type = "fqdn"
dns = "none"
dns = "gateway"
[section]
a.b = 1
mode-config = 1
)") == "p.toml:1:1: unknown key \"gatway\"; did you mean \"gateway\"?\n"
       "p.toml:1:1: gateway is missing; write gateway = \"vpn.example.com\"\n"
       "p.toml:2:7: mtu cannot be 100; write 0 or a number from 576 to 9000\n"
       "p.toml:3:1: a secret may not stand in a profile or on the command line: \"psk\"; write it "
       "to a file, chmod 600 the file, and say psk-file = \"/etc/godwit/office.psk\"\n"
       "p.toml:4:3: user is used only with XAuth; write auth = \"xauth-psk\", or remove this key\n"
       "p.toml:5:8: unknown algorithm \"sha265\"; did you mean \"sha256\"?\n"
       "p.toml:5:34: \"aes128-sha1\" has no Diffie-Hellman group; write "
       "\"aes128-sha1-modp2048\"\n"
       "p.toml:6:12: what is opened here is never closed; write ] where it ends\n"
       "p.toml:7:11: id-type = \"fqdn\" needs id; write id as well, or remove this key\n"
       "p.toml:9:1: \"dns\" stands here a second time; the first is in line 8; keep one\n"
       "p.toml:10:1: a profile has no sections; remove this line; its keys stand alone\n"
       "p.toml:11:1: unknown key \"a\"; see the list of keys in the manual\n"
       "p.toml:12:15: mode-config must be a text; write mode-config = \"push\"");
}

TEST_CASE("mistakes against TOML") {
  const std::string quotes = said("gateway = vpn.example.com\nmtu = 5\n");
  CHECK(quotes.starts_with("p.toml:1:"));
  CHECK(quotes.find("; text stands in quotation marks: gateway = \"...\"\np.toml:2:7: mtu") !=
        std::string::npos);
  // A value that cannot be read is not also missing.
  CHECK(quotes.find("missing") == std::string::npos);
  CHECK(said("gateway \"g\"\n").find("write key = value") != std::string::npos);
  CHECK(said("gateway = \"g\nmtu = 1400\n").starts_with("p.toml:1:"));
  CHECK(mistakes("gateway = \"g\nmtu = 1400\n").size() == 1);
  CHECK(said("gateway = \"\"\"g\"\"\"\n") ==
        "p.toml:1:11: a text of several lines; write it in one line, between single marks");
  CHECK(said("gateway = \xe2\x80\x9cg\xe2\x80\x9d\n") ==
        "p.toml:1:11: a character that may stand only inside a text; a text stands between two "
        "straight quotation marks: \"...\"");
  CHECK(said("gateway = \"\xff\"\n").starts_with("p.toml:1:"));
  // toml++ 3.3 looks ahead in a number and takes what is found here for impossible.
  CHECK(said("gateway = \"g\"\nmtu = 0\"\xef\xbb\xbb\n")
            .starts_with("p.toml:2:8: a quotation mark in the middle of a value;"));
  CHECK(said("gateway = \"g\"\nmtu = 2p='=\xd0\xae\n")
            .starts_with("p.toml:2:8: a number has no other character than digits;"));
  CHECK(said("gateway = \"g\"\nmtu = 1.'\xef\xbb\xbf'\n")
            .starts_with("p.toml:2:8: a number has no other character than digits;"));
  CHECK(said("gateway = \"g\"\nnetworks = [1, 2.'\xef\xbb\xbf']\n")
            .starts_with("p.toml:2:17: a number has no other character than digits;"));
  CHECK(said("gateway = \"g\"\nmtu = 2026-11-24 5\t\n")
            .starts_with("p.toml:2:11: a number has no other character than digits;"));
  CHECK(said("gateway = \"g\"\nmtu = 0005-02-02T:\n")
            .starts_with("p.toml:2:11: a number has no other character than digits;"));
  CHECK(said("gateway = \"g\"\nmtu = x'\xef\xbb\xbf'\n")
            .starts_with("p.toml:2:8: a quotation mark in the middle of a value;"));
  CHECK(said("gateway = \"g\"\nmtu = x=\xd0\xae\n")
            .starts_with("p.toml:2:8: an equals sign that belongs to no key;"));
  CHECK(said("gateway.'\xd0\xae' = 1\n").find("may stand only") == std::string::npos);
  CHECK(said("gateway = \"g\"\nid = \"\xef\xbb\xbb\"\n").empty());
  CHECK(said("gateway = \"g\"\na.a.a.a.a.a.a.a.a.a.a = 1\n") ==
        "p.toml:2:1: a key with 10 dots; a profile's keys have none");
  CHECK(said("gateway = \"g\"\nike = [}]\nmtu = 5\n") ==
        "p.toml:2:8: this bracket does not close the one before; a list is written [\"one\", "
        "\"two\"]\n"
        "p.toml:3:7: mtu cannot be 5; write 0 or a number from 576 to 9000");
  // A word of the profile cannot drive the terminal it is shown on.
  CHECK(said("gateway = \"g\"\n\"\\u001b[2J\" = 1\n").find('\x1b') == std::string::npos);
}

TEST_CASE("columns count characters, byte order marks and carriage returns do not matter") {
  CHECK(said("\"\xc3\xa4\" = 1\ngateway = \"g\"").starts_with("p.toml:1:1: unknown key"));
  CHECK(said("gateway = \"g\"\nnetworks = [\"\xc3\xa4\xc3\xa4\", \"x\"]") ==
        "p.toml:2:13: \"\xc3\xa4\xc3\xa4\" is not a network; write it as \"10.0.0.0/8\"\n"
        "p.toml:2:19: \"x\" is not a network; write it as \"10.0.0.0/8\"");
  CHECK(good("\xef\xbb\xbfgateway = \"g\"\r\nmtu = 1400\r\n").mtu == 1400);
}

TEST_CASE("files that are no profile (H29)") {
  CHECK(said("") ==
        "p.toml:1:1: the profile is empty; the shortest one that works is gateway = "
        "\"vpn.example.com\"");
  CHECK(said(" \n\t\r\n").find("the profile is empty") != std::string::npos);
  CHECK(said("# nothing\n") ==
        "p.toml:1:1: gateway is missing; write gateway = \"vpn.example.com\"");
  CHECK(said("gateway = \"g\"\nm" + std::string(1, 0) + "tu = 1") ==
        "p.toml:2:2: a NUL octet; a profile is text; is this the right file?");
  CHECK(said(std::string(10'000'000, 'x')) ==
        "p.toml:1:1: the file has 10000000 octets; a profile has at most 65536; is this the right "
        "file?");
  std::string limit = std::string(kMinimal) + "#";
  limit.resize(kProfileMax, 'x');
  CHECK(mistakes(limit).empty());
  CHECK(mistakes(limit + "x").size() == 1);
}

TEST_CASE("a secret in the profile is refused and never repeated") {
  for (const auto* line :
       {"psk = \"hunter2\"", "psk = hunter2", "password = 'hunter2'", "password = hunter2",
        "psk-file = \"hunter2\"", "psk = [\"hunter2\"", "psk = \"hunter2"}) {
    INFO(line);
    CHECK(mistakes(std::string(kMinimal) + line).size() == 1);
    CHECK(said(std::string(kMinimal) + line).find("hunter2") == std::string::npos);
  }
  CHECK(said(kMinimal, {{"psk", "hunter2"}}) ==
        "--psk: a secret may not stand in a profile or on the command line: \"psk\"; write it to a "
        "file, chmod 600 the file, and say psk-file = \"/etc/godwit/office.psk\"");
}

TEST_CASE("flags take the place of the file") {
  const Profile p = good("gateway = \"old\"\nmtu = 5\nnetworks = [\"nonsense\"]\n",
                         {{"gateway", "new.example.com"},
                          {"mtu", "1300"},
                          {"networks", "10.0.0.0/8, 192.0.2.0/24"},
                          {"networks", "198.51.100.0/24"},
                          {"initial-contact", ""},
                          {"esp-lifetime", "1h"},
                          {"keepalive", "0"},
                          {"dns", "none"},
                          {"psk-file", "here.psk"}});
  CHECK(p.gateway == "new.example.com");
  CHECK(p.mtu == 1300);
  CHECK(p.networks.size() == 3);
  CHECK(p.initial_contact);
  CHECK(p.esp_lifetime == 1h);
  CHECK(p.keepalive == 0s);
  CHECK_FALSE(p.use_dns);
  CHECK(p.psk.path == "here.psk");
  CHECK(good("", {{"gateway", "g"}}).gateway == "g");
  CHECK(good(kMinimal, {{"dns", "10.0.0.53,10.0.0.54"}}).dns.size() == 2);
  CHECK(good(kMinimal, {{"mtu", "1300"}, {"mtu", "1400"}}).mtu == 1400);
}

TEST_CASE("mistakes in flags are told as flags, after those of the file") {
  CHECK(said("gateway = \"g\"\nid = 5\n",
             {{"mtu", "big"}, {"gatway", "x"}, {"networks", "a,b"}, {"mode-config", "yes"}}) ==
        "p.toml:2:6: id must be a text; write id = \"sales\"\n"
        "--gatway: unknown key \"gatway\"; did you mean \"--gateway\"?\n"
        "--mode-config: mode-config cannot be \"yes\"; write one of \"auto\", \"pull\", \"push\", "
        "\"off\"\n"
        "--networks: \"a\" is not a network; write it as \"10.0.0.0/8\"\n"
        "--networks: \"b\" is not a network; write it as \"10.0.0.0/8\"\n"
        "--mtu: mtu must be a whole number; write --mtu=1400");
}

TEST_CASE("show writes what parse reads") {
  for (const std::string& text :
       {std::string(kMinimal), std::string(kFull),
        std::string("gateway='g'\nid='alice@example.com'\npsk-source='stdin'\ndns='none'"),
        std::string("gateway='g'\nauth='xauth-psk'\naskpass='/a'\nid='10.0.0.1'\nid-type='key-id'"),
        std::string("gateway='g'\nauth='xauth-psk'\npassword-file='/p'\notp-command='/c'"),
        std::string("gateway='g'\nauth='xauth-psk'\npassword-file='/p'\naskpass='/a'"),
        std::string("gateway='2001:db8::1'\nid='\\é'\nremote-id='192.0.2.1'")}) {
    INFO(text);
    const Profile p = good(text);
    INFO(show_profile(p));
    CHECK(good(show_profile(p)) == p);
  }
  const std::string shown = show_profile(good(kFull));
  CHECK(shown.find("password-file = \"/etc/godwit/alice\"\n") != std::string::npos);
  CHECK(shown.find("ike-lifetime = \"3601s\"\n") != std::string::npos);
}

TEST_CASE("the example profiles are right") {
  const std::string folder = test::source_dir() + "/packaging/examples/";
  const Profile office = good(read_file(folder + "office.toml"));
  CHECK_FALSE(office.aggressive);
  CHECK(office.weak.empty());
  CHECK(office.psk.kind == SecretSource::Kind::kFile);
  const Profile group = good(read_file(folder + "cisco-style-group.toml"));
  CHECK(group.aggressive);
  CHECK(group.xauth);
  CHECK(group.local_id.type == Identity::Type::kKeyId);
  CHECK(group.weak == std::vector<std::string>{"modp1024", "aggressive-psk"});
  CHECK(good(read_file(folder + "l2tp.toml")).l2tp);
  const Profile signing = good(read_file(folder + "certificate.toml"));
  CHECK(signing.auth == Authentication::kCertificate);
  CHECK(signing.key_place() == "/etc/godwit/office.p12");
}

TEST_CASE(
    "every cut and every flipped bit of an example gives a profile, or mistakes with a place") {
  for (const char* name : {"office.toml", "cisco-style-group.toml", "certificate.toml"}) {
    const std::string full = read_file(test::source_dir() + "/packaging/examples/" + name);
    REQUIRE(full.size() > 100);
    std::size_t profiles = 0;
    const auto look = [&](const std::string& text) {
      const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
      const auto result = parse_profile(text, "p.toml", "p", {});
      if (result) {
        ++profiles;
        REQUIRE_FALSE(result->gateway.empty());
        REQUIRE(good(show_profile(*result)) == *result);
        return;
      }
      REQUIRE_FALSE(result.error().empty());
      for (const Diagnostic& d : result.error()) {
        INFO(d.to_string());
        REQUIRE(d.file == "p.toml");
        REQUIRE(d.line >= 1);
        REQUIRE(d.line <= lines);
        REQUIRE(d.column >= 1);
        REQUIRE_FALSE(d.message.empty());
      }
    };
    for (std::size_t size = 0; size < full.size(); ++size) {
      CAPTURE(size);
      look(full.substr(0, size));
    }
    CHECK(profiles < full.size());
    for (std::size_t bit = 0; bit < full.size() * 8; ++bit) {
      CAPTURE(bit);
      std::string text = full;
      text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
      look(text);
    }
    CHECK(profiles > 100);  // comments, names and paths hold any letter
  }
}

TEST_CASE("cut, mutilated and random texts are told apart without harm") {
  const std::string full(kFull);
  for (std::size_t n = 0; n < full.size(); ++n) {
    for (const std::string& d : mistakes(full.substr(0, n))) REQUIRE_FALSE(d.empty());
  }
  // Fixed seed: the same texts on every run.
  std::mt19937 random(20);
  constexpr std::string_view kMarks = "[]{}\"'#=.,\n\\\t -_a5\xc3\xff";
  for (int i = 0; i < 2000; ++i) {
    std::string text = full;
    for (std::uint32_t n = random() % 8; n > 0; --n) {
      text[random() % text.size()] = kMarks[random() % kMarks.size()];
    }
    (void)mistakes(text);
    std::string noise(random() % 200, ' ');
    for (char& c : noise) {
      c = i % 2 != 0 ? kMarks[random() % kMarks.size()] : static_cast<char>(random() % 255 + 1);
    }
    (void)mistakes(noise);
  }
}

TEST_CASE("texts made to be slow or deep end soon, with a bounded list of mistakes") {
  for (const std::string piece :
       {"a=[\n", "[", "{", "a={", "a.", "\"", "'''", "x\n", "#\n", "[[a.b]]\n", "a.a.a=1\n", "\\",
        "=", ",", "\"a\".", "gateway=\"\"\"\n"}) {
    std::string text;
    while (text.size() + piece.size() <= kProfileMax) text += piece;
    INFO(piece);
    CHECK(mistakes(text).size() <= 101);
    CHECK_FALSE(mistakes(text).empty());
  }
  std::string keys;
  for (int i = 0; keys.size() < 60'000; ++i) keys += "k" + std::to_string(i) + " = 1\n";
  CHECK(mistakes(keys).size() <= 101);
}

TEST_CASE("l2tp leaves addresses and names to PPP") {
  const Profile p = good("gateway = \"vpn.example.com\"\nl2tp = true\nmtu = 1500\n");
  CHECK(p.l2tp);
  CHECK(p.mode_config == ConfigMode::kOff);
  CHECK_FALSE(p.use_dns);
  CHECK(good(show_profile(p)) == p);
  CHECK_FALSE(good("gateway = \"vpn.example.com\"").l2tp);
}

}  // namespace godwit::config
