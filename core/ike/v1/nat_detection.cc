#include "core/ike/v1/nat_detection.h"

#include <algorithm>
#include <array>

#include "core/base/limits.h"
#include "core/base/secret.h"

namespace godwit::ike::v1 {
namespace {

Natt dialect(Vendor vendor) {
  switch (vendor) {
    case Vendor::kNattRfc3947:
      return Natt::kRfc3947;
    case Vendor::kNattDraft03:
      return Natt::kDraft03;
    case Vendor::kNattDraft02:
    case Vendor::kNattDraft02n:
      return Natt::kDraft02;
    default:
      return Natt::kNone;
  }
}

// Drafts 00 and 01 and what came before them have another marker; 04 to 08 borrowed numbers that
// became GDOI's (NATT-22, NATT-25).
bool is_unspoken(Vendor vendor) {
  switch (vendor) {
    case Vendor::kNattDraft00:
    case Vendor::kNattDraft01:
    case Vendor::kNattDraft04:
    case Vendor::kNattDraft05:
    case Vendor::kNattDraft06:
    case Vendor::kNattDraft07:
    case Vendor::kNattDraft08:
    case Vendor::kNattDraft09:
    case Vendor::kNattDraftXxxx:
    case Vendor::kNattDraft:
    case Vendor::kNattTesting:
    case Vendor::kNattStenberg01:
    case Vendor::kNattStenberg02:
    case Vendor::kNattHuttunen:
    case Vendor::kNattSafeNet:
      return true;
    default:
      return false;
  }
}

}  // namespace

PeerVendors read_vendors(const Payloads& payloads) {
  PeerVendors found;
  for (const Payload& payload : payloads.all()) {
    if (payload.type != PayloadType::kVendorId) continue;
    const std::optional<Vendor> vendor = recognise_vendor(payload.body);
    if (!vendor) continue;
    found.natt = std::max(found.natt, dialect(*vendor));
    if (is_unspoken(*vendor)) found.unspoken_natt = name(*vendor);
    found.dpd |= *vendor == Vendor::kDpd;
    found.xauth |= *vendor == Vendor::kXauth;
    found.unity |= *vendor == Vendor::kUnity;
    found.fragmentation |= *vendor == Vendor::kFragmentation;
    if (is_maker(*vendor) && !found.maker) found.maker = vendor;
  }
  return found;
}

void add_vendors(ChainBuilder& chain, bool nat_traversal, bool xauth, bool mode_config,
                 bool fragmentation) {
  if (nat_traversal) {
    for (const Vendor vendor : {Vendor::kNattRfc3947, Vendor::kNattDraft03, Vendor::kNattDraft02n,
                                Vendor::kNattDraft02}) {
      chain.add(PayloadType::kVendorId, vendor_octets(vendor));
    }
  }
  chain.add(PayloadType::kVendorId, vendor_octets(Vendor::kDpd));
  if (xauth) chain.add(PayloadType::kVendorId, vendor_octets(Vendor::kXauth));
  if (xauth || mode_config) chain.add(PayloadType::kVendorId, vendor_octets(Vendor::kUnity));
  if (fragmentation) chain.add(PayloadType::kVendorId, vendor_octets(Vendor::kFragmentation));
}

crypto::Digest nat_d_hash(crypto::HashAlg alg, Cookie initiator, Cookie responder,
                          const Endpoint& endpoint) {
  std::array<std::uint8_t, 16> cookies{};
  store_be(MutBytes(cookies).first(8), initiator.value());
  store_be(MutBytes(cookies).last(8), responder.value());
  std::array<std::uint8_t, 2> port{};
  store_be(port, endpoint.port);
  return crypto::hash(alg, {cookies, endpoint.address.bytes(), port});
}

PayloadType nat_d_type(Natt natt) {
  return natt == Natt::kRfc3947 ? PayloadType::kNatD : PayloadType::kNatDDraft;
}

void add_nat_d(ChainBuilder& chain, Natt natt, crypto::HashAlg alg, Cookie initiator,
               Cookie responder, const Endpoint& own, const Endpoint& peer, bool force, Rng& rng) {
  chain.add(nat_d_type(natt), nat_d_hash(alg, initiator, responder, peer));
  crypto::Digest source = nat_d_hash(alg, initiator, responder, own);
  if (force) rng.fill_public(source.fill());
  chain.add(nat_d_type(natt), source);
}

NatFindings find_nat(const Payloads& payloads, Natt natt, crypto::HashAlg alg, Cookie initiator,
                     Cookie responder, const Endpoint& own, const Endpoint& peer) {
  // NATT-24: some peers say RFC 3947 and send the drafts' payload number.
  PayloadType type = nat_d_type(natt);
  if (payloads.count(type) == 0 && payloads.count(PayloadType::kNatDDraft) != 0) {
    type = PayloadType::kNatDDraft;
  }
  const crypto::Digest own_hash = nat_d_hash(alg, initiator, responder, own);
  const crypto::Digest peer_hash = nat_d_hash(alg, initiator, responder, peer);
  NatFindings found{.we_are_behind = true, .peer_is_behind = true};
  std::size_t index = 0;
  for (const Payload& payload : payloads.all()) {
    if (payload.type != type) continue;
    if (index == 0) {
      found.we_are_behind = !equal(payload.body, own_hash);
    } else if (index < limits::kNatDMax && equal(payload.body, peer_hash)) {
      found.peer_is_behind = false;  // RFC 3947 3.2: any of a multi-homed peer's addresses will do
    }
    ++index;
  }
  return found;
}

}  // namespace godwit::ike::v1
