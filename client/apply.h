// What the machine has to look like while the tunnel is up, carried out step by step, each step in
// the undo journal before it is made. The default route and the main table are never touched: the
// tunnel has a table of its own, and a rule sends everything there that does not carry the mark of
// the tunnel's own socket, so that its datagrams cannot loop. What of everything stays outside is
// thrown out of that table again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/route_plan.h"
#include "core/session/actions.h"
#include "platform/journal.h"
#include "platform/netlink.h"
#include "platform/resolver.h"
#include "platform/tun.h"

namespace godwit::client {

// Numbers that belong to one tunnel, made from the index of its device so that two never share
// them.
struct TunnelNumbers {
  std::uint32_t table = 0;
  std::uint32_t fwmark = 0;
};
TunnelNumbers numbers_for(int device_index);

inline constexpr std::uint32_t kRulePriority = 26480;      // not fwmark -> the tunnel's table
inline constexpr std::uint32_t kPortRulePriority = 26478;  // one UDP port of the gateway

// Every tunnel's own datagrams carry a mark of this form, and the number of its device in the rest.
inline constexpr std::uint32_t kMarkBase = 0x676f'0000;  // "go"
inline constexpr std::uint32_t kMarkMask = 0xffff'0000;

struct AddAddress {
  platform::InterfaceAddress address;
};
struct AddRoute {
  platform::Route route;
};
struct AddRule {
  platform::Rule rule;
};
using Step = std::variant<AddAddress, AddRoute, AddRule>;

// The steps in order, as a function of the configuration alone: rules come last, so that nothing is
// sent into the tunnel's table before it is filled.
std::vector<Step> plan(const session::TunnelConfig& config, int device_index,
                       const RoutePlan& routes);
std::vector<Step> plan(const session::TunnelConfig& config, int device_index);
platform::DnsSettings dns_settings(const session::TunnelConfig& config);

class Scripts;

class Machine {
 public:
  Machine(platform::Tun& tun, platform::UndoJournal& journal, platform::ResolverOptions resolver,
          Scripts* scripts, RoutePolicy policy, std::function<void(const std::string&)> say)
      : tun_(tun),
        journal_(journal),
        scripts_(scripts),
        resolver_(std::move(resolver)),
        policy_(std::move(policy)),
        say_(std::move(say)) {}

  // Replaces what an earlier call made. On failure the caller revokes.
  Result<void, platform::SysError> apply(const session::TunnelConfig& config);
  // Local networks came or went: of a full tunnel's everything they are left out.
  Result<void, platform::SysError> follow_surroundings(const session::TunnelConfig& config);
  // Tells the system of the tunnel's DNS again, which it may have forgotten.
  Result<void, platform::SysError> reassert_names(const session::TunnelConfig& config);
  // Somebody wrote a resolv.conf in the place of ours, or a tunnel that went.
  bool names_are_replaced() const { return resolver_.is_replaced(backend_); }
  Result<void, platform::SysError> set_mtu(std::size_t mtu);
  // Takes back what apply() made until that is called again: a captive portal is spoken to.
  Result<void, platform::SysError> step_aside();
  // Takes everything back; what could not be taken back is in the report.
  Result<platform::ReplayReport, platform::SysError> revoke();

  const RoutePlan& routes() const { return plan_; }  // empty: a script makes them
  platform::ResolverBackend resolver() const { return backend_; }

 private:
  Result<std::vector<LocalNetwork>, platform::SysError> surroundings(platform::Netlink& netlink);
  Result<void, platform::SysError> make_network(const session::TunnelConfig& config,
                                                platform::Netlink& netlink);
  Result<void, platform::SysError> guard(const session::TunnelConfig& config);
  Result<void, platform::SysError> make(const Step& step, platform::Netlink& netlink);

  platform::Tun& tun_;
  platform::UndoJournal& journal_;
  Scripts* scripts_;  // of the user; nullptr: none
  platform::Resolver resolver_;
  RoutePolicy policy_;
  std::function<void(const std::string&)> say_;
  RoutePlan plan_;
  std::optional<std::size_t> before_;  // entries of the journal when the tunnel came up
  platform::ResolverBackend backend_ = platform::ResolverBackend::kNone;
};

}  // namespace godwit::client
