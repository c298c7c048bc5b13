// Every key once right and in each way it can be wrong.
#include <array>
#include <set>

#include "core/config/proposal.h"
#include "core/config/values.h"
#include "parse.h"

namespace godwit::config {
namespace {

struct Case {
  std::string_view key;  // the key the case is about
  const char* line;
  const char* said;  // nothing: the line is right
};

constexpr auto kCases = std::to_array<Case>({
    {"backup-gateways", "backup-gateways = \"none\"", ""},
    {"backup-gateways", "backup-gateways = [\"vpn2.example.com\", \"192.0.2.9\"]", ""},
    {"backup-gateways", "backup-gateways = []",
     "p.toml:2:19: backup-gateways lists no gateway; write \"gateway\" or \"none\""},
    {"backup-gateways", "backup-gateways = [\"vpn.example.com\"]",
     "p.toml:2:20: \"vpn.example.com\" is the gateway itself; remove it"},
    {"nat-traversal", "nat-traversal = \"off\"", ""},
    {"nat-traversal", "nat-traversal = \"off\"\nl2tp = true",
     "p.toml:2:17: l2tp goes in UDP as RFC 3947 has it; write nat-traversal = \"auto\" or "
     "\"force\", or remove l2tp"},
    {"cisco-udp-port", "nat-traversal = \"cisco-udp\"\ncisco-udp-port = 12000", ""},
    {"cisco-udp-port", "cisco-udp-port = 10000",
     "p.toml:2:1: cisco-udp-port is used only by Cisco's way through a NAT; write nat-traversal = "
     "\"cisco-udp\", or remove this key"},
    {"cisco-udp-port", "nat-traversal = \"cisco-udp\"\ncisco-udp-port = 0",
     "p.toml:3:18: cisco-udp-port cannot be 0; write a number from 1 to 65535"},
    {"gateway-port", "gateway-port = 4433", ""},
    {"gateway-port", "gateway-port = 0",
     "p.toml:2:16: gateway-port cannot be 0; write a number from 1 to 65535"},
    {"gateway-port", "gateway-port = \"500\"",
     "p.toml:2:16: gateway-port must be a whole number; write gateway-port = 500"},
    {"gateway-natt-port", "gateway-natt-port = 14500", ""},
    {"gateway-natt-port", "gateway-natt-port = 500",
     "p.toml:2:21: gateway-port and gateway-natt-port are both 500; NAT traversal needs two "
     "different ports"},
    {"local-port", "local-port = 0", ""},
    {"local-port", "local-port = 65536",
     "p.toml:2:14: local-port cannot be 65536; write a number from 0 to 65535"},
    {"local-natt-port", "local-natt-port = 0", ""},
    {"local-natt-port", "local-natt-port = -1",
     "p.toml:2:19: local-natt-port cannot be -1; write a number from 0 to 65535"},
    {"local-natt-port", "local-natt-port = 500",
     "p.toml:2:19: local-port and local-natt-port are both 500; NAT traversal needs two different "
     "ports"},
    {"mode", "mode = \"main\"", ""},
    {"mode", "mode = \"agressive\"",
     "p.toml:2:8: mode cannot be \"agressive\"; did you mean \"aggressive\"?"},
    {"mode", "mode = \"quick\"",
     "p.toml:2:8: mode cannot be \"quick\"; write one of \"main\", \"aggressive\""},
    {"auth", "auth = \"xauth-psk\"", ""},
    {"auth", "auth = \"xauth\"",
     "p.toml:2:8: auth cannot be \"xauth\"; write one of \"psk\", \"xauth-psk\", \"cert\", "
     "\"xauth-cert\", \"hybrid\""},
    {"auth", "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a\"\nkey-file = \"/k\"", ""},
    {"auth", "auth = \"hybrid\"",
     "p.toml:2:8: this auth needs ca-file; write ca-file = \"/etc/godwit/ca.pem\""},
    {"cert-file", "auth = \"xauth-cert\"\nca-file = \"/c\"\ncert-file = \"/a\"\nkey-file = \"/k\"",
     ""},
    {"cert-file", "cert-file = \"/etc/godwit/office.pem\"",
     "p.toml:2:1: cert-file is used only with a certificate of ours; write auth = \"cert\" or "
     "\"xauth-cert\", or remove this key"},
    {"key-file", "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a\"\nkey-file = \"/k\"", ""},
    {"key-file", "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a\"",
     "p.toml:2:8: this auth needs key-file; write key-file = \"/etc/godwit/office.key\""},
    {"ca-file", "auth = \"hybrid\"\nca-file = \"/c\"", ""},
    {"ca-file", "ca-file = \"/etc/godwit/ca.pem\"",
     "p.toml:2:1: ca-file is used only with certificates; write auth = \"cert\" or \"hybrid\", or "
     "remove this key"},
    {"ca-file", "auth = \"cert\"\nca-file = \"/a.p12\"\ncert-file = \"/a.p12\"", ""},
    {"ca-file", "auth = \"cert\"\nca-file = \"/c.p12\"\ncert-file = \"/a.p12\"",
     "p.toml:3:11: ca-file names another PKCS#12 file than cert-file; write the authorities in "
     "PEM: "
     "openssl pkcs12 -nokeys -cacerts -in FILE"},
    {"crl-file", "auth = \"hybrid\"\nca-file = \"/c\"\ncrl-file = \"/l\"", ""},
    {"crl-file", "auth = \"hybrid\"\nca-file = \"/c\"\ncrl-file = \"ca.crl\"",
     "p.toml:4:12: crl-file must be an absolute path; write crl-file = \"/etc/godwit/ca.crl\""},
    {"cert-file", "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a.p12\"", ""},
    {"cert-file", "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a.PFX\"\nkey-file = \"/k\"",
     "p.toml:5:1: key-file is not read, for the key is in the PKCS#12 file that cert-file names; "
     "remove this key"},
    {"cert-file", "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"pkcs11:token=a;id=%01\"", ""},
    {"cert-file", "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"pkcs11:token=a?pin-value=1\"",
     "p.toml:4:13: cert-file must not say a PIN or where it is; remove it from the URI, and write "
     "key-passphrase-file if nobody shall be asked"},
    {"key-file",
     "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a\"\nkey-file = \"pkcs11:token=a\"", ""},
    {"key-file",
     "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a\"\n"
     "key-file = \"pkcs11:token=a?module-path=/m.so\"",
     "p.toml:5:12: key-file must not name a module; remove it from the URI, and write "
     "pkcs11-module = \"/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so\""},
    {"key-file", "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a\"\nkey-file = \"/a.p12\"",
     "p.toml:5:1: key-file names a PKCS#12 file; write it as cert-file, and remove key-file: it "
     "holds both"},
    {"key-passphrase-source",
     "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a.p12\"\n"
     "key-passphrase-source = \"stdin\"",
     ""},
    {"key-passphrase-source", "key-passphrase-source = \"prompt\"",
     "p.toml:2:1: key-passphrase-source is used only with a certificate of ours; write auth = "
     "\"cert\" or \"xauth-cert\", or remove this key"},
    {"key-passphrase-file",
     "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a.p12\"\n"
     "key-passphrase-file = \"/etc/godwit/phrase\"",
     ""},
    {"key-passphrase-file",
     "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a.p12\"\n"
     "key-passphrase-file = \"/p\"\nkey-passphrase-source = \"prompt\"",
     "p.toml:5:1: key-passphrase-file is not read, for key-passphrase-source = \"prompt\"; remove "
     "one of the two"},
    {"pkcs11-module",
     "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"pkcs11:id=%01\"\npkcs11-module = \"/m.so\"",
     ""},
    {"pkcs11-module",
     "auth = \"cert\"\nca-file = \"/c\"\ncert-file = \"/a.p12\"\npkcs11-module = \"/m.so\"",
     "p.toml:5:1: pkcs11-module is used only with a pkcs11: URI; write cert-file = "
     "\"pkcs11:token=...\", or remove this key"},
    {"revocation",
     "auth = \"hybrid\"\nca-file = \"/c\"\ncrl-file = \"/l\"\nrevocation = \"strict\"", ""},
    {"revocation", "auth = \"hybrid\"\nca-file = \"/c\"\nrevocation = \"ifuri\"", ""},
    {"revocation", "auth = \"hybrid\"\nca-file = \"/c\"\nrevocation = \"strict\"",
     "p.toml:4:14: this revocation needs crl-file; write crl-file = \"/etc/godwit/ca.crl\""},
    {"revocation", "auth = \"hybrid\"\nca-file = \"/c\"\ncrl-file = \"/l\"\nrevocation = \"off\"",
     "p.toml:5:14: crl-file is not read, for revocation = \"off\"; remove one of the two"},
    {"revocation", "revocation = \"strict\"",
     "p.toml:2:1: revocation is used only with certificates; write auth = \"cert\" or \"hybrid\", "
     "or remove this key"},
    {"gateway-cert-pin",
     "auth = \"hybrid\"\ngateway-cert-pin = "
     "[\"sha256:00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\"]",
     ""},
    {"gateway-cert-pin", "auth = \"hybrid\"\nca-file = \"/c\"\ngateway-cert-pin = [\"sha256:00\"]",
     "p.toml:4:21: a pin is sha256: and 64 hexadecimal digits; `godwit connect` shows the pin of a "
     "gateway that is not believed"},
    {"gateway-cert-pin", "auth = \"hybrid\"\ngateway-cert-pin = []",
     "p.toml:3:20: gateway-cert-pin lists no pin; remove it, or write one"},
    {"gateway-cert-file", "auth = \"hybrid\"\ngateway-cert-file = \"/g\"", ""},
    {"gateway-cert-file", "gateway-cert-file = \"/g\"",
     "p.toml:2:1: gateway-cert-file is used only with certificates; write auth = \"cert\" or "
     "\"hybrid\", or remove this key"},
    {"crl-file", "auth = \"hybrid\"\ngateway-cert-file = \"/g\"\ncrl-file = \"/l\"",
     "p.toml:4:1: crl-file is used only with ca-file; a pinned key without an authority cannot be "
     "revoked; remove this key"},
    {"psk-file", "auth = \"hybrid\"\nca-file = \"/c\"\npsk-file = \"/p\"",
     "p.toml:4:1: psk-file is not read with this auth; remove it, or write auth = \"psk\""},
    {"id", "id = \"sales\"", ""},
    {"id", "id = \"\"", "p.toml:2:6: id holds an empty text; remove it, or write id = \"sales\""},
    {"id", "id = \"a\\nb\"", "p.toml:2:6: id holds a control character; write printable text"},
    {"id", "id = \"@vpn.example.com\"",
     "p.toml:2:6: \"@vpn.example.com\" has nothing before the @; write a domain name without @, or "
     "id-type \"key-id\" for this text"},
    {"id-type", "id-type = \"ipv4\"", ""},
    {"id-type", "id-type = \"keyid\"",
     "p.toml:2:11: id-type cannot be \"keyid\"; did you mean \"key-id\"?"},
    {"id-type", "id-type = \"key-id\"",
     "p.toml:2:11: id-type = \"key-id\" needs id; write id as well, or remove this key"},
    {"remote-id", "remote-id = \"vpn.example.com\"", ""},
    {"remote-id", "remote-id = \"1.2.3.400\"",
     "p.toml:2:13: \"1.2.3.400\" is not an IPv4 address; write four numbers, or another id-type "
     "such as \"key-id\""},
    {"remote-id-type", "remote-id = \"gw\"\nremote-id-type = \"fqdn\"", ""},
    {"remote-id-type", "remote-id-type = \"ipv4\"",
     "p.toml:2:18: remote-id-type = \"ipv4\" needs remote-id; write remote-id as well, or remove "
     "this key"},
    {"psk-file", "psk-file = \"/etc/godwit/x.psk\"", ""},
    {"psk-file", "psk-file = \"hunter2\"",
     "p.toml:2:12: psk-file must be an absolute path; write psk-file = \"/etc/godwit/office.psk\""},
    {"psk-source", "psk-source = \"stdin\"", ""},
    {"psk-source", "psk-source = \"vpnc\"\npsk-file = \"/etc/vpnc/office.conf\"", ""},
    {"psk-source", "psk-source = \"vpnc\"",
     "p.toml:2:14: psk-source = \"vpnc\" needs psk-file; write psk-file = "
     "\"/etc/godwit/office.psk\""},
    {"psk-source", "psk-source = \"file\"",
     "p.toml:2:14: psk-source = \"file\" needs psk-file; write psk-file = "
     "\"/etc/godwit/office.psk\""},
    {"psk-source", "psk-source = \"askpass\"",
     "p.toml:2:14: psk-source = \"askpass\" needs askpass; write askpass = "
     "\"/usr/bin/ssh-askpass\""},
    {"psk-source", "psk-source = \"prompt\"\npsk-file = \"/a\"",
     "p.toml:3:1: psk-file is not read, for psk-source = \"prompt\"; remove one of the two"},
    {"user", "auth = \"xauth-psk\"\nuser = \"alice\"", ""},
    {"user", "user = \"alice\"",
     "p.toml:2:1: user is used only with XAuth; write auth = \"xauth-psk\", or remove this key"},
    {"password-file", "auth = \"xauth-psk\"\npassword-file = \"/etc/godwit/x.pw\"", ""},
    {"password-file", "password-file = \"/a\"",
     "p.toml:2:1: password-file is used only with XAuth; write auth = \"xauth-psk\", or remove "
     "this "
     "key"},
    {"password-source", "auth = \"xauth-psk\"\npassword-source = \"stdin\"", ""},
    {"password-source", "auth = \"xauth-psk\"\npassword-source = \"wallet\"",
     "p.toml:3:19: password-source cannot be \"wallet\"; write one of \"file\", \"vpnc\", "
     "\"askpass\", \"keyring\", \"stdin\", \"prompt\""},
    {"password-source", "auth = \"xauth-psk\"\npassword-source = \"keyring\"", ""},
    {"keyring-user", "psk-source = \"keyring\"\nkeyring-user = \"alice\"", ""},
    {"keyring-user", "keyring-user = \"alice\"",
     "p.toml:2:1: keyring-user is set, but no secret is in a keyring; write password-source = "
     "\"keyring\", or remove this key"},
    {"user-domain", "auth = \"xauth-psk\"\nuser-domain = \"CORP\"", ""},
    {"user-domain", "user-domain = \"CORP\"",
     "p.toml:2:1: user-domain is used only with XAuth; write auth = \"xauth-psk\", or remove this "
     "key"},
    {"keep-password", "auth = \"xauth-psk\"\nkeep-password = false", ""},
    {"keep-password", "auth = \"xauth-psk\"\npassword-source = \"keyring\"\nkeep-password = false",
     "p.toml:4:1: a password of the keyring is read once, at the start, and has to be kept; remove "
     "keep-password, or write password-source = \"askpass\""},
    {"keep-password", "keep-password = \"no\"",
     "p.toml:2:17: keep-password must be true or false; write keep-password = false"},
    {"otp", "auth = \"xauth-psk\"\notp = \"append\"", ""},
    {"otp", "auth = \"xauth-psk\"\notp = \"behind\"",
     "p.toml:3:7: otp cannot be \"behind\"; write one of \"separate\", \"append\", \"prepend\""},
    {"otp-source", "auth = \"xauth-psk\"\notp-source = \"stdin\"", ""},
    {"otp-source", "auth = \"xauth-psk\"\notp-source = \"totp\"",
     "p.toml:3:14: otp-source = \"totp\" needs totp-file; write totp-file = "
     "\"/etc/godwit/office.totp\""},
    {"otp-source", "auth = \"xauth-psk\"\notp-source = \"prompt\"\notp-command = \"/a\"",
     "p.toml:4:1: otp-command is not read, for otp-source = \"prompt\"; remove one of the two"},
    {"otp-command", "auth = \"xauth-psk\"\notp-command = \"/usr/local/bin/otp\"", ""},
    {"otp-command", "auth = \"xauth-psk\"\notp-command = \"oathtool --totp\"",
     "p.toml:3:15: otp-command must be an absolute path; write otp-command = "
     "\"/usr/local/bin/office-otp\""},
    {"totp-file", "auth = \"xauth-psk\"\ntotp-file = \"/etc/godwit/x.totp\"", ""},
    {"totp-file", "auth = \"xauth-psk\"\ntotp-file = \"/a\"\notp-command = \"/b\"",
     "p.toml:3:1: totp-file and otp-command both give one-time passwords; remove one of the two"},
    {"xauth-optional", "auth = \"xauth-psk\"\nxauth-optional = true", ""},
    {"xauth-optional", "xauth-optional = 1",
     "p.toml:2:18: xauth-optional must be true or false; write xauth-optional = true"},
    {"askpass", "askpass = \"/usr/bin/ssh-askpass\"", ""},
    {"askpass", "askpass = \"/a\"\npsk-file = \"/b\"",
     "p.toml:2:1: askpass is set, but no secret comes from it; remove it, or the file or source "
     "named for the secret it should ask for"},
    {"ike", "ike = [\"aes256-sha256-modp2048\", \"aes128-sha1-ecp256\"]", ""},
    {"ike", "ike = \"aes256-sha256-modp2048\"",
     "p.toml:2:7: ike must be a list; write ike = [\"aes256-sha256-modp2048\"]"},
    {"ike", "ike = []",
     "p.toml:2:7: ike lists no proposal; remove it to use the defaults, or write ike = "
     "[\"aes256-sha256-modp2048\"]"},
    {"ike", "ike = [\"aes256-sha-modp2048\", \"aes256-sha1-dh14\"]",
     "p.toml:2:31: \"aes256-sha1-dh14\" repeats an earlier value of this list; keep one"},
    {"ike", "ike = [\"aes256-sha1-modp1024\"]",
     "p.toml:2:8: a large attacker can compute the keys of modp1024 and read the traffic; if the "
     "gateway knows nothing better, write \"modp1024\" in allow-weak"},
    {"esp", "esp = [\"aes128gcm16\", \"aes128-sha1\"]", ""},
    {"esp", "esp = [\"aes128\", 7]",
     "p.toml:2:8: \"aes128\" has no hash; write \"aes128-sha256\"\n"
     "p.toml:2:18: esp must list texts; write esp = [\"aes256gcm16\", \"aes256-sha256\"]"},
    {"pfs", "pfs = \"dh19\"", ""},
    {"pfs", "pfs = \"none\"", ""},
    {"pfs", "pfs = \"modp2084\"",
     "p.toml:2:7: unknown group \"modp2084\"; did you mean \"modp2048\"?"},
    {"pfs", "pfs = true", "p.toml:2:7: pfs must be a text; write pfs = \"modp2048\""},
    {"pfs", "pfs = \"modp768\"", "p.toml:2:7: godwit does not offer modp768; use modp2048"},
    {"pfs", "pfs = \"dh5\"",
     "p.toml:2:7: modp1536 is too short to keep recorded traffic secret for years; if the gateway "
     "knows nothing better, write \"modp1536\" in allow-weak"},
    {"ike-lifetime", "ike-lifetime = 28800", ""},
    {"ike-lifetime", "ike-lifetime = \"8d\"",
     "p.toml:2:16: ike-lifetime cannot be \"8d\"; write a duration from 1m to 7d"},
    {"esp-lifetime", "esp-lifetime = \"90m\"", ""},
    {"esp-lifetime", "esp-lifetime = \"1 hour\"",
     "p.toml:2:16: esp-lifetime: \"1 hour\" is not a duration; write it as \"8h\", \"90m\" or "
     "\"3600s\""},
    {"esp-lifetime-bytes", "esp-lifetime-bytes = \"4GiB\"", ""},
    {"esp-lifetime-bytes", "esp-lifetime-bytes = 1048576", ""},
    {"esp-lifetime-bytes", "esp-lifetime-bytes = \"4G\"",
     "p.toml:2:22: esp-lifetime-bytes: \"4G\" is not a size; write it as \"4GiB\", \"500MB\" or a "
     "number of octets"},
    {"esp-lifetime-bytes", "esp-lifetime-bytes = \"500kB\"",
     "p.toml:2:22: esp-lifetime-bytes cannot be \"500kB\"; write 0 or a size from 1MiB to 4095GiB"},
    {"esp-lifetime-bytes", "esp-lifetime-bytes = true",
     "p.toml:2:22: esp-lifetime-bytes must be a size; write esp-lifetime-bytes = \"4GiB\""},
    {"esp-lifetime", "esp-lifetime = -5",
     "p.toml:2:16: esp-lifetime cannot be -5; write a duration from 30s to 7d"},
    {"l2tp", "l2tp = true", ""},
    {"l2tp", "l2tp = \"yes\"", "p.toml:2:8: l2tp must be true or false; write l2tp = true"},
    {"l2tp", "l2tp = true\nnetworks = [\"10.0.0.0/8\"]\ndns = \"none\"",
     "p.toml:3:1: networks has no use with l2tp, where PPP gives addresses and names; remove it, "
     "and "
     "tell pppd what you want; or remove l2tp\n"
     "p.toml:4:1: dns has no use with l2tp, where PPP gives addresses and names; remove it, and "
     "tell "
     "pppd what you want; or remove l2tp"},
    {"l2tp", "l2tp = true\nmode-config = true",
     "p.toml:3:1: mode-config has no use with l2tp, where PPP gives addresses and names; remove "
     "it, "
     "and tell pppd what you want; or remove l2tp"},
    {"l2tp", "l2tp = true\ngateway-natt-port = 1701",
     "p.toml:3:21: gateway-natt-port is the port of L2TP itself; write the gateway's port for IKE, "
     "mostly 500 and 4500"},
    {"mode-config", "mode-config = true", ""},
    {"mode-config", "mode-config = false",
     "p.toml:2:1: without mode-config the profile must give an address; write address = "
     "\"10.9.8.7\""},
    {"mode-config", "mode-config = \"yes\"",
     "p.toml:2:15: mode-config cannot be \"yes\"; write one of \"auto\", \"pull\", \"push\", "
     "\"off\""},
    {"mode-config", "mode-config = \"off\"\naddress = \"10.1.2.3\"", ""},
    {"mode-config", "mode-config = \"push\"", ""},
    {"mode-config", "mode-config = 1",
     "p.toml:2:15: mode-config must be a text; write mode-config = \"push\""},
    {"ipv6-address", "ipv6-address = false", ""},
    {"ipv6-address", "ipv6-address = true\nmode-config = false\naddress = \"10.1.2.3\"",
     "p.toml:2:1: ipv6-address is a matter of mode-config, which is off; remove one of the two"},
    {"phase2", "phase2 = \"per-network\"", ""},
    {"phase2", "phase2 = \"each\"",
     "p.toml:2:10: phase2 cannot be \"each\"; write one of \"auto\", \"one\", \"per-network\""},
    {"copy-dscp", "copy-dscp = true", ""},
    {"copy-dscp", "copy-dscp = \"ef\"",
     "p.toml:2:13: copy-dscp must be true or false; write copy-dscp = true"},
    {"outer-fragments", "outer-fragments = true", ""},
    {"outer-fragments", "outer-fragments = 1",
     "p.toml:2:19: outer-fragments must be true or false; write outer-fragments = true"},
    {"local-lan", "local-lan = true", ""},
    {"local-lan", "local-lan = \"10.0.0.0/8\"",
     "p.toml:2:13: local-lan must be true or false; write local-lan = true"},
    {"ipv6", "ipv6 = \"block\"", ""},
    {"ipv6", "ipv6 = \"no\"",
     "p.toml:2:8: ipv6 cannot be \"no\"; write one of \"tunnel\", \"block\", \"allow\""},
    {"add-networks", "add-networks = [\"10.20.0.0/16\"]", ""},
    {"add-networks", "add-networks = [\"10.20.0.1/16\"]",
     "p.toml:2:17: \"10.20.0.1/16\" has bits set behind the prefix length; write \"10.20.0.0/16\""},
    {"exclude-networks", "exclude-networks = [\"192.0.2.0/24\"]", ""},
    {"exclude-networks", "exclude-networks = \"printer\"",
     "p.toml:2:20: exclude-networks must be a list; write exclude-networks = [\"192.0.2.0/24\"]"},
    {"prefer", "prefer = \"local\"", ""},
    {"prefer", "prefer = \"lan\"",
     "p.toml:2:10: prefer cannot be \"lan\"; write one of \"vpn\", \"local\""},
    {"kill-switch", "kill-switch = \"lan\"", ""},
    {"kill-switch", "kill-switch = \"yes\"",
     "p.toml:2:15: kill-switch cannot be \"yes\"; write one of \"off\", \"on\", \"lan\""},
    {"application-version", "application-version = \"Cisco Systems VPN Client\"", ""},
    {"application-version", "application-version = \"a\\u0007\"",
     "p.toml:2:23: application-version holds a control character; write printable text"},
    {"ddns-hostname", "ddns-hostname = \"laptop\"", ""},
    {"ddns-hostname", "ddns-hostname = \"my laptop\"",
     "p.toml:2:17: \"my laptop\" is not a domain name; write a name such as \"corp.example.com\""},
    {"networks", "networks = [\"10.0.0.0/8\", \"192.0.2.1\"]", ""},
    {"networks", "networks = [\"10.0.0.1/8\", \"10.0.0.0/33\"]",
     "p.toml:2:13: \"10.0.0.1/8\" has bits set behind the prefix length; write \"10.0.0.0/8\"\n"
     "p.toml:2:27: \"10.0.0.0/33\" is not a network; write it as \"10.0.0.0/8\""},
    {"networks", "networks = [\"10.0.0.0/8\", \"10.0.0.0/8\"]",
     "p.toml:2:27: networks lists \"10.0.0.0/8\" twice; keep one"},
    {"address", "address = \"10.1.2.3\"\nmode-config = false", ""},
    {"address", "address = \"10.1.2.3\"",
     "p.toml:2:1: address is set, but mode-config asks the gateway for one; write mode-config = "
     "false, or remove address"},
    {"address", "address = \"224.0.0.1\"\nmode-config = false",
     "p.toml:2:11: \"224.0.0.1\" cannot be given to an interface; write the address the gateway "
     "expects this machine to have"},
    {"address", "address = \"10.1.2\"\nmode-config = false",
     "p.toml:2:11: \"10.1.2\" is not an IP address; write it as \"10.9.8.7\""},
    {"nat-traversal", "nat-traversal = \"force\"", ""},
    {"nat-traversal", "nat-traversal = \"never\"",
     "p.toml:2:17: nat-traversal cannot be \"never\"; write one of \"auto\", \"force\", \"off\", "
     "\"cisco-udp\""},
    {"fragmentation", "fragmentation = \"always\"", ""},
    {"fragmentation", "fragmentation = \"yes\"",
     "p.toml:2:17: fragmentation cannot be \"yes\"; write one of \"auto\", \"always\", \"off\""},
    {"keepalive", "keepalive = 0", ""},
    {"keepalive", "keepalive = \"11m\"",
     "p.toml:2:13: keepalive cannot be \"11m\"; write 0 or a duration from 1s to 10m"},
    {"dpd-delay", "dpd-delay = \"0s\"", ""},
    {"dpd-delay", "dpd-delay = 1.5",
     "p.toml:2:14: a number has no other character than digits; a text stands between two "
     "straight quotation marks: \"...\""},
    {"dpd-attempts", "dpd-attempts = 20", ""},
    {"dpd-attempts", "dpd-attempts = 0",
     "p.toml:2:16: dpd-attempts cannot be 0; write a number from 1 to 20"},
    {"reconnect", "reconnect = 0", ""},
    {"reconnect", "reconnect = \"5s\"",
     "p.toml:2:13: reconnect cannot be \"5s\"; write 0 or a duration from 10s to 7d"},
    {"initial-contact", "initial-contact = true", ""},
    {"initial-contact", "initial-contact = 1",
     "p.toml:2:19: initial-contact must be true or false; write initial-contact = true"},
    {"interface", "interface = \"vpn-office.1_23\"", ""},
    {"interface", "interface = \"sixteen-letters-\"",
     "p.toml:2:13: \"sixteen-letters-\" has 16 characters; the kernel takes at most 15"},
    {"interface", "interface = \"a/b%d\"",
     "p.toml:2:13: \"a/b%d\" cannot name a tunnel device; use letters, digits, - _ and . as in "
     "\"vpn0\""},
    {"mtu", "mtu = 0", ""},
    {"mtu", "mtu = 576", ""},
    {"mtu", "mtu = 575", "p.toml:2:7: mtu cannot be 575; write 0 or a number from 576 to 9000"},
    {"mtu", "mtu = 9223372036854775807",
     "p.toml:2:7: mtu cannot be 9223372036854775807; write 0 or a number from 576 to 9000"},
    {"dns", "dns = \"none\"", ""},
    {"dns", "dns = [\"10.0.0.53\", \"2001:db8::53\"]", ""},
    {"dns", "dns = \"gatway\"", "p.toml:2:7: dns cannot be \"gatway\"; did you mean \"gateway\"?"},
    {"dns", "dns = []", "p.toml:2:7: dns lists no server; write \"gateway\" or \"none\""},
    {"dns", "dns = [\"0.0.0.0\"]",
     "p.toml:2:8: \"0.0.0.0\" cannot be the address of a DNS server; write the address of one "
     "host"},
    {"dns", "dns = 8",
     "p.toml:2:7: dns must be \"gateway\", \"none\", or a list; write dns = [\"10.0.0.53\"]"},
    {"search-domains", "search-domains = [\"corp.example.com\"]", ""},
    {"search-domains", "search-domains = [\"a b\"]",
     "p.toml:2:19: \"a b\" is not a domain name; write a name such as \"corp.example.com\""},
    {"routing-domains", "routing-domains = []", ""},
    {"routing-domains", "routing-domains = [\"~corp.example\"]",
     "p.toml:2:20: \"~corp.example\" is not a domain name; write the name alone, without ~, * or a "
     "leading dot"},
    {"routing-domains", "routing-domains = [\"a.example\"]\ndns = \"none\"",
     "p.toml:2:1: routing-domains has no effect with dns = \"none\"; remove one of the two"},
    {"quirks", "quirks = \"none\"", ""},
    {"quirks", "quirks = \"auto\"", ""},
    {"quirks", "quirks = [\"plain-main-6\"]", ""},
    {"quirks", "quirks = [\"plain-main-5\"]",
     "p.toml:2:11: quirks does not know \"plain-main-5\"; it knows \"plain-main-6\""},
    {"script", "script = \"/usr/bin/vpn-slice 10.0.0.0/8 'a b'\"", ""},
    {"script", "script = \"vpn-slice 'a\"",
     "p.toml:2:10: script names no program, or a quote in it does not end; write a path and its "
     "arguments: \"/usr/share/vpnc-scripts/vpnc-script\""},
    {"allow-weak", "allow-weak = [\"modp1536\"]\npfs = \"modp1536\"", ""},
    {"allow-weak", "allow-weak = [\"modp1024\"]",
     "p.toml:2:15: allow-weak names \"modp1024\", which nothing here uses; remove the word"},
    {"allow-weak", "allow-weak = [\"modp1025\", \"blowfish\"]",
     "p.toml:2:15: allow-weak does not know \"modp1025\"; did you mean \"modp1024\"?\n"
     "p.toml:2:27: allow-weak does not know \"blowfish\"; it knows modp1024, modp1536, 3des, md5 "
     "and aggressive-psk"},
    {"allow-weak", "allow-weak = [\"3des\", \"md5\"]\nesp = [\"3des-md5\"]", ""},
    {"allow-weak", "allow-weak = [\"md5\"]\nesp = [\"3des-md5\"]",
     "p.toml:3:8: 3des has blocks of 64 bits, which give away text when much is sent under one key "
     "(Sweet32), and is slow; if the gateway knows nothing better, write \"3des\" in allow-weak"},
    {"allow-weak", "allow-weak = [\"3des\"]",
     "p.toml:2:15: allow-weak names \"3des\", which nothing here uses; remove the word"},
    {"esp", "esp = [\"aes256-sha256\", \"aes256-sha256_96\"]",
     "p.toml:2:25: a gateway cannot tell aes256-sha256_96 from aes256-sha256; keep the one that "
     "the gateway uses; sha256 is the standard"},
});

}  // namespace

TEST_CASE("every key, right and wrong") {
  for (const Case& c : kCases) {
    INFO(std::string(c.line));
    CHECK(said_of(c.line) == std::string(c.said));
  }
}

TEST_CASE("the cases above name every key, right and wrong") {
  std::set<std::string_view> right{"gateway"};
  std::set<std::string_view> wrong{"gateway"};
  for (const Case& c : kCases) (std::string_view(c.said).empty() ? right : wrong).insert(c.key);
  for (const Option& option : options()) {
    INFO(option.key);
    CHECK(right.contains(option.key));
    CHECK(wrong.contains(option.key));
  }
}

TEST_CASE("a script is a program and its arguments, and shown as it was read") {
  const auto words =
      good("gateway = \"gw\"\nscript = \"vpn-slice  10.0.0.0/8 'a b' \\\"c\\\"d\"").script;
  CHECK(words == std::vector<std::string>{"vpn-slice", "10.0.0.0/8", "a b", "cd"});
  CHECK(split_command(join_command({"x", "", "a'b\"c\\d"})) ==
        std::vector<std::string>{"x", "", "a'b\"c\\d"});
  CHECK_FALSE(split_command(" "));
}

TEST_CASE("gateway is a name or an address") {
  for (const auto* host : {"vpn.example.com", "gw", "192.0.2.1", "2001:db8::1", "127.0.0.1"}) {
    CHECK(good("gateway = \"" + std::string(host) + "\"").gateway == host);
  }
  CHECK(said("gateway = \"vpn.example.com:500\"") ==
        "p.toml:1:11: \"vpn.example.com:500\" is neither a host name nor an address; write the "
        "port as gateway-port");
  CHECK(said("gateway = \"https://vpn.example.com\"") ==
        "p.toml:1:11: \"https://vpn.example.com\" is neither a host name nor an address; write the "
        "name alone, without ://");
  CHECK(said("gateway = \"192.0.2.256\"").find("neither a host name") != std::string::npos);
  CHECK(said("gateway = \"0.0.0.0\"") ==
        "p.toml:1:11: \"0.0.0.0\" is not the address of one host; write the address of the "
        "gateway");
  CHECK(said("gateway = 5") ==
        "p.toml:1:11: gateway must be a text; write gateway = \"vpn.example.com\"");
}

TEST_CASE("the option table's examples and defaults are right, and the defaults are the defaults") {
  std::string all = "gateway = \"vpn.example.com\"\n";
  for (const Option& option : options()) {
    INFO(option.key);
    CHECK(option.help.ends_with('.'));
    CHECK(option.metavar.size() > 0);
    if (option.default_text.empty() || option.key == "gateway") continue;
    all += std::string(option.key) + " = " + std::string(option.default_text) + "\n";
  }
  CHECK(good(all) == good("gateway = \"vpn.example.com\"\n"));
  for (const Option& option : options()) {
    if (option.type != OptionType::kChoice || option.key == "pfs") continue;
    INFO(option.key);
    CHECK(option_words(option).size() >= 2);
  }
  CHECK(option_words(*find_option("dns")) == std::vector<std::string_view>{"gateway", "none"});
  CHECK(find_option("psk") == nullptr);
  CHECK(option_keys().size() == options().size());
}

}  // namespace godwit::config
