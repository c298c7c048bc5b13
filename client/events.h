// A running tunnel's events as lines of JSON (schema 1), for `godwit events`.
#pragma once

#include <string>
#include <string_view>

#include "core/session/event.h"

namespace godwit::client {

inline constexpr int kEventSchema = 1;

// The stable name of an event: "tunnel-up", "sa-installed", ...
std::string_view slug(const session::Event& event);
// What a reader gets first: the state of the tunnel, {"schema":1,"event":"state","state":...}.
std::string first_line(const std::string& profile, std::string_view state);
// One line without its newline: {"schema":1,"event":...,"name":...,"text":...,"time":...}; `time`
// is the clock's, in seconds since 1970.
std::string event_line(const std::string& profile, const session::Event& event);

}  // namespace godwit::client
