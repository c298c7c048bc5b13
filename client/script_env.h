// The variables that vpnc and openconnect tell their scripts (vpnc-script, vpn-slice): the names
// and formats are theirs. What a gateway sent is checked once more before a root shell sees it:
// names are DNS names, everything else is numbers, and a banner keeps no control character.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/profile.h"
#include "core/session/actions.h"
#include "core/session/event.h"

namespace godwit::client {

// What is known when a script runs; before the device exists only the profile is.
struct ScriptFacts {
  std::string profile;
  std::string device;
  std::optional<IpAddress> gateway;
  std::optional<session::TunnelConfig> config;
  std::optional<session::NatFound> nat;
  std::string detail;  // VPN_REASON_DETAIL
  int pid = 0;
};

// NAME=value for each, sorted as the contract lists them. `reason` is the first.
std::vector<std::string> script_environment(const ScriptFacts& facts, std::string_view reason);

}  // namespace godwit::client
