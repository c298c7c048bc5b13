#include "core/ike/v1/reply_cache.h"

#include <algorithm>

#include "core/crypto/hash.h"

namespace godwit::ike::v1 {
namespace {

constexpr Duration kRepeatInterval = 500ms;
constexpr int kRepeatsMax = 8;

}  // namespace

ReplyCache::Key ReplyCache::key_of(Bytes message) {
  const crypto::Digest digest = crypto::hash(crypto::HashAlg::kSha256, {message});
  Key key{};
  std::copy_n(digest.bytes().begin(), key.size(), key.begin());
  return key;
}

const ReplyCache::Entry* ReplyCache::find(const Key& key) const {
  const auto it = std::find_if(entries_.begin(), entries_.end(),
                               [&](const Entry& entry) { return entry.key == key; });
  return it == entries_.end() ? nullptr : &*it;
}

void ReplyCache::handled(const Key& key) {
  if (knows(key)) return;
  if (entries_.size() == kMax) entries_.erase(entries_.begin());
  entries_.push_back(Entry{key, {}, {}, 0});
}

void ReplyCache::answered(const Key& key, Bytes reply) {
  handled(key);
  for (Entry& entry : entries_) {
    if (entry.key == key) entry.reply = to_vec(reply);
  }
}

Bytes ReplyCache::repeat(const Key& key, Instant now) {
  for (Entry& entry : entries_) {
    if (entry.key != key || entry.reply.empty()) continue;
    if (entry.repeated == kRepeatsMax) return {};
    if (entry.repeated_at && now - *entry.repeated_at < kRepeatInterval) return {};
    entry.repeated_at = now;
    ++entry.repeated;
    return entry.reply;
  }
  return {};
}

}  // namespace godwit::ike::v1
