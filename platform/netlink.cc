#include "platform/netlink.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <algorithm>
#include <array>

namespace godwit::platform {
namespace {

struct MessageFree {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};
using Message = std::unique_ptr<nl_msg, MessageFree>;

Message make_message(int type, int flags) {
  return Message(nlmsg_alloc_simple(type, flags | NLM_F_REQUEST));
}

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
    default:
      return RouteKind::kOther;
  }
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
  if (parsed[FRA_FWMARK] != nullptr) rule.fwmark = get_u32(parsed[FRA_FWMARK], 0);
  // The kernel reports "none" as -1.
  const std::uint32_t suppress = get_u32(parsed[FRA_SUPPRESS_PREFIXLEN], ~0U);
  if (suppress != ~0U) rule.suppress_prefix_length = suppress;
  if (parsed[FRA_DST] != nullptr) {
    rule.to = prefix_of(parsed[FRA_DST], parsed->family, parsed->dst_len);
  }
  if (parsed[FRA_SRC] != nullptr) {
    rule.from = prefix_of(parsed[FRA_SRC], parsed->family, parsed->src_len);
  }
  return rule;
}

Message route_message(int type, int flags, const Route& route) {
  Message message = make_message(type, flags);
  rtmsg fixed{};
  fixed.rtm_family = static_cast<unsigned char>(family_of(route.destination.address()));
  fixed.rtm_dst_len = static_cast<unsigned char>(route.destination.length());
  fixed.rtm_table = RT_TABLE_UNSPEC;
  fixed.rtm_protocol = RTPROT_STATIC;
  fixed.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  fixed.rtm_type = RTN_UNICAST;
  if (route.kind == RouteKind::kUnreachable) fixed.rtm_type = RTN_UNREACHABLE;
  if (route.kind == RouteKind::kBlackhole) fixed.rtm_type = RTN_BLACKHOLE;
  if (route.kind != RouteKind::kUnicast) fixed.rtm_scope = RT_SCOPE_UNIVERSE;
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
    nla_put_u32(message.get(), FRA_FWMASK, ~0U);
  }
  if (rule.suppress_prefix_length) {
    nla_put_u32(message.get(), FRA_SUPPRESS_PREFIXLEN, *rule.suppress_prefix_length);
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

}  // namespace

std::string InterfaceAddress::to_string() const {
  return address.to_string() + "/" + std::to_string(length) + " dev " + std::to_string(index);
}

std::string Route::to_string() const {
  std::string out = destination.to_string();
  if (gateway) out += " via " + gateway->to_string();
  if (index != 0) out += " dev " + std::to_string(index);
  return out + " table " + std::to_string(table);
}

std::string Rule::to_string() const {
  std::string out = std::to_string(priority) + ":";
  if (invert) out += " not";
  if (from) out += " from " + from->to_string();
  if (to) out += " to " + to->to_string();
  if (fwmark) out += " fwmark " + std::to_string(*fwmark);
  out += " lookup " + std::to_string(table);
  if (suppress_prefix_length) {
    out += " suppress_prefixlength " + std::to_string(*suppress_prefix_length);
  }
  return out;
}

bool is_absent(const SysError& error) {
  return error.error == ESRCH || error.error == ENOENT || error.error == EADDRNOTAVAIL ||
         error.error == ENODEV;
}

void Netlink::Close::operator()(nl_sock* socket) const { nl_socket_free(socket); }
Netlink::Netlink(Netlink&&) noexcept = default;
Netlink& Netlink::operator=(Netlink&&) noexcept = default;
Netlink::~Netlink() = default;

Result<Netlink, SysError> Netlink::open() {
  nl_sock* const socket = nl_socket_alloc();
  if (socket == nullptr) return fail(SysError{"open a netlink socket", ENOMEM, {}});
  Netlink netlink(socket);
  nl_socket_disable_auto_ack(socket);
  if (nl_connect(socket, NETLINK_ROUTE) < 0) return fail(last_error("open a netlink socket"));
  return netlink;
}

