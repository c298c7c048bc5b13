#include "core/ike/v1/backup_servers.h"

#include <algorithm>
#include <string_view>

#include "core/base/limits.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::size_t kIp4 = 4;
constexpr std::string_view kSeparators = ", ;\n";

void add(const std::optional<IpAddress>& address, std::vector<IpAddress>& out) {
  if (!address || !address->is_v4() || !address->is_usable_unicast()) return;
  if (out.size() == limits::kBackupGatewaysMax) return;
  if (std::ranges::find(out, *address) == out.end()) out.push_back(*address);
}

bool is_text(std::string_view value) {
  return value.find('.') != std::string_view::npos && std::ranges::all_of(value, [](char c) {
           return (c >= '0' && c <= '9') || c == '.' ||
                  kSeparators.find(c) != std::string_view::npos;
         });
}

}  // namespace

void add_backup_servers(Bytes value, std::vector<IpAddress>& out) {
  const std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
  if (is_text(text)) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
      add(IpAddress::parse(text.substr(begin, end - begin)), out);
      begin = end + 1;
    }
    return;
  }
  if (value.size() % kIp4 != 0) return;
  for (; !value.empty(); value = value.subspan(kIp4)) {
    add(IpAddress::from_bytes(value.first(kIp4)), out);
  }
}

}  // namespace godwit::ike::v1
