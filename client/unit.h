// Tunnels as units of systemd: what a member of the group godwit may start without being root
// (packaging/polkit), for root has made both the profile and the unit.
#pragma once

#include <string>

#include "client/report.h"
#include "core/base/result.h"

namespace godwit::client {

// godwit@NAME.service, or nothing for a name that no instance of a unit has.
std::string unit_of(const std::string& name);

// Starts the profile's unit and waits until traffic can flow, `wait` seconds at most (0: as long as
// the unit tries). When that fails nothing goes on trying in the background.
Result<void, Failure> connect_unit(const std::string& name, unsigned wait,
                                   const std::string& bus_address = {});

// True when the unit was active, or waited for its next attempt, and is stopped now.
bool stop_unit(const std::string& name, const std::string& bus_address = {});

}  // namespace godwit::client
