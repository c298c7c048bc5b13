// UDP between one port of this machine and one of another, seen from here: all that transport mode
// carries.
#pragma once

#include "core/net/address.h"

namespace godwit {

struct UdpFlow {
  Endpoint local;
  Endpoint remote;
  friend bool operator==(const UdpFlow&, const UdpFlow&) = default;
};

}  // namespace godwit
