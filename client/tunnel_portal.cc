// A captive portal and the running tunnel: what the tunnel made of routes and names steps aside
// while the kill switch is open, because nobody reaches a portal through a tunnel that waits for
// it. It comes back when the time is over, when the tunnel is up anew, or when the user says so.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/tunnel_loop.h"
#include "platform/firewall.h"

namespace godwit::client {

std::string TunnelLoop::open_portal(std::chrono::seconds span) {
  const auto refuse = [](const std::string& why) {
    return nlohmann::json{{"result", "refused"}, {"why", why}}.dump();
  };
  if (profile_.kill_switch == config::KillSwitch::kOff) {
    return refuse("the profile has no kill switch to open; `godwit disconnect` opens the way");
  }
  if (span.count() == 0) {
    end_portal();
    return nlohmann::json{{"result", "closed"}}.dump();
  }
  const auto opened = platform::open_portal(platform::firewall_table(profile_.name), span);
  if (!opened) return refuse(opened.error().message());
  if (applied_ && !portal_until_) {
    if (const auto gone = parts_.machine.step_aside(); !gone) hooks_.say(gone.error().message());
  }
  portal_until_ = now_ + span;
  hooks_.say(fmt::format("the kill switch is open for {} s, for a captive portal", span.count()));
  return nlohmann::json{{"result", "open"}, {"seconds", span.count()}}.dump();
}

void TunnelLoop::end_portal() {
  if (!portal_until_) return;
  portal_until_.reset();
  const auto closed = platform::open_portal(platform::firewall_table(profile_.name), {});
  if (!closed) hooks_.say(closed.error().message());
  hooks_.say("the kill switch is closed again");
  if (applied_) apply(session::TunnelConfig(*applied_));
}

}  // namespace godwit::client
