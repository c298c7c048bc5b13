// The two sockets of a tunnel, as the machine sees them.
#pragma once

#include "core/net/address.h"

namespace godwit::session {

struct LocalEndpoints {
  Endpoint ike;   // the address and port that LocalPort::kIke sends from
  Endpoint natt;  // the same for LocalPort::kNatt
};

}  // namespace godwit::session
