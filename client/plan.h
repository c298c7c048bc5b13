// What a connect would change on this machine, as far as the profile says it; nothing is changed
// and nobody is asked. What only the gateway knows is said to be so.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/config/profile.h"

namespace godwit::client {

inline constexpr int kPlanSchema = 1;

nlohmann::json plan_json(const config::Profile& profile);
std::string plan_text(const nlohmann::json& plan);

}  // namespace godwit::client
