#include "platform/netlink_messages.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace godwit::platform {
namespace {

int family_of(const IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }

void put_address(nl_msg* message, int attribute, const IpAddress& address) {
  const Bytes octets = address.bytes();
  nla_put(message, attribute, static_cast<int>(octets.size()), octets.data());
}

std::optional<IpAddress> get_address(const nlattr* attribute) {
  if (attribute == nullptr) return std::nullopt;
  const auto* data = static_cast<const std::uint8_t*>(nla_data(attribute));
  return IpAddress::from_bytes(Bytes(data, static_cast<std::size_t>(nla_len(attribute))));
}

std::uint32_t get_u32(const nlattr* attribute, std::uint32_t absent) {
  return attribute == nullptr || nla_len(attribute) < 4 ? absent : nla_get_u32(attribute);
}

// The attributes behind a fixed header of type T, by number up to N.
template <class T, int N>
class Parsed {
 public:
  explicit Parsed(nlmsghdr* header) {
    if (nlmsg_datalen(header) < static_cast<int>(sizeof(T))) return;
    fixed_ = static_cast<const T*>(nlmsg_data(header));
    // A parse that fails leaves the attributes it has read.
    (void)nlmsg_parse(header, sizeof(T), attributes_.data(), N, nullptr);
  }
  const T* operator->() const { return fixed_; }
  explicit operator bool() const { return fixed_ != nullptr; }
  const nlattr* operator[](int attribute) const {
    return attributes_[static_cast<std::size_t>(attribute)];
  }

