// The kill switch: one nftables table of family inet for each profile, put in the place of its
// former self by one transaction of nft(8). Nothing of it depends on where the gateway is or which
// device the tunnel has: the datagrams of tunnels are known by their mark and their owner, their
// devices by the group. Only CAP_NET_ADMIN sets either. So a roam, a redirect, a rekey and another
// connect change nothing and leave no gap, and two tunnels that are up do not hold each other back.
// Each table has to let a packet pass: of two that differ the stricter one holds.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/address.h"
#include "platform/sys_error.h"

namespace godwit::platform {

struct Firewall {
  std::string table;       // see firewall_table()
  std::uint32_t mark = 0;  // of the tunnels' own datagrams, under `mask`
  std::uint32_t mask = ~0U;
  uid_t owner = 0;               // whose sockets they leave from
  bool local_networks = false;   // private and link-local ones may be reached beside the tunnel
  std::vector<Prefix> excluded;  // and these
};

// The table of a profile: what its name has besides letters and digits is written as "_XX".
std::string firewall_table(std::string_view profile);
// Whether `table` is a name that firewall_table() makes: no other table is ever deleted.
bool is_firewall_table(std::string_view table);

// What nft reads. Everything that is not named there is dropped, forwarded packets too.
std::string firewall_text(const Firewall& firewall);

// ENOENT when nft is not installed. Needs to run a program.
Result<void, SysError> apply_firewall(const Firewall& firewall);
// ENOENT when there is none (see is_absent()). By netlink alone.
Result<void, SysError> delete_firewall(const std::string& table);

// A captive portal may be spoken to for so long: DNS, the web, and whatever is private. The kernel
// itself takes it back, so that no death of a process leaves it open; zero ends it at once. What
// was opened before ends with it. ENOENT when there is no such table.
Result<void, SysError> open_portal(const std::string& table, std::chrono::seconds span);

}  // namespace godwit::platform
