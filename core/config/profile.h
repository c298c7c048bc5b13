// A profile as the session uses it: complete, validated, every default filled in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.h"
#include "core/crypto/certificate.h"
#include "core/crypto/suite.h"
#include "core/net/address.h"

namespace godwit::config {

// RFC 2407 4.6.2.1. KEY_ID is what Cisco-style gateways call the group.
struct Identity {
  enum class Type : std::uint8_t { kIpv4, kFqdn, kUserFqdn, kKeyId };
  Type type = Type::kIpv4;
  std::string text;  // kIpv4: dotted quad, empty: the local address
  friend bool operator==(const Identity&, const Identity&) = default;
};

// How phase 1 is authenticated; XAuth may follow each, and does follow kHybrid.
enum class Authentication : std::uint8_t {
  kPsk,          // both know one key
  kCertificate,  // both sign
  kHybrid,       // the gateway signs, the user proves himself by XAuth
};

// Where a secret comes from. The secret itself never stands in a profile or on argv.
struct SecretSource {
  enum class Kind : std::uint8_t {
    kNone,
    kFile,
    kAskpass,
    kStdin,
    kPrompt,
    kCommand,       // a program that prints a one-time password
    kVpncSecret,    // a vpnc.conf, of which it is the group's secret
    kVpncPassword,  // a vpnc.conf, of which it is the user's password
    kKeyring,       // the desktop's, of Profile::keyring_user
    kTotp,          // a file with the secret that one-time passwords are computed from (RFC 6238)
  };
  Kind kind = Kind::kNone;
  std::string path;  // of the file or the program
  friend bool operator==(const SecretSource&, const SecretSource&) = default;
};

// Where the gateway wants a one-time password.
enum class OtpPlace : std::uint8_t {
  kSeparate,  // in the field that it has for one
  kAppend,    // behind the password, in the password's field
  kPrepend,   // before it
};

enum class NatTraversal : std::uint8_t {
  kAuto,      // float when NAT-D finds a NAT, or when it finds none: user space has no raw ESP
  kForce,     // say that we are behind NAT (a wrong source NAT-D), so that the gateway encapsulates
  kOff,       // never spoken of: ESP is an IP protocol of its own (50), which passes no NAPT
  kCiscoUdp,  // the same, but ESP goes in UDP between ports of its own, as before RFC 3947
};
inline bool speaks_nat_traversal(NatTraversal natt) {
  return natt == NatTraversal::kAuto || natt == NatTraversal::kForce;
}

// IKE messages in fragments, once the gateway has said that it reads them.
enum class Fragmentation : std::uint8_t {
  kAuto,    // those that may not fit the path
  kAlways,  // those above the smallest datagram that every host takes (RFC 791 3.1)
  kOff,     // none, and none are read
};

// Who begins Mode Config, by which the gateway gives an inner address (draft-dukes 5).
enum class ConfigMode : std::uint8_t {
  kAuto,  // we ask, and take what the gateway sends by itself
  kPull,  // we ask, and take nothing else
  kPush,  // the gateway sends it by itself, and does not like to be asked
  kOff,   // nobody: the profile has the address
};

// IPv6 while a tunnel is up.
enum class Ipv6 : std::uint8_t {
  kTunnel,  // where the tunnel has it; held back by a full tunnel that has not
  kBlock,   // what the tunnel does not carry is held back
  kAllow,   // what the tunnel does not carry goes beside it
};

// What may leave this machine from connect to disconnect.
enum class KillSwitch : std::uint8_t {
  kOff,  // what the routes say
  kOn,   // the tunnel, its own datagrams, and what gives the machine an address
  kLan,  // private networks as well
};

// Which of two wins when a local network and one behind the gateway overlap.
enum class Prefer : std::uint8_t { kVpn, kLocal };

// How many pairs of ESP SAs carry the networks of the tunnel.
enum class PhaseTwo : std::uint8_t {
  kAuto,        // what the gateway seems to want, and the other way when it refuses
  kOne,         // one for everything
  kPerNetwork,  // one for each network
};

struct Profile {
  std::string name;
  std::string file;  // where it was read, for messages

  std::string gateway;                       // host name or address
  std::vector<std::string> backup_gateways;  // tried in turn when the first is silent
  bool learn_gateways = true;                // those that the gateway names, at a reconnect
  std::uint16_t gateway_port = 500;
  std::uint16_t gateway_natt_port = 4500;
  std::uint16_t local_port = 500;  // 0: any; a taken port falls back to any
  std::uint16_t local_natt_port = 4500;

