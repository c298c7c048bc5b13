#include "client/plan.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "client/apply.h"
#include "client/profiles.h"
#include "client/words.h"
#include "core/config/values.h"
#include "platform/firewall.h"

namespace godwit::client {
namespace {

using nlohmann::json;

constexpr const char* kGatewaySays = "what the gateway says";

template <class T>
json texts(const std::vector<T>& items) {
  json out = json::array();
  for (const T& item : items) {
    if constexpr (requires { item.to_string(); }) {
      out.push_back(item.to_string());
    } else {
      out.push_back(item);
    }
  }
  return out;
}

json hooks() {
  json out = json::array();
  std::error_code error;
  const std::string folder = config_directory() + "/hooks";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    out.push_back(printable(entry.path().string()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

json routes(const config::Profile& profile) {
  if (profile.l2tp) return json::array({"the gateway, UDP port 1701"});
  if (!profile.networks.empty()) return texts(profile.networks);
  if (profile.mode_config == config::ConfigMode::kOff) return json::array({"0.0.0.0/0"});
  return json::array({fmt::format("{}, else everything", kGatewaySays)});
}

json kill_switch(const config::Profile& profile) {
  if (profile.kill_switch == config::KillSwitch::kOff) return nullptr;
  return {{"table", "inet " + platform::firewall_table(profile.name)},
          {"local_networks", profile.kill_switch == config::KillSwitch::kLan}};
}

json dns(const config::Profile& profile) {
  if (!profile.use_dns || profile.l2tp) return nullptr;
  json servers = texts(profile.dns);
  if (servers.empty()) servers.push_back(kGatewaySays);
  return {{"servers", servers},
          {"search_domains", texts(profile.search_domains)},
          {"routing_domains", texts(profile.routing_domains)},
          {"through", platform::name_of(platform::Resolver().choose())}};
}

std::string line(const json& list) {
  std::vector<std::string> items;
  for (const json& item : list) items.push_back(item.get<std::string>());
  return join(items);
}

}  // namespace

json plan_json(const config::Profile& profile) {
  json out = {{"schema", kPlanSchema}, {"name", profile.name}, {"gateway", profile.gateway}};
  out["device"] = profile.interface.empty() ? "the first free godwitN" : profile.interface;
  out["mtu"] = profile.mtu;
  out["script"] = profile.script.empty() ? json() : json(config::join_command(profile.script));
  out["hooks"] = hooks();
  out["addresses"] = json::array({profile.address ? profile.address->to_string() + "/32"
                                  : profile.l2tp  ? "this machine's own"
                                                  : kGatewaySays});
  out["routes"] = routes(profile);
  const TunnelNumbers first = numbers_for(0);
  out["rules"] = {{"priority", profile.l2tp ? kPortRulePriority : kRulePriority},
                  {"table", fmt::format("{} and the device's index", first.table)}};
  out["added_routes"] = texts(profile.more_networks);
  out["excluded"] = texts(profile.excluded_networks);
  out["kill_switch"] = kill_switch(profile);
  out["dns"] = dns(profile);
  if (!profile.script.empty()) out["rules"] = out["dns"] = nullptr;
  return out;
}

std::string plan_text(const json& plan) {
  std::string out = fmt::format("connecting {} to {} would make:\n",
                                printable(plan.at("name").get<std::string>()),
                                printable(plan.at("gateway").get<std::string>()));
  const auto add = [&out](const char* name, const std::string& text) {
    out += fmt::format("  {:<16}{}\n", name, printable(text));
  };
  add("device", plan.at("device").get<std::string>());
  add("addresses", line(plan.at("addresses")));
  add("routes", line(plan.at("routes")));
  if (!plan.at("added_routes").empty()) add("routes added", line(plan.at("added_routes")));
  if (!plan.at("excluded").empty()) add("never routed", line(plan.at("excluded")));
  if (const json& closes = plan.at("kill_switch"); closes.is_object()) {
    add("kill switch",
        "nftables, table " + closes.at("table").get<std::string>() +
            (closes.at("local_networks").get<bool>() ? ", sparing private networks" : ""));
  }
  if (!plan.at("script").is_null()) {
    add("script", plan.at("script").get<std::string>() + ", which makes the routes and DNS");
  } else {
    const json& rules = plan.at("rules");
    add("rules",
        fmt::format("priority {}, table {}; the default route stays",
                    rules.at("priority").get<unsigned>(), rules.at("table").get<std::string>()));
  }
  const json& dns = plan.at("dns");
  if (dns.is_object()) {
    add("DNS servers",
        line(dns.at("servers")) + ", through " + dns.at("through").get<std::string>());
    if (!dns.at("search_domains").empty()) add("search domains", line(dns.at("search_domains")));
    if (!dns.at("routing_domains").empty()) add("routing domains", line(dns.at("routing_domains")));
  }
  if (!plan.at("hooks").empty()) add("hooks", line(plan.at("hooks")));
  return out + "Nothing was changed.\n";
}

}  // namespace godwit::client
