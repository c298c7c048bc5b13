// Apple's profiles, and the property lists that they are.
#include "core/config/proposal.h"
#include "core/importers/plist.h"
#include "tests/unit/importers/samples.h"

using namespace godwit;
using namespace godwit::importers;

namespace {

Result<Imported, Refusal> chosen(const std::string& name, const std::string& connection) {
  const std::string text = sample(name);
  Source source;
  source.text = text;
  source.file = name;
  source.stem = "/etc/godwit/office";
  source.connection = connection;
  return import_profile(Format::kMobileconfig, source);
}

std::string fault_of(std::string_view xml) {
  const auto plist = Plist::parse(xml);
  return plist ? "" : std::to_string(plist.error().line) + ": " + plist.error().message;
}

}  // namespace

TEST_CASE("a .mobileconfig with a shared secret and XAuth") {
  const Taken office = take("psk.mobileconfig");
  const config::Profile& p = office.profile;
  CHECK(p.gateway == "vpn.example.com");
  CHECK(p.aggressive);
  CHECK(p.xauth);
  CHECK(p.auth == config::Authentication::kPsk);
  CHECK(p.local_id == config::Identity{config::Identity::Type::kKeyId, "sales"});
  CHECK(p.user == "alice");
  CHECK(office.companion(".psk") == "hunter2 group");
  CHECK(office.companion(".password") == "correct < horse");
  CHECK(config::to_text(p.ike.front()) == "aes256-sha1-modp1024");
  for (const char* words : {"OnDemandEnabled, ", "OverridePrimary, ", "Proxies, ",
                            "com.apple.wifi.managed, this payload is not about the tunnel"}) {
    CHECK_MESSAGE(office.says(words), words);
  }
  CHECK_FALSE(office.says("horse"));
}

TEST_CASE("a .mobileconfig brings its certificates along") {
  const Taken office = take("certificate.mobileconfig");
  const config::Profile& p = office.profile;
  CHECK_FALSE(p.aggressive);
  CHECK_FALSE(p.xauth);
  CHECK(p.auth == config::Authentication::kCertificate);
  CHECK(p.cert_file == "/etc/godwit/office.p12");
  CHECK(p.ca_file == "/etc/godwit/office-ca.pem");
  CHECK(office.companion(".p12") == std::string("0\x82\x01\x02\x03\x04", 6));
  CHECK(office.companion(".passphrase") == "open");
  CHECK(office.companion("-ca.pem") ==
        "-----BEGIN CERTIFICATE-----\nMIIBAgMEBQYHCAk=\n-----END CERTIFICATE-----\n"
        "-----BEGIN CERTIFICATE-----\n\n");
  CHECK(office.remarks.empty());
}

TEST_CASE("of several connections one is named") {
  const auto several = chosen("several.mobileconfig", "");
  REQUIRE_FALSE(several.has_value());
  CHECK(several.error().what == "several.mobileconfig: has several connections");
  CHECK(several.error().remedy == "name one by --connection: \"hybrid\", \"l2tp\"");
  const auto unknown = chosen("several.mobileconfig", "new");
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().remedy == "it has \"hybrid\", \"l2tp\"");

  const auto hybrid = chosen("several.mobileconfig", "hybrid");
  REQUIRE(hybrid.has_value());
  const auto p = config::parse_profile(hybrid->profile, "x", "x");
  REQUIRE(p.has_value());
  CHECK(p->auth == config::Authentication::kHybrid);
  CHECK(p->local_id.text == "staff");
  CHECK(p->ca_file == "/etc/godwit/office-ca.pem");
  REQUIRE(hybrid->remarks.size() == 1);
  CHECK(hybrid->remarks[0].remedy == "put it into /etc/godwit/office-ca.pem");

  const auto l2tp = chosen("several.mobileconfig", "l2tp");
  REQUIRE(l2tp.has_value());
  const auto q = config::parse_profile(l2tp->profile, "x", "x");
  REQUIRE(q.has_value());
  CHECK(q->l2tp);
  CHECK(q->gateway == "l2tp.example.com");
  CHECK(l2tp->remarks[0].what == "AuthName");
}

TEST_CASE("a .mobileconfig that cannot be read says why and what to do") {
  const auto refusal = [](std::string_view text) {
    const auto format = detect(text, "x");
    if (!format) return format.error();
    Source source;
    source.text = text;
    source.file = "x";
    const auto imported = import_profile(*format, source);
    REQUIRE_FALSE(imported.has_value());
    return imported.error();
  };
  CHECK(refusal("bplist00\x01").what == "x: is a property list in binary form");
  CHECK(refusal("0\x82\x10\x01\x06\x09").remedy.find("openssl cms -verify") != std::string::npos);
  CHECK(refusal("<plist><dict><key>EncryptedPayloadContent</key><data/></dict></plist>").what ==
        "x:1: is encrypted for one device");
  CHECK(refusal("<plist><dict/></plist>").what.starts_with("x: has no connection"));
  CHECK(refusal("<?xml version=\"1.0\"?>\n<plist>\n<dict>").what.starts_with("x:3: is no XML"));
}

TEST_CASE("a property list is a tree with bounds, and no entity is expanded") {
  const auto plist = Plist::parse(
      "<plist><dict><key>a</key><array><string>x &amp; y</string><integer>7</integer></array>"
      "<key>b</key><true/><key>c</key><dict><key>d</key><data>QQ==</data></dict></dict></plist>");
  REQUIRE(plist.has_value());
  REQUIRE(plist->root().find("a")->children.size() == 2);
  CHECK(plist->root().find("a")->children[0].text == "x & y");
  CHECK(plist->root().is_set("b"));
  CHECK(plist->root().find("c")->text_of("d") == "QQ==");
  CHECK(plist->root().find("nothing") == nullptr);
  CHECK(fault_of("").starts_with("1: is no XML"));
  CHECK(fault_of("<html/>") == "1: holds something else than a property list");
  CHECK(fault_of("<plist></plist>") == "0: holds no property list");
  CHECK(fault_of("<string><string/></string>") == "1: has something inside of a value");
  CHECK(fault_of("<plist><dict/><dict/></plist>") == "1: holds more than one property list");
  CHECK(fault_of("<!DOCTYPE p [<!ENTITY a \"aaaa\">]><plist><string>&a;</string></plist>") ==
        "1: declares an entity, which no property list of Apple's does");
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "<array>";
  CHECK(fault_of(deep) == "1: is nested too deeply");
}
