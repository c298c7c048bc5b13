#include "client/script_env.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/words.h"
#include "core/net/dns_name.h"

namespace godwit::client {
namespace {

std::string netmask(int length) {
  const std::uint32_t bits = length == 0 ? 0 : 0xffff'ffffU << (32 - length);
  return IpAddress::v4(bits).to_string();
}

// Printable ASCII; newlines stay, because a banner has lines.
std::string clean(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    out += c == '\n' || (octet >= 0x20 && octet <= 0x7e) ? c : ' ';
  }
  return out;
}

std::string names(const std::vector<std::string>& all, char glue) {
  std::string out;
  for (const std::string& name : all) {
    if (!is_dns_name(name)) continue;
    if (!out.empty()) out += glue;
    out += name;
  }
  return out;
}

class Environment {
 public:
  void set(std::string_view name, std::string_view value) {
    // An empty variable means the same to the scripts as one that is not there.
    if (!value.empty()) out_.push_back(fmt::format("{}={}", name, value));
  }
  void set(std::string_view name, std::size_t value) { set(name, std::to_string(value)); }

  // CISCO_SPLIT_INC and its kin; vpnc has ports and a protocol with each network of IPv4.
  void networks(std::string_view name, const std::vector<Prefix>& all, bool v6) {
    std::vector<Prefix> listed;
    std::copy_if(all.begin(), all.end(), std::back_inserter(listed),
                 [v6](const Prefix& network) { return network.address().is_v6() == v6; });
    if (listed.empty()) return;
    set(name, listed.size());
    for (std::size_t i = 0; i < listed.size(); ++i) {
      const std::string stem = fmt::format("{}_{}_", name, i);
      set(stem + "ADDR", listed[i].address().to_string());
      if (!v6) set(stem + "MASK", netmask(listed[i].length()));
      set(stem + "MASKLEN", std::to_string(listed[i].length()));
      if (v6) continue;
      for (const char* zero : {"PROTOCOL", "SPORT", "DPORT"}) set(stem + zero, "0");
    }
  }
  std::vector<std::string> take() { return std::move(out_); }

 private:
  std::vector<std::string> out_;
};

bool has_everything(const std::vector<Prefix>& routes, bool v6) {
  return std::any_of(routes.begin(), routes.end(), [v6](const Prefix& route) {
    return route.is_everything() && route.address().is_v6() == v6;
  });
}

std::vector<IpAddress> of_family(const std::vector<IpAddress>& all, bool v6) {
  std::vector<IpAddress> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out),
               [v6](const IpAddress& address) { return address.is_v6() == v6; });
  return out;
}

void add_addresses(Environment& env, const session::TunnelConfig& config) {
  for (const Prefix& address : config.addresses) {
    if (address.address().is_v6()) {
      env.set("INTERNAL_IP6_ADDRESS", address.address().to_string());
      env.set("INTERNAL_IP6_NETMASK", address.to_string());
      continue;
    }
    env.set("INTERNAL_IP4_ADDRESS", address.address().to_string());
    env.set("INTERNAL_IP4_MTU", config.mtu);
    if (!config.netmask || *config.netmask < 0 || *config.netmask > 32) continue;
    env.set("INTERNAL_IP4_NETMASK", netmask(*config.netmask));
    env.set("INTERNAL_IP4_NETMASKLEN", std::to_string(*config.netmask));
    const auto pool = Prefix::make(address.address(), *config.netmask);
    if (pool) env.set("INTERNAL_IP4_NETADDR", pool->address().to_string());
  }
}

void add_config(Environment& env, const session::TunnelConfig& config) {
  add_addresses(env, config);
  env.set("INTERNAL_IP4_DNS", join(of_family(config.dns, false), " "));
  env.set("INTERNAL_IP6_DNS", join(of_family(config.dns, true), " "));
  env.set("INTERNAL_IP4_NBNS", join(config.nbns, " "));
  env.set("CISCO_DEF_DOMAIN", names(config.search_domains, ' '));
  env.set("CISCO_SPLIT_DNS", names(config.routing_domains, ','));
  env.set("VPN_SPLIT_DNS_ROUTE", names(config.routing_domains, ' '));
  env.set("CISCO_BANNER", clean(config.banner));
  // Without a list everything goes into the tunnel, so a full tunnel has none.
  if (!has_everything(config.routes, false)) env.networks("CISCO_SPLIT_INC", config.routes, false);
  if (!has_everything(config.routes, true)) {
    env.networks("CISCO_IPV6_SPLIT_INC", config.routes, true);
  }
  env.networks("CISCO_SPLIT_EXC", config.excluded, false);
  env.networks("CISCO_IPV6_SPLIT_EXC", config.excluded, true);
}

}  // namespace

std::vector<std::string> script_environment(const ScriptFacts& facts, std::string_view reason) {
  Environment env;
  env.set("reason", reason);
  if (facts.gateway) env.set("VPNGATEWAY", facts.gateway->to_string());
  env.set("VPNPID", std::to_string(facts.pid));
  env.set("TUNDEV", facts.device);
  env.set("LOG_LEVEL", "1");
  if (facts.config) add_config(env, *facts.config);
  env.set("VPN_PROFILE", clean(facts.profile));
  env.set("VPN_IKE_VERSION", "1");
  if (facts.nat) {
    env.set("VPN_NAT_LOCAL", facts.nat->we_are_behind ? "1" : "0");
    env.set("VPN_NAT_REMOTE", facts.nat->gateway_is_behind ? "1" : "0");
  }
  env.set("VPN_REASON_DETAIL", clean(facts.detail));
  return env.take();
}

}  // namespace godwit::client
