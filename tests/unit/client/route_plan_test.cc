// What goes through a tunnel and what around it, as a function of what was agreed on, the profile
// and the networks that this machine is in.
#include "client/route_plan.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "client/routes_report.h"

using namespace godwit;
using namespace godwit::client;

namespace {

session::TunnelConfig routed(std::initializer_list<const char*> routes) {
  session::TunnelConfig out;
  out.addresses = {*Prefix::parse("10.99.0.5/32")};
  for (const char* route : routes) out.routes.push_back(*Prefix::parse(route));
  out.gateway = *IpAddress::parse("203.0.113.2");
  return out;
}

LocalNetwork lan(const char* network, const char* device = "wlan0") {
  return {*Prefix::parse(network), device};
}

RoutePolicy prefer(config::Prefer which) {
  RoutePolicy out;
  out.prefer = which;
  return out;
}

// "tunnel", "outside wlan0" and the like; "" where nothing is said of exactly this network.
std::string way(const RoutePlan& plan, const char* network) {
  for (const WayOf& found : plan.ways) {
    if (found.destination != *Prefix::parse(network)) continue;
    return std::string(name_of(found.way)) + (found.device.empty() ? "" : " " + found.device);
  }
  return "";
}

}  // namespace

TEST_CASE("a full tunnel leaves private local networks out, and no public ones (LocalNet)") {
  const auto plan =
      plan_routes(routed({"0.0.0.0/0"}), {},
                  {lan("172.17.0.0/16", "docker0"), lan("192.168.1.0/24"), lan("198.18.0.0/15")});
  CHECK(plan.full_v4);
  CHECK(way(plan, "0.0.0.0/0") == "tunnel");
  CHECK(way(plan, "172.17.0.0/16") == "outside docker0");
  CHECK(way(plan, "192.168.1.0/24") == "outside wlan0");
  CHECK(way(plan, "198.18.0.0/15").empty());
  CHECK(plan.overlaps.empty());
}

TEST_CASE("a network that somebody named is not drawn out by the network that one is in") {
  // A hostile network that gives itself the office's addresses, and one around all of them.
  for (const char* hostile : {"10.50.0.0/24", "10.50.0.128/25", "10.0.0.0/8"}) {
    const auto plan = plan_routes(routed({"0.0.0.0/0", "10.50.0.0/24"}), {}, {lan(hostile)});
    CAPTURE(std::string(hostile));
    CHECK(way(plan, "10.50.0.0/24") == "tunnel");
    CHECK(way(plan, "10.50.0.128/25").empty());
    REQUIRE(plan.overlaps.size() == 1);
    CHECK_FALSE(plan.overlaps[0].local_wins);
    CHECK(plan.overlaps[0].sentence().find("wlan0") != std::string::npos);
  }
  const auto split = plan_routes(routed({"10.50.0.0/24"}), {}, {lan("10.50.0.0/24", "docker0")});
  CHECK(way(split, "10.50.0.0/24") == "tunnel");
  CHECK(split.overlaps.at(0).sentence() ==
        "10.50.0.0/24 behind the gateway overlaps with 10.50.0.0/24 of docker0 and is reached "
        "through the tunnel; prefer = \"local\" would turn that around");
  CHECK(plan_routes(routed({"10.50.0.0/24"}), {}, {lan("192.168.1.0/24")}).overlaps.empty());
}

TEST_CASE("prefer = local: the local network wins, in part or whole, but never a public one") {
  const RoutePolicy local = prefer(config::Prefer::kLocal);
  const auto part = plan_routes(routed({"10.0.0.0/8"}), local, {lan("10.1.2.0/24")});
  CHECK(way(part, "10.0.0.0/8") == "tunnel");
  CHECK(way(part, "10.1.2.0/24") == "outside wlan0");
  CHECK(part.overlaps.at(0).local_wins);
  // The office's network is smaller: all of it is lost.
  const auto whole = plan_routes(routed({"10.1.2.0/24"}), local, {lan("10.0.0.0/8")});
  CHECK(way(whole, "10.1.2.0/24").empty());
  CHECK(way(whole, "10.0.0.0/8") == "outside wlan0");
  const auto open = plan_routes(routed({"198.51.100.0/24"}), local, {lan("198.51.100.0/24")});
  CHECK(way(open, "198.51.100.0/24") == "tunnel");
}

TEST_CASE("prefer = vpn: a full tunnel leaves no local network out") {
  const auto plan = plan_routes(routed({"0.0.0.0/0"}), prefer(config::Prefer::kVpn),
                                {lan("192.168.1.0/24"), lan("fd00:1::/64")});
  CHECK(way(plan, "192.168.1.0/24").empty());
  CHECK(way(plan, "fd00:1::/64").empty());
}

TEST_CASE("a DNS server of the tunnel is asked through it, whoever claims its address") {
  auto config = routed({"0.0.0.0/0"});
  config.dns = {*IpAddress::parse("10.50.0.2")};
  const auto plan = plan_routes(config, {}, {lan("10.50.0.0/24")});
  CHECK(way(plan, "10.50.0.0/24") == "outside wlan0");
  CHECK(way(plan, "10.50.0.2/32") == "tunnel");
  // Where nobody claims it the tunnel's routes are enough.
  CHECK(way(plan_routes(config, {}, {lan("192.168.1.0/24")}), "10.50.0.2/32").empty());
  // One that the tunnel does not reach is none of its routes.
  auto split = routed({"10.60.0.0/16"});
  split.dns = config.dns;
  CHECK(way(plan_routes(split, {}, {}), "10.50.0.2/32").empty());
}

