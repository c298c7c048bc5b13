#include "core/session/gateways.h"

#include <algorithm>

#include "core/base/limits.h"

namespace godwit::session {

Gateways::Gateways(NamedGateway first, std::vector<NamedGateway> backups, bool learn)
    : known_{first}, learns_(learn), current_(std::move(first)) {
  add(std::move(backups));
}

void Gateways::add(std::vector<NamedGateway> backups) {
  for (NamedGateway& backup : backups) {
    const bool other = std::ranges::none_of(
        known_, [&](const NamedGateway& known) { return known.address == backup.address; });
    if (other && backup.address.is_v4() == current().is_v4()) known_.push_back(std::move(backup));
  }
}

bool Gateways::renew(GatewayNames&& names) {
  if (names.gateway.is_v4() != current().is_v4()) return false;
  std::vector<NamedGateway> old(known_.begin() + 1, known_.end());
  std::erase_if(old, [&](const NamedGateway& backup) {
    return std::ranges::find(names.backups, backup.name, &NamedGateway::name) !=
           names.backups.end();
  });
  known_ = {{known_.front().name, names.gateway}};
  add(std::move(names.backups));
  add(std::move(old));
  const auto is_current = [&](const NamedGateway& other) { return other.address == current(); };
  return origin_ != Origin::kRedirect && std::ranges::none_of(known_, is_current) &&
         std::ranges::none_of(learned_, is_current);
}

void Gateways::go_to(NamedGateway gateway, Origin origin) {
  current_ = std::move(gateway);
  origin_ = origin;
}

bool Gateways::advance(bool reconnecting) {
  std::vector<NamedGateway> all = known_;
  if (reconnecting) all.insert(all.end(), learned_.begin(), learned_.end());
  const auto at = std::ranges::find(all, current(), &NamedGateway::address);
  // A member of a cluster that falls silent leads back to who sent us there.
  const auto index = at == all.end() ? all.size() - 1 : static_cast<std::size_t>(at - all.begin());
  const std::size_t next = (index + 1) % all.size();
  if (all[next].address == current()) return false;
  go_to(all[next], next == 0 ? Origin::kProfile : Origin::kBackup);
  return true;
}

void Gateways::learn(const std::vector<IpAddress>& named) {
  if (!learns_) return;
  learned_.clear();
  for (const IpAddress& address : named) {
    const auto is_same = [&](const NamedGateway& known) { return known.address == address; };
    if (learned_.size() == limits::kBackupGatewaysMax) return;
    if (!address.is_usable_unicast() || address.is_v4() != current().is_v4()) continue;
    if (std::ranges::any_of(known_, is_same) || std::ranges::any_of(learned_, is_same)) continue;
    learned_.push_back({known_.front().name, address});
  }
}

Gateways::Redirect Gateways::redirect(const IpAddress& to) {
  if (!to.is_usable_unicast() || to.is_v4() != current().is_v4() || to == current()) {
    return Redirect::kIgnored;
  }
  visited_.push_back(current());
  if (visited_.size() > limits::kRedirectsMax) return Redirect::kCircle;
  if (std::ranges::find(visited_, to) != visited_.end()) return Redirect::kCircle;
  ++redirects_;
  // The members of a cluster may all show the certificate of its common name.
  const auto known = std::ranges::find(known_, to, &NamedGateway::address);
  go_to({known != known_.end() ? known->name : known_.front().name, to}, Origin::kRedirect);
  return Redirect::kFollowed;
}

}  // namespace godwit::session
