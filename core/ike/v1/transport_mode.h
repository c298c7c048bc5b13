// What Quick Mode says in transport mode instead of networks (RFC 3947 5, RFC 3193 4 for L2TP): the
// two ends of a UDP flow, and the addresses that a NAT between them changes.
//
//    HDR*, HASH(1), SA, Ni [, KE], IDci, IDcr, NAT-OAi, NAT-OAr  -->
//                      <--  HDR*, HASH(2), SA, Nr [, KE], IDci, IDcr, NAT-OAi, NAT-OAr
#pragma once

#include <optional>

#include "core/base/counters.h"
#include "core/ike/wire/encode.h"
#include "core/ike/wire/message.h"
#include "core/ike/wire/payloads.h"
#include "core/net/udp_flow.h"

namespace godwit::ike::v1 {

enum class Role : std::uint8_t { kInitiator, kResponder };

// The ID of one end: its address as we know it, UDP, its port.
IdPayload id_of(const Endpoint& end);

// Whether an ID of the peer's names an end: one address, UDP or any protocol, this port or any. Of
// the address only the peer's own opinion can be known: behind a NAT it names itself by its private
// one, and us by the NAT's. What may pass is decided by our own view of the flow.
bool names_end(const IdPayload& id, std::uint16_t port);

// RFC 3947 5.2: both original addresses as we know them, the initiator's first. The drafts know
// only the sender's own. `encapsulation` is the mode that is offered or was chosen.
void add_nat_oa(ChainBuilder& chain, const UdpFlow& flow, Role own, std::uint16_t encapsulation);

// What the peer sent in return, seen from us. Addresses that it cannot mean are counted and left
// out: nothing depends on them (core/README.md).
struct OriginalAddresses {
  std::optional<IpAddress> own;   // ours, as the peer sees it
  std::optional<IpAddress> peer;  // the peer's, as it sees itself
};
OriginalAddresses read_nat_oa(const Payloads& payloads, Role own, std::uint16_t encapsulation,
                              Counters& counters);

}  // namespace godwit::ike::v1
