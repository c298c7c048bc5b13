#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include <array>

#include "platform/netlink.h"
#include "platform/netlink_messages.h"

namespace godwit::platform {

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
  alignas(nlmsghdr) std::array<std::uint8_t, 32 * 1024> buffer;
  while (true) {
    const ssize_t size = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return out;
      if (errno != ENOBUFS) return fail(last_error("watch the network"));
      out.push_back(LinkChange{});  // kOverrun
      continue;
    }
    const MutBytes block = MutBytes(buffer).first(static_cast<std::size_t>(size));
    for_each_message(block, [&](nlmsghdr* header) {
      if (auto change = read_change(header)) out.push_back(std::move(*change));
      return true;
    });
  }
}

}  // namespace godwit::platform
