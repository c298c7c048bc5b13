// Shrew's .vpn files.
#include "core/config/proposal.h"
#include "tests/unit/importers/samples.h"

using namespace godwit;
using namespace godwit::importers;

TEST_CASE("a .vpn with a key and XAuth") {
  const Taken site = take("site.vpn");
  const config::Profile& p = site.profile;
  CHECK(p.gateway == "vpn.example.com");
  CHECK(p.aggressive);
  CHECK(p.xauth);
  CHECK(p.user == "alice");
  CHECK(p.local_id == config::Identity{config::Identity::Type::kKeyId, "sales"});
  CHECK(site.companion(".psk") == "hunter2 group");
  REQUIRE(p.ike.size() == 1);
  CHECK(config::to_text(p.ike[0]) == "aes256-sha1-modp1024");
  REQUIRE(p.esp.size() == 1);
  CHECK(config::to_text(p.esp[0]) == "aes128-sha1");
  CHECK(config::to_text(*p.pfs) == "modp1536");
  CHECK(p.ike_lifetime == std::chrono::hours(24));
  CHECK(p.esp_lifetime == std::chrono::hours(1));
  CHECK(p.esp_lifetime_bytes == 128000u * 1024);
  CHECK(p.keepalive == std::chrono::seconds(15));
  CHECK(p.networks.empty());
  CHECK(site.remarks ==
        "site.vpn:44: ipcomp-transform, packets are not compressed here\n"
        "site.vpn:46: made-up, has no counterpart here, look at it\n");
}

TEST_CASE("a .vpn with certificates, an address and networks of its own") {
  const Taken site = take("certificate.vpn");
  const config::Profile& p = site.profile;
  CHECK_FALSE(p.aggressive);
  CHECK(p.auth == config::Authentication::kCertificate);
  CHECK_FALSE(p.xauth);
  CHECK(p.gateway_port == 1500);
  CHECK(p.cert_file == "/etc/godwit/office-cert.pem");
  CHECK(p.key_file == "/etc/godwit/office-key.pem");
  CHECK(p.ca_file == "/etc/godwit/office-ca.pem");
  CHECK(site.companion("-ca.pem") == "-----BEGIN CERTIFICATE-----\n");
  CHECK(site.companion("-key.pem").empty());
  CHECK(site.says("certificate.vpn:11: auth-client-key, needs a file that is not in this one"));
  CHECK(p.remote_id == config::Identity{config::Identity::Type::kFqdn, "vpn.example.com"});
  CHECK(p.mode_config == config::ConfigMode::kOff);
  CHECK(p.address->to_string() == "10.2.1.13");
  REQUIRE(p.networks.size() == 2);
  CHECK(p.networks[0].to_string() == "10.1.0.0/16");
  CHECK(p.networks[1].to_string() == "192.168.0.0/24");
  CHECK(p.dns.size() == 2);
  CHECK(p.search_domains == std::vector<std::string>{"corp.example.com"});
  CHECK(p.routing_domains.size() == 2);
  CHECK(p.natt == config::NatTraversal::kForce);
  CHECK(p.fragmentation == config::Fragmentation::kOff);
  CHECK(p.dpd_delay == Duration::zero());
  CHECK(p.weak == std::vector<std::string>{"modp1024", "modp1536", "3des", "md5"});
  CHECK(site.says("certificate.vpn:26: phase1-cipher, its auto also offers ciphers"));
  CHECK(site.says("certificate.vpn:31: policy-list-exclude, "));
}

TEST_CASE("a .vpn with what godwit does not have says so and stays a profile") {
  const Taken odd = take("odd.vpn",
                         "s:network-host:vpn.example.com\ns:auth-method:mutual-psk\n"
                         "b:auth-mutual-psk:***\ns:client-auto-mode:disabled\n"
                         "s:phase1-cipher:blowfish\nn:phase1-keylen:128\ns:phase1-hash:sha1\n"
                         "s:network-natt-mode:sometimes\nn:vendor-chkpt-enable:1\n");
  CHECK(odd.says("odd.vpn:3: auth-mutual-psk, is not base64"));
  CHECK(odd.says("odd.vpn:4: client-auto-mode, "));
  CHECK(odd.says("odd.vpn:5: phase1-cipher, godwit does not offer blowfish"));
  CHECK(odd.says("odd.vpn:8: network-natt-mode, has a value"));
  CHECK(odd.says("odd.vpn:9: vendor-chkpt-enable, "));
}