// Sends one message and waits for its acknowledgement, reading the error itself: libnl's own codes
// would lose the errno.
Result<void, SysError> Netlink::request(const char* op, nl_msg* message,
                                        const std::string& detail) {
  nlmsg_hdr(message)->nlmsg_flags |= NLM_F_ACK;
  if (nl_send_auto_complete(socket_.get(), message) < 0) return fail(last_error(op, detail));
  const std::uint32_t sequence = nlmsg_hdr(message)->nlmsg_seq;
  while (true) {
    sockaddr_nl from{};
    unsigned char* buffer = nullptr;
    const int size = nl_recv(socket_.get(), &from, &buffer, nullptr);
    if (size <= 0) return fail(SysError{op, size == 0 ? EAGAIN : errno, detail});
    const std::unique_ptr<unsigned char, decltype(&::free)> owner(buffer, &::free);
    auto* header = reinterpret_cast<nlmsghdr*>(buffer);
    int left = size;
    for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
      if (header->nlmsg_seq != sequence || header->nlmsg_type != NLMSG_ERROR) continue;
      const auto* error = static_cast<const nlmsgerr*>(nlmsg_data(header));
      if (error->error == 0) return {};
      return fail(SysError{op, -error->error, detail});
    }
  }
}

template <class Visit>
Result<void, SysError> Netlink::dump(const char* op, int type, int family, Visit visit) {
  const Message message = make_message(type, NLM_F_DUMP);
  // The kernel takes the family from the first octet, whatever the fixed header is.
  std::array<std::uint8_t, sizeof(ifinfomsg)> fixed{};
  fixed[0] = static_cast<std::uint8_t>(family);
  nlmsg_append(message.get(), fixed.data(), fixed.size(), NLMSG_ALIGNTO);
  if (nl_send_auto_complete(socket_.get(), message.get()) < 0) return fail(last_error(op));
  const std::uint32_t sequence = nlmsg_hdr(message.get())->nlmsg_seq;
  while (true) {
    sockaddr_nl from{};
    unsigned char* buffer = nullptr;
    const int size = nl_recv(socket_.get(), &from, &buffer, nullptr);
    if (size <= 0) return fail(SysError{op, size == 0 ? EAGAIN : errno, {}});
    const std::unique_ptr<unsigned char, decltype(&::free)> owner(buffer, &::free);
    auto* header = reinterpret_cast<nlmsghdr*>(buffer);
    int left = size;
    for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
      if (header->nlmsg_seq != sequence) continue;
      if (header->nlmsg_type == NLMSG_DONE) return {};
      if (header->nlmsg_type == NLMSG_ERROR) {
        return fail(SysError{op, -static_cast<const nlmsgerr*>(nlmsg_data(header))->error, {}});
      }
      visit(header);
    }
  }
}

Result<void, SysError> Netlink::add_address(const InterfaceAddress& address) {
  const Message message = address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
  return request("add address", message.get(), address.to_string());
}

Result<void, SysError> Netlink::delete_address(const InterfaceAddress& address) {
  const Message message = address_message(RTM_DELADDR, 0, address);
  return request("delete address", message.get(), address.to_string());
}

Result<void, SysError> Netlink::add_route(const Route& route) {
  const Message message = route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
  return request("add route", message.get(), route.to_string());
}

Result<void, SysError> Netlink::delete_route(const Route& route) {
  const Message message = route_message(RTM_DELROUTE, 0, route);
  return request("delete route", message.get(), route.to_string());
}

Result<void, SysError> Netlink::add_rule(const Rule& rule) {
  const Message message = rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
  return request("add rule", message.get(), rule.to_string());
}

Result<void, SysError> Netlink::delete_rule(const Rule& rule) {
  const Message message = rule_message(RTM_DELRULE, 0, rule);
  return request("delete rule", message.get(), rule.to_string());
}

Result<void, SysError> Netlink::set_mtu(int index, int mtu) {
  const Message message = make_message(RTM_NEWLINK, 0);
  ifinfomsg fixed{};
  fixed.ifi_index = index;
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  nla_put_u32(message.get(), IFLA_MTU, static_cast<std::uint32_t>(mtu));
  return request("set MTU", message.get(), std::to_string(mtu));
}

