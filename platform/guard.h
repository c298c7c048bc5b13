// An nftables table that every tunnel has where there is nft, for two things that routes cannot do:
//   Packets to the tunnel's inner addresses come from the tunnel alone. A neighbour on the LAN who
// sends to them and watches what comes back learns of connections in the tunnel (CVE-2019-14899).
//   The gateway's datagrams to this machine get the tunnel's mark, so that a strict reverse path
//   filter looks for
// the way back where the tunnel's own datagrams take it, and not in the tunnel. That of the kernel
// looks at marks when `src_valid_mark` is set; firewalld's for IPv6 always does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/address.h"
#include "platform/sys_error.h"

namespace godwit::platform {

struct Guard {
  std::string table;                 // see guard_table()
  std::uint32_t mark = 0;            // of the tunnel's own datagrams
  std::vector<std::uint16_t> ports;  // local ones, of UDP
  bool esp = false;                  // ESP without UDP as well
};

// A name for which is_firewall_table() holds, and that no kill switch has.
std::string guard_table(std::string_view profile);
std::string guard_text(const Guard& guard);

// Replaces the table of that name. ENOENT when nft is not installed. Needs to run a program.
Result<void, SysError> apply_guard(const Guard& guard);
// What is guarded from now on. ENOENT when there is no such table. By netlink alone.
Result<void, SysError> guard_addresses(const std::string& table,
                                       const std::vector<IpAddress>& addresses);

// Whether some device drops what it would not send back the same way (rp_filter = 1).
bool has_strict_filter();
// Whether src_valid_mark is set for all devices, and setting it.
bool marks_are_valid();
Result<void, SysError> set_marks_valid();
Result<void, SysError> clear_marks_valid();

}  // namespace godwit::platform