  bool aggressive = false;
  Authentication auth = Authentication::kPsk;
  bool xauth = false;
  // Ours, and what leads from it to an authority; kCertificate. A file, PKCS#12 included, or the
  // pkcs11: URI of a token.
  std::string cert_file;
  std::string key_file;  // empty: the key is where the certificate is
  SecretSource key_passphrase;
  std::string pkcs11_module;  // empty: those that the system knows
  std::string ca_file;        // whom we believe; kCertificate, kHybrid
  std::string crl_file;
  crypto::Revocation revocation = crypto::Revocation::kRelaxed;
  std::vector<crypto::KeyPin> gateway_pins;  // with gateway_cert_file: the only keys we believe
  std::string gateway_cert_file;
  Identity local_id;
  std::optional<Identity> remote_id;  // what the gateway must prove to be
  SecretSource psk;
  std::string user;         // empty: asked for
  std::string user_domain;  // empty: asked for when the gateway does
  SecretSource password;
  bool keep_password = true;  // in memory, for the next time that the gateway asks
  SecretSource otp;
  OtpPlace otp_place = OtpPlace::kSeparate;
  std::string keyring_user;     // empty: who runs godwit, or its sudo
  std::string askpass;          // asks whatever nothing else answers; empty: the terminal does
  bool xauth_optional = false;  // success is believed although nobody was asked

  std::vector<crypto::IkeSuite> ike;  // in the order of preference, never empty
  std::vector<crypto::EspSuite> esp;
  std::optional<crypto::DhGroup> pfs;
  Duration ike_lifetime = 24h;
  Duration esp_lifetime = 8h;
  std::uint64_t esp_lifetime_bytes = 0;  // of one direction, offered in units of 1024; 0: no limit

  // Transport mode for L2TP to the gateway. PPP inside it gives addresses and names: of what
  // follows mode_config is off, use_dns false, and the lists are empty.
  bool l2tp = false;
  ConfigMode mode_config = ConfigMode::kAuto;
  bool ask_ipv6 = true;                   // for an IPv6 address, too, by Mode Config
  std::vector<Prefix> networks;           // empty: what the gateway says, else everything
  std::vector<Prefix> more_networks;      // beside those of the gateway, or of `networks`
  std::vector<Prefix> excluded_networks;  // never through the tunnel
  // Nothing: a network that the gateway or the profile names goes through the tunnel; of a full
  // tunnel's everything private local networks are left out.
  std::optional<Prefer> prefer;
  std::optional<IpAddress> address;  // inner address when mode_config is off
  PhaseTwo phase2 = PhaseTwo::kAuto;
  bool local_lan = false;  // the gateway may leave private networks out of the tunnel
  Ipv6 ipv6 = Ipv6::kTunnel;
  KillSwitch kill_switch = KillSwitch::kOff;
  std::string application_version;  // what the gateway is told we are; empty: nothing
  std::string ddns_hostname;        // the name it may enter in its DNS for us; empty: none

  NatTraversal natt = NatTraversal::kAuto;
  std::uint16_t cisco_udp_port = 10000;  // the gateway's; no other is used (MC-15)
  Fragmentation fragmentation = Fragmentation::kAuto;
  Duration keepalive = 20s;  // 0: never
  Duration dpd_delay = 30s;  // silence before the first probe; 0: never probe
  int dpd_attempts = 5;
  Duration reconnect = 10min;  // a tunnel whose gateway is lost is tried again so long; 0: never
  bool initial_contact = false;
  // Switches for what the gateway does differently; nothing: by its vendor ID.
  std::optional<std::vector<std::string>> quirks;

  std::string interface;  // name of the TUN device; empty: godwit0, godwit1, ...
  std::size_t mtu = 0;    // 0: computed from the suite
  bool copy_dscp = false;
  bool outer_fragments = false;
  bool use_dns = true;
  std::vector<IpAddress> dns;               // replaces the gateway's
  std::vector<std::string> search_domains;  // added to the gateway's
  std::vector<std::string> routing_domains;

  // Program and arguments that make addresses, routes and DNS in place of godwit, told by the
  // variables of vpnc-script; empty: godwit makes them.
  std::vector<std::string> script;

  std::vector<std::string> weak;  // the weak choices the profile names and uses

  // Where our private key is.
  const std::string& key_place() const { return key_file.empty() ? cert_file : key_file; }

  friend bool operator==(const Profile&, const Profile&) = default;
};

}  // namespace godwit::config