Result<void, SysError> Netlink::set_up(int index, bool up) {
  const Message message = make_message(RTM_NEWLINK, 0);
  ifinfomsg fixed{};
  fixed.ifi_index = index;
  fixed.ifi_change = IFF_UP;
  fixed.ifi_flags = up ? IFF_UP : 0;
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  return request(up ? "set link up" : "set link down", message.get(), std::to_string(index));
}

Result<void, SysError> Netlink::delete_tun(int index) {
  bool is_tun = false;
  GODWIT_TRY(dump("list links", RTM_GETLINK, AF_UNSPEC, [&](nlmsghdr* header) {
    const Parsed<ifinfomsg, IFLA_MAX> parsed(header);
    if (!parsed || parsed->ifi_index != index || parsed[IFLA_LINKINFO] == nullptr) return;
    std::array<nlattr*, IFLA_INFO_MAX + 1> details{};
    auto* const nested = const_cast<nlattr*>(parsed[IFLA_LINKINFO]);
    if (nla_parse_nested(details.data(), IFLA_INFO_MAX, nested, nullptr) < 0) return;
    const nlattr* const kind = details[IFLA_INFO_KIND];
    is_tun = kind != nullptr && nla_strcmp(kind, "tun") == 0;
  }));
  if (!is_tun) return fail(SysError{"delete device", ENODEV, std::to_string(index)});
  const Message message = make_message(RTM_DELLINK, 0);
  ifinfomsg fixed{};
  fixed.ifi_index = index;
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  return request("delete device", message.get(), std::to_string(index));
}

Result<std::vector<Link>, SysError> Netlink::links() {
  std::vector<Link> out;
  GODWIT_TRY(dump("list links", RTM_GETLINK, AF_UNSPEC, [&](nlmsghdr* header) {
    const Parsed<ifinfomsg, IFLA_MAX> parsed(header);
    if (!parsed || parsed[IFLA_IFNAME] == nullptr) return;
    out.push_back({parsed->ifi_index, static_cast<const char*>(nla_data(parsed[IFLA_IFNAME])),
                   static_cast<int>(get_u32(parsed[IFLA_MTU], 0)),
                   (parsed->ifi_flags & IFF_UP) != 0, (parsed->ifi_flags & IFF_RUNNING) != 0});
  }));
  std::sort(out.begin(), out.end(), [](const Link& a, const Link& b) { return a.index < b.index; });
  return out;
}

Result<std::vector<InterfaceAddress>, SysError> Netlink::addresses() {
  std::vector<InterfaceAddress> out;
  GODWIT_TRY(dump("list addresses", RTM_GETADDR, AF_UNSPEC, [&](nlmsghdr* header) {
    const Parsed<ifaddrmsg, IFA_MAX> parsed(header);
    if (!parsed) return;
    const auto* local = parsed[IFA_LOCAL] != nullptr ? parsed[IFA_LOCAL] : parsed[IFA_ADDRESS];
    if (const auto address = get_address(local)) {
      out.push_back({static_cast<int>(parsed->ifa_index), *address, parsed->ifa_prefixlen});
    }
  }));
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::vector<Route>, SysError> Netlink::routes() {
  std::vector<Route> out;
  for (const int family : {AF_INET, AF_INET6}) {
    GODWIT_TRY(dump("list routes", RTM_GETROUTE, family, [&](nlmsghdr* header) {
      if (const auto route = read_route(header)) out.push_back(*route);
    }));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::vector<Rule>, SysError> Netlink::rules() {
  std::vector<Rule> out;
  for (const int family : {AF_INET, AF_INET6}) {
    GODWIT_TRY(dump("list rules", RTM_GETRULE, family, [&](nlmsghdr* header) {
      if (const auto rule = read_rule(header)) out.push_back(*rule);
    }));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<int, SysError> Netlink::index_of(const std::string& name) {
  const unsigned index = ::if_nametoindex(name.c_str());
  if (index == 0) return fail(last_error("look up interface", name));
  return static_cast<int>(index);
}

}  // namespace godwit::platform
