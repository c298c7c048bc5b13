// What goes through a tunnel, what around it and what nowhere, and why: a function of what was
// agreed on with the gateway, of the profile, and of the networks that this machine is in. The
// longest prefix decides, as in the routing table that this becomes (client/apply.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/profile.h"
#include "core/session/actions.h"
#include "platform/netlink.h"

namespace godwit::client {

// A network on a link of this machine: the home LAN, a bridge of containers, another VPN.
struct LocalNetwork {
  Prefix network;
  std::string device;
  friend bool operator==(const LocalNetwork&, const LocalNetwork&) = default;
};

// Those of all devices but the tunnel's own, from the addresses that devices have: a route that
// somebody's DHCP brought makes no local network. Sorted, each once.
std::vector<LocalNetwork> local_networks(const std::vector<platform::InterfaceAddress>& addresses,
                                         const std::vector<platform::Link>& links, int own_index);

enum class Way : std::uint8_t { kTunnel, kOutside, kNowhere };
enum class Why : std::uint8_t {
  kAgreed,   // with the gateway, or named by the profile
  kNames,    // a DNS server of the tunnel
  kProfile,  // excluded by the profile
  kGateway,  // excluded by the gateway, which the profile allows
  kLocal,    // a local network
  kLink,     // link-local IPv6, without which there is no link
  kNoIpv6,   // the tunnel has none, or not all of it
};
std::string_view name_of(Way way);  // "tunnel", "outside", "nowhere"
std::string_view slug(Why why);     // stable, used in JSON
std::string_view words(Why why);

struct WayOf {
  Prefix destination;
  Way way = Way::kTunnel;
  Why why = Why::kAgreed;
  std::string device;  // of a local network
  friend bool operator==(const WayOf&, const WayOf&) = default;
};

// A network behind the gateway that is, in part, a local one.
struct Overlap {
  Prefix route;
  LocalNetwork local;
  bool local_wins = false;
  std::string sentence() const;
  friend bool operator==(const Overlap&, const Overlap&) = default;
};

// What the profile says of it.
struct RoutePolicy {
  config::Ipv6 ipv6 = config::Ipv6::kTunnel;
  std::optional<config::Prefer> prefer;
  std::vector<Prefix> excluded;

  static RoutePolicy of(const config::Profile& profile) {
    return {profile.ipv6, profile.prefer, profile.excluded_networks};
  }
};

struct RoutePlan {
  std::vector<WayOf> ways;  // each destination once, sorted
  std::vector<Overlap> overlaps;
  bool full_v4 = false;  // nothing of the family goes beside but what `ways` says
  bool full_v6 = false;
  friend bool operator==(const RoutePlan&, const RoutePlan&) = default;
};

RoutePlan plan_routes(const session::TunnelConfig& config, const RoutePolicy& policy,
                      const std::vector<LocalNetwork>& local);

bool is_full_tunnel(const session::TunnelConfig& config, bool v6);

}  // namespace godwit::client
