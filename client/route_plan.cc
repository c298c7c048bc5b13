#include "client/route_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "client/words.h"

namespace godwit::client {
namespace {

bool is_of(const Prefix& prefix, bool v6) { return prefix.address().is_v6() == v6; }

Prefix host(const IpAddress& address) { return *Prefix::make(address, address.bits()); }

template <class Test>
bool any(const std::vector<Prefix>& networks, Test test) {
  return std::any_of(networks.begin(), networks.end(), test);
}

class Planner {
 public:
  Planner(const session::TunnelConfig& config, const RoutePolicy& policy,
          const std::vector<LocalNetwork>& local)
      : config_(config), policy_(policy), local_(local) {
    // A route of a family in which the tunnel has no address would lead nowhere.
    for (const Prefix& route : config.routes) {
      const bool v6 = route.address().is_v6();
      if (any(config.addresses, [v6](const Prefix& a) { return is_of(a, v6); })) {
        routes_.push_back(route);
      }
    }
  }

  // What is put down first stays.
  RoutePlan plan() {
    plan_.full_v4 =
        any(routes_, [](const Prefix& r) { return r.is_everything() && is_of(r, false); });
    plan_.full_v6 =
        any(routes_, [](const Prefix& r) { return r.is_everything() && is_of(r, true); });
    for (const Prefix& network : config_.excluded) {
      const auto& own = policy_.excluded;
      const bool profile = std::find(own.begin(), own.end(), network) != own.end();
      put({network, Way::kOutside, profile ? Why::kProfile : Why::kGateway, {}});
    }
    for (const LocalNetwork& local : local_) plan_local(local);
    plan_names();
    for (const Prefix& route : routes_) {
      if (!any(won_, [&](const Prefix& local) { return local.contains(route); })) {
        put({route, Way::kTunnel, Why::kAgreed, {}});
      }
    }
    plan_ipv6();
    for (auto& [destination, way] : ways_) plan_.ways.push_back(std::move(way));
    return std::move(plan_);
  }

 private:
  void put(WayOf way) { ways_.try_emplace(way.destination, way); }

  // A server that the tunnel reaches is asked through it even where the network that this machine
  // is in claims its address.
  void plan_names() {
    for (const IpAddress& server : config_.dns) {
      const auto has = [&](const Prefix& network) { return network.contains(server); };
      const bool claimed = std::any_of(ways_.begin(), ways_.end(), [&](const auto& entry) {
        return entry.second.why == Why::kLocal && has(entry.first);
      });
      if (claimed && any(routes_, has) && !any(config_.excluded, has)) {
        put({host(server), Way::kTunnel, Why::kNames, {}});
      }
    }
  }

  // Who runs the network chooses its addresses. Public ones are never believed: they would draw
  // traffic out of the tunnel (TunnelCrack's LocalNet). Private ones are where nobody named them.
  void plan_local(const LocalNetwork& local) {
    const bool v6 = local.network.address().is_v6();
    const bool full = v6 ? plan_.full_v6 : plan_.full_v4;
    bool named_whole = false;
    bool touched = full;
    const bool wins = policy_.prefer == config::Prefer::kLocal && local.network.is_private();
    for (const Prefix& route : routes_) {
      if (route.is_everything() || !route.overlaps(local.network)) continue;
      touched = true;
      named_whole |= route.contains(local.network);
      plan_.overlaps.push_back({route, local, wins});
    }
    const bool by_default = !policy_.prefer && full && !named_whole;
    if (!touched || !local.network.is_private() || !(wins || by_default)) return;
    if (wins) won_.push_back(local.network);
    put({local.network, Way::kOutside, Why::kLocal, local.device});
  }

