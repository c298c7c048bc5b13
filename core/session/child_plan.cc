#include "core/session/child_plan.h"

#include <algorithm>

#include "core/base/limits.h"

namespace godwit::session {

Prefix everything(bool v6) { return v6 ? *Prefix::make(*IpAddress::parse("::"), 0) : Prefix{}; }

std::vector<Prefix> named_networks(const config::Profile& profile,
                                   const ike::v1::ModeConfig& mode_config, bool v6) {
  std::vector<Prefix> out = profile.networks.empty() ? mode_config.split_include : profile.networks;
  std::erase_if(out, [v6](const Prefix& network) { return network.address().is_v6() != v6; });
  return out;
}

std::vector<Prefix> added_networks(const config::Profile& profile, bool v6) {
  std::vector<Prefix> out = profile.more_networks;
  std::erase_if(out, [v6](const Prefix& network) { return network.address().is_v6() != v6; });
  return out;
}

ChildPlan::ChildPlan(const config::Profile& profile, const ike::v1::ModeConfig& mode_config,
                     const IpAddress& gateway, bool unity) {
  if (profile.l2tp) {  // one pair in transport mode, for the gateway itself
    families_.push_back({{*Prefix::make(gateway, gateway.bits())}, {}});
    return;
  }
  // One pair is left for the other family.
  std::size_t room = limits::kOutboundSasMax - (mode_config.address.v6 ? 1 : 0);
  for (const bool v6 : {false, true}) {
    if (!(v6 ? mode_config.address.v6 : mode_config.address.v4)) continue;
    std::vector<Prefix> named = named_networks(profile, mode_config, v6);
    // What is added to everything is in it already.
    if (!named.empty() || !profile.networks.empty()) {
      for (const Prefix& network : added_networks(profile, v6)) {
        if (std::ranges::find(named, network) == named.end()) named.push_back(network);
      }
    }
    // A profile that names networks wants these and no others.
    if (named.empty() && !profile.networks.empty()) continue;
    Family family;
    family.networks = {everything(v6)};
    // A pair of SAs costs a negotiation; beyond a few, one for everything serves better.
    const bool can_split = !named.empty() && named.size() <= room && named != family.networks;
    if (can_split && profile.phase2 != config::PhaseTwo::kOne) family.other_way = named;
    // Unity's networks, which are IPv4, are routes behind one pair of SAs; others are what to ask
    // for.
    const bool split_first = profile.phase2 == config::PhaseTwo::kPerNetwork ||
                             !profile.networks.empty() || !unity || v6;
    if (split_first && !family.other_way.empty()) std::swap(family.networks, family.other_way);
    if (profile.phase2 == config::PhaseTwo::kPerNetwork) family.other_way.clear();
    room = limits::kOutboundSasMax - std::max(family.networks.size(), family.other_way.size());
    families_.push_back(std::move(family));
  }
}

std::vector<Prefix> ChildPlan::networks() const {
  std::vector<Prefix> out;
  for (std::size_t i = 0; i < families_.size() && i <= at_; ++i) {
    out.insert(out.end(), families_[i].networks.begin(), families_[i].networks.end());
  }
  return out;
}

void ChildPlan::refused(const EndReason& reason) {
  refused_ = reason;
  if (!reason_) reason_ = reason;
}

bool ChildPlan::try_other_way() {
  Family& family = families_[at_];
  if (family.other_way.empty()) return false;
  refused_.reset();
  family.networks = std::move(family.other_way);
  family.other_way.clear();
  return true;
}

bool ChildPlan::leave_out() {
  if (at_ == 0) return false;
  refused_.reset();
  families_.resize(at_);
  --at_;
  return true;
}

bool ChildPlan::next_family() {
  if (at_ + 1 >= families_.size()) return false;
  ++at_;
  reason_.reset();
  return true;
}

}  // namespace godwit::session
