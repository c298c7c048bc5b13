#include "client/events.h"

#include <nlohmann/json.hpp>
#include <variant>

#include "client/report.h"
#include "client/words.h"
#include "platform/clock.h"

namespace godwit::client {
namespace {

// An event without a name here does not compile.
struct Slug {
  std::string_view operator()(const session::Phase1Started&) const { return "phase1-started"; }
  std::string_view operator()(const session::PeerAnswered&) const { return "peer-answered"; }
  std::string_view operator()(const session::NatFound&) const { return "nat-found"; }
  std::string_view operator()(const session::Floated&) const { return "floated"; }
  std::string_view operator()(const session::GatewayShows&) const { return "gateway-shows"; }
  std::string_view operator()(const session::GatewayAuthenticated&) const {
    return "gateway-authentic";
  }
  std::string_view operator()(const session::UserAccepted&) const { return "user-accepted"; }
  std::string_view operator()(const session::GatewayMessage&) const { return "gateway-message"; }
  std::string_view operator()(const session::AddressAssigned&) const { return "address-assigned"; }
  std::string_view operator()(const session::FamilyRefused&) const { return "family-refused"; }
  std::string_view operator()(const session::SaInstalled&) const { return "sa-installed"; }
  std::string_view operator()(const session::TunnelUp&) const { return "tunnel-up"; }
  std::string_view operator()(const session::PeerMoved&) const { return "peer-moved"; }
  std::string_view operator()(const session::Retransmitting&) const { return "retransmitting"; }
  std::string_view operator()(const session::HintReceived&) const { return "hint-received"; }
  std::string_view operator()(const session::GatewaySilent&) const { return "gateway-silent"; }
  std::string_view operator()(const session::GatewayAlive&) const { return "gateway-alive"; }
  std::string_view operator()(const session::ConnectingAnew&) const { return "connecting-anew"; }
  std::string_view operator()(const session::GatewayRedirects&) const { return "redirected"; }
  std::string_view operator()(const session::TryingGateway&) const { return "trying-gateway"; }
  std::string_view operator()(const session::NothingArrives&) const { return "nothing-arrives"; }
  std::string_view operator()(const session::UserNotProved&) const { return "user-not-proved"; }
  std::string_view operator()(const session::NetworkGone&) const { return "network-gone"; }
  std::string_view operator()(const session::NetworkBack&) const { return "network-back"; }
  std::string_view operator()(const session::AddressChanged&) const { return "address-changed"; }
};

}  // namespace

std::string_view slug(const session::Event& event) { return std::visit(Slug{}, event); }

std::string first_line(const std::string& profile, std::string_view state) {
  return nlohmann::json{
      {"schema", kEventSchema}, {"event", "state"}, {"name", printable(profile)}, {"state", state}}
      .dump();
}

std::string event_line(const std::string& profile, const session::Event& event) {
  const auto now = std::chrono::duration<double>(platform::wall_now().time_since_epoch()).count();
  return nlohmann::json{{"schema", kEventSchema},
                        {"event", slug(event)},
                        {"name", printable(profile)},
                        {"text", printable(sentence(event))},
                        {"time", now}}
      .dump();
}

}  // namespace godwit::client
