#include "core/ike/v1/mode_config.h"

#include <algorithm>
#include <array>

#include "core/base/limits.h"
#include "core/ike/v1/backup_servers.h"
#include "core/net/dns_name.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::size_t kIp4 = 4;
constexpr std::size_t kIp6 = 16;

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

// MC-10: more than we take, or everything in the list, means the full tunnel.
void add_network(const Prefix& network, ModeConfig& out) {
  const auto& known = out.split_include;
  if (std::find(known.begin(), known.end(), network) != known.end()) return;
  if (network.is_everything() || out.split_include.size() == limits::kSplitNetworksMax) {
    (network.address().is_v4() ? out.everything_v4 : out.everything_v6) = true;
  } else {
    out.split_include.push_back(network);
  }
}

// MC-10: 14 octets a network. strongSwan's attr plugin leaves protocol and ports out, and says one.
Result<std::vector<Prefix>, Drop> networks_of(const Attribute& attribute) {
  ByteVec entry = attribute.value;
  if (entry.size() == 2 * kIp4) entry.resize(14);
  return decode_split_networks(entry);
}

void read_split_include(const Attribute& attribute, ModeConfig& out) {
  const auto networks = networks_of(attribute);
  if (!networks) return;
  out.everything_v4 |= split_networks_excess(attribute.value);
  for (const Prefix& network : *networks) add_network(network, out);
}

// draft-dukes 3.4: a protected network as address and netmask, one an attribute; a gateway without
// Unity names its networks so.
void read_subnet(const Attribute& attribute, ModeConfig& out) {
  if (attribute.value.size() != 2 * kIp4) return;
  const Bytes value(attribute.value);
  const auto address = IpAddress::from_bytes(value.first(kIp4));
  const auto mask = IpAddress::from_bytes(value.last(kIp4));
  const auto length = address && mask ? netmask_length(*mask) : std::nullopt;
  if (!length) return;
  if (const auto network = Prefix::make(*address, *length)) add_network(*network, out);
}

// The same for IPv6: the address and the prefix length.
void read_subnet6(const Attribute& attribute, ModeConfig& out) {
  if (attribute.value.size() != kIp6 + 1) return;
  const auto address = IpAddress::from_bytes(Bytes(attribute.value).first(kIp6));
  const auto network = Prefix::make(*address, attribute.value.back());
  if (network) add_network(*network, out);
}

// The value as an address of that size, when a packet can go to it.
std::optional<IpAddress> usable_address(const Attribute& attribute, std::size_t size) {
  if (attribute.value.size() != size) return std::nullopt;
  const auto address = IpAddress::from_bytes(attribute.value);
  return address && address->is_usable_unicast() ? address : std::nullopt;
}

void add_server(const Attribute& attribute, std::size_t size, std::vector<IpAddress>& out) {
  const auto server = usable_address(attribute, size);
  if (!server || out.size() == limits::kDnsServersMax) return;
  if (std::find(out.begin(), out.end(), *server) == out.end()) out.push_back(*server);
}

// Anything but private networks left out of the tunnel would let a gateway, or who speaks through
// it, choose what travels in the clear (MC-11).
void read_local_lan(const Attribute& attribute, ModeConfig& out) {
  const auto networks = networks_of(attribute);
  if (!networks) return;
  for (const Prefix& network : *networks) {
    if (out.local_lan.size() == limits::kLocalNetworksMax) return;
    if (network.is_private()) out.local_lan.push_back(network);
  }
}

bool is_yes(const Attribute& attribute) { return attribute.number().value_or(0) != 0; }

void read_address(const Attribute& attribute, ModeConfig& out) {
  // The first of two counts. IKEv2 has a prefix length behind an IPv6 address, and some gateways of
  // IKEv1 have, too.
  if (static_cast<CfgAttr>(attribute.type) == CfgAttr::kIp4Address) {
    if (!out.address.v4) out.address.v4 = usable_address(attribute, kIp4);
    return;
  }
  Attribute plain = attribute;
  if (plain.value.size() == kIp6 + 1) plain.value.pop_back();
  if (!out.address.v6) out.address.v6 = usable_address(plain, kIp6);
}

// The texts and advice of Cisco's attributes.
void read_unity(const Attribute& attribute, ModeConfig& out) {
  switch (static_cast<CfgAttr>(attribute.type)) {
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
    case CfgAttr::kUnityNattPort:
      if (const auto port = attribute.number(); port && *port > 0 && *port <= 0xffff) {
        out.udp_port = static_cast<std::uint16_t>(*port);
      }
      return;
    case CfgAttr::kUnityBackupServers:
      return add_backup_servers(attribute.value, out.backup_servers);
    case CfgAttr::kUnitySplitInclude:
      return read_split_include(attribute, out);
    case CfgAttr::kUnityLocalLan:
      return read_local_lan(attribute, out);
    case CfgAttr::kUnityPfs:
      out.pfs = is_yes(attribute);
      return;
    case CfgAttr::kUnitySavePassword:
      out.save_password = is_yes(attribute);
      return;
    default:
      return;  // MC-06: unknown attributes are ignored
  }
}

