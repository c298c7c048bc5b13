// What one ISAKMP SA is told when it begins. Private to the room.
#pragma once

#include "core/session/gateways.h"
#include "core/session/ike_sa.h"
#include "core/session/session.h"

namespace godwit::session {

// `identity_address`: who we are where the address is the identity; it stays the same in another
// network.
IkeSettings ike_settings(const SessionConfig& config, const IpAddress& identity_address,
                         const Gateways& gateways);

}  // namespace godwit::session
