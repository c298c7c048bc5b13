// What a tunnel changes on this machine, as a function of its configuration.
#include "client/apply.h"

#include <doctest/doctest.h>

using namespace godwit;
using namespace godwit::client;

namespace {

constexpr int kDevice = 7;

session::TunnelConfig routed(std::initializer_list<const char*> routes) {
  session::TunnelConfig out;
  out.addresses = {*Prefix::parse("10.99.0.5/32")};
  for (const char* route : routes) out.routes.push_back(*Prefix::parse(route));
  out.gateway = *IpAddress::parse("203.0.113.2");
  return out;
}

std::vector<platform::Rule> rules_of(const std::vector<Step>& steps) {
  std::vector<platform::Rule> out;
  for (const Step& step : steps) {
    if (const auto* rule = std::get_if<AddRule>(&step)) out.push_back(rule->rule);
  }
  return out;
}

std::vector<platform::Route> routes_of(const std::vector<Step>& steps) {
  std::vector<platform::Route> out;
  for (const Step& step : steps) {
    if (const auto* route = std::get_if<AddRoute>(&step)) out.push_back(route->route);
  }
  return out;
}

}  // namespace

TEST_CASE("a split tunnel: an address, a route in its own table, one rule") {
  const auto steps = plan(routed({"10.50.0.0/24"}), kDevice);
  REQUIRE(steps.size() == 3);
  const auto* address = std::get_if<AddAddress>(&steps[0]);
  REQUIRE(address != nullptr);
  CHECK(address->address.address.to_string() == "10.99.0.5");
  CHECK(address->address.length == 32);
  const auto numbers = numbers_for(kDevice);
  const auto route = routes_of(steps).at(0);
  CHECK(route.destination.to_string() == "10.50.0.0/24");
  CHECK(route.table == numbers.table);
  CHECK(route.index == kDevice);
  CHECK_FALSE(route.gateway);
  const auto rule = rules_of(steps).at(0);
  CHECK(rule.table == numbers.table);
  CHECK(rule.fwmark == numbers.fwmark);
  CHECK(rule.invert);
  CHECK_FALSE(rule.suppress_prefix_length);
  CHECK_FALSE(rule.v6);
}

TEST_CASE("the default route is never replaced: nothing goes into the main table") {
  for (const auto& steps :
       {plan(routed({"0.0.0.0/0"}), kDevice), plan(routed({"10.0.0.0/8"}), 1)}) {
    for (const auto& route : routes_of(steps)) CHECK(route.table != 254);
  }
}

TEST_CASE("of two full tunnels neither takes the other's datagrams, a split one takes any") {
  const auto rules = rules_of(plan(routed({"0.0.0.0/0"}), kDevice));
  REQUIRE(rules.size() == 2);  // the second for IPv6, which is held back
  for (const auto& rule : rules) {
    CHECK(rule.table == numbers_for(kDevice).table);
    CHECK(rule.invert);
    CHECK(rule.fwmark == kMarkBase);
    CHECK((numbers_for(kDevice + 1).fwmark & rule.fwmask) == *rule.fwmark);
  }
  const auto split = rules_of(plan(routed({"10.0.0.0/8"}), kDevice)).at(0);
  CHECK((numbers_for(kDevice + 1).fwmark & split.fwmask) != *split.fwmark);
}

TEST_CASE("rules come after everything that they lead to") {
  const auto steps = plan(routed({"10.0.0.0/8", "192.168.0.0/16", "0.0.0.0/0"}), kDevice);
  bool rules_began = false;
  for (const Step& step : steps) {
    if (std::holds_alternative<AddRule>(step)) {
      rules_began = true;
    } else {
      CHECK_FALSE(rules_began);
    }
  }
  CHECK(rules_began);
}

TEST_CASE("without an address there is no route and no rule") {
  auto none = routed({"10.50.0.0/24"});
  none.addresses.clear();
  CHECK(plan(none, kDevice).empty());
  CHECK(routes_of(plan(routed({"2001:db8::/32"}), kDevice)).empty());
  CHECK(rules_of(plan(routed({"2001:db8::/32"}), kDevice)).empty());
}

