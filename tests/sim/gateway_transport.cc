// Quick Mode in transport mode for L2TP (RFC 3947 5.2, RFC 3193 4): both ends as this side sees
// them, which behind a NAT is not as the other side does.
//
//    HDR*, HASH(1), SA, Ni [, KE], IDci, IDcr, NAT-OAi, NAT-OAr  -->
//                      <--  HDR*, HASH(2), SA, Nr [, KE], IDci, IDcr, NAT-OAi, NAT-OAr
#include <algorithm>

#include "tests/sim/gateway.h"
#include "tests/sim/l2tp.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

constexpr std::uint8_t kUdp = 17;

ike::IdPayload end_id(const Endpoint& end) {
  ike::IdPayload id = ike::IdPayload::address(end.address);
  id.protocol = kUdp;
  id.port = end.port;
  return id;
}

// RFC 3947 5.2: ID type, three reserved octets, the address.
ByteVec nat_oa(const IpAddress& address) {
  const Bytes octets = address.bytes();
  ByteVec body(4 + octets.size());
  body[0] = 1;
  std::ranges::copy(octets, body.begin() + 4);
  return body;
}

}  // namespace

bool Gateway::acceptable_l2tp(const ike::IdPayload& client, const ike::IdPayload& ours) const {
  return client.type == ike::IdType::kIpv4 && ours.type == ike::IdType::kIpv4 &&
         client.protocol == kUdp && ours.protocol == kUdp && client.port == kL2tpPort &&
         ours.port == kL2tpPort;
}

UdpFlow Gateway::l2tp_flow(const Ike& sa) const {
  return {{config_.own.address, kL2tpPort}, {sa.peer.address, kL2tpPort}};
}

void Gateway::add_l2tp_ends(const Ike& sa, const Quick& quick, Rest& rest) const {
  const Lies& lies = config_.lies;
  ike::IdPayload own = end_id(quick.transport->local);
  ike::IdPayload theirs = end_id(quick.transport->remote);
  if (config_.l2tp_any_port) theirs.port = 0;
  if (lies.l2tp_other_port) own.port = 1702;
  if (lies.l2tp_other_protocol) own.protocol = 6;
  if (lies.l2tp_network) own = ike::IdPayload::subnet(*Prefix::parse("0.0.0.0/0"));
  rest.emplace_back(PayloadType::kId, ike::encode_id(quick.ours ? own : theirs));
  rest.emplace_back(PayloadType::kId, ike::encode_id(quick.ours ? theirs : own));
  if (!config_.nat_oa) return;
  ByteVec own_oa = nat_oa(quick.transport->local.address);
  const ByteVec their_oa = nat_oa(quick.transport->remote.address);
  if (lies.nat_oa_broken) own_oa.resize(6);
  if (*sa.natt != Natt::kRfc3947) {  // a draft: our own alone
    rest.emplace_back(PayloadType::kNatOaDraft, own_oa);
    return;
  }
  rest.emplace_back(PayloadType::kNatOa, quick.ours ? own_oa : their_oa);
  rest.emplace_back(PayloadType::kNatOa, quick.ours ? their_oa : own_oa);
}

}  // namespace godwit::sim
