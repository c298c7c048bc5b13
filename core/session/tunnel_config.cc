#include "core/session/tunnel_config.h"

#include <algorithm>

#include "core/base/check.h"

namespace godwit::session {
namespace {

constexpr std::size_t kMtuDefault = 1400;
constexpr std::size_t kEthernetMtu = 1500;

}  // namespace

std::vector<ike::v1::ChildPolicy> child_policies(const config::Profile& profile,
                                                 const ike::v1::ModeConfig& mode_config,
                                                 const IpAddress& address, ike::v1::Natt natt,
                                                 bool unity) {
  std::vector<Prefix> networks = profile.networks;
  if (networks.empty() && !unity) networks = mode_config.split_include;
  // A pair of SAs costs a negotiation; beyond a few, one for everything serves better.
  if (networks.empty() || networks.size() > limits::kOutboundSasMax) networks = {Prefix{}};
  std::vector<ike::v1::ChildPolicy> out;
  for (const Prefix& network : networks) {
    ike::v1::ChildPolicy& policy = out.emplace_back();
    policy.offer.suites = profile.esp;
    policy.offer.pfs = profile.pfs;
    policy.offer.lifetime = profile.esp_lifetime;
    policy.offer.kilobytes = profile.esp_lifetime_bytes / 1024;
    policy.offer.encapsulation = ike::v1::encapsulation_mode(natt);
    const auto local = Prefix::make(address, address.bits());
    CHECK(local);
    policy.local = *local;
    policy.remote = network;
  }
  return out;
}

TunnelConfig tunnel_config(const config::Profile& profile, const ike::v1::ModeConfig& mode_config,
                           const IpAddress& address, const IpAddress& gateway,
                           const crypto::EspSuite& suite) {
  TunnelConfig out;
  // A host prefix: the gateway's netmask describes its pool, not a link with neighbours.
  if (const auto host = Prefix::make(address, address.bits())) out.addresses.push_back(*host);
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
  out.gateway = gateway;
  return out;
}

std::size_t tunnel_mtu(const crypto::EspSuite& suite, bool ipv6) {
  const std::size_t payload = kEthernetMtu - (ipv6 ? 40u : 20u) - 8u;
  const std::size_t room = payload - limits::kEspHeader - suite.iv_size() - suite.icv_size();
  const std::size_t inner = room / suite.block() * suite.block() - limits::kEspTrailer;
  return std::min(inner, kMtuDefault);
}

}  // namespace godwit::session
