// Mode Config (draft-dukes-ike-mode-cfg-02) with the Unity attributes: what we ask for and what we
// make of the answer. Values of the peer are validated here, once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.h"
#include "core/ike/wire/payloads.h"
#include "core/net/address.h"

namespace godwit::ike::v1 {

// Where a client lives inside the tunnel: an address of either family, or one of each.
struct InnerAddresses {
  std::optional<IpAddress> v4;
  std::optional<IpAddress> v6;

  static InnerAddresses of(const IpAddress& address);
  bool empty() const { return !v4 && !v6; }
  std::vector<IpAddress> all() const;
  bool holds(const IpAddress& address) const { return v4 == address || v6 == address; }
  friend bool operator==(const InnerAddresses&, const InnerAddresses&) = default;
};

struct ModeConfig {
  InnerAddresses address;      // usable unicast, or nothing (MC-08)
  std::optional<int> netmask;  // prefix length; of the IPv4 pool
  std::vector<IpAddress> dns;
  std::vector<IpAddress> nbns;
  std::vector<Prefix> split_include;  // none of a family: everything of it
  // More networks than we take, or 0.0.0.0/0 and ::/0: treated as everything (MC-10).
  bool everything_v4 = false;
  bool everything_v6 = false;
  std::vector<Prefix> local_lan;  // to be reached outside the tunnel; private networks only (MC-11)
  std::string default_domain;
  std::vector<std::string> split_dns;
  std::optional<std::uint16_t> udp_port;  // for ESP in UDP, as Cisco did before RFC 3947
  std::vector<IpAddress> backup_servers;
  std::string banner;                     // escaped
  std::string application_version;        // of the gateway; escaped
  bool pfs = false;                       // Quick Mode needs a key exchange of its own
  std::optional<bool> save_password;      // advice (MC-18)
  std::optional<Duration> expires_after;  // the address must be renewed before (MC-07)
};

// What a client tells the gateway about itself and asks for.
struct ConfigWishes {
  bool unity = false;  // Cisco's attributes, for a gateway that knows them
  bool ip6 = false;    // an IPv6 address as well
  bool local_lan = false;
  bool udp_port = false;            // the port of Cisco's ESP in UDP
  InnerAddresses previous;          // addresses we would like to keep
  std::string application_version;  // empty: not said (MC-17)
  std::string ddns_hostname;        // empty: not said
};

// A pull request (5.1).
CfgPayload mode_config_request(std::uint16_t identifier, const ConfigWishes& wishes);

ModeConfig read_mode_config(const CfgPayload& cfg);

// What a gateway's own request is answered with (MC-04): what we are, if the profile says it, and
// which attributes we know (3.4, SUPPORTED_ATTRIBUTES). Attributes without a value are left out
// (MC-06).
CfgPayload mode_config_reply(const CfgPayload& request, const ConfigWishes& wishes);

// Push mode (5.2): what a SET is answered with: the attributes we took, without their values.
CfgPayload mode_config_ack(const CfgPayload& set);
bool offers_address(const CfgPayload& cfg);

}  // namespace godwit::ike::v1
