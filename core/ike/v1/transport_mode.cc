#include "core/ike/v1/transport_mode.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::uint8_t kUdp = 17;

bool is_rfc(std::uint16_t encapsulation) { return encapsulation == kEncapUdpTransport; }

PayloadType nat_oa_type(std::uint16_t encapsulation) {
  return is_rfc(encapsulation) ? PayloadType::kNatOa : PayloadType::kNatOaDraft;
}

}  // namespace

IdPayload id_of(const Endpoint& end) {
  IdPayload id = IdPayload::address(end.address);
  id.protocol = kUdp;
  id.port = end.port;
  return id;
}

bool names_end(const IdPayload& id, std::uint16_t port) {
  if (id.type != IdType::kIpv4 && id.type != IdType::kIpv6) return false;
  // RFC 2407 4.6.2: zero is any.
  return (id.protocol == kUdp || id.protocol == 0) && (id.port == port || id.port == 0);
}

void add_nat_oa(ChainBuilder& chain, const UdpFlow& flow, Role own, std::uint16_t encapsulation) {
  const PayloadType type = nat_oa_type(encapsulation);
  const IpAddress& ours = flow.local.address;
  const IpAddress& theirs = flow.remote.address;
  if (!is_rfc(encapsulation)) {
    chain.add(type, encode_nat_oa(ours));
    return;
  }
  chain.add(type, encode_nat_oa(own == Role::kInitiator ? ours : theirs));
  chain.add(type, encode_nat_oa(own == Role::kInitiator ? theirs : ours));
}

OriginalAddresses read_nat_oa(const Payloads& payloads, Role own, std::uint16_t encapsulation,
                              Counters& counters) {
  OriginalAddresses found;
  std::size_t index = 0;
  const std::size_t count = payloads.count(nat_oa_type(encapsulation));
  for (const Payload& payload : payloads.all()) {
    if (payload.type != nat_oa_type(encapsulation)) continue;
    const auto address = decode_nat_oa(payload.body);
    // A single one, of a draft, is the sender's own.
    const bool of_initiator = count == 1 ? own == Role::kResponder : index == 0;
    ++index;
    if (!address) {
      counters.drop(address.error());
    } else if (of_initiator == (own == Role::kInitiator)) {
      found.own = *address;
    } else {
      found.peer = *address;
    }
  }
  return found;
}

}  // namespace godwit::ike::v1
