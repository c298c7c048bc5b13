#include "core/ike/v1/dpd.h"

#include <algorithm>

namespace godwit::ike::v1 {
namespace {

// Traffic goes out and nothing comes back: a rebound NAT mapping looks like this, and the first
// authentic packet from the new mapping mends it, so the question comes early.
constexpr Duration kOneWayDelay = 3s;
constexpr Duration kFirstGap = 2s;
constexpr Duration kGapMax = 10s;
constexpr std::uint32_t kReorderWindow = 4;

// After a sleep the gateway has probably dropped us, and the user sits in front of the machine.
constexpr Duration kHurriedGap = 1500ms;
constexpr int kHurriedAttempts = 4;

}  // namespace

Dpd::Dpd(Duration delay, int attempts, Rng& rng)
    : delay_(delay),
      attempts_max_(attempts),
      sequence_(rng.public_number<std::uint32_t>() & 0x7fff'ffff) {}  // DPD-05

// Anything authentic since the question is as good as the answer (DPD-08).
bool Dpd::heard_since_query(const Facts& facts) const {
  return outstanding_ && facts.last_heard > outstanding_->first_sent;
}

std::optional<Instant> Dpd::due(const Facts& facts) const {
  if (delay_ == Duration::zero()) return std::nullopt;
  if (outstanding_ && !heard_since_query(facts)) {
    return outstanding_->last_sent +
           (hurried_ ? kHurriedGap : std::min(kFirstGap * outstanding_->attempts, kGapMax));
  }
  Instant at = facts.last_heard + delay_;
  if (facts.unanswered_since) at = std::min(at, *facts.unanswered_since + kOneWayDelay);
  return at;
}

bool Dpd::exhausted(const Facts& facts) const {
  return outstanding_ && !heard_since_query(facts) &&
         outstanding_->attempts >= (hurried_ ? kHurriedAttempts : attempts_max_);
}

void Dpd::hurry() {
  outstanding_.reset();
  hurried_ = true;
}

std::uint32_t Dpd::next_query(const Facts& facts, Instant now) {
  if (!outstanding_ || heard_since_query(facts)) {
    if (outstanding_) hurried_ = false;
    outstanding_ = Query{0, now, now};
    ++sequence_;
  }
  ++outstanding_->attempts;
  outstanding_->last_sent = now;
  return sequence_;
}

bool Dpd::on_answer(std::uint32_t sequence) {
  if (!outstanding_ || sequence != sequence_) return false;
  outstanding_.reset();
  hurried_ = false;
  return true;
}

bool Dpd::on_query(std::uint32_t sequence) {
  if (peer_sequence_ && sequence + kReorderWindow < *peer_sequence_) return false;
  peer_sequence_ = peer_sequence_ ? std::max(*peer_sequence_, sequence) : sequence;
  return true;
}

}  // namespace godwit::ike::v1
