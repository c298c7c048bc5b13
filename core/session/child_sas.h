// The ESP SAs of a tunnel and their ages: when to replace a pair, when to let an old one go. Make
// before break: a new pair works before the old one ends, so a rekey loses no packet.
#pragma once

#include <optional>
#include <vector>

#include "core/ike/v1/quick_mode.h"
#include "core/session/data_path.h"
#include "core/session/step.h"

namespace godwit::session {

class ChildSas {
 public:
  // What the tunnel needs: one pair of SAs for each network.
  void want(ike::v1::ChildPolicy policy);
  // The same, narrowed to what the gateway agreed to: what it may propose again.
  std::vector<ike::v1::ChildPolicy> policies() const;
  // What the pairs cover: as wanted, or the narrower networks the gateway answered with.
  std::vector<Prefix> agreed() const;
  // These networks are not wanted any more. The inbound SPIs of their pairs, to be deleted.
  std::vector<EspSpi> forget(const std::vector<Prefix>& networks, Step& st);
  bool complete() const;  // every network has a pair
  // Packets left, and nothing came back under any pair of a network yet.
  bool unheard() const;

  void install(ike::v1::QuickOutcome&& sas, bool by_gateway, Step& st);
  void confirmed(EspSpi inbound, Step& st);
  void on_traffic(const TrafficFacts& facts, Step& st);
  // The peer deleted these SPIs. False: a network is without a pair now.
  bool deleted(const std::vector<EspSpi>& spis, Step& st);
  // A negotiation failed: the network waits before the next one.
  void failed(const Prefix& remote, Step& st);

  struct Due {
    std::vector<ike::v1::ChildPolicy> negotiate;
    std::vector<EspSpi> retired;  // inbound SPIs to tell the peer about
    bool expired = false;         // a network lost its last pair to old age
  };
  // `negotiating(remote)` says whether a Quick Mode for that network is under way.
  template <class F>
  Due on_deadline(F negotiating, Step& st) {
    Due due;
    for (Child& child : children_) {
      expire(child, due, st);
      if (!wants_rekey(child, st.now)) continue;
      child.retry_at = st.now + kRetryDelay;
      if (negotiating(child.policy.remote)) continue;
      const auto unheard = unheard_at(child);
      if (unheard && st.now >= *unheard) ++child.unheard;
      due.negotiate.push_back(child.policy);
    }
    return due;
  }
  std::optional<Instant> next_deadline() const;

  // Inbound SPIs of everything installed, for deletion at the end.
  std::vector<EspSpi> inbound_spis() const;
  // The laptop is in another network: a pair under which nothing arrives any more is replaced.
  void moved();
  // What another ISAKMP SA agreed on may need another encapsulation mode (RFC 3947 5.1).
  void update(const ike::v1::ChildPolicy& policy);
  // The gateway may know none of them any more: each network gets a new pair at once.
  void renew(Instant now);
  void clear(Step& st);

  struct Current {
    EspSpi inbound;
    EspSpi outbound;
    crypto::EspSuite suite;
    Instant rekey_at{};
    std::optional<std::uint64_t> octets_left;  // until then; nothing: no limit was agreed on
  };
  std::optional<Current> current() const;
  std::uint64_t rekeys() const { return rekeys_; }

 private:
  static constexpr Duration kRetryDelay = 10s;
  static constexpr int kUnheardMax = 3;

  struct Pair {
    EspSpi inbound;
    EspSpi outbound;
    Prefix remote;
    crypto::EspSuite suite;
    Instant installed{};
    Instant rekey_at{};
    Instant expires{};
    std::optional<Instant> use_at;     // held outbound: used then at the latest
    std::optional<Instant> retire_at;  // replaced: goes then
    bool confirmed = true;             // false: the peer may not have it yet
    bool rekey_now = false;            // sequence numbers or octets run out
    std::uint64_t octets = 0;          // of the direction that carried more
    std::uint64_t octets_rekey = 0;    // to be replaced after so many
    std::uint64_t octets_max = 0;      // not to be used beyond them; 0: no limit was agreed on
    bool spent() const { return octets_max != 0 && octets >= octets_max; }
    std::uint64_t packets_in = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t known_in = 0;        // of them, those before the laptop moved
    std::optional<Instant> first_out;  // the first packet under it left, or after the move
    std::uint64_t known_out = 0;
  };
  struct Child {
    ike::v1::ChildPolicy policy;
    std::vector<Pair> pairs;  // newest last
    Instant retry_at{};
    int unheard = 0;  // pairs, one after another, under which nothing ever arrived
  };

  Child* child_of(const Prefix& remote);
  static const Pair* newest(const Child& child);
  bool wants_rekey(const Child& child, Instant now) const;
  static std::optional<Instant> unheard_at(const Child& child);
  void expire(Child& child, Due& due, Step& st);
  void use(Child& child, Pair& pair, Step& st);
  void count(Child& child, Pair& pair, const TrafficFacts::Pair& fact, Step& st);
  void end_spent(Child& child, Step& st);
  static std::optional<Instant> child_deadline(const Child& child);

  std::vector<Child> children_;
  std::uint64_t rekeys_ = 0;
};

}  // namespace godwit::session
