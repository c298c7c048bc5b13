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

// Where L2TP waits (RFC 2661 8.1), and where it comes from: some gateways take no other port.
inline constexpr std::uint16_t kL2tpPort = 1701;

// The networks to negotiate, one pair of SAs each: the profile's; else everything where the gateway
// speaks Unity (it narrows by itself) or names no networks; else each network it named. For L2TP
// one pair in transport mode, for the gateway itself.
std::vector<ike::v1::ChildPolicy> child_policies(const config::Profile& profile,
                                                 const ike::v1::ModeConfig& mode_config,
                                                 const IpAddress& address, const IpAddress& gateway,
                                                 const ike::v1::PeerVendors& vendors);

TunnelConfig tunnel_config(const config::Profile& profile, const ike::v1::ModeConfig& mode_config,
                           const IpAddress& address, const IpAddress& gateway,
                           const crypto::EspSuite& suite);

// The TUN device's MTU in tunnel mode: what fits into an Ethernet-sized UDP datagram, and no more
// than 1400, because PPPoE and mobile networks take their share.
std::size_t tunnel_mtu(const crypto::EspSuite& suite, bool ipv6);

}  // namespace godwit::session
