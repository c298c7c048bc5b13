#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include <array>

#include "platform/netlink.h"

namespace godwit::platform {
namespace {

std::optional<IpAddress> address_in(nlmsghdr* header, int fixed, int attribute) {
  const nlattr* found = nlmsg_find_attr(header, fixed, attribute);
  if (found == nullptr) return std::nullopt;
  const auto* data = static_cast<const std::uint8_t*>(nla_data(found));
  return IpAddress::from_bytes(Bytes(data, static_cast<std::size_t>(nla_len(found))));
}

std::optional<LinkChange> link_change(nlmsghdr* header) {
  if (nlmsg_datalen(header) < static_cast<int>(sizeof(ifinfomsg))) return std::nullopt;
  const auto* fixed = static_cast<const ifinfomsg*>(nlmsg_data(header));
  LinkChange change;
  change.index = fixed->ifi_index;
  if (const nlattr* name = nlmsg_find_attr(header, sizeof *fixed, IFLA_IFNAME)) {
    change.name.assign(static_cast<const char*>(nla_data(name)),
                       ::strnlen(static_cast<const char*>(nla_data(name)),
                                 static_cast<std::size_t>(nla_len(name))));
  }
  const bool up = (fixed->ifi_flags & IFF_UP) != 0 && (fixed->ifi_flags & IFF_RUNNING) != 0;
  change.kind = header->nlmsg_type == RTM_DELLINK ? LinkChange::Kind::kLinkRemoved
                : up                              ? LinkChange::Kind::kLinkUp
                                                  : LinkChange::Kind::kLinkDown;
  return change;
}

std::optional<LinkChange> address_change(nlmsghdr* header) {
  if (nlmsg_datalen(header) < static_cast<int>(sizeof(ifaddrmsg))) return std::nullopt;
  const auto* fixed = static_cast<const ifaddrmsg*>(nlmsg_data(header));
  LinkChange change;
  change.kind = header->nlmsg_type == RTM_NEWADDR ? LinkChange::Kind::kAddressAdded
                                                  : LinkChange::Kind::kAddressRemoved;
  change.index = static_cast<int>(fixed->ifa_index);
  change.address = address_in(header, sizeof *fixed, IFA_LOCAL);
  if (!change.address) change.address = address_in(header, sizeof *fixed, IFA_ADDRESS);
  return change;
}

std::optional<LinkChange> route_change(nlmsghdr* header) {
  if (nlmsg_datalen(header) < static_cast<int>(sizeof(rtmsg))) return std::nullopt;
  const auto* fixed = static_cast<const rtmsg*>(nlmsg_data(header));
  const nlattr* table = nlmsg_find_attr(header, sizeof *fixed, RTA_TABLE);
  LinkChange change;
  change.kind = LinkChange::Kind::kRouteChanged;
  change.table = table != nullptr && nla_len(table) >= 4 ? nla_get_u32(table) : fixed->rtm_table;
  if (change.table == RT_TABLE_LOCAL) return std::nullopt;
  const IpAddress any = fixed->rtm_family == AF_INET ? IpAddress{} : *IpAddress::parse("::");
  change.destination =
      Prefix::make(address_in(header, sizeof *fixed, RTA_DST).value_or(any), fixed->rtm_dst_len);
  const nlattr* index = nlmsg_find_attr(header, sizeof *fixed, RTA_OIF);
  if (index != nullptr && nla_len(index) >= 4) change.index = static_cast<int>(nla_get_u32(index));
  return change;
}

std::optional<LinkChange> decode(nlmsghdr* header) {
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

}  // namespace

void LinkMonitor::Close::operator()(nl_sock* socket) const { nl_socket_free(socket); }
LinkMonitor::LinkMonitor(LinkMonitor&&) noexcept = default;
LinkMonitor& LinkMonitor::operator=(LinkMonitor&&) noexcept = default;
LinkMonitor::~LinkMonitor() = default;

Result<LinkMonitor, SysError> LinkMonitor::open() {
  nl_sock* const socket = nl_socket_alloc();
  if (socket == nullptr) return fail(SysError{"watch the network", ENOMEM, {}});
  LinkMonitor monitor(socket);
  nl_socket_disable_seq_check(socket);
  if (nl_connect(socket, NETLINK_ROUTE) < 0 ||
      nl_socket_add_memberships(socket, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, 0) < 0 ||
      nl_socket_set_nonblocking(socket) < 0) {
    return fail(last_error("watch the network"));
  }
  return monitor;
}

int LinkMonitor::fd() const { return nl_socket_get_fd(socket_.get()); }

Result<std::vector<LinkChange>, SysError> LinkMonitor::read() {
  std::vector<LinkChange> out;
  alignas(nlmsghdr) std::array<char, 32 * 1024> buffer;
  while (true) {
    const ssize_t size = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return out;
      if (errno != ENOBUFS) return fail(last_error("watch the network"));
      out.push_back(LinkChange{});  // kOverrun
      continue;
    }
    auto* header = reinterpret_cast<nlmsghdr*>(buffer.data());
    int left = static_cast<int>(size);
    for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
      if (auto change = decode(header)) out.push_back(std::move(*change));
    }
  }
}

}  // namespace godwit::platform