TEST_CASE("what is excluded stays outside, and who said so is told") {
  auto config = routed({"0.0.0.0/0", "10.9.0.0/16"});
  config.excluded = {*Prefix::parse("192.0.2.0/24"), *Prefix::parse("10.9.0.0/16")};
  RoutePolicy policy;
  policy.excluded = {*Prefix::parse("192.0.2.0/24")};
  const auto plan = plan_routes(config, policy, {});
  CHECK(way(plan, "192.0.2.0/24") == "outside");
  CHECK(way(plan, "10.9.0.0/16") == "outside");
  for (const WayOf& found : plan.ways) {
    if (found.way != Way::kOutside || found.destination.address().is_v6()) continue;
    const bool own = found.destination == policy.excluded[0];
    CHECK(found.why == (own ? Why::kProfile : Why::kGateway));
  }
}

TEST_CASE("a full tunnel without IPv6 holds IPv6 back unless the profile allows it") {
  RoutePolicy policy;
  const auto held_back = [&](const char* route) {
    const auto plan = plan_routes(routed({route}), policy, {lan("fd00:1::/64")});
    CHECK((way(plan, "::/0") == "nowhere") == plan.full_v6);
    if (plan.full_v6) {
      CHECK(way(plan, "fe80::/10") == "outside");
      CHECK(way(plan, "fd00:1::/64") == "outside wlan0");
    }
    return plan.full_v6;
  };
  CHECK(held_back("0.0.0.0/0"));
  CHECK_FALSE(held_back("10.0.0.0/8"));
  policy.ipv6 = config::Ipv6::kAllow;
  CHECK_FALSE(held_back("0.0.0.0/0"));
  policy.ipv6 = config::Ipv6::kBlock;
  CHECK(held_back("10.0.0.0/8"));
  // One that carries IPv6 holds nothing back.
  auto both = routed({"0.0.0.0/0", "::/0"});
  both.addresses.push_back(*Prefix::parse("fd00:60::5/128"));
  CHECK(way(plan_routes(both, {}, {}), "::/0") == "tunnel");
}

TEST_CASE("local networks are those of addresses on other devices, each once") {
  const std::vector<platform::Link> links = {{1, "lo", 65536, true, true},
                                             {2, "wlan0", 1500, true, true},
                                             {3, "godwit0", 1400, true, true}};
  const auto at = [](int index, const char* address, int length) {
    return platform::InterfaceAddress{index, *IpAddress::parse(address), length};
  };
  const auto found = local_networks(
      {at(1, "127.0.0.1", 8), at(2, "192.168.77.10", 24), at(2, "192.168.77.11", 24),
       at(2, "10.1.1.1", 32), at(2, "fe80::1", 64), at(3, "10.60.0.1", 24), at(9, "10.2.0.1", 24)},
      links, 3);
  CHECK(found == std::vector<LocalNetwork>{lan("192.168.77.0/24")});
}

TEST_CASE("routes are told with their reasons, and a damaged answer as far as it goes") {
  config::Profile profile;
  profile.name = "office";
  auto plan = plan_routes(routed({"0.0.0.0/0", "10.50.0.0/24"}), {},
                          {lan("192.168.1.0/24"), lan("10.50.0.0/16", "docker0")});
  const auto routes = routes_json({profile, plan, "godwit0", true, false});
  const std::string text = routes_text(routes);
  for (const char* line : {"192.168.1.0/24          outside   a local network (wlan0)\n",
                           "10.50.0.0/24            tunnel    agreed on with the gateway\n",
                           "::/0                    nowhere   the tunnel does not carry it",
                           "10.50.0.0/24 overlaps with 10.50.0.0/16 of docker0: the tunnel wins"}) {
    CAPTURE(text);
    CHECK(text.find(line) != std::string::npos);
  }
  CHECK(text.find("other IPv") == std::string::npos);
  plan = plan_routes(routed({"10.50.0.0/24"}), {}, {});
  CHECK(routes_text(routes_json({profile, plan, "godwit0", true, false})) ==
        "10.50.0.0/24            tunnel    agreed on with the gateway\n"
        "other IPv4              outside   as without a tunnel\n"
        "other IPv6              outside   as without a tunnel\n");
  CHECK(routes_text(routes_json({profile, plan, "godwit0", true, true})).find("portal") !=
        std::string::npos);
  CHECK(routes_text(routes_json({profile, {}, "godwit0", false, false})) == "not up yet\n");
  profile.script = {"/bin/vpn-slice"};
  CHECK(routes_text(routes_json({profile, {}, "godwit0", true, false})) ==
        "/bin/vpn-slice makes the routes\n");
  for (const char* damaged : {"{}", "[]", "null", R"({"routes":3})", R"({"routes":[4,{}]})",
                              R"({"routes":[{"destination":"\u001b[2J"}],"overlaps":[null]})"}) {
    CHECK(routes_text(nlohmann::json::parse(damaged)).find('\x1b') == std::string::npos);
  }
}
