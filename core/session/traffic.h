// What the session has to know about the traffic. Each direction keeps its own facts, because each
// may have a thread of its own; the client pulls them and hands the whole to on_traffic().
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/base/instant.h"
#include "core/base/limits.h"
#include "core/base/strong.h"
#include "core/net/address.h"

namespace godwit::session {

struct InboundFacts {
  struct Sa {
    EspSpi spi;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  std::array<Sa, limits::kInboundSasMax> sas{};
  std::size_t sa_count = 0;
  std::optional<Instant> last;  // authenticated ESP only (ENC-07)
  // Where the last authenticated packet that advanced a replay window came from (RFC 3947 7).
  std::optional<Endpoint> heard_from;
  std::uint64_t packets = 0, bytes = 0;  // of the tunnel's whole life
};

struct OutboundFacts {
  struct Sa {
    EspSpi inbound;  // of its pair
    EspSpi spi;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    bool current = false;  // the newest that may be used
  };
  std::array<Sa, limits::kInboundSasMax> sas{};
  std::size_t sa_count = 0;
  std::optional<Instant> last;  // anything sent from the NAT-traversal port as ESP
  std::uint64_t packets = 0, bytes = 0;
};

struct TrafficFacts {
  struct Pair {
    EspSpi inbound;
    EspSpi outbound;
    std::uint64_t packets_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t bytes_out = 0;
    bool current = false;  // the newest pair that outbound traffic may use
  };
  std::array<Pair, limits::kInboundSasMax> pairs{};
  std::size_t pair_count = 0;
  std::optional<Instant> last_inbound;
  std::optional<Instant> last_outbound;
  std::optional<Endpoint> heard_from;
  std::uint64_t packets_in = 0, bytes_in = 0;
  std::uint64_t packets_out = 0, bytes_out = 0;
};

// One row for each outbound SA, with what its inbound one has counted.
TrafficFacts join(const InboundFacts& in, const OutboundFacts& out);

// Whether a direction has something to tell before anybody asks: the first packet of an SA, and
// whenever what it carried has grown by a sixteenth and 64 KiB, so that keys are replaced in time.
class NewsMark {
 public:
  bool passed(std::uint64_t bytes) {
    if (bytes < next_) return false;
    next_ = bytes + bytes / 16 + 65536;
    return true;
  }

 private:
  std::uint64_t next_ = 1;
};

}  // namespace godwit::session
