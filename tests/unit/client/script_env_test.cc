// What scripts are told: the names and formats of vpnc and openconnect, and nothing that a gateway
// could have made up.
#include "client/script_env.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "platform/journal.h"

using namespace godwit;
using namespace godwit::client;

namespace {

ScriptFacts facts(std::initializer_list<const char*> routes) {
  ScriptFacts out;
  out.profile = "office";
  out.device = "vpn0";
  out.pid = 4711;
  out.gateway = *IpAddress::parse("203.0.113.2");
  session::TunnelConfig config;
  config.addresses = {*Prefix::parse("10.99.3.5/32")};
  for (const char* route : routes) config.routes.push_back(*Prefix::parse(route));
  config.netmask = 16;
  config.mtu = 1390;
  out.config = config;
  return out;
}

std::string value(const std::vector<std::string>& all, const std::string& name) {
  for (const std::string& variable : all) {
    if (variable.starts_with(name + "=")) return variable.substr(name.size() + 1);
  }
  return "(none)";
}

}  // namespace

TEST_CASE("before the device exists a script learns of the gateway and no more") {
  ScriptFacts early;
  early.profile = "office";
  early.gateway = *IpAddress::parse("203.0.113.2");
  const auto all = script_environment(early, "pre-init");
  CHECK(all.front() == "reason=pre-init");
  CHECK(value(all, "VPNGATEWAY") == "203.0.113.2");
  CHECK(value(all, "TUNDEV") == "(none)");
  CHECK(value(all, "INTERNAL_IP4_ADDRESS") == "(none)");
}

TEST_CASE("a split tunnel in the words of vpnc") {
  ScriptFacts known = facts({"10.50.0.0/24", "192.168.7.0/30"});
  auto& config = *known.config;
  config.dns = {*IpAddress::parse("10.50.0.10"), *IpAddress::parse("2001:db8::53"),
                *IpAddress::parse("10.50.0.11")};
  config.nbns = {*IpAddress::parse("10.50.0.12")};
  config.search_domains = {"corp.example.com"};
  config.routing_domains = {"a.example", "b.example"};
  config.excluded = {*Prefix::parse("10.50.0.128/25")};
  config.banner = "Welcome\nto the lab";
  const auto all = script_environment(known, "connect");
  CHECK(value(all, "TUNDEV") == "vpn0");
  CHECK(value(all, "VPNPID") == "4711");
  CHECK(value(all, "INTERNAL_IP4_ADDRESS") == "10.99.3.5");
  CHECK(value(all, "INTERNAL_IP4_MTU") == "1390");
  CHECK(value(all, "INTERNAL_IP4_NETMASK") == "255.255.0.0");
  CHECK(value(all, "INTERNAL_IP4_NETMASKLEN") == "16");
  CHECK(value(all, "INTERNAL_IP4_NETADDR") == "10.99.0.0");
  CHECK(value(all, "INTERNAL_IP4_DNS") == "10.50.0.10 10.50.0.11");
  CHECK(value(all, "INTERNAL_IP6_DNS") == "2001:db8::53");
  CHECK(value(all, "INTERNAL_IP4_NBNS") == "10.50.0.12");
  CHECK(value(all, "CISCO_DEF_DOMAIN") == "corp.example.com");
  CHECK(value(all, "CISCO_SPLIT_DNS") == "a.example,b.example");
  CHECK(value(all, "CISCO_BANNER") == "Welcome\nto the lab");
  CHECK(value(all, "CISCO_SPLIT_INC") == "2");
  CHECK(value(all, "CISCO_SPLIT_INC_1_ADDR") == "192.168.7.0");
  CHECK(value(all, "CISCO_SPLIT_INC_1_MASK") == "255.255.255.252");
  CHECK(value(all, "CISCO_SPLIT_INC_1_MASKLEN") == "30");
  CHECK(value(all, "CISCO_SPLIT_INC_0_PROTOCOL") == "0");
  CHECK(value(all, "CISCO_SPLIT_EXC") == "1");
  CHECK(value(all, "CISCO_SPLIT_EXC_0_ADDR") == "10.50.0.128");
}

TEST_CASE("a full tunnel has no list of networks, in either family") {
  ScriptFacts known = facts({"0.0.0.0/0", "2001:db8:1::/48"});
  known.config->addresses.push_back(*Prefix::parse("2001:db8::9/128"));
  auto all = script_environment(known, "connect");
  CHECK(value(all, "CISCO_SPLIT_INC") == "(none)");
  CHECK(value(all, "CISCO_IPV6_SPLIT_INC") == "1");
  CHECK(value(all, "CISCO_IPV6_SPLIT_INC_0_ADDR") == "2001:db8:1::");
  CHECK(value(all, "CISCO_IPV6_SPLIT_INC_0_MASKLEN") == "48");
  CHECK(value(all, "INTERNAL_IP6_ADDRESS") == "2001:db8::9");
  CHECK(value(all, "INTERNAL_IP6_NETMASK") == "2001:db8::9/128");
  known.config->routes.push_back(*Prefix::parse("::/0"));
  all = script_environment(known, "connect");
  CHECK(value(all, "CISCO_IPV6_SPLIT_INC") == "(none)");
}

TEST_CASE("text of a gateway that a shell could stumble over does not reach the script") {
  ScriptFacts known = facts({"10.50.0.0/24"});
  known.config->search_domains = {"$(reboot).example", "good.example", "a b"};
  known.config->routing_domains = {"x;y", "`z`"};
  known.config->banner = std::string("bell\a esc\x1b[2J nul") + '\0' + "end";
  const auto all = script_environment(known, "connect");
  CHECK(value(all, "CISCO_DEF_DOMAIN") == "good.example");
  CHECK(value(all, "CISCO_SPLIT_DNS") == "(none)");
  CHECK(value(all, "CISCO_BANNER") == "bell  esc [2J nul end");
  for (const std::string& variable : all) {
    CHECK(std::none_of(variable.begin(), variable.end(), [](char c) { return c == '\0'; }));
  }
}

TEST_CASE("the journal keeps a script's words and variables") {
  const platform::UndoScript script{
      {"/bin/vpn-slice", "10.0.0.0/8", "a b"}, {}, {"reason=disconnect", "CISCO_BANNER=x\n%y=z"}};
  const std::string line = platform::to_line(script);
  CHECK(line.find('\n') == std::string::npos);
  const auto back = platform::parse_undo(line);
  REQUIRE(back);
  const auto* found = std::get_if<platform::UndoScript>(&*back);
  REQUIRE(found != nullptr);
  CHECK(found->argv == script.argv);
  CHECK(found->environment == script.environment);
  CHECK(found->hooks.empty());
  CHECK_FALSE(platform::parse_undo("run-script argv= hooks= environment="));
  CHECK_FALSE(platform::parse_undo("run-script argv=a%00 hooks= environment=novalue%00"));
}
