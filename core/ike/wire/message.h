// An ISAKMP message cut into payloads (RFC 2408 3.1, 3.2). Bodies are views into the datagram,
// which must outlive them; HASH computations need those exact octets.
//
//    initiator cookie (8) | responder cookie (8)
//    next payload (1) | version (1) | exchange (1) | flags (1) | message ID (4) | length (4)
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/counters.h"
#include "core/base/result.h"
#include "core/base/strong.h"
#include "core/ike/wire/constants.h"

namespace godwit::ike {

struct Header {
  Cookie initiator;
  Cookie responder;
  PayloadType first = PayloadType::kNone;
  std::uint8_t version = kVersion1;
  Exchange exchange = Exchange::kMain;
  std::uint8_t flags = 0;
  MessageId message_id;
  std::uint32_t length = 0;  // of the whole message; decode checks it, encode fills it

  bool encrypted() const { return (flags & kFlagEncrypted) != 0; }
};

// Checks everything that can be checked without keys (ISK-01, 03, 07, 08): size, version 1.x, known
// exchange, flag bits, length == datagram.size(), not above limits::kIkeMessageMax. Phase-1
// messages must have message ID 0, the others not (ISK-09); Informational may have either in
// plaintext.
Result<Header, Drop> decode_header(Bytes datagram);

struct Payload {
  PayloadType type = PayloadType::kNone;
  Bytes body;   // without the generic header
  Bytes whole;  // with it: HASH(1) and its kin run over whole payloads
};

class Payloads {
 public:
  const std::vector<Payload>& all() const { return all_; }
  const Payload* first(PayloadType type) const;  // null when absent
  std::size_t count(PayloadType type) const;
  // Everything behind the payload `after`, as it stood in the message, padding excluded.
  Bytes behind(const Payload& after) const;
  Bytes octets() const { return octets_; }  // the whole chain, padding excluded
  std::size_t padding() const { return padding_; }

 private:
  friend Result<Payloads, Drop> decode_payloads(PayloadType, Bytes, bool);
  std::vector<Payload> all_;
  Bytes octets_;
  std::size_t padding_ = 0;
};

// Walks the chain that starts with `first` in `body` (what follows the header). At most
// limits::kPayloadsMax payloads; vendor IDs beyond limits::kVendorIdsMax are left out, and so are
// certificates and requests for them beyond limits::kCertificatesMax (ISK-05).
// Plaintext chains end exactly at the end of the body (kBadLength otherwise); decrypted ones may be
// followed by padding, and their reserved octets must be zero (ISK-02: the first sign of a wrong
// key). An unknown payload type is kBadPayloadType (ISK-06), except private ones (128..255), which
// are left out of the list.
Result<Payloads, Drop> decode_payloads(PayloadType first, Bytes body, bool decrypted);

// What may occur in a message, as a table.
struct Rule {
  PayloadType type;
  std::uint8_t min;
  std::uint8_t max;
};
// kMissingPayload, kDuplicatePayload (above max) or kUnexpectedPayload (not in the table). Vendor
// IDs are allowed in every message.
Result<void, Drop> check_rules(const Payloads& payloads, std::span<const Rule> rules);

}  // namespace godwit::ike
