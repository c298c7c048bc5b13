// Events as lines of JSON.
#include "client/events.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "client/control.h"
#include "client/plan.h"

using namespace godwit;
using namespace godwit::client;

TEST_CASE("an event is one line with a stable name") {
  const auto line = event_line("office", session::GatewayMessage{"two\nlines \x1b[2J"});
  CHECK(line.find('\n') == std::string::npos);
  const auto event = nlohmann::json::parse(line);
  CHECK(event.at("schema") == 1);
  CHECK(event.at("event") == "gateway-message");
  CHECK(event.at("name") == "office");
  CHECK(event.at("text").get<std::string>().find('\x1b') == std::string::npos);
  CHECK(slug(session::TunnelUp{}) == "tunnel-up");
  CHECK(slug(session::ConnectingAnew{}) == "connecting-anew");
  CHECK(slug(session::UserNotProved{}) == "user-not-proved");
}

TEST_CASE("a reader of events is a request of its own") {
  CHECK(parse_request(request_line(ControlOp::kEvents)) == ControlOp::kEvents);
}

TEST_CASE("a plan says what the profile says, and what only the gateway knows") {
  config::Profile profile;
  profile.name = "office";
  profile.gateway = "vpn.example.com";
  auto plan = plan_json(profile);
  CHECK(plan.at("routes").at(0) == "what the gateway says, else everything");
  CHECK(plan_text(plan).find("Nothing was changed.") != std::string::npos);
  profile.networks = {*Prefix::parse("10.0.0.0/8")};
  profile.script = {"/bin/vpn-slice", "a b"};
  plan = plan_json(profile);
  CHECK(plan.at("routes").at(0) == "10.0.0.0/8");
  CHECK(plan.at("script") == "/bin/vpn-slice \"a b\"");
  CHECK(plan.at("rules").is_null());
  CHECK(plan_text(plan).find("which makes the routes and DNS") != std::string::npos);
}
