#include "core/session/tunnel_config.h"

#include <algorithm>

#include "core/base/check.h"

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

std::vector<ike::v1::ChildPolicy> child_policies(const config::Profile& profile,
                                                 const ike::v1::ModeConfig& mode_config,
                                                 const IpAddress& address, const IpAddress& gateway,
                                                 const ike::v1::PeerVendors& vendors) {
  std::vector<Prefix> networks = profile.networks;
  if (networks.empty() && !vendors.unity) networks = mode_config.split_include;
  if (profile.l2tp) networks = {host(gateway)};
  // A pair of SAs costs a negotiation; beyond a few, one for everything serves better.
  if (networks.empty() || networks.size() > limits::kOutboundSasMax) networks = {Prefix{}};
  std::vector<ike::v1::ChildPolicy> out;
  for (const Prefix& network : networks) {
    ike::v1::ChildPolicy& policy = out.emplace_back();
    policy.offer.suites = profile.esp;
    policy.offer.pfs = profile.pfs;
    policy.offer.lifetime = profile.esp_lifetime;
    policy.offer.kilobytes = profile.esp_lifetime_bytes / 1024;
    policy.offer.encapsulation = ike::v1::encapsulation_mode(vendors.natt, profile.l2tp);
    policy.local = host(address);
    policy.remote = network;
    if (profile.l2tp) policy.transport = UdpFlow{{address, kL2tpPort}, {gateway, kL2tpPort}};
  }
  return out;
}

TunnelConfig tunnel_config(const config::Profile& profile, const ike::v1::ModeConfig& mode_config,
                           const IpAddress& address, const IpAddress& gateway,
                           const crypto::EspSuite& suite) {
  TunnelConfig out;
  // A host prefix: the gateway's netmask describes its pool, not a link with neighbours.
  out.addresses.push_back(host(address));
  out.gateway = gateway;
  if (profile.l2tp) {
    out.udp_port = kL2tpPort;
    out.routes.push_back(host(gateway));
    out.mtu = profile.mtu != 0 ? profile.mtu : kL2tpMtu;
    return out;
  }
  out.routes = !profile.networks.empty() ? profile.networks : mode_config.split_include;
  if (out.routes.empty()) out.routes.emplace_back();
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
  return out;
}

std::size_t tunnel_mtu(const crypto::EspSuite& suite, bool ipv6) {
  const std::size_t payload = kEthernetMtu - (ipv6 ? 40u : 20u) - 8u;
  const std::size_t room = payload - limits::kEspHeader - suite.iv_size() - suite.icv_size();
  const std::size_t inner = room / suite.block() * suite.block() - limits::kEspTrailer;
  return std::min(inner, kMtuDefault);
}

}  // namespace godwit::session