TEST_CASE("two tunnels share neither table nor mark") {
  for (int a = 1; a < 50; ++a) {
    for (int b = a + 1; b < 50; ++b) {
      CHECK(numbers_for(a).table != numbers_for(b).table);
      CHECK(numbers_for(a).fwmark != numbers_for(b).fwmark);
    }
  }
  CHECK(numbers_for(1).fwmark != 0);
}

TEST_CASE("DNS: a split tunnel that names domains is asked for those only") {
  auto split = routed({"10.50.0.0/24"});
  split.dns = {*IpAddress::parse("10.50.0.2")};
  CHECK(dns_settings(split).default_route);
  split.routing_domains = {"corp.example.com"};
  CHECK_FALSE(dns_settings(split).default_route);
  auto full = routed({"0.0.0.0/0"});
  full.search_domains = {"corp.example.com"};
  CHECK(dns_settings(full).default_route);
}

TEST_CASE("transport mode: one UDP port of the gateway, which nothing else can carry") {
  auto l2tp = routed({"203.0.113.2/32"});
  l2tp.udp_port = 1701;
  const auto steps = plan(l2tp, kDevice);
  const auto numbers = numbers_for(kDevice);
  const auto routes = routes_of(steps);
  REQUIRE(routes.size() == 2);
  for (const auto& route : routes) {
    CHECK(route.table == numbers.table);
    CHECK(route.destination.to_string() == "203.0.113.2/32");
  }
  CHECK(routes[0].index == kDevice);
  CHECK(routes[0].source->to_string() == "10.99.0.5");
  // The device may go, the table stays shut.
  CHECK(routes[1].kind == platform::RouteKind::kUnreachable);
  CHECK(routes[1].metric > routes[0].metric);
  REQUIRE(rules_of(steps).size() == 1);
  const auto rule = rules_of(steps)[0];
  CHECK(std::holds_alternative<AddRule>(steps.back()));
  CHECK(rule.table == numbers.table);
  CHECK(rule.to->to_string() == "203.0.113.2/32");
  CHECK(rule.protocol == 17);
  CHECK(rule.port == 1701);
  CHECK_FALSE(rule.invert);
  CHECK_FALSE(rule.fwmark);
  // Before those of a full tunnel of another profile.
  CHECK(rule.priority < kRulePriority);
}

TEST_CASE("both families: addresses, routes and rules of each, and a full tunnel of one alone") {
  auto both = routed({"10.50.0.0/24", "::/0"});
  both.addresses.push_back(*Prefix::parse("fd00:60::5/128"));
  const auto steps = plan(both, kDevice);
  const auto routes = routes_of(steps);
  REQUIRE(routes.size() == 3);
  CHECK(routes[0].kind == platform::RouteKind::kThrow);  // link-local IPv6 never goes through it
  CHECK(routes[1].destination.to_string() == "::/0");
  CHECK(routes[1].source == *IpAddress::parse("fd00:60::5"));
  CHECK(routes[2].source == *IpAddress::parse("10.99.0.5"));
  const auto rules = rules_of(steps);
  REQUIRE(rules.size() == 2);
  CHECK_FALSE(rules[0].v6);
  CHECK(rules[0].fwmask == ~0u);
  CHECK(rules[1].v6);
  CHECK(rules[1].fwmask == kMarkMask);
}

TEST_CASE("MC-11: what stays outside the tunnel is thrown out of its table, undone like a route") {
  auto split = routed({"10.0.0.0/8"});
  split.excluded = {*Prefix::parse("10.9.0.0/16")};
  const auto routes = routes_of(plan(split, kDevice));
  REQUIRE(routes.size() == 2);
  CHECK(routes[0].kind == platform::RouteKind::kThrow);
  CHECK(routes[0].destination.to_string() == "10.9.0.0/16");
  CHECK(routes[0].table == numbers_for(kDevice).table);
  CHECK(routes[0].index == 0);
  const std::string line = platform::to_line(platform::UndoRoute{"tun0", routes[0]});
  const auto undo = platform::parse_undo(line);
  REQUIRE(undo);
  CHECK(std::get<platform::UndoRoute>(*undo).route.kind == platform::RouteKind::kThrow);
}
