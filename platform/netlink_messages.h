// The messages of rtnetlink <-> values, without a socket: what the kernel answers and announces,
// and what it is asked. Private to the room.
#pragma once

#include <netlink/msg.h>

#include <memory>
#include <optional>

#include "core/base/bytes.h"
#include "platform/netlink.h"

namespace godwit::platform {

struct MessageFree {
  void operator()(nl_msg* message) const;
};
using Message = std::unique_ptr<nl_msg, MessageFree>;

// Visits the messages of one datagram, which is aligned as nlmsghdr is, until one contradicts it or
// `visit` returns false. Every header that is visited lies within the datagram, its data too.
template <class Visit>
void for_each_message(MutBytes datagram, Visit visit) {
  auto* header = reinterpret_cast<nlmsghdr*>(datagram.data());
  int left = static_cast<int>(datagram.size());
  for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
    if (!visit(header)) return;
  }
}

// The errno of an acknowledgement, 0 for success, EBADMSG for one that is broken; nothing for any
// other message.
std::optional<int> read_error(nlmsghdr* header);

// A complete value or nothing, whatever the message's type says; for read_change() it matters.
std::optional<Link> read_link(nlmsghdr* header);
bool is_tun(nlmsghdr* header, int index);  // the TUN or TAP device of this index
std::optional<InterfaceAddress> read_address(nlmsghdr* header);
std::optional<Route> read_route(nlmsghdr* header);  // not of cache entries
std::optional<Rule> read_rule(nlmsghdr* header);
std::optional<LinkChange> read_change(nlmsghdr* header);

Message make_message(int type, int flags);
Message route_message(int type, int flags, const Route& route);
Message rule_message(int type, int flags, const Rule& rule);
Message address_message(int type, int flags, const InterfaceAddress& address);

}  // namespace godwit::platform
