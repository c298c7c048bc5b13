// NAT keepalives (RFC 3948 4): one octet, only when we are the natted side, only when nothing else
// was sent, and only after the ports have changed.
#pragma once

#include <algorithm>
#include <optional>

#include "core/base/instant.h"
#include "core/config/profile.h"
#include "core/session/ike_sa.h"
#include "core/session/step.h"

namespace godwit::session {

class Keepalive {
 public:
  explicit Keepalive(const config::Profile& profile)
      : interval_(profile.keepalive), cisco_(profile.natt == config::NatTraversal::kCiscoUdp) {}

  // Something left from the NAT-traversal port.
  void sent(Instant at) { last_sent_ = std::max(last_sent_, at); }
  // What NAT-D found holds for the network in which it was found.
  void moved(bool since_nat_d) { moved_ = since_nat_d; }

  // With an SA that is established. `up_since`: of the tunnel.
  std::optional<Instant> due(const IkeSa& sa, std::optional<Instant> up_since) const;
  void on_deadline(const IkeSa& sa, std::optional<Instant> up_since, Step& st);
  std::uint64_t count() const { return count_; }

 private:
  Duration interval_;
  bool cisco_;
  bool moved_ = false;
  Instant last_sent_{};
  std::uint64_t count_ = 0;
};

}  // namespace godwit::session
