#include "core/config/l2tp.h"

namespace godwit::config {
namespace {

constexpr std::uint16_t kL2tpPort = 1701;

}  // namespace

void read_l2tp(Settings& in, Report& report, Profile& profile) {
  profile.l2tp = in.boolean("l2tp").value_or(false);
  if (!profile.l2tp) return;
  profile.mode_config = ConfigMode::kOff;
  profile.use_dns = false;
  in.refuse({"mode-config", "ipv6-address", "phase2", "local-lan", "application-version",
             "ddns-hostname", "networks", "add-networks", "exclude-networks", "prefer", "address",
             "ipv6", "kill-switch", "dns", "search-domains", "routing-domains"},
            "has no use with l2tp, where PPP gives addresses and names",
            "remove it, and tell pppd what you want; or remove l2tp");
  const Entry* natt = in.find("nat-traversal");
  if (natt != nullptr && (natt->value.text == "off" || natt->value.text == "cisco-udp")) {
    report.add(natt->value.where, "l2tp goes in UDP as RFC 3947 has it",
               "write nat-traversal = \"auto\" or \"force\", or remove l2tp");
  }
  for (const auto& [key, port] : {std::pair("gateway-port", profile.gateway_port),
                                  std::pair("gateway-natt-port", profile.gateway_natt_port)}) {
    if (port != kL2tpPort) continue;
    // The tunnel's own datagrams would go into the tunnel.
    report.add(in.find(key)->value.where, std::string(key) + " is the port of L2TP itself",
               "write the gateway's port for IKE, mostly 500 and 4500");
  }
}

}  // namespace godwit::config
