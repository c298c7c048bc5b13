// The texts of the resolver: what a service on the bus says, what a resolv.conf is told. Private to
// the room.
#pragma once

#include <string>
#include <string_view>

#include "platform/resolver.h"

namespace godwit::platform {

// The words of an error reply, fit for a terminal: printable ASCII in one line, the rest as '?'.
inline constexpr std::size_t kBusTextMax = 200;
std::string bus_text(std::string_view text);

// The lines of a resolv.conf: our servers first.
std::string resolv_lines(const DnsSettings& settings);

}  // namespace godwit::platform