  void plan_ipv6() {
    const bool held_back = policy_.ipv6 == config::Ipv6::kBlock ||
                           (policy_.ipv6 == config::Ipv6::kTunnel && plan_.full_v4);
    if (held_back && !plan_.full_v6) {
      put({*Prefix::parse("::/0"), Way::kNowhere, Why::kNoIpv6, {}});
      for (const LocalNetwork& local : local_) {
        const bool own = local.network.address().is_v6() && local.network.is_private();
        if (own && policy_.prefer != config::Prefer::kVpn) {
          put({local.network, Way::kOutside, Why::kLocal, local.device});
        }
      }
      plan_.full_v6 = true;
    }
    if (plan_.full_v6) put({*Prefix::parse("fe80::/10"), Way::kOutside, Why::kLink, {}});
  }

  const session::TunnelConfig& config_;
  const RoutePolicy& policy_;
  const std::vector<LocalNetwork>& local_;
  std::vector<Prefix> routes_;
  std::vector<Prefix> won_;  // local networks that win over what is named
  std::map<Prefix, WayOf> ways_;
  RoutePlan plan_;
};

}  // namespace

std::vector<LocalNetwork> local_networks(const std::vector<platform::InterfaceAddress>& addresses,
                                         const std::vector<platform::Link>& links, int own_index) {
  std::vector<LocalNetwork> out;
  for (const platform::InterfaceAddress& entry : addresses) {
    const auto network = Prefix::make(entry.address, entry.length);
    const auto link = std::find_if(links.begin(), links.end(),
                                   [&](const auto& l) { return l.index == entry.index; });
    // A single host has no neighbours, and link-local IPv6 is everywhere.
    if (!network || link == links.end() || entry.index == own_index ||
        entry.address.is_loopback() || entry.length == entry.address.bits() ||
        (entry.address.is_v6() && entry.address.is_link_local())) {
      continue;
    }
    LocalNetwork found{*network, link->name};
    if (std::find(out.begin(), out.end(), found) == out.end()) out.push_back(std::move(found));
  }
  return out;
}

std::string_view name_of(Way way) {
  switch (way) {
    case Way::kOutside:
      return "outside";
    case Way::kNowhere:
      return "nowhere";
    case Way::kTunnel:
      break;
  }
  return "tunnel";
}

std::string_view slug(Why why) {
  switch (why) {
    case Why::kNames:
      return "dns";
    case Why::kProfile:
      return "excluded-by-profile";
    case Why::kGateway:
      return "excluded-by-gateway";
    case Why::kLocal:
      return "local-network";
    case Why::kLink:
      return "link-local";
    case Why::kNoIpv6:
      return "no-ipv6";
    case Why::kAgreed:
      break;
  }
  return "agreed";
}

std::string_view words(Why why) {
  switch (why) {
    case Why::kNames:
      return "a DNS server of the tunnel";
    case Why::kProfile:
      return "the profile excludes it";
    case Why::kGateway:
      return "the gateway leaves it out, and local-lan allows that";
    case Why::kLocal:
      return "a local network";
    case Why::kLink:
      return "link-local addresses, without which there is no link";
    case Why::kNoIpv6:
      return "the tunnel does not carry it, and ipv6 holds it back";
    case Why::kAgreed:
      break;
  }
  return "agreed on with the gateway";
}

std::string Overlap::sentence() const {
  const std::string both =
      fmt::format("{} behind the gateway overlaps with {} of {}", route.to_string(),
                  local.network.to_string(), printable(local.device));
  if (local_wins) {
    return both + ", which stays outside the tunnel; prefer = \"vpn\" would turn that around";
  }
  return both + " and is reached through the tunnel" +
         (local.network.is_private() ? "; prefer = \"local\" would turn that around" : "");
}

RoutePlan plan_routes(const session::TunnelConfig& config, const RoutePolicy& policy,
                      const std::vector<LocalNetwork>& local) {
  return Planner(config, policy, local).plan();
}

bool is_full_tunnel(const session::TunnelConfig& config, bool v6) {
  return any(config.routes, [v6](const Prefix& r) { return r.is_everything() && is_of(r, v6); });
}

}  // namespace godwit::client
