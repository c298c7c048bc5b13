#include "client/routes_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/words.h"
#include "core/config/values.h"

namespace godwit::client {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string()
             ? printable(found->get<std::string>())
             : "";
}

json list_of(const json& object, const char* key) {
  const json list = object.is_object() ? object.value(key, json::array()) : json::array();
  return list.is_array() ? list : json::array();
}

// Of one family, what no line says.
json rest_of(const RoutePlan& plan, bool v6) {
  return (v6 ? plan.full_v6 : plan.full_v4) ? json() : json(name_of(Way::kOutside));
}

}  // namespace

json routes_json(const RoutesParts& parts) {
  json out = {{"schema", kRoutesSchema},  {"name", parts.profile.name}, {"device", parts.device},
              {"up", parts.up},           {"portal", parts.portal},     {"routes", json::array()},
              {"overlaps", json::array()}};
  const auto& script = parts.profile.script;
  out["script"] = script.empty() ? json() : json(config::join_command(script));
  for (const WayOf& way : parts.plan.ways) {
    out["routes"].push_back({{"destination", way.destination.to_string()},
                             {"way", name_of(way.way)},
                             {"why", slug(way.why)},
                             {"reason", words(way.why)},
                             {"device", way.device.empty() ? json() : json(way.device)}});
  }
  for (const Overlap& overlap : parts.plan.overlaps) {
    out["overlaps"].push_back({{"route", overlap.route.to_string()},
                               {"local", overlap.local.network.to_string()},
                               {"device", overlap.local.device},
                               {"wins", overlap.local_wins ? "local" : "vpn"}});
  }
  out["other_ipv4"] = rest_of(parts.plan, false);
  out["other_ipv6"] = rest_of(parts.plan, true);
  return out;
}

std::string routes_text(const json& routes) {
  if (routes.is_object() && routes.value("portal", json()) == true) {
    return "a captive portal is open: everything goes outside the tunnel\n";
  }
  if (const std::string script = text_of(routes, "script"); !script.empty()) {
    return fmt::format("{} makes the routes\n", script);
  }
  if (routes.is_object() && routes.value("up", json()) == false) return "not up yet\n";
  std::string out;
  for (const json& route : list_of(routes, "routes")) {
    std::string reason = text_of(route, "reason");
    if (const auto device = text_of(route, "device"); !device.empty()) {
      reason += fmt::format(" ({})", device);
    }
    out += fmt::format("{:<24}{:<10}{}\n", text_of(route, "destination"), text_of(route, "way"),
                       reason);
  }
  for (const auto& [key, what] :
       {std::pair("other_ipv4", "other IPv4"), {"other_ipv6", "other IPv6"}}) {
    const std::string way = text_of(routes, key);
    if (!way.empty()) out += fmt::format("{:<24}{:<10}{}\n", what, way, "as without a tunnel");
  }
  for (const json& overlap : list_of(routes, "overlaps")) {
    out += fmt::format("{} overlaps with {} of {}: {} wins\n", text_of(overlap, "route"),
                       text_of(overlap, "local"), text_of(overlap, "device"),
                       text_of(overlap, "wins") == "local" ? "the local network" : "the tunnel");
  }
  return out;
}

}  // namespace godwit::client
