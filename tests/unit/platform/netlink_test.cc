// Addresses, routes, rules and devices in a namespace of their own: what was added can be listed,
// and what was deleted leaves no trace.
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>

#include "platform/tun.h"
#include "platform/udp.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

constexpr std::uint32_t kTable = 51820;
constexpr std::uint32_t kMark = 0x676f;

Route route_to(const char* prefix, int index) {
  Route route;
  route.destination = *Prefix::parse(prefix);
  route.table = kTable;
  route.index = index;
  return route;
}

template <class T>
bool holds(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

Tun raised_tun(Netlink& netlink) {
  auto tun = must(Tun::open(""));
  must(tun.set_mtu(netlink, 1390));
  must(tun.set_up(netlink));
  return tun;
}

// One of each kind that a tunnel makes.
std::vector<Rule> every_rule(bool v6) {
  Rule tunnel;
  tunnel.v6 = v6;
  tunnel.priority = 5210;
  tunnel.table = kTable;
  tunnel.fwmark = kMark;
  tunnel.invert = true;
  Rule main;
  main.v6 = v6;
  main.priority = 5209;
  main.table = 254;
  main.suppress_prefix_length = 0;
  Rule to = tunnel;
  to.priority = 5208;
  to.to = *Prefix::parse(v6 ? "2001:db8:5::/48" : "10.5.0.0/16");
  Rule port;
  port.v6 = v6;
  port.priority = 5207;
  port.table = kTable;
  port.to = *Prefix::parse(v6 ? "2001:db8::1" : "192.0.2.1");
  port.protocol = 17;
  port.port = 1701;
  return {tunnel, main, to, port};
}

}  // namespace

TEST_CASE("addresses, routes and rules come and go without a trace") {
  REQUIRE_ROOT();
  const Namespace space;
  auto netlink = must(Netlink::open());
  const auto tun = raised_tun(netlink);
  const Listing before = list_all();

  std::vector<InterfaceAddress> addresses;
  for (const char* text : {"10.1.2.3", "2001:db8::3"}) {
    const auto address = *IpAddress::parse(text);
    addresses.push_back({tun.index(), address, address.bits()});
    must(netlink.add_address(addresses.back()));
    CHECK(holds(must(netlink.addresses()), addresses.back()));
    CHECK(netlink.add_address(addresses.back()).error().error == EEXIST);
  }
  std::vector<Route> routes;
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "2001:db8:1::/48", "::/0", "10.9.9.9"}) {
    Route route = route_to(text, tun.index());
    route.mtu = 1300;
    if (route.destination.address().is_v6()) route.metric = 1024;  // what the kernel would choose
    must(netlink.add_route(routes.emplace_back(route)));
    route.mtu = 0;  // not listed
    CHECK(holds(must(netlink.routes()), route));
    CHECK(netlink.add_route(route).error().error == EEXIST);
  }
  Route closed = route_to("10.200.0.0/16", 0);
  closed.kind = RouteKind::kUnreachable;
  must(netlink.add_route(closed));
  routes.push_back(closed);
  CHECK(holds(must(netlink.routes()), closed));

  std::vector<Rule> rules;
  for (const bool v6 : {false, true}) {
    for (const Rule& rule : every_rule(v6)) {
      must(netlink.add_rule(rule));
      rules.push_back(rule);
      CHECK(holds(must(netlink.rules()), rule));
      CHECK(netlink.add_rule(rule).error().error == EEXIST);
    }
  }
  CHECK_FALSE(list_all() == before);

  for (const Rule& rule : rules) {
    must(netlink.delete_rule(rule));
    CHECK(is_absent(netlink.delete_rule(rule).error()));
  }
  for (const Route& route : routes) {
    must(netlink.delete_route(route));
    CHECK(is_absent(netlink.delete_route(route).error()));
  }
  for (const InterfaceAddress& address : addresses) {
    must(netlink.delete_address(address));
    CHECK(is_absent(netlink.delete_address(address).error()));
  }
  CHECK(list_all() == before);
}

TEST_CASE("rules send everything but the marked socket into the tunnel") {
  REQUIRE_ROOT();
  const Namespace space;
  auto netlink = must(Netlink::open());
  const auto tun = must(Tun::open("gw0"));
  const auto uplink = must(Tun::open("up0"));
  const auto inner = *IpAddress::parse("10.1.2.3");
  const auto outer = *IpAddress::parse("192.0.2.10");
  const auto gateway = *IpAddress::parse("198.51.100.1");
  CHECK(source_address_for(gateway, 0).error().error == ENETUNREACH);
  must(netlink.add_address({tun.index(), inner, 32}));
  must(netlink.add_address({uplink.index(), outer, 24}));
  must(tun.set_up(netlink));
  must(uplink.set_up(netlink));
  Route normal = route_to("0.0.0.0/0", uplink.index());
  normal.table = 254;
  must(netlink.add_route(normal));
  CHECK(must(source_address_for(gateway, 0)) == outer);

  must(netlink.add_route(route_to("0.0.0.0/0", tun.index())));
  Rule rule;
  rule.priority = 5210;
  rule.table = kTable;
  rule.fwmark = kMark;
  rule.invert = true;
  must(netlink.add_rule(rule));
  CHECK(must(source_address_for(gateway, 0)) == inner);
  CHECK(must(source_address_for(gateway, kMark)) == outer);
  must(netlink.set_mtu(uplink.index(), 1420));
  CHECK(must(path_mtu_to(gateway, kMark)) == 1420);
}

