#include "client/apply.h"

#include <algorithm>
#include <cerrno>

#include "client/scripts.h"
#include "platform/guard.h"

namespace godwit::client {
namespace {

using platform::SysError;

constexpr std::uint32_t kTableBase = 26480;
constexpr std::uint32_t kLastMetric = 0xffff;

// One UDP port of the gateway goes into the tunnel's table and never out of it again: when the
// device is gone (the process was killed, say) the second route holds back what must not travel in
// the clear. The tunnel's own datagrams go to other ports.
void add_port(std::vector<Step>& steps, const TunnelNumbers& numbers,
              const session::TunnelConfig& config) {
  constexpr std::uint8_t kUdp = 17;
  platform::Route nowhere;
  nowhere.destination = config.routes.at(0);
  nowhere.table = numbers.table;
  nowhere.kind = platform::RouteKind::kUnreachable;
  nowhere.metric = kLastMetric;
  steps.emplace_back(AddRoute{nowhere});
  platform::Rule rule;
  rule.v6 = config.gateway.is_v6();
  rule.priority = kPortRulePriority;
  rule.table = numbers.table;
  rule.to = config.routes.at(0);
  rule.protocol = kUdp;
  rule.port = config.udp_port;
  steps.emplace_back(AddRule{rule});
}

// The longest prefix decides: a lookup that ends outside goes on in the main table, as without a
// tunnel, and what is held back is answered with an error that lets programs turn to IPv4 at once.
// That stays when the device goes.
platform::Route route_of(const WayOf& way, const session::TunnelConfig& config, std::uint32_t table,
                         int device_index) {
  platform::Route route;
  route.destination = way.destination;
  route.table = table;
  if (way.way == Way::kOutside) {
    route.kind = platform::RouteKind::kThrow;
  } else if (way.way == Way::kNowhere) {
    route.kind = platform::RouteKind::kUnreachable;
    route.metric = kLastMetric;
  } else {
    route.index = device_index;
    const auto source =
        std::find_if(config.addresses.begin(), config.addresses.end(), [&](const Prefix& address) {
          return address.address().is_v4() == way.destination.address().is_v4();
        });
    if (source != config.addresses.end()) route.source = source->address();
  }
  return route;
}

// A full tunnel takes no tunnel's own datagrams: of two full ones each would carry the other's, and
// they would go round. A split one carries those of a tunnel whose gateway is behind it.
void add_rule(std::vector<Step>& steps, const TunnelNumbers& numbers, bool v6, bool full) {
  platform::Rule rule;
  rule.v6 = v6;
  rule.priority = kRulePriority;
  rule.table = numbers.table;
  rule.fwmark = full ? kMarkBase : numbers.fwmark;
  if (full) rule.fwmask = kMarkMask;
  rule.invert = true;
  steps.emplace_back(AddRule{rule});
}

}  // namespace

TunnelNumbers numbers_for(int device_index) {
  const auto index = static_cast<std::uint32_t>(device_index);
  return {kTableBase + index, kMarkBase | (index & 0xffff)};
}

std::vector<Step> plan(const session::TunnelConfig& config, int device_index,
                       const RoutePlan& routes) {
  std::vector<Step> steps;
  const TunnelNumbers numbers = numbers_for(device_index);
  for (const Prefix& address : config.addresses) {
    steps.emplace_back(AddAddress{{device_index, address.address(), address.length()}});
  }
  bool v4 = false;
  bool v6 = false;
  for (const bool outside : {true, false}) {
    for (const WayOf& way : routes.ways) {
      if ((way.way == Way::kOutside) != outside) continue;
      steps.emplace_back(AddRoute{route_of(way, config, numbers.table, device_index)});
      if (!outside) (way.destination.address().is_v4() ? v4 : v6) = true;
    }
  }
  if (config.udp_port) {
    add_port(steps, numbers, config);
    return steps;
  }
  if (v4) add_rule(steps, numbers, false, routes.full_v4);
  if (v6) add_rule(steps, numbers, true, routes.full_v6);
  return steps;
}

std::vector<Step> plan(const session::TunnelConfig& config, int device_index) {
  return plan(config, device_index, plan_routes(config, {}, {}));
}

platform::DnsSettings dns_settings(const session::TunnelConfig& config) {
  platform::DnsSettings settings;
  settings.servers = config.dns;
  settings.search_domains = config.search_domains;
  settings.routing_domains = config.routing_domains;
  // A split tunnel whose gateway names no domain still wants its servers to be asked.
  settings.default_route = is_full_tunnel(config, false) || is_full_tunnel(config, true) ||
                           (config.search_domains.empty() && config.routing_domains.empty());
  return settings;
}

Result<void, SysError> Machine::make(const Step& step, platform::Netlink& netlink) {
  Result<void, SysError> made;
  if (const auto* address = std::get_if<AddAddress>(&step)) {
    GODWIT_TRY(journal_.push(
        platform::UndoAddress{tun_.name(), address->address.address, address->address.length}));
    made = netlink.add_address(address->address);
  } else if (const auto* route = std::get_if<AddRoute>(&step)) {
    GODWIT_TRY(journal_.push(platform::UndoRoute{tun_.name(), route->route}));
    made = netlink.add_route(route->route);
  } else {
    const platform::Rule& rule = std::get<AddRule>(step).rule;
    GODWIT_TRY(journal_.push(platform::UndoRule{rule}));
    made = netlink.add_rule(rule);
  }
  if (made) return {};
  // What was refused was not made, and what existed before us is not ours to take away.
  GODWIT_TRY(journal_.cancel_last());
  return made;
}

Result<void, SysError> Machine::apply(const session::TunnelConfig& config) {
  if (before_) {
    const auto undone = GODWIT_TRY(journal_.replay_down_to(*before_));
    if (!undone.complete()) return fail(undone.failures.front());
  }
  before_ = journal_.size();
  auto netlink = platform::Netlink::open();
  if (!netlink) return fail(netlink.error());
  GODWIT_TRY(tun_.set_mtu(*netlink, static_cast<int>(config.mtu)));
  GODWIT_TRY(tun_.set_up(*netlink));
  if (scripts_ == nullptr) return make_network(config, *netlink);
  GODWIT_TRY(scripts_->before_connect(config));
  GODWIT_TRY(scripts_->makes_the_network() ? scripts_->connect() : make_network(config, *netlink));
  return scripts_->after_connect();
}

Result<void, SysError> Machine::make_network(const session::TunnelConfig& config,
                                             platform::Netlink& netlink) {
  // Packets from the gateway's own address come from the device: a strict filter that does not look
  // at ports would mind.
  if (config.udp_port) tun_.loosen_reverse_path_filter();
  const bool one_flow = config.udp_port.has_value();
  plan_ = one_flow ? plan_routes(config, {}, {})
                   : plan_routes(config, policy_, GODWIT_TRY(surroundings(netlink)));
  for (const Overlap& overlap : plan_.overlaps) say_(overlap.sentence());
  GODWIT_TRY(guard(config));
  for (const Step& step : plan(config, tun_.index(), plan_)) GODWIT_TRY(make(step, netlink));
  backend_ = GODWIT_TRY(resolver_.apply(tun_.index(), tun_.name(), dns_settings(config), journal_));
  return {};
}

// There may be no table, where there is no nft.
Result<void, SysError> Machine::guard(const session::TunnelConfig& config) {
  std::vector<IpAddress> inner;
  // In transport mode the inner address is the laptop's own.
  if (!config.udp_port) {
    for (const Prefix& address : config.addresses) inner.push_back(address.address());
  }
  const bool guarded =
      platform::guard_addresses(platform::guard_table(journal_.profile()), inner).has_value();
  if (!guarded || !platform::has_strict_filter()) return {};
  // What another tunnel set may have to outlive that tunnel.
  const platform::UndoValidMark undo;
  if (platform::marks_are_valid() && !journal_.is_written_elsewhere(undo)) return {};
  GODWIT_TRY(journal_.push(undo));
  if (const auto set = platform::set_marks_valid(); !set) {
    GODWIT_TRY(journal_.cancel_last());
    say_(set.error().message() + ": the reverse path filter may drop the gateway's datagrams");
  }
  return {};
}

Result<std::vector<LocalNetwork>, SysError> Machine::surroundings(platform::Netlink& netlink) {
  const auto addresses = GODWIT_TRY(netlink.addresses());
  const auto links = GODWIT_TRY(netlink.links());
  return local_networks(addresses, links, tun_.index());
}

Result<void, SysError> Machine::follow_surroundings(const session::TunnelConfig& config) {
  if (config.udp_port || (scripts_ != nullptr && scripts_->makes_the_network())) return {};
  auto netlink = GODWIT_TRY(platform::Netlink::open());
  RoutePlan now = plan_routes(config, policy_, GODWIT_TRY(surroundings(netlink)));
  if (now == plan_) return {};
  const std::uint32_t table = numbers_for(tun_.index()).table;
  // The same route on another device is none of the table's business.
  const auto has = [](const RoutePlan& routes, const WayOf& way) {
    return std::any_of(routes.ways.begin(), routes.ways.end(), [&](const WayOf& other) {
      return other.destination == way.destination && other.way == way.way;
    });
  };
  for (const WayOf& way : plan_.ways) {
    if (has(now, way)) continue;
    const auto gone = netlink.delete_route(route_of(way, config, table, tun_.index()));
    if (!gone && !platform::is_absent(gone.error())) return gone;
  }
  for (const WayOf& way : now.ways) {
    if (has(plan_, way)) continue;
    auto made = make(AddRoute{route_of(way, config, table, tun_.index())}, netlink);
    if (!made && made.error().error != EEXIST) return made;
  }
  for (const Overlap& overlap : now.overlaps) {
    const auto& told = plan_.overlaps;
    if (std::find(told.begin(), told.end(), overlap) == told.end()) say_(overlap.sentence());
  }
  plan_ = std::move(now);
  return {};
}

Result<void, SysError> Machine::reassert_names(const session::TunnelConfig& config) {
  return resolver_.reassert(backend_, tun_.index(), tun_.name(), dns_settings(config), journal_);
}

Result<void, SysError> Machine::set_mtu(std::size_t mtu) {
  auto netlink = platform::Netlink::open();
  if (!netlink) return fail(netlink.error());
  return tun_.set_mtu(*netlink, static_cast<int>(mtu));
}

Result<void, SysError> Machine::step_aside() {
  if (!before_) return {};
  const auto undone = GODWIT_TRY(journal_.replay_down_to(*before_));
  if (!undone.complete()) return fail(undone.failures.front());
  backend_ = platform::ResolverBackend::kNone;
  plan_ = {};
  return {};
}

Result<platform::ReplayReport, SysError> Machine::revoke() {
  backend_ = platform::ResolverBackend::kNone;
  return journal_.replay_all();
}

}  // namespace godwit::client
