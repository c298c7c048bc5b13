// Unity BACKUP_SERVERS in Mode Config (attribute 28681, MC-16): gateways to try when this one is
// silent. Nothing specifies its value: addresses of four octets, or the same in dotted text.
#pragma once

#include <vector>

#include "core/base/bytes.h"
#include "core/net/address.h"

namespace godwit::ike::v1 {

// Appends those that may be used: unicast, none twice, limits::kBackupGatewaysMax in all.
void add_backup_servers(Bytes value, std::vector<IpAddress>& out);

}  // namespace godwit::ike::v1
