#include "tests/sim/napt.h"

#include <algorithm>

namespace godwit::sim {

Endpoint Napt::outward(const Endpoint& inside, Instant now) {
  auto found = mappings_.find(inside);
  if (found == mappings_.end() || expired(found->second, now)) {
    const auto taken = [this](std::uint16_t port) {
      return std::ranges::any_of(mappings_,
                                 [port](const auto& m) { return m.second.port == port; });
    };
    std::uint16_t port = 0;
    do {
      port = static_cast<std::uint16_t>(10'000 + rng_.below(50'000));
    } while (taken(port));
    found = mappings_.insert_or_assign(inside, Mapping{port, now}).first;
  }
  found->second.used = now;
  return {config_.public_address, found->second.port};
}

std::optional<Endpoint> Napt::inward(const Endpoint& outside, Instant now) {
  if (outside.address != config_.public_address) return std::nullopt;
  for (auto& [inside, mapping] : mappings_) {
    if (mapping.port != outside.port || expired(mapping, now)) continue;
    if (config_.inbound_refreshes) mapping.used = now;
    return inside;
  }
  return std::nullopt;
}

}  // namespace godwit::sim
