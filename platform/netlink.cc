#include "platform/netlink.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <algorithm>
#include <array>

#include "platform/netlink_messages.h"

namespace godwit::platform {

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
  if (protocol) out += " ipproto " + std::to_string(*protocol);
  if (port) out += " dport " + std::to_string(*port);
  if (fwmark) out += " fwmark " + std::to_string(*fwmark) + "/" + std::to_string(fwmask);
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
    std::optional<int> error;
    for_each_message({buffer, static_cast<std::size_t>(size)}, [&](nlmsghdr* header) {
      if (header->nlmsg_seq == sequence) error = read_error(header);
      return !error;
    });
    if (error == 0) return {};
    if (error) return fail(SysError{op, *error, detail});
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
    bool done = false;
    std::optional<int> error;
    for_each_message({buffer, static_cast<std::size_t>(size)}, [&](nlmsghdr* header) {
      if (header->nlmsg_seq != sequence) return true;
      done = header->nlmsg_type == NLMSG_DONE;
      error = read_error(header);
      if (!done && !error) visit(header);
      return !done && !error;
    });
    if (done) return {};
    if (error) return fail(SysError{op, *error, {}});
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

Result<void, SysError> Netlink::set_link(const char* op, int index, int attribute, int value) {
  const Message message = make_message(RTM_NEWLINK, 0);
  ifinfomsg fixed{};
  fixed.ifi_index = index;
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  nla_put_u32(message.get(), attribute, static_cast<std::uint32_t>(value));
  return request(op, message.get(), std::to_string(value));
}

Result<void, SysError> Netlink::set_mtu(int index, int mtu) {
  return set_link("set MTU", index, IFLA_MTU, mtu);
}

Result<void, SysError> Netlink::set_queue_length(int index, int packets) {
  return set_link("set the length of the queue", index, IFLA_TXQLEN, packets);
}

Result<void, SysError> Netlink::set_group(int index, std::uint32_t group) {
  return set_link("set the group of the device", index, IFLA_GROUP, static_cast<int>(group));
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
  bool found = false;
  GODWIT_TRY(dump("list links", RTM_GETLINK, AF_UNSPEC,
                  [&](nlmsghdr* header) { found |= is_tun(header, index); }));
  if (!found) return fail(SysError{"delete device", ENODEV, std::to_string(index)});
  const Message message = make_message(RTM_DELLINK, 0);
  ifinfomsg fixed{};
  fixed.ifi_index = index;
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  return request("delete device", message.get(), std::to_string(index));
}

Result<std::vector<Link>, SysError> Netlink::links() {
  std::vector<Link> out;
  GODWIT_TRY(dump("list links", RTM_GETLINK, AF_UNSPEC, [&](nlmsghdr* header) {
    if (auto link = read_link(header)) out.push_back(std::move(*link));
  }));
  std::sort(out.begin(), out.end(), [](const Link& a, const Link& b) { return a.index < b.index; });
  return out;
}

Result<std::vector<InterfaceAddress>, SysError> Netlink::addresses() {
  std::vector<InterfaceAddress> out;
  GODWIT_TRY(dump("list addresses", RTM_GETADDR, AF_UNSPEC, [&](nlmsghdr* header) {
    if (const auto address = read_address(header)) out.push_back(*address);
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