void read_attribute(const Attribute& attribute, ModeConfig& out) {
  switch (static_cast<CfgAttr>(attribute.type)) {
    case CfgAttr::kIp4Address:
    case CfgAttr::kIp6Address:
      return read_address(attribute, out);
    case CfgAttr::kIp4Netmask:
      if (const auto mask = IpAddress::from_bytes(attribute.value); mask && mask->is_v4()) {
        out.netmask = netmask_length(*mask);
      }
      return;
    case CfgAttr::kIp4Dns:
      return add_server(attribute, kIp4, out.dns);
    case CfgAttr::kIp6Dns:
      return add_server(attribute, kIp6, out.dns);
    case CfgAttr::kIp4Nbns:
      return add_server(attribute, kIp4, out.nbns);
    case CfgAttr::kIp6Nbns:
      return add_server(attribute, kIp6, out.nbns);
    case CfgAttr::kIp4Subnet:
      return read_subnet(attribute, out);
    case CfgAttr::kIp6Subnet:
      return read_subnet6(attribute, out);
    case CfgAttr::kAddressExpiry:
      // Zero seconds would be an address that nobody can use.
      if (const auto seconds = attribute.number();
          attribute.value.size() == sizeof(std::uint32_t) && seconds && *seconds != 0) {
        out.expires_after = std::chrono::seconds(static_cast<std::int64_t>(*seconds));
      }
      return;
    case CfgAttr::kApplicationVersion:
      out.application_version = escape_text(attribute.value, limits::kVersionTextMax);
      return;
    default:
      return read_unity(attribute, out);
  }
}

// What a gateway that asks is told we understand.
constexpr std::array kSupported = {CfgAttr::kIp4Address,
                                   CfgAttr::kIp4Netmask,
                                   CfgAttr::kIp4Dns,
                                   CfgAttr::kIp4Nbns,
                                   CfgAttr::kAddressExpiry,
                                   CfgAttr::kApplicationVersion,
                                   CfgAttr::kIp6Address,
                                   CfgAttr::kIp6Dns,
                                   CfgAttr::kIp6Nbns,
                                   CfgAttr::kIp4Subnet,
                                   CfgAttr::kSupportedAttributes,
                                   CfgAttr::kIp6Subnet};

ByteVec supported_attributes() {
  ByteVec out;
  for (const CfgAttr attr : kSupported) {
    out.push_back(static_cast<std::uint8_t>(id(attr) >> 8));
    out.push_back(static_cast<std::uint8_t>(id(attr) & 0xff));
  }
  return out;
}

Bytes octets_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Bytes octets_of(const std::optional<IpAddress>& address) {
  return address ? address->bytes() : Bytes{};
}

}  // namespace

InnerAddresses InnerAddresses::of(const IpAddress& address) {
  InnerAddresses out;
  (address.is_v4() ? out.v4 : out.v6) = address;
  return out;
}

std::vector<IpAddress> InnerAddresses::all() const {
  std::vector<IpAddress> out;
  if (v4) out.push_back(*v4);
  if (v6) out.push_back(*v6);
  return out;
}

CfgPayload mode_config_request(std::uint16_t identifier, const ConfigWishes& wishes) {
  CfgPayload request;
  request.type = CfgType::kRequest;
  request.identifier = identifier;
  const auto ask = [&](CfgAttr attr, Bytes value = {}) {
    request.attributes.push_back(Attribute::octets(id(attr), value));
  };
  ask(CfgAttr::kIp4Address, octets_of(wishes.previous.v4));
  ask(CfgAttr::kIp4Netmask);
  ask(CfgAttr::kIp4Dns);
  ask(CfgAttr::kIp4Nbns);
  if (wishes.ip6) {
    ask(CfgAttr::kIp6Address, octets_of(wishes.previous.v6));
    ask(CfgAttr::kIp6Dns);
    ask(CfgAttr::kIp6Subnet);
  }
  if (!wishes.application_version.empty()) {
    ask(CfgAttr::kApplicationVersion, octets_of(wishes.application_version));
  }
  if (wishes.udp_port) ask(CfgAttr::kUnityNattPort);
  if (!wishes.unity) return request;
  ask(CfgAttr::kUnityBanner);
  ask(CfgAttr::kUnityDefaultDomain);
  ask(CfgAttr::kUnitySplitDns);
  ask(CfgAttr::kUnitySplitInclude);
  ask(CfgAttr::kUnityBackupServers);
  ask(CfgAttr::kUnitySavePassword);
  ask(CfgAttr::kUnityPfs);
  if (wishes.local_lan) ask(CfgAttr::kUnityLocalLan);
  if (!wishes.ddns_hostname.empty()) {
    ask(CfgAttr::kUnityDdnsHostname, octets_of(wishes.ddns_hostname));
  }
  return request;
}

ModeConfig read_mode_config(const CfgPayload& cfg) {
  ModeConfig out;
  for (const Attribute& attribute : cfg.attributes) read_attribute(attribute, out);
  // Fail towards the tunnel, not past it.
  std::erase_if(out.split_include, [&](const Prefix& network) {
    return network.address().is_v4() ? out.everything_v4 : out.everything_v6;
  });
  return out;
}

CfgPayload mode_config_reply(const CfgPayload& request, const ConfigWishes& wishes) {
  CfgPayload reply;
  reply.type = CfgType::kReply;
  reply.identifier = request.identifier;
  const auto say = [&](CfgAttr attr, Bytes value) {
    if (value.empty() || request.find(attr) == nullptr) return;
    reply.attributes.push_back(Attribute::octets(id(attr), value));
  };
  say(CfgAttr::kApplicationVersion, octets_of(wishes.application_version));
  say(CfgAttr::kSupportedAttributes, supported_attributes());
  say(CfgAttr::kUnityDdnsHostname, octets_of(wishes.ddns_hostname));
  return reply;
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

bool offers_address(const CfgPayload& cfg) {
  return cfg.find(CfgAttr::kIp4Address) != nullptr || cfg.find(CfgAttr::kIp6Address) != nullptr;
}

}  // namespace godwit::ike::v1
