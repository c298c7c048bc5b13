#include "client/apply.h"

#include <algorithm>

#include "client/scripts.h"

namespace godwit::client {
namespace {

using platform::SysError;

constexpr std::uint32_t kTableBase = 26480;
constexpr std::uint32_t kMarkBase = 0x676f'0000;  // "go"
constexpr std::uint32_t kMainTable = 254;

bool is_full_tunnel(const session::TunnelConfig& config, bool v6) {
  return std::any_of(config.routes.begin(), config.routes.end(), [v6](const Prefix& route) {
    return route.is_everything() && route.address().is_v6() == v6;
  });
}

// One UDP port of the gateway goes into the tunnel's table and never out of it again: when the
// device is gone (the process was killed, say) the second route holds back what must not travel in
// the clear. The tunnel's own datagrams go to other ports.
void add_port(std::vector<Step>& steps, const TunnelNumbers& numbers,
              const session::TunnelConfig& config) {
  constexpr std::uint8_t kUdp = 17;
  constexpr std::uint32_t kLast = 0xffff;  // a metric
  platform::Route nowhere;
  nowhere.destination = config.routes.at(0);
  nowhere.table = numbers.table;
  nowhere.kind = platform::RouteKind::kUnreachable;
  nowhere.metric = kLast;
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

void add_rules(std::vector<Step>& steps, const TunnelNumbers& numbers, bool v6, bool full) {
  if (full) {
    platform::Rule local;
    local.v6 = v6;
    local.priority = kLocalRulePriority;
    local.table = kMainTable;
    // The mark changes nothing here but makes the rule this tunnel's own, to be taken away with it.
    local.fwmark = numbers.fwmark;
    local.invert = true;
    local.suppress_prefix_length = 0;
    steps.emplace_back(AddRule{local});
  }
  platform::Rule rule;
  rule.v6 = v6;
  rule.priority = kRulePriority;
  rule.table = numbers.table;
  rule.fwmark = numbers.fwmark;
  rule.invert = true;
  steps.emplace_back(AddRule{rule});
}

}  // namespace

TunnelNumbers numbers_for(int device_index) {
  const auto index = static_cast<std::uint32_t>(device_index);
  return {kTableBase + index, kMarkBase | (index & 0xffff)};
}

std::vector<Step> plan(const session::TunnelConfig& config, int device_index) {
  std::vector<Step> steps;
  const TunnelNumbers numbers = numbers_for(device_index);
  for (const Prefix& address : config.addresses) {
    steps.emplace_back(AddAddress{{device_index, address.address(), address.length()}});
  }
  bool v4 = false;
  bool v6 = false;
  // A lookup that ends here goes on in the main table, as without a tunnel.
  for (const Prefix& destination : config.excluded) {
    platform::Route route;
    route.destination = destination;
    route.table = numbers.table;
    route.kind = platform::RouteKind::kThrow;
    steps.emplace_back(AddRoute{route});
  }
  for (const Prefix& destination : config.routes) {
    // A route of a family in which the tunnel has no address would lead nowhere.
    const auto source =
        std::find_if(config.addresses.begin(), config.addresses.end(), [&](const Prefix& address) {
          return address.address().is_v4() == destination.address().is_v4();
        });
    if (source == config.addresses.end()) continue;
    platform::Route route;
    route.destination = destination;
    route.table = numbers.table;
    route.index = device_index;
    route.source = source->address();
    steps.emplace_back(AddRoute{route});
    (destination.address().is_v4() ? v4 : v6) = true;
  }
  if (config.udp_port) {
    add_port(steps, numbers, config);
    return steps;
  }
  if (v4) add_rules(steps, numbers, false, is_full_tunnel(config, false));
  if (v6) add_rules(steps, numbers, true, is_full_tunnel(config, true));
  return steps;
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
  for (const Step& step : plan(config, tun_.index())) GODWIT_TRY(make(step, netlink));
  backend_ = GODWIT_TRY(resolver_.apply(tun_.index(), tun_.name(), dns_settings(config), journal_));
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

Result<platform::ReplayReport, SysError> Machine::revoke() {
  backend_ = platform::ResolverBackend::kNone;
  return journal_.replay_all();
}

}  // namespace godwit::client
