#include "platform/guard.h"

#include <fcntl.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "platform/fd.h"
#include "platform/firewall.h"
#include "platform/nft.h"
#include "platform/tun.h"

namespace godwit::platform {
namespace {

constexpr const char* kSettings = "/proc/sys/net/ipv4/conf";
constexpr const char* kValidMark = "/proc/sys/net/ipv4/conf/all/src_valid_mark";

int number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  int out = -1;
  file >> out;
  return file ? out : -1;
}

Result<void, SysError> write_valid_mark(const char* value) {
  const Fd file(::open(kValidMark, O_WRONLY | O_CLOEXEC));
  if (!file) return fail(last_error("open", kValidMark));
  if (::write(file.get(), value, 1) != 1) return fail(last_error("write", kValidMark));
  return {};
}

}  // namespace

std::string guard_table(std::string_view profile) { return firewall_table(profile) + "___guard"; }

std::string guard_text(const Guard& guard) {
  const std::string beside = "    iifname != \"lo\" iifgroup != " + std::to_string(kTunGroup) + " ";
  char mark[16];
  std::snprintf(mark, sizeof mark, "0x%08x", guard.mark);
  std::string out = "table inet " + guard.table + " {}\ndelete table inet " + guard.table +
                    "\ntable inet " + guard.table +
                    " {\n"
                    "  set inner4 {\n    type ipv4_addr\n  }\n"
                    "  set inner6 {\n    type ipv6_addr\n  }\n"
                    "  chain inner {\n"
                    "    type filter hook prerouting priority raw; policy accept;\n" +
                    beside + "ip daddr @inner4 drop\n" + beside +
                    "ip6 daddr @inner6 drop\n"
                    "  }\n"
                    "  chain marks {\n"
                    "    type filter hook prerouting priority mangle; policy accept;\n";
  for (const std::uint16_t port : guard.ports) {
    out += "    fib daddr type local udp dport " + std::to_string(port) + " meta mark set " + mark +
           "\n";
  }
  if (guard.esp)
    out += std::string("    fib daddr type local meta l4proto esp meta mark set ") + mark + "\n";
  return out + "  }\n}\n";
}

Result<void, SysError> apply_guard(const Guard& guard) { return run_nft(guard_text(guard)); }

Result<void, SysError> guard_addresses(const std::string& table,
                                       const std::vector<IpAddress>& addresses) {
  NftBatch batch;
  for (const char* set : {"inner4", "inner6"}) batch.empty_set(table, set);
  for (const IpAddress& address : addresses) {
    batch.add_element(table, address.is_v4() ? "inner4" : "inner6", address.bytes());
  }
  return batch.send("guard the inner addresses", table);
}

bool has_strict_filter() {
  std::error_code error;
  for (const auto& device : std::filesystem::directory_iterator(kSettings, error)) {
    if (number_in(device.path() / "rp_filter") == 1) return true;
  }
  return false;
}

bool marks_are_valid() { return number_in(kValidMark) == 1; }

Result<void, SysError> set_marks_valid() { return write_valid_mark("1"); }

Result<void, SysError> clear_marks_valid() { return write_valid_mark("0"); }

}  // namespace godwit::platform
