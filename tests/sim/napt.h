// A port-translating NAT on virtual time (RFC 2663): one public address, a random port per mapping.
// Endpoint-independent mapping, endpoint-dependent or -independent filtering.
#pragma once

#include <map>
#include <optional>

#include "core/base/instant.h"
#include "core/net/address.h"
#include "tests/sim/seeded_rng.h"

namespace godwit::sim {

struct NaptConfig {
  IpAddress public_address;
  Duration expiry = 120s;  // of a mapping that nobody used from inside
  bool inbound_refreshes = true;
};

class Napt {
 public:
  Napt(NaptConfig config, std::uint64_t seed) : config_(config), rng_(seed) {}

  // The public endpoint for a datagram that leaves; makes or refreshes the mapping.
  Endpoint outward(const Endpoint& inside, Instant now);
  // Who gets a datagram that arrives at `outside`; nothing when the mapping is gone.
  std::optional<Endpoint> inward(const Endpoint& outside, Instant now);
  // All mappings are lost, as after a reboot of the box or a flush of its table.
  void rebind() { mappings_.clear(); }
  void set_public_address(const IpAddress& address) {
    config_.public_address = address;
    rebind();
  }
  const IpAddress& public_address() const { return config_.public_address; }

 private:
  struct Mapping {
    std::uint16_t port;
    Instant used;
  };
  bool expired(const Mapping& mapping, Instant now) const {
    return mapping.used + config_.expiry <= now;
  }

  NaptConfig config_;
  SeededRng rng_;
  std::map<Endpoint, Mapping> mappings_;
};

}  // namespace godwit::sim
