// Message IDs of an ISAKMP SA. Each is used once (RFC 2409 5.7), so one seen before marks a replay,
// and one of ours a reflection. Bounded: the oldest are forgotten.
#pragma once

#include <deque>
#include <unordered_set>

#include "core/base/rng.h"
#include "core/base/strong.h"

namespace godwit::ike::v1 {

class MessageIds {
 public:
  bool seen(MessageId id) const { return set_.contains(id); }
  void insert(MessageId id);
  MessageId fresh(Rng& rng);  // random, not zero, not seen (QM-03); remembered

 private:
  static constexpr std::size_t kMax = 4096;
  std::unordered_set<MessageId> set_;
  std::deque<MessageId> order_;
};

}  // namespace godwit::ike::v1
