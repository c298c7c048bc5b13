#include "core/ike/v1/mode_config.h"

#include <algorithm>

#include "core/base/limits.h"
#include "core/ike/v1/backup_servers.h"
#include "core/net/dns_name.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::uint16_t id(CfgAttr attr) { return static_cast<std::uint16_t>(attr); }

// Names separated by commas, blanks or semicolons, as gateways write them; what is no name is left
// out.
std::vector<std::string> split_names(const ByteVec& text) {
  std::vector<std::string> names;
  std::string name;
  const auto flush = [&] {
    if (is_dns_name(name) && names.size() < limits::kSplitNetworksMax) names.push_back(name);
    name.clear();
  };
  for (const std::uint8_t octet : text) {
    if (octet == ',' || octet == ' ' || octet == ';' || octet == 0) {
      flush();
    } else {
      name.push_back(static_cast<char>(octet));
    }
  }
  flush();
  return names;
}

// MC-10: more than we take, or 0.0.0.0/0, means the full tunnel.
void add_network(const Prefix& network, ModeConfig& out) {
  if (network.is_everything() || out.split_include.size() == limits::kSplitNetworksMax) {
    out.split_truncated = true;
  } else {
    out.split_include.push_back(network);
  }
}

void read_split_include(const Attribute& attribute, ModeConfig& out) {
  const auto networks = decode_split_networks(attribute.value);
  if (!networks) return;
  out.split_truncated |= split_networks_excess(attribute.value);
  for (const Prefix& network : *networks) add_network(network, out);
}

// draft-dukes 3.4: a protected network as address and netmask, one an attribute; a gateway without
// Unity names its networks so.
void read_subnet(const Attribute& attribute, ModeConfig& out) {
  constexpr std::size_t kIp4 = 4;
  if (attribute.value.size() != 2 * kIp4) return;
  const Bytes value(attribute.value);
  const auto address = IpAddress::from_bytes(value.first(kIp4));
  const auto mask = IpAddress::from_bytes(value.last(kIp4));
  const auto length = address && mask ? netmask_length(*mask) : std::nullopt;
  if (!length) return;
  if (const auto network = Prefix::make(*address, *length)) add_network(*network, out);
}

void read_attribute(const Attribute& attribute, ModeConfig& out) {
  switch (static_cast<CfgAttr>(attribute.type)) {
    case CfgAttr::kIp4Address:
      if (const auto address = IpAddress::from_bytes(attribute.value);
          address && address->is_v4() && address->is_usable_unicast() && !out.address) {
        out.address = *address;
      }
      return;
    case CfgAttr::kIp4Netmask:
      if (const auto mask = IpAddress::from_bytes(attribute.value); mask && mask->is_v4()) {
        out.netmask = netmask_length(*mask);
      }
      return;
    case CfgAttr::kIp4Dns:
      if (const auto server = IpAddress::from_bytes(attribute.value);
          server && server->is_v4() && server->is_usable_unicast() &&
          out.dns.size() < limits::kDnsServersMax &&
          std::find(out.dns.begin(), out.dns.end(), *server) == out.dns.end()) {
        out.dns.push_back(*server);
      }
      return;
    case CfgAttr::kUnityBanner:
      out.banner = escape_text(attribute.value, limits::kBannerMax, true);
      return;
    case CfgAttr::kUnityDefaultDomain: {
      std::vector<std::string> names = split_names(attribute.value);
      if (!names.empty()) out.default_domain = std::move(names.front());
      return;
    }
    case CfgAttr::kUnitySplitDns:
      out.split_dns = split_names(attribute.value);
      return;
    case CfgAttr::kIp4Subnet:
      read_subnet(attribute, out);
      return;
    case CfgAttr::kUnityNattPort:
      if (const auto port = attribute.number(); port && *port > 0 && *port <= 0xffff) {
        out.udp_port = static_cast<std::uint16_t>(*port);
      }
      return;
    case CfgAttr::kUnityBackupServers:
      return add_backup_servers(attribute.value, out.backup_servers);
    case CfgAttr::kUnitySplitInclude:
      read_split_include(attribute, out);
      return;
    default:
      return;  // MC-06: unknown attributes are ignored
  }
}

}  // namespace

CfgPayload mode_config_request(std::uint16_t identifier, bool unity,
                               const std::optional<IpAddress>& previous, bool udp_port) {
  CfgPayload request;
  request.type = CfgType::kRequest;
  request.identifier = identifier;
  const auto ask = [&](CfgAttr attr) {
    request.attributes.push_back(Attribute::octets(id(attr), {}));
  };
  request.attributes.push_back(
      Attribute::octets(id(CfgAttr::kIp4Address), previous ? previous->bytes() : Bytes{}));
  ask(CfgAttr::kIp4Netmask);
  ask(CfgAttr::kIp4Dns);
  if (udp_port) ask(CfgAttr::kUnityNattPort);
  if (!unity) return request;
  ask(CfgAttr::kUnityBanner);
  ask(CfgAttr::kUnityDefaultDomain);
  ask(CfgAttr::kUnitySplitDns);
  ask(CfgAttr::kUnitySplitInclude);
  ask(CfgAttr::kUnityBackupServers);
  return request;
}

ModeConfig read_mode_config(const CfgPayload& cfg) {
  ModeConfig out;
  for (const Attribute& attribute : cfg.attributes) read_attribute(attribute, out);
  if (out.split_truncated) out.split_include.clear();  // fail towards the tunnel, not past it
  return out;
}

CfgPayload mode_config_ack(const CfgPayload& set) {
  CfgPayload ack;
  ack.type = CfgType::kAck;
  ack.identifier = set.identifier;
  for (const Attribute& attribute : set.attributes) {
    ack.attributes.push_back(Attribute::octets(attribute.type, {}));
  }
  return ack;
}

bool offers_address(const CfgPayload& cfg) { return cfg.find(CfgAttr::kIp4Address) != nullptr; }

}  // namespace godwit::ike::v1
