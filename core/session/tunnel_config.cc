#include "core/session/tunnel_config.h"

#include <algorithm>
#include <iterator>

#include "core/base/check.h"
#include "core/session/child_plan.h"

namespace godwit::session {
namespace {

constexpr std::size_t kMtuDefault = 1400;
constexpr std::size_t kEthernetMtu = 1500;
// A fragment has no place in transport mode (RFC 4303 3.1.1), so the device takes L2TP around a PPP
// packet of 1500 octets whole. Where ESP around it does not fit the path, that is cut.
constexpr std::size_t kL2tpMtu = 1600;

Prefix host(const IpAddress& address) {
  const auto prefix = Prefix::make(address, address.bits());
  CHECK(prefix);
  return *prefix;
}

}  // namespace

ike::v1::ConfigWishes config_wishes(const config::Profile& profile) {
  ike::v1::ConfigWishes wishes;
  wishes.ip6 = profile.ask_ipv6;
  wishes.local_lan = profile.local_lan;
  wishes.application_version = profile.application_version;
  wishes.ddns_hostname = profile.ddns_hostname;
  return wishes;
}

AddressAssigned assigned(const ike::v1::ModeConfig& mode_config) {
  AddressAssigned out;
  for (const IpAddress& address : mode_config.address.all()) {
    out.addresses.push_back(*Prefix::make(address, address.bits()));
  }
  out.dns = mode_config.dns;
  out.networks = mode_config.split_include;
  out.default_domain = mode_config.default_domain;
  return out;
}

void describe(const ike::v1::ModeConfig& mode_config, Status& out) {
  out.nbns = mode_config.nbns;
  out.gateway_version = mode_config.application_version;
  out.save_password = mode_config.save_password;
  out.pfs_wanted = mode_config.pfs;
}

ike::v1::ChildPolicy child_policy(const config::Profile& profile,
                                  const ike::v1::ModeConfig& mode_config, const Prefix& network,
                                  const ike::v1::Phase1& phase1) {
  ike::v1::ChildPolicy policy;
  policy.offer.suites = profile.esp;
  policy.offer.pfs = profile.pfs;
  // The gateway says that it wants PFS and not in which group; that of phase 1 it has accepted.
  if (!policy.offer.pfs && mode_config.pfs) policy.offer.pfs = phase1.choice().suite.group;
  policy.offer.lifetime = profile.esp_lifetime;
  policy.offer.kilobytes = profile.esp_lifetime_bytes / 1024;
  policy.offer.encapsulation = ike::v1::encapsulation_mode(phase1.vendors().natt, profile.l2tp);
  const auto& address = network.address().is_v4() ? mode_config.address.v4 : mode_config.address.v6;
  CHECK(address);
  policy.local = host(*address);
  policy.remote = network;
  if (profile.l2tp) {
    policy.transport = UdpFlow{{*address, kL2tpPort}, {network.address(), kL2tpPort}};
  }
  return policy;
}

TunnelConfig tunnel_config(const config::Profile& profile, const ike::v1::ModeConfig& mode_config,
                           const std::vector<Prefix>& agreed, const IpAddress& gateway,
                           const crypto::EspSuite& suite) {
  TunnelConfig out;
  out.gateway = gateway;
  if (profile.l2tp) {
    for (const IpAddress& address : mode_config.address.all()) {
      out.addresses.push_back(host(address));
    }
    out.udp_port = kL2tpPort;
    out.routes.push_back(host(gateway));
    out.mtu = profile.mtu != 0 ? profile.mtu : kL2tpMtu;
    return out;
  }
  for (const bool v6 : {false, true}) {
    const auto& address = v6 ? mode_config.address.v6 : mode_config.address.v4;
    const auto of_family = [v6](const Prefix& network) { return network.address().is_v6() == v6; };
    if (!address || std::ranges::none_of(agreed, of_family)) continue;
    // A host prefix: the gateway's netmask describes its pool, not a link with neighbours.
    out.addresses.push_back(*Prefix::make(*address, address->bits()));
    std::vector<Prefix> routes = named_networks(profile, mode_config, v6);
    // MC-10: a list that means everything fails towards the tunnel.
    const bool all = v6 ? mode_config.everything_v6 : mode_config.everything_v4;
    if (routes.empty() && all) routes = {everything(v6)};
    if (routes.empty()) std::ranges::copy_if(agreed, std::back_inserter(routes), of_family);
    for (const Prefix& network : added_networks(profile, v6)) {
      if (std::ranges::find(routes, network) == routes.end()) routes.push_back(network);
    }
    out.routes.insert(out.routes.end(), routes.begin(), routes.end());
  }
  out.netmask = mode_config.netmask;
  out.nbns = mode_config.nbns;
  out.banner = mode_config.banner;
  out.excluded = profile.excluded_networks;
  if (profile.local_lan) {
    out.excluded.insert(out.excluded.end(), mode_config.local_lan.begin(),
                        mode_config.local_lan.end());
  }
  if (profile.use_dns) {
    out.dns = !profile.dns.empty() ? profile.dns : mode_config.dns;
    if (!mode_config.default_domain.empty()) {
      out.search_domains.push_back(mode_config.default_domain);
    }
    out.search_domains.insert(out.search_domains.end(), profile.search_domains.begin(),
                              profile.search_domains.end());
    out.routing_domains = mode_config.split_dns;
    out.routing_domains.insert(out.routing_domains.end(), profile.routing_domains.begin(),
                               profile.routing_domains.end());
  }
  out.mtu = profile.mtu != 0 ? profile.mtu : tunnel_mtu(suite, gateway.is_v6());
  // RFC 8200 5: below that no device carries IPv6.
  const auto is_v6 = [](const Prefix& address) { return address.address().is_v6(); };
  if (std::ranges::any_of(out.addresses, is_v6)) out.mtu = std::max(out.mtu, limits::kIpv6MtuMin);
  return out;
}

std::size_t tunnel_mtu(const crypto::EspSuite& suite, bool ipv6) {
  const std::size_t payload = kEthernetMtu - (ipv6 ? 40u : 20u) - 8u;
  const std::size_t room = payload - limits::kEspHeader - suite.iv_size() - suite.icv_size();
  const std::size_t inner = room / suite.block() * suite.block() - limits::kEspTrailer;
  return std::min(inner, kMtuDefault);
}

}  // namespace godwit::session
