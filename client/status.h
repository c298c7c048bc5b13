// What `godwit status` shows, made in one place as JSON (schema 1) and turned into text from there.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "client/packet_path.h"
#include "core/base/counters.h"
#include "core/base/instant.h"
#include "core/config/profile.h"
#include "core/session/data_path.h"
#include "core/session/status.h"
#include "platform/engine.h"

namespace godwit::client {

inline constexpr int kStatusSchema = 1;

// What was given up or locked at the start, as far as this machine lets it.
struct Hardening {
  bool memory_locked = false;
  bool calls_filtered = false;
};

// A view of everything that a running tunnel knows of itself.
struct StatusParts {
  const config::Profile& profile;
  const session::Status& session;
  const session::TrafficFacts& traffic;
  const Counters& drops;
  const PacketPath::Statistics& packets;
  std::string device;
  std::string_view resolver;
  Hardening hardening;
};

nlohmann::json status_json(const StatusParts& parts);
// Lines for people. `status` may come from another version of godwit: what is missing is left out.
std::string status_text(const nlohmann::json& status);

// Single members of an answer, of whatever type they turn out to be.
std::string status_state(const nlohmann::json& status);  // "" without one
std::optional<Duration> status_up_for(const nlohmann::json& status);

// Why a weak choice that a profile names is weak.
std::string weak_reason(const std::string& word);

}  // namespace godwit::client
