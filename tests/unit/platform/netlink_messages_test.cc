// rtnetlink messages without a socket: what is written reads the same, and what is broken reads as
// nothing.
#include "platform/netlink_messages.h"

#include <doctest/doctest.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>

#include <cstring>
#include <vector>

namespace godwit::platform::test {
namespace {

template <class T, class Write, class Read>
void check_back(const T& value, Write write, Read read) {
  const Message message = write(0, 0, value);
  const auto again = read(nlmsg_hdr(message.get()));
  REQUIRE(again);
  CHECK(*again == value);
}

Message link_message(int type, unsigned flags, const void* name, int size) {
  Message message = make_message(type, 0);
  ifinfomsg fixed{};
  fixed.ifi_index = 7;
  fixed.ifi_flags = flags;
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  nla_put(message.get(), IFLA_IFNAME, size, name);
  return message;
}

Message error_message(int error) {
  Message message = make_message(NLMSG_ERROR, 0);
  nlmsgerr fixed{};
  fixed.error = error;
  nlmsg_append(message.get(), &fixed, sizeof fixed, NLMSG_ALIGNTO);
  return message;
}

}  // namespace

TEST_CASE("addresses, routes and rules read as they were written") {
  check_back(InterfaceAddress{3, *IpAddress::parse("10.60.0.7"), 32}, address_message,
             read_address);
  check_back(InterfaceAddress{3, *IpAddress::parse("2001:db8::7"), 64}, address_message,
             read_address);
  Route route;
  route.destination = *Prefix::parse("10.50.0.0/16");
  route.table = 51820;
  route.index = 7;
  route.gateway = *IpAddress::parse("10.60.0.1");
  route.source = *IpAddress::parse("10.60.0.7");
  route.metric = 5;
  check_back(route, route_message, read_route);
  route.kind = RouteKind::kUnreachable;
  check_back(route, route_message, read_route);
  Rule rule;
  rule.v6 = true;
  rule.priority = 100;
  rule.table = 51820;
  rule.fwmark = 0x676f;
  rule.invert = true;
  rule.suppress_prefix_length = 0;
  rule.to = *Prefix::parse("2001:db8::/32");
  check_back(rule, rule_message, read_rule);
  rule.fwmask = 0xffff'0000;
  check_back(rule, rule_message, read_rule);
  rule.protocol = 17;
  rule.port = 1701;
  check_back(rule, rule_message, read_rule);
}

TEST_CASE("a rule for a range of ports, or with a damaged one, is not read as another rule") {
  for (const std::vector<std::uint16_t>& range :
       {std::vector<std::uint16_t>{1701, 1702}, {1701}, {1701, 1701, 1701}}) {
    const Message message = rule_message(0, 0, Rule{});
    nla_put(message.get(), FRA_DPORT_RANGE, static_cast<int>(range.size() * 2), range.data());
    CHECK_FALSE(read_rule(nlmsg_hdr(message.get())));
  }
  const Message message = rule_message(0, 0, Rule{});
  nla_put_u32(message.get(), FRA_IP_PROTO, 17);
  CHECK_FALSE(read_rule(nlmsg_hdr(message.get())));
}

TEST_CASE("a prefix that its address cannot have is no address, route or rule") {
  const Message address =
      address_message(0, 0, InterfaceAddress{3, *IpAddress::parse("10.60.0.7"), 33});
  CHECK_FALSE(read_address(nlmsg_hdr(address.get())));
  Rule rule;
  rule.to = *Prefix::parse("10.0.0.0/8");
  const Message message = rule_message(0, 0, rule);
  // Behind the header: family, destination length.
  auto* const fixed = static_cast<std::uint8_t*>(nlmsg_data(nlmsg_hdr(message.get())));
  CHECK(read_rule(nlmsg_hdr(message.get())));
  fixed[1] = 33;
  // Without its "to" it would be a rule for everything.
  CHECK_FALSE(read_rule(nlmsg_hdr(message.get())));
}

TEST_CASE("a name ends with its attribute") {
  const Message open = link_message(RTM_NEWLINK, IFF_UP, "godwit0!", 7);
  const auto link = read_link(nlmsg_hdr(open.get()));
  REQUIRE(link);
  CHECK(link->name == "godwit0");
  CHECK(link->up);
  CHECK_FALSE(link->running);
  const auto change = read_change(nlmsg_hdr(open.get()));
  REQUIRE(change);
  CHECK(change->name == "godwit0");
  CHECK(change->kind == LinkChange::Kind::kLinkDown);
}

TEST_CASE("changes say what came and went") {
  const Message gone = link_message(RTM_DELLINK, 0, "tun0", 5);
  CHECK(read_change(nlmsg_hdr(gone.get()))->kind == LinkChange::Kind::kLinkRemoved);
  const InterfaceAddress address{3, *IpAddress::parse("10.60.0.7"), 32};
  const Message added = address_message(RTM_NEWADDR, 0, address);
  const auto change = read_change(nlmsg_hdr(added.get()));
  REQUIRE(change);
  CHECK(change->kind == LinkChange::Kind::kAddressAdded);
  CHECK(change->address == address.address);
  Route route;
  route.destination = *Prefix::parse("10.50.0.0/16");
  const Message main = route_message(RTM_NEWROUTE, 0, route);
  CHECK(read_change(nlmsg_hdr(main.get()))->destination == route.destination);
  route.table = RT_TABLE_LOCAL;
  const Message local = route_message(RTM_NEWROUTE, 0, route);
  CHECK_FALSE(read_change(nlmsg_hdr(local.get())));
  const Message other = make_message(RTM_NEWNEIGH, 0);
  CHECK_FALSE(read_change(nlmsg_hdr(other.get())));
}

TEST_CASE("an acknowledgement is zero, an errno or broken") {
  CHECK(read_error(nlmsg_hdr(error_message(0).get())) == 0);
  CHECK(read_error(nlmsg_hdr(error_message(-EEXIST).get())) == EEXIST);
  CHECK(read_error(nlmsg_hdr(error_message(EEXIST).get())) == EBADMSG);
  CHECK(read_error(nlmsg_hdr(error_message(INT32_MIN).get())) == EBADMSG);
  const Message cut = make_message(NLMSG_ERROR, 0);
  CHECK(read_error(nlmsg_hdr(cut.get())) == EBADMSG);
  const Message other = make_message(NLMSG_DONE, 0);
  CHECK_FALSE(read_error(nlmsg_hdr(other.get())));
}

TEST_CASE("every cut of a message reads as nothing or as less") {
  Route route;
  route.destination = *Prefix::parse("10.50.0.0/16");
  route.gateway = *IpAddress::parse("10.60.0.1");
  const Message message = route_message(RTM_NEWROUTE, 0, route);
  const nlmsghdr* const header = nlmsg_hdr(message.get());
  const auto* const octets = reinterpret_cast<const std::uint8_t*>(header);
  for (std::size_t size = 0; size < header->nlmsg_len; ++size) {
    ByteVec datagram(octets, octets + size);
    std::size_t seen = 0;
    for_each_message(datagram, [&](nlmsghdr*) { return ++seen != 0; });
    CHECK(seen == 0);
    if (size < sizeof(nlmsghdr)) continue;
    const auto length = static_cast<std::uint32_t>(size);
    std::memcpy(datagram.data(), &length, sizeof length);
    for_each_message(datagram, [&](nlmsghdr* cut) {
      const auto read = read_route(cut);
      if (size < sizeof(nlmsghdr) + sizeof(rtmsg)) CHECK_FALSE(read);
      if (read) CHECK(*read != route);
      return ++seen != 0;
    });
    CHECK(seen == 1);
  }
}

}  // namespace godwit::platform::test
