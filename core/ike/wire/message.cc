#include "core/ike/wire/message.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/reader.h"

namespace godwit::ike {
namespace {

constexpr std::size_t kGenericHeaderSize = 4;  // RFC 2408 3.2
constexpr std::uint8_t kPrivateTypes = 128;    // RFC 2408 3.1: 128..255 are for private use
constexpr std::uint8_t kFlagsKnown = kFlagEncrypted | kFlagCommit | kFlagAuthOnly;

bool is_known(Exchange exchange) {
  switch (exchange) {
    case Exchange::kMain:
    case Exchange::kAggressive:
    case Exchange::kInformational:
    case Exchange::kTransaction:
    case Exchange::kQuick:
      return true;
  }
  return false;
}

// RFC 2408 3.1: zero belongs to phase 1. Informational messages occur before and after phase 1 is
// done; those that are encrypted have an IV derived from a message ID of their own (RFC 2409 5.7).
bool message_id_fits(const Header& header) {
  const bool zero = header.message_id == MessageId{};
  switch (header.exchange) {
    case Exchange::kMain:
    case Exchange::kAggressive:
      return zero;
    case Exchange::kQuick:
    case Exchange::kTransaction:
      return !zero;
    case Exchange::kInformational:
      return !zero || !header.encrypted();
  }
  return false;
}

bool is_skipped(PayloadType type) {
  return !is_known(type) && static_cast<std::uint8_t>(type) >= kPrivateTypes;
}

// ISK-05: how many of a type are worth reading. A peer may send more of these; what is beyond is
// left out, which harms nobody.
std::size_t useful_count(PayloadType type) {
  if (type == PayloadType::kVendorId) return limits::kVendorIdsMax;
  const bool certificate = type == PayloadType::kCert || type == PayloadType::kCertRequest;
  return certificate ? limits::kCertificatesMax : limits::kPayloadsMax;
}

}  // namespace

Result<Header, Drop> decode_header(Bytes datagram) {
  Reader reader(datagram);
  Reader fields = GODWIT_TRY(reader.sub(kHeaderSize));
  if (datagram.size() > limits::kIkeMessageMax) return fail(Drop::kTooLarge);

  Header header;
  header.initiator = Cookie{GODWIT_TRY(fields.be<std::uint64_t>())};
  header.responder = Cookie{GODWIT_TRY(fields.be<std::uint64_t>())};
  header.first = PayloadType{GODWIT_TRY(fields.be<std::uint8_t>())};
  header.version = GODWIT_TRY(fields.be<std::uint8_t>());
  header.exchange = Exchange{GODWIT_TRY(fields.be<std::uint8_t>())};
  header.flags = GODWIT_TRY(fields.be<std::uint8_t>());
  header.message_id = MessageId{GODWIT_TRY(fields.be<std::uint32_t>())};
  header.length = GODWIT_TRY(fields.be<std::uint32_t>());

  // RFC 2408 5.2 gives the order. A minor version other than ours is no reason to refuse.
  if ((header.version >> 4) != (kVersion1 >> 4)) return fail(Drop::kBadVersion);
  if (!is_known(header.exchange)) return fail(Drop::kBadExchange);
  if ((header.flags & ~kFlagsKnown) != 0) return fail(Drop::kBadFlags);
  if (!message_id_fits(header)) return fail(Drop::kBadMessageId);
  if (header.length != datagram.size()) return fail(Drop::kBadLength);
  return header;
}

const Payload* Payloads::first(PayloadType type) const {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [&](const Payload& p) { return p.type == type; });
  return found == all_.end() ? nullptr : &*found;
}

std::size_t Payloads::count(PayloadType type) const {
  const auto n =
      std::count_if(all_.begin(), all_.end(), [&](const Payload& p) { return p.type == type; });
  return static_cast<std::size_t>(n);
}

Bytes Payloads::behind(const Payload& after) const {
  const auto offset = after.whole.data() + after.whole.size() - octets_.data();
  CHECK(offset >= 0 && static_cast<std::size_t>(offset) <= octets_.size());
  return octets_.subspan(static_cast<std::size_t>(offset));
}

Result<Payloads, Drop> decode_payloads(PayloadType first, Bytes body, bool decrypted) {
  Payloads payloads;
  Reader reader(body);
  PayloadType type = first;
  std::size_t walked = 0;
  while (type != PayloadType::kNone) {
    // Those left out count as well: the walk is bounded, not only the list.
    if (++walked > limits::kPayloadsMax) return fail(Drop::kTooManyPayloads);
    if (!is_known(type) && !is_skipped(type)) return fail(Drop::kBadPayloadType);

    const Bytes start = reader.rest();
    const PayloadType next{GODWIT_TRY(reader.be<std::uint8_t>())};
    const auto reserved = GODWIT_TRY(reader.be<std::uint8_t>());
    if (decrypted && reserved != 0) return fail(Drop::kBadReserved);
    const std::size_t length = GODWIT_TRY(reader.be<std::uint16_t>());
    if (length < kGenericHeaderSize) return fail(Drop::kBadLength);
    const Bytes content = GODWIT_TRY(reader.take(length - kGenericHeaderSize));

    const bool surplus = payloads.count(type) >= useful_count(type);
    if (!is_skipped(type) && !surplus) {
      payloads.all_.push_back({.type = type, .body = content, .whole = start.first(length)});
    }
    type = next;
  }
  // RFC 2409 appendix B: padding may hold anything, so its content is not looked at.
  if (!decrypted && !reader.empty()) return fail(Drop::kBadLength);
  payloads.padding_ = reader.remaining();
  payloads.octets_ = body.first(body.size() - reader.remaining());
  return payloads;
}

Result<void, Drop> check_rules(const Payloads& payloads, std::span<const Rule> rules) {
  for (const Payload& payload : payloads.all()) {
    if (payload.type == PayloadType::kVendorId) continue;
    const bool listed = std::any_of(rules.begin(), rules.end(),
                                    [&](const Rule& rule) { return rule.type == payload.type; });
    if (!listed) return fail(Drop::kUnexpectedPayload);
  }
  for (const Rule& rule : rules) {
    const std::size_t count = payloads.count(rule.type);
    if (count < rule.min) return fail(Drop::kMissingPayload);
    if (rule.type != PayloadType::kVendorId && count > rule.max) {
      return fail(Drop::kDuplicatePayload);
    }
  }
  return {};
}

}  // namespace godwit::ike