TEST_CASE("a TUN device has the name, the index and the MTU it was given") {
  REQUIRE_ROOT();
  const Namespace space;
  auto netlink = must(Netlink::open());
  {
    const auto first = must(Tun::open(""));
    const auto second = must(Tun::open(""));
    CHECK(first.name() == "godwit0");
    CHECK(second.name() == "godwit1");
    must(second.set_mtu(netlink, 1321));
    must(second.set_up(netlink));
    bool found = false;
    for (const Link& link : must(netlink.links())) {
      if (link.name != "godwit1") continue;
      found = true;
      CHECK(link.index == second.index());
      CHECK(link.mtu == 1321);
      CHECK(link.up);
    }
    CHECK(found);
    CHECK(Tun::open("godwit0").error().error == EBUSY);
  }
  CHECK(must(netlink.links()).size() == 1);
  for (const char* name : {"a/b", ".", "..", "a b", "sixteen-octets-x", "x%d", "a:b", "\n"}) {
    CAPTURE(std::string(name));
    CHECK(Tun::open(name).error().error == EINVAL);
  }
}

TEST_CASE("changes of the network are told, once there are some") {
  REQUIRE_ROOT();
  const Namespace space;
  auto netlink = must(Netlink::open());
  auto monitor = must(LinkMonitor::open());
  CHECK(must(monitor.read()).empty());
  int index = 0;
  const auto address = *IpAddress::parse("10.1.2.3");
  {
    const auto tun = must(Tun::open("gw0"));
    index = tun.index();
    must(tun.set_up(netlink));
    must(netlink.add_address({index, address, 32}));
    must(netlink.add_route(route_to("10.0.0.0/8", index)));
    must(netlink.delete_address({index, address, 32}));
  }
  using Kind = LinkChange::Kind;
  std::vector<Kind> seen;
  for (const LinkChange& change : must(monitor.read())) {
    if (change.index != index && change.index != 0) continue;
    if (change.kind == Kind::kLinkUp || change.kind == Kind::kLinkRemoved) {
      CHECK(change.name == "gw0");
    }
    if (change.address && change.address->is_v4()) CHECK(*change.address == address);
    if (change.kind == Kind::kRouteChanged) CHECK(change.table != 255);
    seen.push_back(change.kind);
  }
  for (const Kind kind : {Kind::kLinkUp, Kind::kAddressAdded, Kind::kRouteChanged,
                          Kind::kAddressRemoved, Kind::kLinkRemoved}) {
    CAPTURE(static_cast<int>(kind));
    CHECK(std::count(seen.begin(), seen.end(), kind) > 0);
  }
}

TEST_CASE("a UDP socket takes its port, or another when that is taken") {
  REQUIRE_ROOT();
  const Namespace space;
  for (const char* text : {"0.0.0.0", "::", "127.0.0.1", "::1"}) {
    CAPTURE(std::string(text));
    const auto address = *IpAddress::parse(text);
    const auto first = must(UdpSocket::open(address, 500, kMark));
    CHECK(first.local() == Endpoint{address, 500});
    const auto second = must(UdpSocket::open(address, 500, 0));
    CHECK(second.local().port != 500);
    CHECK(second.local().port != 0);
    CHECK(UdpSocket::open(address, 500, 0, {.fall_back_to_ephemeral = false}).error().error ==
          EADDRINUSE);
    CHECK(must(UdpSocket::open(address, 0, 0)).local().port != 0);
    std::uint32_t mark = 0;
    socklen_t size = sizeof mark;
    REQUIRE(::getsockopt(first.fd(), SOL_SOCKET, SO_MARK, &mark, &size) == 0);
    CHECK(mark == kMark);
    int room = 0;
    size = sizeof room;
    REQUIRE(::getsockopt(first.fd(), SOL_SOCKET, SO_RCVBUF, &room, &size) == 0);
    CHECK(room >= 4 << 20);
  }
  CHECK(UdpSocket::open(*IpAddress::parse("192.0.2.77"), 500, 0).error().error == EADDRNOTAVAIL);
}

}  // namespace godwit::platform::test
