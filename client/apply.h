// What the machine has to look like while the tunnel is up, carried out step by step, each step in
// the undo journal before it is made. The default route and the main table are never touched: the
// tunnel has a table of its own, and a rule sends everything there that does not carry the mark of
// the tunnel's own socket, so that its datagrams cannot loop.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

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

inline constexpr std::uint32_t kRulePriority = 26480;       // not fwmark -> the tunnel's table
inline constexpr std::uint32_t kPortRulePriority = 26478;   // one UDP port of the gateway
inline constexpr std::uint32_t kLocalRulePriority = 26479;  // full tunnel: the main table, without
                                                            // its default route, comes first

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
std::vector<Step> plan(const session::TunnelConfig& config, int device_index);
platform::DnsSettings dns_settings(const session::TunnelConfig& config);

class Scripts;

class Machine {
 public:
  Machine(platform::Tun& tun, platform::UndoJournal& journal, platform::ResolverOptions resolver,
          Scripts* scripts = nullptr)
      : tun_(tun), journal_(journal), scripts_(scripts), resolver_(std::move(resolver)) {}

  // Replaces what an earlier call made. On failure the caller revokes.
  Result<void, platform::SysError> apply(const session::TunnelConfig& config);
  // Tells the system of the tunnel's DNS again, which it may have forgotten.
  Result<void, platform::SysError> reassert_names(const session::TunnelConfig& config);
  Result<void, platform::SysError> set_mtu(std::size_t mtu);
  // Takes everything back; what could not be taken back is in the report.
  Result<platform::ReplayReport, platform::SysError> revoke();

  platform::ResolverBackend resolver() const { return backend_; }

 private:
  Result<void, platform::SysError> make_network(const session::TunnelConfig& config,
                                                platform::Netlink& netlink);
  Result<void, platform::SysError> make(const Step& step, platform::Netlink& netlink);

  platform::Tun& tun_;
  platform::UndoJournal& journal_;
  Scripts* scripts_;  // of the user; nullptr: none
  platform::Resolver resolver_;
  std::optional<std::size_t> before_;  // entries of the journal when the tunnel came up
  platform::ResolverBackend backend_ = platform::ResolverBackend::kNone;
};

}  // namespace godwit::client
