// A request is kept until it is answered and resent byte for byte, with growing gaps (RFC 2408 5.1,
// ISK-22). Deadlines are computed from what was sent when; nothing is armed.
#pragma once

#include <optional>
#include <span>

#include "core/base/bytes.h"
#include "core/base/instant.h"
#include "core/base/rng.h"

namespace godwit::ike::v1 {

class Retransmission {
 public:
  // Takes over a message that was just sent. `attempts` counts the first transmission.
  void start(ByteVec message, Instant now, int attempts, Rng& rng);
  void stop() { message_.clear(); }
  bool active() const { return !message_.empty(); }

  std::optional<Instant> due() const;
  bool exhausted() const { return attempt_ >= attempts_max_; }
  // due() has come and !exhausted(): the message to send again.
  Bytes resend(Instant now, Rng& rng);
  // Gives up at `when` at the latest: a hint arrived that waiting is in vain (ISK-28).
  void shorten(Instant when);

  Bytes message() const { return message_; }
  int attempt() const { return attempt_; }
  int attempts_max() const { return attempts_max_; }

 private:
  void schedule(Instant now, Rng& rng);

  ByteVec message_;
  Instant next_{};
  std::optional<Instant> give_up_;
  int attempt_ = 0;
  int attempts_max_ = 0;
};

}  // namespace godwit::ike::v1
