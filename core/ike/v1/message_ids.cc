#include "core/ike/v1/message_ids.h"

namespace godwit::ike::v1 {

void MessageIds::insert(MessageId id) {
  if (!set_.insert(id).second) return;
  order_.push_back(id);
  if (order_.size() <= kMax) return;
  set_.erase(order_.front());
  order_.pop_front();
}

MessageId MessageIds::fresh(Rng& rng) {
  while (true) {
    const MessageId id{rng.public_number<std::uint32_t>()};
    if (id.value() == 0 || seen(id)) continue;
    insert(id);
    return id;
  }
}

}  // namespace godwit::ike::v1
