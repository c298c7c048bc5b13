// From a profile and the gateway's Mode Config to what is negotiated and applied. Private to the
// room.
#pragma once

#include <vector>

#include "core/config/profile.h"
#include "core/ike/v1/mode_config.h"
#include "core/ike/v1/phase1.h"
#include "core/ike/v1/quick_mode.h"
#include "core/session/actions.h"

namespace godwit::session {

// The networks to negotiate, one pair of SAs each: the profile's; else everything where the gateway
// speaks Unity (it narrows by itself) or names no networks; else each network it named.
std::vector<ike::v1::ChildPolicy> child_policies(const config::Profile& profile,
                                                 const ike::v1::ModeConfig& mode_config,
                                                 const IpAddress& address, ike::v1::Natt natt,
                                                 bool unity);

TunnelConfig tunnel_config(const config::Profile& profile, const ike::v1::ModeConfig& mode_config,
                           const IpAddress& address, const IpAddress& gateway,
                           const crypto::EspSuite& suite);

// The TUN device's MTU: what fits into an Ethernet-sized UDP datagram, and no more than 1400,
// because PPPoE and mobile networks take their share.
std::size_t tunnel_mtu(const crypto::EspSuite& suite, bool ipv6);

}  // namespace godwit::session