 private:
  const T* fixed_ = nullptr;
  std::array<nlattr*, std::size_t{N} + 1> attributes_{};
};

// The text of an attribute, whether or not it ends with a zero.
std::string get_text(const nlattr* attribute) {
  const auto* data = static_cast<const char*>(nla_data(attribute));
  return {data, ::strnlen(data, static_cast<std::size_t>(nla_len(attribute)))};
}

IpAddress unspecified(int family) {
  return family == AF_INET ? IpAddress{} : *IpAddress::parse("::");
}

std::optional<Prefix> prefix_of(const nlattr* attribute, int family, int length) {
  return Prefix::make(get_address(attribute).value_or(unspecified(family)), length);
}

RouteKind kind_of(std::uint8_t type) {
  switch (type) {
    case RTN_UNICAST:
      return RouteKind::kUnicast;
    case RTN_UNREACHABLE:
      return RouteKind::kUnreachable;
    case RTN_BLACKHOLE:
      return RouteKind::kBlackhole;
    case RTN_THROW:
      return RouteKind::kThrow;
    default:
      return RouteKind::kOther;
  }
}

// False for a range that is not ours to express.
bool read_ports(const Parsed<fib_rule_hdr, FRA_MAX>& parsed, Rule& rule) {
  if (const nlattr* protocol = parsed[FRA_IP_PROTO]; protocol != nullptr) {
    if (nla_len(protocol) != 1) return false;
    rule.protocol = nla_get_u8(protocol);
  }
  const nlattr* ports = parsed[FRA_DPORT_RANGE];
  if (ports == nullptr) return true;
  fib_rule_port_range range{};
  if (nla_len(ports) != static_cast<int>(sizeof range)) return false;
  std::memcpy(&range, nla_data(ports), sizeof range);
  rule.port = range.start;
  return range.start == range.end;
}

bool is_up_and_running(unsigned flags) {
  return (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
}

std::optional<LinkChange> link_change(nlmsghdr* header) {
  const Parsed<ifinfomsg, IFLA_MAX> parsed(header);
  if (!parsed) return std::nullopt;
  LinkChange change;
  change.index = parsed->ifi_index;
  if (parsed[IFLA_IFNAME] != nullptr) change.name = get_text(parsed[IFLA_IFNAME]);
  const bool up = is_up_and_running(parsed->ifi_flags);
  change.kind = header->nlmsg_type == RTM_DELLINK ? LinkChange::Kind::kLinkRemoved
                : up                              ? LinkChange::Kind::kLinkUp
                                                  : LinkChange::Kind::kLinkDown;
  return change;
}

std::optional<LinkChange> address_change(nlmsghdr* header) {
  const Parsed<ifaddrmsg, IFA_MAX> parsed(header);
  if (!parsed) return std::nullopt;
  LinkChange change;
  change.kind = header->nlmsg_type == RTM_NEWADDR ? LinkChange::Kind::kAddressAdded
                                                  : LinkChange::Kind::kAddressRemoved;
  change.index = static_cast<int>(parsed->ifa_index);
  change.address = get_address(parsed[IFA_LOCAL]);
  if (!change.address) change.address = get_address(parsed[IFA_ADDRESS]);
  return change;
}

std::optional<LinkChange> route_change(nlmsghdr* header) {
  const Parsed<rtmsg, RTA_MAX> parsed(header);
  if (!parsed) return std::nullopt;
  LinkChange change;
  change.kind = LinkChange::Kind::kRouteChanged;
  change.table = get_u32(parsed[RTA_TABLE], parsed->rtm_table);
  if (change.table == RT_TABLE_LOCAL) return std::nullopt;
  change.destination = prefix_of(parsed[RTA_DST], parsed->rtm_family, parsed->rtm_dst_len);
  change.index = static_cast<int>(get_u32(parsed[RTA_OIF], 0));
  return change;
}

}  // namespace

void MessageFree::operator()(nl_msg* message) const { nlmsg_free(message); }

Message make_message(int type, int flags) {
  return Message(nlmsg_alloc_simple(type, flags | NLM_F_REQUEST));
}

std::optional<int> read_error(nlmsghdr* header) {
  if (header->nlmsg_type != NLMSG_ERROR) return std::nullopt;
  if (nlmsg_datalen(header) < static_cast<int>(sizeof(nlmsgerr))) return EBADMSG;
  const int error = static_cast<const nlmsgerr*>(nlmsg_data(header))->error;
  // Zero or a negated errno (netlink(7)); anything else has no meaning.
  return error > 0 || error < -4095 ? EBADMSG : -error;
}

std::optional<Link> read_link(nlmsghdr* header) {
  const Parsed<ifinfomsg, IFLA_MAX> parsed(header);
  if (!parsed || parsed[IFLA_IFNAME] == nullptr) return std::nullopt;
  return Link{parsed->ifi_index, get_text(parsed[IFLA_IFNAME]),
              static_cast<int>(get_u32(parsed[IFLA_MTU], 0)), (parsed->ifi_flags & IFF_UP) != 0,
              (parsed->ifi_flags & IFF_RUNNING) != 0};
}

bool is_tun(nlmsghdr* header, int index) {
  const Parsed<ifinfomsg, IFLA_MAX> parsed(header);
  if (!parsed || parsed->ifi_index != index || parsed[IFLA_LINKINFO] == nullptr) return false;
  std::array<nlattr*, IFLA_INFO_MAX + 1> details{};
  auto* const nested = const_cast<nlattr*>(parsed[IFLA_LINKINFO]);
  if (nla_parse_nested(details.data(), IFLA_INFO_MAX, nested, nullptr) < 0) return false;
  const nlattr* const kind = details[IFLA_INFO_KIND];
  return kind != nullptr && nla_strcmp(kind, "tun") == 0;
}

std::optional<InterfaceAddress> read_address(nlmsghdr* header) {
  const Parsed<ifaddrmsg, IFA_MAX> parsed(header);
  if (!parsed) return std::nullopt;
  const auto* local = parsed[IFA_LOCAL] != nullptr ? parsed[IFA_LOCAL] : parsed[IFA_ADDRESS];
  const auto address = get_address(local);
  if (!address || parsed->ifa_prefixlen > address->bits()) return std::nullopt;
  return InterfaceAddress{static_cast<int>(parsed->ifa_index), *address, parsed->ifa_prefixlen};
}

std::optional<Route> read_route(nlmsghdr* header) {
  const Parsed<rtmsg, RTA_MAX> parsed(header);
  if (!parsed || (parsed->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
  const auto destination = prefix_of(parsed[RTA_DST], parsed->rtm_family, parsed->rtm_dst_len);
  if (!destination) return std::nullopt;
  Route route;
  route.destination = *destination;
  route.table = get_u32(parsed[RTA_TABLE], parsed->rtm_table);
  route.index = static_cast<int>(get_u32(parsed[RTA_OIF], 0));
  route.kind = kind_of(parsed->rtm_type);
  route.gateway = get_address(parsed[RTA_GATEWAY]);
  route.source = get_address(parsed[RTA_PREFSRC]);
  route.metric = get_u32(parsed[RTA_PRIORITY], 0);
  return route;
}

std::optional<Rule> read_rule(nlmsghdr* header) {
  const Parsed<fib_rule_hdr, FRA_MAX> parsed(header);
  if (!parsed) return std::nullopt;
  Rule rule;
  rule.v6 = parsed->family == AF_INET6;
  rule.priority = get_u32(parsed[FRA_PRIORITY], 0);
  rule.table = get_u32(parsed[FRA_TABLE], parsed->table);
  rule.invert = (parsed->flags & FIB_RULE_INVERT) != 0;
  if (parsed[FRA_FWMARK] != nullptr) {
    rule.fwmark = get_u32(parsed[FRA_FWMARK], 0);
    rule.fwmask = get_u32(parsed[FRA_FWMASK], ~0U);
  }
  // The kernel reports "none" as -1.
  const std::uint32_t suppress = get_u32(parsed[FRA_SUPPRESS_PREFIXLEN], ~0U);
  if (suppress != ~0U) rule.suppress_prefix_length = suppress;
  if (!read_ports(parsed, rule)) return std::nullopt;
  // A rule read without its "to" or "from" would be one for everything.
  if (parsed[FRA_DST] != nullptr) {
    rule.to = prefix_of(parsed[FRA_DST], parsed->family, parsed->dst_len);
    if (!rule.to) return std::nullopt;
  }
  if (parsed[FRA_SRC] != nullptr) {
    rule.from = prefix_of(parsed[FRA_SRC], parsed->family, parsed->src_len);
    if (!rule.from) return std::nullopt;
  }
  return rule;
}

std::optional<LinkChange> read_change(nlmsghdr* header) {
  switch (header->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return link_change(header);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return address_change(header);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return route_change(header);
    default:
      return std::nullopt;
  }
}

Message route_message(int type, int flags, const Route& route) {
  Message message = make_message(type, flags);
  rtmsg fixed{};
  fixed.rtm_family = static_cast<unsigned char>(family_of(route.destination.address()));
  fixed.rtm_dst_len = static_cast<unsigned char>(route.destination.length());
  fixed.rtm_table = RT_TABLE_UNSPEC;
  fixed.rtm_protocol = RTPROT_STATIC;
  // In a table of our own a device leads to no neighbour: who adds a route "via" his router, and
  // names no device, must not be told that the router is behind the tunnel. The kernel looks for it
  // among the routes of link scope, in all tables that the rules lead to, and would pass by a
  // "throw" of a wider scope.
  const bool own = route.table != RT_TABLE_MAIN;
  fixed.rtm_scope = route.gateway || own ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  fixed.rtm_type = RTN_UNICAST;
  if (route.kind == RouteKind::kUnreachable) fixed.rtm_type = RTN_UNREACHABLE;
  if (route.kind == RouteKind::kBlackhole) fixed.rtm_type = RTN_BLACKHOLE;
  if (route.kind == RouteKind::kThrow) fixed.rtm_type = RTN_THROW;
  if (route.kind == RouteKind::kThrow) fixed.rtm_scope = RT_SCOPE_HOST;
  if (route.kind == RouteKind::kUnreachable || route.kind == RouteKind::kBlackhole) {
    fixed.rtm_scope = RT_SCOPE_UNIVERSE;
  }
  if (type == RTM_DELROUTE) {
    fixed.rtm_scope = RT_SCOPE_NOWHERE;  // any
    fixed.rtm_protocol = RTPROT_UNSPEC;
  }
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  put_address(message.get(), RTA_DST, route.destination.address());
  nla_put_u32(message.get(), RTA_TABLE, route.table);
  if (route.index != 0) nla_put_u32(message.get(), RTA_OIF, static_cast<unsigned>(route.index));
  if (route.gateway) put_address(message.get(), RTA_GATEWAY, *route.gateway);
  if (route.source) put_address(message.get(), RTA_PREFSRC, *route.source);
  if (route.metric != 0) nla_put_u32(message.get(), RTA_PRIORITY, route.metric);
  if (route.mtu != 0) {
    nlattr* const metrics = nla_nest_start(message.get(), RTA_METRICS);
    nla_put_u32(message.get(), RTAX_MTU, route.mtu);
    nla_nest_end(message.get(), metrics);
  }
  return message;
}

Message rule_message(int type, int flags, const Rule& rule) {
  Message message = make_message(type, flags);
  fib_rule_hdr fixed{};
  fixed.family = rule.v6 ? AF_INET6 : AF_INET;
  fixed.action = FR_ACT_TO_TBL;
  fixed.flags = rule.invert ? FIB_RULE_INVERT : 0U;
  if (rule.to) fixed.dst_len = static_cast<std::uint8_t>(rule.to->length());
  if (rule.from) fixed.src_len = static_cast<std::uint8_t>(rule.from->length());
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  nla_put_u32(message.get(), FRA_PRIORITY, rule.priority);
  nla_put_u32(message.get(), FRA_TABLE, rule.table);
  if (rule.fwmark) {
    nla_put_u32(message.get(), FRA_FWMARK, *rule.fwmark);
    nla_put_u32(message.get(), FRA_FWMASK, rule.fwmask);
  }
  if (rule.suppress_prefix_length) {
    nla_put_u32(message.get(), FRA_SUPPRESS_PREFIXLEN, *rule.suppress_prefix_length);
  }
  if (rule.protocol) nla_put_u8(message.get(), FRA_IP_PROTO, *rule.protocol);
  if (rule.port) {
    const fib_rule_port_range range{*rule.port, *rule.port};
    nla_put(message.get(), FRA_DPORT_RANGE, sizeof range, &range);
  }
  if (rule.to) put_address(message.get(), FRA_DST, rule.to->address());
  if (rule.from) put_address(message.get(), FRA_SRC, rule.from->address());
  return message;
}

Message address_message(int type, int flags, const InterfaceAddress& address) {
  Message message = make_message(type, flags);
  ifaddrmsg fixed{};
  fixed.ifa_family = static_cast<unsigned char>(family_of(address.address));
  fixed.ifa_prefixlen = static_cast<unsigned char>(address.length);
  fixed.ifa_index = static_cast<unsigned>(address.index);
  // Duplicate address detection would keep an IPv6 address unusable for a second; the gateway
  // answers for its uniqueness.
  if (address.address.is_v6()) fixed.ifa_flags = IFA_F_NODAD;
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  put_address(message.get(), IFA_LOCAL, address.address);
  put_address(message.get(), IFA_ADDRESS, address.address);
  return message;
}

}  // namespace godwit::platform
