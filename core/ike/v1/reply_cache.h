// What was answered to which message. A copy of a handled message is never processed again: it gets
// the same answer, octet for octet, at a bounded rate (ISK-23).
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/instant.h"

namespace godwit::ike::v1 {

class ReplyCache {
 public:
  using Key = std::array<std::uint8_t, 32>;  // SHA-256 of the message
  static Key key_of(Bytes message);

  bool knows(const Key& key) const { return find(key) != nullptr; }
  void handled(const Key& key);  // no answer yet, perhaps never
  void answered(const Key& key, Bytes reply);
  // The answer to repeat now; empty when there is none or the rate forbids it.
  Bytes repeat(const Key& key, Instant now);

 private:
  struct Entry {
    Key key{};
    ByteVec reply;
    std::optional<Instant> repeated_at;
    int repeated = 0;
  };
  const Entry* find(const Key& key) const;

  static constexpr std::size_t kMax = 16;
  std::vector<Entry> entries_;  // oldest first
};

}  // namespace godwit::ike::v1
