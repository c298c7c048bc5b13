// Which networks Quick Mode is to agree on, family by family, and what to try when the gateway
// refuses. A gateway wants either one pair of SAs for everything or one for each network it named
// (Cisco's the first, most others the second), and says which only by refusing the other. Private
// to the room.
#pragma once

#include <optional>
#include <vector>

#include "core/config/profile.h"
#include "core/ike/v1/mode_config.h"
#include "core/session/event.h"

namespace godwit::session {

class ChildPlan {
 public:
  ChildPlan() = default;
  // `unity`: the gateway speaks Cisco's Mode Config, and so wants one pair.
  ChildPlan(const config::Profile& profile, const ike::v1::ModeConfig& mode_config,
            const IpAddress& gateway, bool unity);

  bool empty() const { return families_.empty(); }
  // What is to be negotiated now: the networks of one family. The answers come one by one.
  const std::vector<Prefix>& current() const { return families_[at_].networks; }
  // Those of the families before it, too.
  std::vector<Prefix> networks() const;

  void refused(const EndReason& reason);
  bool is_refused() const { return refused_.has_value(); }
  // Every answer for current() is in, one of them a refusal: goes on with the other way of asking
  // for the same networks. False: there is none.
  bool try_other_way();
  // The refused family is left out. False: it was the first, without which there is no tunnel.
  bool leave_out();
  // Every answer is in and none a refusal. False: no family is left.
  bool next_family();
  // The first refusal of the present family: the second way was only a guess.
  const EndReason& reason() const { return *reason_; }

 private:
  struct Family {
    std::vector<Prefix> networks;   // as they are negotiated
    std::vector<Prefix> other_way;  // empty: there is none
  };

  std::vector<Family> families_;
  std::size_t at_ = 0;
  std::optional<EndReason> refused_;
  std::optional<EndReason> reason_;
};

// The networks of one family that the profile or the gateway names; empty: everything.
std::vector<Prefix> named_networks(const config::Profile& profile,
                                   const ike::v1::ModeConfig& mode_config, bool v6);
// Those that the profile adds to whatever there is.
std::vector<Prefix> added_networks(const config::Profile& profile, bool v6);
// 0.0.0.0/0 or ::/0.
Prefix everything(bool v6);

}  // namespace godwit::session
