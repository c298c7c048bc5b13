// `godwit routes`: what goes through a running tunnel, what around it, and why. Made in one place
// as JSON (schema 1) and turned into text from there.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "client/route_plan.h"

namespace godwit::client {

inline constexpr int kRoutesSchema = 1;

struct RoutesParts {
  const config::Profile& profile;
  const RoutePlan& plan;
  std::string device;
  bool up = false;      // the routes are there, unless a portal is open
  bool portal = false;  // see client/tunnel_portal.cc
};

nlohmann::json routes_json(const RoutesParts& parts);
// Lines for people. `routes` may come from another version of godwit: what is missing is left out.
std::string routes_text(const nlohmann::json& routes);

}  // namespace godwit::client
