#include "platform/resolver_text.h"

namespace godwit::platform {

std::string bus_text(std::string_view text) {
  std::string out(text.substr(0, kBusTextMax));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

std::string resolv_lines(const DnsSettings& settings) {
  std::string out;
  for (const IpAddress& server : settings.servers) out += "nameserver " + server.to_string() + "\n";
  std::string search;
  for (const auto* list : {&settings.search_domains, &settings.routing_domains}) {
    for (const std::string& domain : *list) search += " " + domain;
  }
  if (!search.empty()) out += "search" + search + "\n";
  return out;
}

}  // namespace godwit::platform
