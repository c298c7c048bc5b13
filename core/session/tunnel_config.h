// From a profile and the gateway's Mode Config to what is negotiated and applied. Private to the
// room.
#pragma once

#include <vector>

#include "core/config/profile.h"
#include "core/ike/v1/mode_config.h"
#include "core/ike/v1/phase1.h"
#include "core/ike/v1/quick_mode.h"
#include "core/session/actions.h"
#include "core/session/status.h"

namespace godwit::session {

// Where L2TP waits (RFC 2661 8.1), and where it comes from: some gateways take no other port.
inline constexpr std::uint16_t kL2tpPort = 1701;

// What the gateway is told and asked for in Mode Config; whether it speaks Unity is not known here.
ike::v1::ConfigWishes config_wishes(const config::Profile& profile);
// The part of a status that the gateway's Mode Config makes up.
void describe(const ike::v1::ModeConfig& mode_config, Status& out);
AddressAssigned assigned(const ike::v1::ModeConfig& mode_config);

// What to negotiate for one network: a pair of SAs between it and our address of its family.
ike::v1::ChildPolicy child_policy(const config::Profile& profile,
                                  const ike::v1::ModeConfig& mode_config, const Prefix& network,
                                  const ike::v1::Phase1& phase1);

// `agreed`: what the gateway's answers of Quick Mode cover. Where neither the profile nor the
// gateway named networks, it is what the tunnel carries: nothing else would arrive.
TunnelConfig tunnel_config(const config::Profile& profile, const ike::v1::ModeConfig& mode_config,
                           const std::vector<Prefix>& agreed, const IpAddress& gateway,
                           const crypto::EspSuite& suite);

// The TUN device's MTU in tunnel mode: what fits into an Ethernet-sized UDP datagram, and no more
// than 1400, because PPPoE and mobile networks take their share.
std::size_t tunnel_mtu(const crypto::EspSuite& suite, bool ipv6);

}  // namespace godwit::session
