// Cisco's .pcf, and the obfuscation of its passwords.
#include "core/config/proposal.h"
#include "core/importers/obfuscation.h"
#include "tests/unit/importers/samples.h"

using namespace godwit;
using namespace godwit::importers;

namespace {

// Made by another program after the description in obfuscation.cc.
constexpr std::string_view kHidden =
    "161880CCF49FB568704DF18939E47D8A7CBAE7C721449E14243A9105C527118F09966E6B8017B728A5A7FDFC2EE183"
    "3D53EB8613676669A2";

}  // namespace

TEST_CASE("an obfuscated password is read, and nothing else is taken for one") {
  const auto shown = reveal(kHidden);
  REQUIRE(shown.has_value());
  CHECK(std::string(shown->expose().begin(), shown->expose().end()) == "hunter2 group");
  CHECK_FALSE(reveal("").has_value());
  for (std::size_t size = 0; size < kHidden.size(); ++size) {
    CHECK_FALSE(reveal(kHidden.substr(0, size)).has_value());
  }
  // Octets 20 and on are guarded by the hash; before them stands what only makes the key.
  for (std::size_t at = 40; at < kHidden.size(); ++at) {
    std::string damaged(kHidden);
    damaged[at] = damaged[at] == '0' ? '1' : '0';
    CHECK_FALSE(reveal(damaged).has_value());
  }
  for (std::size_t at = 0; at < 40; ++at) {
    std::string damaged(kHidden);
    damaged[at] = damaged[at] == '0' ? '1' : '0';
    reveal(damaged);  // anything, but no crash
  }
  CHECK_FALSE(reveal("zz" + std::string(kHidden)).has_value());
}

TEST_CASE("a .pcf with a group becomes a profile of aggressive mode and XAuth") {
  const Taken office = take("group.pcf");
  const config::Profile& p = office.profile;
  CHECK(p.gateway == "vpn.example.com");
  CHECK(p.backup_gateways == std::vector<std::string>{"vpn2.example.com", "vpn3.example.com"});
  CHECK(p.aggressive);
  CHECK(p.xauth);
  CHECK(p.local_id == config::Identity{config::Identity::Type::kKeyId, "sales"});
  CHECK(p.user == "alice");
  CHECK(p.user_domain == "CORP");
  CHECK(p.local_lan);
  CHECK(office.companion(".psk") == "hunter2 group");
  CHECK(office.companion(".password") == "correct horse");
  CHECK(config::to_text(p.ike.front()) == "aes256-sha1-modp1024");
  for (const char* words : {"group.pcf:8: EnableISPConnect, ", "group.pcf:10: ISPConnect, ",
                            "group.pcf:11: ISPPhonebook, ", "group.pcf:23: TunnelingMode, ",
                            "group.pcf:31: PeerTimeout, "}) {
    CHECK_MESSAGE(office.says(words), office.remarks);
  }
  CHECK_FALSE(office.says("MSLogon"));
  CHECK_FALSE(office.says("hunter2"));
}

TEST_CASE("a .pcf with certificates says which files it needs") {
  const Taken office = take("certificate.pcf");
  CHECK_FALSE(office.profile.aggressive);
  CHECK(office.profile.auth == config::Authentication::kCertificate);
  CHECK(office.profile.cert_file == "/etc/godwit/office.p12");
  CHECK(office.profile.ca_file == "/etc/godwit/office-ca.pem");
  CHECK(office.says("put it into /etc/godwit/office.p12"));
  CHECK(office.says("certificate.pcf:6: CertName, "));
  CHECK(office.says("certificate.pcf:8: EnableNat, "));
  CHECK(office.says("certificate.pcf:9: Sideways, godwit does not know this key"));
}

TEST_CASE("a .pcf with mutual group authentication is hybrid") {
  const Taken office = take("hybrid.pcf");
  CHECK(office.profile.auth == config::Authentication::kHybrid);
  CHECK(office.companions.empty());
  CHECK(office.says("hybrid.pcf:6: enc_UserPassword, is not what Cisco's obfuscation makes"));
  CHECK(office.says("hybrid.pcf:7: DHGroup, godwit does not offer this group"));
}
