// Mode Config (draft-dukes-ike-mode-cfg-02) with the Unity attributes: what we ask for and what we
// make of the answer. Values of the peer are validated here, once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ike/wire/payloads.h"
#include "core/net/address.h"

namespace godwit::ike::v1 {

struct ModeConfig {
  std::optional<IpAddress> address;  // usable unicast, or nothing (MC-08)
  std::optional<int> netmask;        // prefix length
  std::vector<IpAddress> dns;
  std::vector<Prefix> split_include;  // empty: everything
  bool split_truncated = false;       // more networks than we take: treated as everything (MC-10)
  std::string default_domain;
  std::vector<std::string> split_dns;
  std::optional<std::uint16_t> udp_port;  // for ESP in UDP, as Cisco did before RFC 3947
  std::vector<IpAddress> backup_servers;
  std::string banner;  // escaped
};

// A pull request (5.1); `unity` adds Cisco's attributes. `previous`: an address we would like to
// keep. `udp_port`: asks for the port of Cisco's ESP in UDP.
CfgPayload mode_config_request(std::uint16_t identifier, bool unity,
                               const std::optional<IpAddress>& previous = {},
                               bool udp_port = false);

ModeConfig read_mode_config(const CfgPayload& cfg);

// Push mode (5.2): what a SET is answered with: the attributes we took, without their values.
CfgPayload mode_config_ack(const CfgPayload& set);
bool offers_address(const CfgPayload& cfg);

}  // namespace godwit::ike::v1
