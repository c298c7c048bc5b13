// NAT detection (RFC 3947 3): vendor IDs say who can, NAT-D payloads say where a NAT is.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/base/rng.h"
#include "core/crypto/hash.h"
#include "core/ike/wire/encode.h"
#include "core/ike/wire/message.h"
#include "core/ike/wire/vendor_id.h"
#include "core/net/address.h"

namespace godwit::ike::v1 {

// The dialects that godwit speaks, weakest first. 02 and 02\n differ in the vendor ID only.
enum class Natt : std::uint8_t { kNone, kDraft02, kDraft03, kRfc3947 };

// The best dialect among the vendor IDs of a message (NATT-23), and what else they say.
struct PeerVendors {
  Natt natt = Natt::kNone;
  std::string_view unspoken_natt;  // the last one that godwit knows and does not speak
  bool dpd = false;
  bool xauth = false;
  bool unity = false;
  bool fragmentation = false;   // reads messages in fragments (fragmentation.h)
  std::optional<Vendor> maker;  // the first that the peer names
};
PeerVendors read_vendors(const Payloads& payloads);

// What we say in message 1 (protocol.md: "What to send").
// Unity goes with Mode Config: without it a gateway names no networks and no domain.
void add_vendors(ChainBuilder& chain, bool nat_traversal, bool xauth, bool mode_config,
                 bool fragmentation);

// HASH(CKY-I | CKY-R | IP | port) with the negotiated hash (RFC 3947 3.2).
crypto::Digest nat_d_hash(crypto::HashAlg alg, Cookie initiator, Cookie responder,
                          const Endpoint& endpoint);

PayloadType nat_d_type(Natt natt);

struct NatFindings {
  bool we_are_behind = false;
  bool peer_is_behind = false;
  bool forced = false;  // the profile wants encapsulation whatever is found
  bool any() const { return we_are_behind || peer_is_behind; }
};

// Our NAT-D payloads: first the destination, then our own address. With `force` the latter is wrong
// on purpose, so that the peer sees a NAT and encapsulates (NATT-07).
void add_nat_d(ChainBuilder& chain, Natt natt, crypto::HashAlg alg, Cookie initiator,
               Cookie responder, const Endpoint& own, const Endpoint& peer, bool force, Rng& rng);

// What the peer's NAT-D payloads say about `own` (the address its message came to) and `peer` (the
// one it came from). Missing, too many or oddly sized payloads count as a NAT (NATT-08).
NatFindings find_nat(const Payloads& payloads, Natt natt, crypto::HashAlg alg, Cookie initiator,
                     Cookie responder, const Endpoint& own, const Endpoint& peer);

}  // namespace godwit::ike::v1
