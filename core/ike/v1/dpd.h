// Dead peer detection (RFC 3706): when to ask, and when silence means death. Deadlines come from
// facts.
#pragma once

#include <optional>

#include "core/base/instant.h"
#include "core/base/rng.h"

namespace godwit::ike::v1 {

class Dpd {
 public:
  Dpd(Duration delay, int attempts, Rng& rng);

  // What is known of the path: the last authentic thing heard, and the first ESP packet sent since.
  struct Facts {
    Instant last_heard{};
    std::optional<Instant> unanswered_since;
  };

  // When to act next; nothing when dead peer detection is off.
  std::optional<Instant> due(const Facts& facts) const;
  bool probing() const { return outstanding_.has_value(); }
  bool exhausted(const Facts& facts) const;  // due, and every query stayed unanswered
  // The sequence number of the query to send now: a new one, or the outstanding one again (5.2).
  std::uint32_t next_query(const Facts& facts, Instant now);
  // The machine slept: the next query and its repetitions follow in short order.
  void hurry();
  // True when the answer is the outstanding query's (DPD-06).
  bool on_answer(std::uint32_t sequence);
  // True when the peer's query is to be answered (DPD-07).
  bool on_query(std::uint32_t sequence);

 private:
  bool heard_since_query(const Facts& facts) const;

  Duration delay_;
  int attempts_max_;
  std::uint32_t sequence_;
  struct Query {
    int attempts = 0;
    Instant first_sent{};
    Instant last_sent{};
  };
  std::optional<Query> outstanding_;
  bool hurried_ = false;
  std::optional<std::uint32_t> peer_sequence_;
};

}  // namespace godwit::ike::v1
