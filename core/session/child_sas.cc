#include "core/session/child_sas.h"

#include <algorithm>

namespace godwit::session {
namespace {

using ike::v1::ChildPolicy;
using ike::v1::QuickOutcome;

// The gateway installs the new SAs when it has read message 3, which leaves right before the first
// packet; until it surely has, packets go out under the old SA.
constexpr Duration kHoldOutbound = 1s;
// QM-17: packets under the old SA may still be on their way.
constexpr Duration kOldInboundGrace = 30s;
// As long as a user waits before he thinks that it does not work.
constexpr Duration kUnheardTime = 5s;
// A gateway that closes deletes the ESP SAs first and itself right after.
constexpr Duration kDeletedDelay = 1s;

// 80..85 % of the lifetime, so that both ends rarely start at once.
Duration rekey_after(Duration lifetime, Rng& rng) {
  return lifetime * (800 + rng.public_number<std::uint16_t>() % 51) / 1000;
}

// ESP-22: 75..80 % of what the SAs may carry, and never more than suits their cipher.
std::uint64_t rekey_octets(std::uint64_t octets_max, const crypto::EspSuite& suite, Rng& rng) {
  const std::uint64_t cipher = suite.octets_to_rekey();
  if (octets_max == 0) return cipher;
  return std::min(cipher, octets_max / 1000 * (750 + rng.public_number<std::uint16_t>() % 51));
}

}  // namespace

void ChildSas::want(ChildPolicy policy) { children_.push_back(Child{std::move(policy), {}, {}}); }

std::vector<ChildPolicy> ChildSas::policies() const {
  std::vector<ChildPolicy> out;
  for (const Child& child : children_) {
    out.push_back(child.policy);
    if (!child.pairs.empty()) out.back().remote = child.pairs.back().remote;
  }
  return out;
}

std::vector<Prefix> ChildSas::agreed() const {
  std::vector<Prefix> out;
  for (const ChildPolicy& policy : policies()) out.push_back(policy.remote);
  return out;
}

std::vector<EspSpi> ChildSas::forget(const std::vector<Prefix>& networks, Step& st) {
  std::vector<EspSpi> gone;
  std::erase_if(children_, [&](const Child& child) {
    if (std::ranges::find(networks, child.policy.remote) == networks.end()) return false;
    for (const Pair& pair : child.pairs) {
      gone.push_back(pair.inbound);
      st.out.push(RemoveSa{pair.inbound, pair.outbound});
    }
    return true;
  });
  return gone;
}

bool ChildSas::complete() const {
  return std::none_of(children_.begin(), children_.end(),
                      [](const Child& child) { return child.pairs.empty(); });
}

bool ChildSas::unheard() const {
  return std::any_of(children_.begin(), children_.end(),
                     [](const Child& child) { return child.unheard > 0; });
}

ChildSas::Child* ChildSas::child_of(const Prefix& remote) {
  Child* found = nullptr;
  for (Child& child : children_) {
    const Prefix& wanted = child.policy.remote;
    if (!wanted.contains(remote)) continue;
    // The closest of networks that overlap.
    if (found == nullptr || wanted.length() > found->policy.remote.length()) found = &child;
  }
  return found;
}

const ChildSas::Pair* ChildSas::newest(const Child& child) {
  return child.pairs.empty() ? nullptr : &child.pairs.back();
}

void ChildSas::install(QuickOutcome&& sas, bool by_gateway, Step& st) {
  Child* child = child_of(sas.remote);
  if (child == nullptr) return;
  const bool rekey = !child->pairs.empty();
  if (rekey) ++rekeys_;

  InstallSa action;
  const esp::Selectors selectors{{sas.local}, {sas.remote}};
  action.inbound = {sas.inbound, sas.suite, std::move(sas.keymat_in), {}, selectors, sas.transport};
  action.outbound = {sas.outbound, sas.suite, std::move(sas.keymat_out),
                     {},           selectors, sas.transport};
  st.rng.fill_secret(action.outbound.iv_key.fill());
  st.rng.fill_secret(action.inbound.iv_key.fill());
  action.hold_outbound = rekey;
  st.out.push(std::move(action));
  const std::uint64_t octets_max = sas.kilobytes * 1024;
  st.report(SaInstalled{sas.inbound, sas.outbound, sas.suite, sas.lifetime, octets_max, rekey,
                        by_gateway, sas.original.own, sas.original.peer});

  Pair& pair = child->pairs.emplace_back();
  pair.inbound = sas.inbound;
  pair.outbound = sas.outbound;
  pair.remote = sas.remote;
  pair.suite = sas.suite;
  pair.installed = st.now;
  pair.rekey_at = st.now + rekey_after(sas.lifetime, st.rng);
  pair.expires = st.now + sas.lifetime;
  pair.octets_max = octets_max;
  pair.octets_rekey = rekey_octets(octets_max, sas.suite, st.rng);
  pair.confirmed = !by_gateway;
  child->policy.offer.replaced = sas.outbound;
  if (rekey) pair.use_at = st.now + (by_gateway ? kOldInboundGrace : kHoldOutbound);
  // It went well: octets may run out again before a failed negotiation would be repeated.
  if (!by_gateway) child->retry_at = st.now;
}

// The new pair carries traffic from now on, and its predecessors go after a while.
void ChildSas::use(Child& child, Pair& pair, Step& st) {
  if (pair.use_at) {
    pair.use_at.reset();
    st.out.push(UseSa{pair.outbound});
  }
  for (Pair& other : child.pairs) {
    if (&other == &pair) break;
    if (!other.retire_at) other.retire_at = std::min(st.now + kOldInboundGrace, other.expires);
  }
}

void ChildSas::confirmed(EspSpi inbound, Step& st) {
  for (Child& child : children_) {
    for (Pair& pair : child.pairs) {
      if (pair.inbound != inbound) continue;
      pair.confirmed = true;
      use(child, pair, st);
      return;
    }
  }
}

void ChildSas::on_traffic(const TrafficFacts& facts, Step& st) {
  for (std::size_t i = 0; i < facts.pair_count; ++i) {
    const TrafficFacts::Pair& fact = facts.pairs[i];
    for (Child& child : children_) {
      for (Pair& pair : child.pairs) {
        if (pair.inbound == fact.inbound) count(child, pair, fact, st);
      }
    }
  }
  for (Child& child : children_) end_spent(child, st);
}

void ChildSas::count(Child& child, Pair& pair, const TrafficFacts::Pair& fact, Step& st) {
  // What arrives under the new SA proves that the gateway has it.
  if (fact.packets_in > 0 && pair.packets_in == 0) confirmed(pair.inbound, st);
  pair.packets_in = fact.packets_in;
  if (fact.packets_in > pair.known_in) child.unheard = 0;
  if (fact.packets_out > pair.known_out && !pair.first_out) pair.first_out = st.now;
  pair.packets_out = fact.packets_out;
  pair.octets = std::max(fact.bytes_in, fact.bytes_out);
  if (pair.rekey_now) return;
  pair.rekey_now = pair.octets >= pair.octets_rekey ||
                   std::max(fact.packets_in, fact.packets_out) >= pair.suite.packets_to_rekey();
  if (pair.rekey_now) child.retry_at = std::max(child.retry_at, st.now);
}

// RFC 4301 4.4.2.1: keys that carried what they may carry protect nothing more. The next pair takes
// over, should the gateway know it or not; without one the tunnel waits for it.
void ChildSas::end_spent(Child& child, Step& st) {
  if (std::ranges::none_of(child.pairs, &Pair::spent)) return;
  Pair& last = child.pairs.back();
  if (!last.spent()) {
    if (last.use_at && last.confirmed) use(child, last, st);
    return;
  }
  for (const Pair& pair : child.pairs) st.out.push(RemoveSa{pair.inbound, pair.outbound});
  child.pairs.clear();
  child.retry_at = st.now;
}

bool ChildSas::deleted(const std::vector<EspSpi>& spis, Step& st) {
  bool whole = true;
  for (Child& child : children_) {
    const std::size_t before = child.pairs.size();
    std::erase_if(child.pairs, [&](const Pair& pair) {
      // The RFC names the sender's inbound SPI; a gateway whose installation failed names ours.
      const auto names = [&](EspSpi spi) {
        return std::find(spis.begin(), spis.end(), spi) != spis.end();
      };
      if (!names(pair.outbound) && !names(pair.inbound)) return false;
      st.out.push(RemoveSa{pair.inbound, pair.outbound});
      return true;
    });
    if (child.pairs.size() == before) continue;
    if (child.pairs.empty()) {
      whole = false;
      child.retry_at = st.now + kDeletedDelay;
    } else {
      use(child, child.pairs.back(), st);  // what is left has to carry the traffic
      // It may be due for replacement since long: from now on, not from then.
      child.retry_at = std::max(child.retry_at, st.now);
    }
  }
  return whole;
}

void ChildSas::failed(const Prefix& remote, Step& st) {
  if (Child* child = child_of(remote)) child->retry_at = st.now + kRetryDelay;
}

bool ChildSas::wants_rekey(const Child& child, Instant now) const {
  if (now < child.retry_at) return false;
  const Pair* pair = newest(child);
  const auto unheard = unheard_at(child);
  return pair == nullptr || now >= pair->rekey_at || pair->rekey_now ||
         (unheard && now >= *unheard);
}

// Nothing answers the third message of Quick Mode. A gateway that never got it, and gave up, drops
// what we send without a word; it looks like a tunnel in which nobody answers. A few new pairs
// tell.
std::optional<Instant> ChildSas::unheard_at(const Child& child) {
  const Pair* pair = newest(child);
  if (pair == nullptr || !pair->first_out || pair->packets_in > pair->known_in) return std::nullopt;
  if (child.unheard >= kUnheardMax) return std::nullopt;
  return *pair->first_out + kUnheardTime * (1 << child.unheard);
}

void ChildSas::expire(Child& child, Due& due, Step& st) {
  const bool had_any = !child.pairs.empty();
  for (Pair& pair : child.pairs) {
    if (pair.use_at && st.now >= *pair.use_at && pair.confirmed) use(child, pair, st);
  }
  std::erase_if(child.pairs, [&](const Pair& pair) {
    const bool retired = pair.retire_at && st.now >= *pair.retire_at;
    // A pair that the gateway began and never confirmed must not replace anything.
    const bool abandoned = !pair.confirmed && pair.use_at && st.now >= *pair.use_at;
    if (!retired && !abandoned && st.now < pair.expires) return false;
    due.retired.push_back(pair.inbound);
    st.out.push(RemoveSa{pair.inbound, pair.outbound});
    return true;
  });
  due.expired |= had_any && child.pairs.empty();
  // The last pair that sent is gone: what is left has to carry the traffic.
  const auto held = [](const Pair& pair) { return pair.use_at.has_value(); };
  if (!child.pairs.empty() && std::ranges::all_of(child.pairs, held)) {
    use(child, child.pairs.back(), st);
  }
}

std::optional<Instant> ChildSas::child_deadline(const Child& child) {
  std::optional<Instant> at;
  for (const Pair& pair : child.pairs) {
    at = earlier(at, pair.expires);
    at = earlier(at, pair.retire_at);
    at = earlier(at, pair.use_at);
  }
  const Pair* pair = newest(child);
  const Instant rekey = pair == nullptr || pair->rekey_now ? child.retry_at : pair->rekey_at;
  const Instant wanted = *earlier(rekey, unheard_at(child));
  return earlier(at, std::max(wanted, child.retry_at));
}

std::optional<Instant> ChildSas::next_deadline() const {
  std::optional<Instant> at;
  for (const Child& child : children_) at = earlier(at, child_deadline(child));
  return at;
}

std::vector<EspSpi> ChildSas::inbound_spis() const {
  std::vector<EspSpi> out;
  for (const Child& child : children_) {
    for (const Pair& pair : child.pairs) out.push_back(pair.inbound);
  }
  return out;
}

void ChildSas::moved() {
  for (Child& child : children_) {
    child.unheard = 0;
    for (Pair& pair : child.pairs) {
      pair.known_in = pair.packets_in;
      pair.known_out = pair.packets_out;
      pair.first_out.reset();
    }
  }
}

void ChildSas::update(const ChildPolicy& policy) {
  for (Child& child : children_) {
    if (child.policy.remote == policy.remote) child.policy = policy;
  }
}

void ChildSas::renew(Instant now) {
  for (Child& child : children_) {
    child.retry_at = now;
    child.policy.offer.replaced.reset();  // a gateway that rebooted may count from the beginning
    if (!child.pairs.empty()) child.pairs.back().rekey_now = true;
  }
}

void ChildSas::clear(Step& st) {
  for (const Child& child : children_) {
    for (const Pair& pair : child.pairs) st.out.push(RemoveSa{pair.inbound, pair.outbound});
  }
  children_.clear();
}

std::optional<ChildSas::Current> ChildSas::current() const {
  for (const Child& child : children_) {
    const auto it = std::find_if(child.pairs.rbegin(), child.pairs.rend(),
                                 [](const Pair& pair) { return !pair.use_at; });
    if (it == child.pairs.rend()) continue;
    Current out{it->inbound, it->outbound, it->suite, it->rekey_at, {}};
    if (it->octets_max != 0) {
      out.octets_left = it->octets_rekey - std::min(it->octets_rekey, it->octets);
    }
    return out;
  }
  return std::nullopt;
}

}  // namespace godwit::session
