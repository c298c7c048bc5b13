#include "core/config/options.h"

#include <array>

namespace godwit::config {
namespace {

using enum OptionType;

constexpr auto kOptions = std::to_array<Option>({
    {"gateway", kText, "HOST", "", R"("vpn.example.com")",
     "Name or address of the VPN gateway; a name is looked up at every connect, and again when the "
     "gateway falls silent.",
     true},
    {"backup-gateways", kTextOrList, "gateway|none|HOST", R"("gateway")", R"(["vpn2.example.com"])",
     "Tried in turn while the first is silent: these; or, to reconnect, what the gateway names."},
    {"gateway-port", kInteger, "PORT", "500", "500",
     "UDP port on which the gateway answers the first IKE messages."},
    {"gateway-natt-port", kInteger, "PORT", "4500", "4500",
     "UDP port for all that follows NAT detection, ESP included; another where it is forwarded."},
    {"local-port", kInteger, "PORT", "500", "0",
     "UDP port the first messages leave from; 0 takes any, as does a port already in use."},
    {"local-natt-port", kInteger, "PORT", "4500", "0",
     "UDP port used after NAT detection; 0 takes any, as does a port already in use."},
    {"mode", kChoice, "main|aggressive", R"("main")", R"("aggressive")",
     "Phase 1 exchange; aggressive shows the identity and exposes a hash of the pre-shared key."},
    {"auth", kChoice, "psk|xauth-psk|cert|xauth-cert|hybrid", R"("psk")", R"("xauth-psk")",
     "How both sides prove themselves; with xauth, and in hybrid, a user name and password too."},
    {"cert-file", kPathOrUri, "FILE|URI", "", R"("/etc/godwit/office.pem")",
     "Our certificate: PEM, DER, PKCS#12 (*.p12, *.pfx; holds the key too) or a pkcs11: URI."},
    {"key-file", kPathOrUri, "FILE|URI", "", R"("/etc/godwit/office.key")",
     "File of mode 0600 with its private key, or a pkcs11: URI of a token, which the key never "
     "leaves."},
    {"key-passphrase-source", kChoice, "file|askpass|keyring|stdin|prompt", "", R"("prompt")",
     "Where a key's passphrase or a token's PIN comes from, when one is needed; absent: as for "
     "psk."},
    {"key-passphrase-file", kPath, "FILE", "", R"("/etc/godwit/office.passphrase")",
     "File of mode 0600 with the passphrase or PIN; a PIN that is refused is not tried again."},
    {"pkcs11-module", kPath, "FILE", "", R"("/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so")",
     "Library that reaches the token; absent: those that p11-kit knows on this machine."},
    {"ca-file", kPath, "FILE", "", R"("/etc/godwit/ca.pem")",
     "The authorities that may vouch for the gateway: PEM, DER, or cert-file's PKCS#12 once more."},
    {"crl-file", kPath, "FILE", "", R"("/etc/godwit/ca.crl")",
     "Lists of revoked certificates; once they have expired no gateway is believed."},
    {"revocation", kChoice, "strict|ifuri|relaxed|off", R"("relaxed")", R"("strict")",
     "strict: no gateway without a list of each authority; ifuri: where the certificate names "
     "one."},
    {"gateway-cert-pin", kTextList, "PIN", "",
     R"(["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])",
     "SHA-256 of the gateway's public key; it replaces the check of names, and may replace "
     "ca-file."},
    {"gateway-cert-file", kPath, "FILE", "", R"("/etc/godwit/gateway.pem")",
     "The gateway's own certificate, which pins its key, and serves when the gateway sends none."},
    {"id", kText, "ID", "", R"("sales")",
     "Identity (often called the group) we show; absent: our certificate's subject, or address."},
    {"id-type", kChoice, "auto|ipv4|fqdn|user-fqdn|key-id", R"("auto")", R"("key-id")",
     "How id is sent; auto sees addresses, mail addresses and names, and sends the rest as "
     "key-id."},
    {"remote-id", kText, "ID", "", R"("vpn.example.com")",
     "Identity the gateway must show; absent: any, but a certificate must name the gateway."},
    {"remote-id-type", kChoice, "auto|ipv4|fqdn|user-fqdn|key-id", R"("auto")", R"("fqdn")",
     "How remote-id is compared; a gateway that shows another type is refused."},
    {"psk-source", kChoice, "file|vpnc|askpass|keyring|stdin|prompt", "", R"("file")",
     "Where the pre-shared key comes from; absent: psk-file, else askpass, else a prompt. vpnc: "
     "psk-file is a vpnc.conf."},
    {"psk-file", kPath, "FILE", "", R"("/etc/godwit/office.psk")",
     "File of mode 0600 that holds the pre-shared key; others who can read it can pose as you."},
    {"user", kText, "NAME", "", R"("alice")",
     "User name for XAuth; absent: it is asked for at every connect."},
    {"password-source", kChoice, "file|vpnc|askpass|keyring|stdin|prompt", "", R"("prompt")",
     "Where the user's password comes from; absent: password-file, else askpass, else a prompt. "
     "vpnc: as for psk."},
    {"password-file", kPath, "FILE", "", R"("/etc/godwit/office.password")",
     "File of mode 0600 that holds the user's password, so that nobody is asked."},
    {"keep-password", kBool, "BOOL", "true", "false",
     "Keep the password in memory for when the gateway asks again; false asks again each time."},
    {"user-domain", kText, "NAME", "", R"("CORP")",
     "Domain that some gateways ask for beside the user name; absent: it is asked for."},
    {"otp", kChoice, "separate|append|prepend", R"("separate")", R"("append")",
     "One-time password: in a field of its own, or behind or before the password in one field."},
    {"otp-source", kChoice, "command|totp|askpass|stdin|prompt", "", R"("totp")",
     "Where it comes from; absent: otp-command, else totp-file, else askpass, else a prompt."},
    {"otp-command", kPath, "PROGRAM", "", R"("/usr/local/bin/office-otp")",
     "Program that is run, with the question as its argument, and prints a one-time password."},
    {"totp-file", kPath, "FILE", "", R"("/etc/godwit/office.totp")",
     "File of mode 0600 with the base32 secret or otpauth:// URI to compute it from (RFC 6238)."},
    {"xauth-optional", kBool, "BOOL", "false", "true",
     "Believe a gateway that lets the user in unasked, so that his password guards nothing."},
    {"askpass", kPath, "PROGRAM", "", R"("/usr/bin/ssh-askpass")",
     "Program that asks for secrets and prints them: ssh-askpass, systemd-ask-password, or a "
     "pinentry."},
    {"keyring-user", kText, "NAME", "", R"("alice")",
     "Whose keyring (Secret Service) the sources \"keyring\" mean; absent: who runs godwit or its "
     "sudo."},
    {"ike", kTextList, "PROPOSAL",
     R"(["aes256-sha256-modp2048", "aes256-sha256-ecp256", "aes256-sha512-modp4096", )"
     R"("aes128-sha256-modp2048", "aes256-sha1-modp2048", "aes128-sha1-modp2048"])",
     R"(["aes256-sha256-modp2048"])",
     "Phase 1 proposals, best first; aggressive mode allows only one group among them."},
    {"esp", kTextList, "PROPOSAL",
     R"(["aes256gcm16", "aes128gcm16", "aes256-sha256", "aes128-sha256", "aes256-sha1", )"
     R"("aes128-sha1"])",
     R"(["aes256gcm16", "aes256-sha256"])",
     "Phase 2 proposals, best first; the gateway picks the one it likes."},
    {"pfs", kChoice, "none|GROUP", R"("none")", R"("modp2048")",
     "Group for a fresh key exchange in every phase 2; with none phase 1's, if the gateway says "
     "so."},
    {"ike-lifetime", kDuration, "DURATION", R"("24h")", R"("8h")",
     "Phase 1 lives no longer than this and is renewed before; 1m to 7d."},
    {"esp-lifetime", kDuration, "DURATION", R"("8h")", R"("1h")",
     "Phase 2 keys live no longer than this and are renewed before; 30s to 7d."},
    {"esp-lifetime-bytes", kOctets, "SIZE", "0", R"("4GiB")",
     "Phase 2 keys carry no more than this each way and are renewed before; 1MiB to 4095GiB, 0 no "
     "limit."},
    {"l2tp", kBool, "BOOL", "false", "true",
     "Protect L2TP to the gateway (UDP port 1701, transport mode) for xl2tpd; PPP gives the rest."},
    {"mode-config", kChoiceOrBool, "auto|pull|push|off", R"("auto")", R"("push")",
     "Inner address and networks from the gateway: asked for, pushed, or off, which needs "
     "address."},
    {"ipv6-address", kBool, "BOOL", "true", "false",
     "Ask for an inner IPv6 address as well; false for gateways that stumble over the question."},
    {"networks", kTextList, "PREFIX", "", R"(["10.0.0.0/8", "192.168.10.0/24"])",
     "Networks reached through the tunnel; absent: what the gateway says, else everything."},
    {"add-networks", kTextList, "PREFIX", "", R"(["10.20.0.0/16"])",
     "Networks in addition to networks, or to what the gateway says; it has to agree to them."},
    {"exclude-networks", kTextList, "PREFIX", "", R"(["192.0.2.0/24"])",
     "Networks never reached through the tunnel; what goes there is unprotected, kill switch or "
     "not."},
    {"prefer", kChoice, "vpn|local", "", R"("local")",
     "Which wins where a local network overlaps with the tunnel's; absent: the tunnel's, but of a "
     "full tunnel private local networks are left out."},
    {"address", kText, "ADDRESS", "", R"("10.9.8.7")",
     "Inner address of this machine when mode-config is false."},
    {"phase2", kChoice, "auto|one|per-network", R"("auto")", R"("per-network")",
     "One pair of keys for all networks or one for each; auto tries the other when refused."},
    {"local-lan", kBool, "BOOL", "false", "true",
     "Leave private networks that the gateway names out of the tunnel; they are then unprotected."},
    {"ipv6", kChoice, "tunnel|block|allow", R"("tunnel")", R"("block")",
     "What a tunnel does not carry of IPv6: held back by a full one, always (block), or never "
     "(allow)."},
    {"kill-switch", kChoice, "off|on|lan", R"("off")", R"("on")",
     "Until disconnect nothing leaves but through the tunnel, even after a crash; lan spares "
     "private networks."},
    {"application-version", kText, "TEXT", "", R"("Cisco Systems VPN Client 5.0:Linux")",
     "What the gateway is told this client is; absent: nothing, which some gateways refuse."},
    {"ddns-hostname", kText, "NAME", "", R"("laptop")",
     "Host name the gateway may enter in its DNS; absent: it learns none."},
    {"nat-traversal", kChoice, "auto|force|off|cisco-udp", R"("auto")", R"("auto")",
     "force claims a NAT, so that ESP goes in UDP; off sends plain ESP, which passes no NAT."},
    {"cisco-udp-port", kInteger, "PORT", "", "10000",
     "Port of ESP in UDP with cisco-udp, absent: 10000; a gateway that names another is refused."},
    {"fragmentation", kChoice, "auto|always|off", R"("auto")", R"("auto")",
     "IKE messages in fragments: those above 1280 octets, those above 576, or none at all."},
    {"keepalive", kDuration, "DURATION", R"("20s")", R"("20s")",
     "Silence after which the NAT is reminded of us; 0 never, so idle tunnels may go deaf."},
    {"dpd-delay", kDuration, "DURATION", R"("30s")", R"("1m")",
     "Silence after which the gateway is asked whether it lives; 0 never asks."},
    {"dpd-attempts", kInteger, "N", "5", "5",
     "Unanswered questions after which the gateway counts as dead; 1 to 20."},
    {"reconnect", kDuration, "DURATION", R"("10m")", R"("1h")",
     "How long a tunnel that lost its gateway is connected to anew; time without a network does "
     "not "
     "count."},
    {"initial-contact", kBool, "BOOL", "false", "true",
     "Make the gateway drop our older tunnels; with one identity for many it cuts the others off."},
    {"quirks", kTextOrList, "auto|none|QUIRK", R"("auto")", R"(["plain-main-6"])",
     "Oddities the gateway is allowed; auto goes by its vendor ID. plain-main-6: it proves itself "
     "unencrypted."},
    {"interface", kText, "NAME", "", R"("vpn0")",
     "Name of the tunnel device, at most 15 characters; absent: the first free godwit0, godwit1."},
    {"mtu", kInteger, "OCTETS", "0", "1400",
     "MTU of the tunnel device, 576 to 9000; 0 computes it from the path and the proposal."},
    {"copy-dscp", kBool, "BOOL", "false", "true",
     "Copy the traffic class of inner packets to the outside, where every router sees and may use "
     "it."},
    {"outer-fragments", kBool, "BOOL", "false", "true",
     "Let routers cut ESP packets up; for paths that drop large packets and do not say so."},
    {"dns", kTextOrList, "gateway|none|ADDRESS", R"("gateway")", R"(["10.0.0.53"])",
     "DNS servers while connected: the gateway's, none, or these addresses in their place."},
    {"search-domains", kTextList, "DOMAIN", "", R"(["corp.example.com"])",
     "Domains appended to short names, in addition to what the gateway says."},
    {"routing-domains", kTextList, "DOMAIN", "", R"(["corp.example.com"])",
     "Domains looked up only through the tunnel's DNS servers, in addition to the gateway's."},
    {"script", kText, "PROGRAM", "", R"("/usr/share/vpnc-scripts/vpnc-script")",
     "Program (and arguments) that makes addresses, routes and DNS instead of godwit, as vpnc runs "
     "it."},
    {"allow-weak", kTextList, "WORD", "", R"(["modp1024", "aggressive-psk"])",
     "Weak choices this profile takes knowingly: modp1024, modp1536, 3des, md5, aggressive-psk."},
});

}  // namespace

std::span<const Option> options() { return kOptions; }

const Option* find_option(std::string_view key) {
  for (const Option& option : kOptions) {
    if (option.key == key) return &option;
  }
  return nullptr;
}

std::vector<std::string_view> option_keys() {
  std::vector<std::string_view> keys;
  for (const Option& option : kOptions) keys.push_back(option.key);
  return keys;
}

std::vector<std::string_view> option_words(const Option& option) {
  std::vector<std::string_view> words;
  std::string_view rest = option.metavar;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find('|'));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (!word.empty() && word.front() >= 'a' && word.front() <= 'z') words.push_back(word);
  }
  return words;
}

}  // namespace godwit::config
