// Main Mode and Aggressive Mode with a pre-shared key as responder (RFC 2409 5.4), with NAT
// detection (RFC 3947 3).
//
//    HDR, SA           -->                       HDR, SA, KE, Ni, IDii  -->
//                      <--  HDR, SA                  <-- HDR, SA, KE, Nr, IDir, NAT-D.., HASH_R
//    HDR, KE, Ni, NAT-D.. -->                    HDR*, NAT-D.., HASH_I  -->
//                      <--  HDR, KE, Nr, NAT-D..
//    HDR*, IDii, HASH_I -->
//                      <--  HDR*, IDir, HASH_R
#include <algorithm>
#include <array>

#include "tests/sim/gateway.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

struct Offer {
  crypto::IkeSuite suite;
  std::uint16_t auth = 0;
};

std::optional<crypto::HashAlg> hash_of(std::uint64_t number) {
  switch (number) {  // IANA, RFC 2409 appendix A and RFC 4868 2.6
    case 1:
      return crypto::HashAlg::kMd5;
    case 2:
      return crypto::HashAlg::kSha1;
    case 4:
      return crypto::HashAlg::kSha256;
    case 5:
      return crypto::HashAlg::kSha384;
    case 6:
      return crypto::HashAlg::kSha512;
    default:
      return std::nullopt;
  }
}

std::optional<std::uint64_t> number_of(const ike::Transform& transform, ike::Phase1Attr type) {
  for (const ike::Attribute& attribute : transform.attributes) {
    if (attribute.type == static_cast<std::uint16_t>(type)) return attribute.number();
  }
  return std::nullopt;
}

std::optional<Offer> read_offer(const ike::Transform& transform) {
  const auto encryption = number_of(transform, ike::Phase1Attr::kEncryption);
  const auto bits = number_of(transform, ike::Phase1Attr::kKeyLength);
  const auto hash = number_of(transform, ike::Phase1Attr::kHash);
  const auto auth = number_of(transform, ike::Phase1Attr::kAuth);
  const auto group = number_of(transform, ike::Phase1Attr::kGroup);
  const bool triple_des = encryption == ike::kEnc3des;
  // RFC 2409 appendix A: a key length goes with AES and never with 3DES.
  if (transform.id != ike::kTransformKeyIke || (!triple_des && encryption != ike::kEncAesCbc) ||
      bits.has_value() == triple_des || !hash || !auth || !group) {
    return std::nullopt;
  }
  const auto alg = hash_of(*hash);
  const auto dh = crypto::dh_group(static_cast<std::uint16_t>(*group));
  if (!alg || !dh) return std::nullopt;
  Offer offer;
  offer.suite.cipher.key_bits = static_cast<std::uint16_t>(bits.value_or(192));
  if (triple_des) offer.suite.cipher.alg = crypto::IkeCipher::Alg::k3des;
  offer.suite.hash = *alg;
  offer.suite.group = *dh;
  offer.auth = static_cast<std::uint16_t>(*auth);
  return offer;
}

void set_number(ike::Transform& transform, ike::Phase1Attr type, std::uint16_t value) {
  for (ike::Attribute& attribute : transform.attributes) {
    if (attribute.type == static_cast<std::uint16_t>(type)) {
      attribute = ike::Attribute::number16(attribute.type, value);
    }
  }
}

bool uses_draft_numbers(const Ike& sa) { return sa.natt && *sa.natt != Natt::kRfc3947; }

ike::Vendor vendor_of(Natt natt) {
  switch (natt) {
    case Natt::kDraft02:
      return ike::Vendor::kNattDraft02;
    case Natt::kDraft02n:
      return ike::Vendor::kNattDraft02n;
    case Natt::kDraft03:
      return ike::Vendor::kNattDraft03;
    default:
      return ike::Vendor::kNattRfc3947;
  }
}

}  // namespace

bool Gateway::choose(Ike& sa, const ike::SaPayload& offer, ike::SaPayload& answer) {
  const std::uint16_t wanted = wanted_auth();
  const ike::Proposal& proposal = offer.proposals.front();
  if (offer.proposals.size() != 1 || proposal.protocol != ike::Protocol::kIsakmp) return false;
  for (const crypto::IkeSuite& suite : config_.ike) {
    for (const ike::Transform& transform : proposal.transforms) {
      const auto offered = read_offer(transform);
      if (!offered || !(offered->suite == suite) || offered->auth != wanted) continue;
      sa.in.suite = suite;
      sa.auth = offered->auth;
      answer = offer;
      ike::Transform chosen = transform;
      if (config_.lies.unoffered_transform) set_number(chosen, ike::Phase1Attr::kHash, 0x5a5a);
      if (config_.lies.other_key_length) {
        set_number(chosen, ike::Phase1Attr::kKeyLength, 64);
        // 3DES has none that could be another.
        if (suite.cipher.alg == crypto::IkeCipher::Alg::k3des) {
          chosen.attributes.push_back(ike::Attribute::number16(
              static_cast<std::uint16_t>(ike::Phase1Attr::kKeyLength), 64));
        }
      }
      answer.proposals.front().transforms = {chosen};
      if (config_.lies.two_transforms) answer.proposals.front().transforms.push_back(chosen);
      return true;
    }
  }
  return false;
}

void Gateway::begin(const ike::Header& header, Bytes message, std::uint16_t port,
                    const Endpoint& from, Instant now, Outbox& out) {
  const bool aggressive = header.exchange == ike::Exchange::kAggressive;
  if ((!aggressive && header.exchange != ike::Exchange::kMain) || header.encrypted() ||
      silent(Step::kMessage1)) {
    ++dropped_;
    return;
  }
  auto fresh = std::make_unique<Ike>();
  Ike& sa = *fresh;
  sa.aggressive = aggressive;
  sa.in.initiator = header.initiator;
  sa.in.responder = Cookie{rng_.public_number<std::uint64_t>() | 1};
  sa.peer = from;
  sa.port = port;
  sa.born = now;
  const auto payloads =
      ike::decode_payloads(header.first, message.subspan(ike::kHeaderSize), false);
  const ike::Payload* sa_payload = payloads ? payloads->first(PayloadType::kSa) : nullptr;
  if (sa_payload == nullptr) {
    ++dropped_;
    return;
  }
  note(true, sa, header, header.first, message.subspan(ike::kHeaderSize), now);
  const auto offer = ike::decode_sa(sa_payload->body);
  ike::SaPayload answer;
  const bool allowed = aggressive ? config_.aggressive_mode : config_.main_mode;
  if (config_.refuse_phase1) return refuse_plain(sa, *config_.refuse_phase1, now, out);
  if (!offer || !allowed || !choose(sa, *offer, answer)) {
    return refuse_plain(sa, ike::Notify::kNoProposalChosen, now, out);
  }
  sa.in.sa_i = to_vec(sa_payload->body);
  read_vendors(sa, *payloads);
  ikes_.push_back(std::move(fresh));
  if (!aggressive) {
    begin_main(sa, answer, now, out);
  } else if (!begin_aggressive(sa, answer, *payloads, now, out)) {
    ikes_.pop_back();
    return;
  }
  sa.answered.emplace_back(to_vec(message), std::move(sa.replies));
  sa.replies.clear();
}

// RFC 2408 5.4: an Informational outside any SA; nobody can verify it.
void Gateway::refuse_plain(const Ike& sa, ike::Notify type, Instant now, Outbox& out) {
  ike::NotifyPayload notify;
  notify.type = type;
  ike::ChainBuilder chain;
  chain.add(PayloadType::kNotify, ike::encode_notify(notify));
  emit(sa, plain(sa, ike::Exchange::kInformational, fresh_id(), chain, now), out);
}

void Gateway::read_vendors(Ike& sa, const ike::Payloads& payloads) {
  const auto sent = [&payloads](ike::Vendor vendor) {
    return std::ranges::any_of(payloads.all(), [vendor](const ike::Payload& p) {
      return p.type == PayloadType::kVendorId && ike::recognise_vendor(p.body) == vendor;
    });
  };
  sa.client_dpd = sent(ike::Vendor::kDpd);
  sa.client_reads_fragments = sent(ike::Vendor::kFragmentation);
  // NATT-23: the first of our versions that the client names as well.
  for (const Natt natt : config_.natt) {
    if (natt == Natt::kNone || sa.natt) continue;
    if (sent(vendor_of(natt))) sa.natt = natt;
  }
}

void Gateway::add_vendors(const Ike& sa, ike::ChainBuilder& chain) {
  if (sa.natt) chain.add(PayloadType::kVendorId, ike::vendor_octets(vendor_of(*sa.natt)));
  if (!config_.users.empty()) {
    chain.add(PayloadType::kVendorId, ike::vendor_octets(ike::Vendor::kXauth));
  }
  if (config_.dpd) chain.add(PayloadType::kVendorId, ike::vendor_octets(ike::Vendor::kDpd));
  if (config_.mode_config && config_.unity) {
    chain.add(PayloadType::kVendorId, ike::vendor_octets(ike::Vendor::kUnity));
  }
  if (config_.fragment_max != 0) {
    chain.add(PayloadType::kVendorId, ike::vendor_octets(ike::Vendor::kFragmentation));
  }
  for (const ByteVec& vendor : config_.other_vendors) chain.add(PayloadType::kVendorId, vendor);
  if (config_.lies.unknown_payloads) chain.add(PayloadType::kSignature, ByteVec(64, 0x5a));
}

// RFC 3947 3.2: the first payload is the peer's address as we see it, the second our own.
void Gateway::add_nat_d(Ike& sa, ike::ChainBuilder& chain) {
  if (!sa.natt || config_.lies.no_nat_d) return;
  const PayloadType type = uses_draft_numbers(sa) ? PayloadType::kNatDDraft : PayloadType::kNatD;
  const std::uint16_t port = sa.port == kNattPort ? config_.natt_port : config_.own.port;
  const Endpoint own{config_.own.address, port};
  ByteVec theirs = nat_d(sa.in.suite.hash, sa.in.initiator, sa.in.responder, sa.peer);
  ByteVec ours = nat_d(sa.in.suite.hash, sa.in.initiator, sa.in.responder, own);
  sa.sent_own = ours;
  sa.sent_theirs = theirs;
  if (config_.lies.wrong_nat_d) {
    theirs[0] ^= 1;
    ours[0] ^= 1;
  }
  if (config_.lies.short_nat_d) {
    theirs.resize(4);
    ours.resize(4);
  }
  chain.add(type, theirs);
  chain.add(type, ours);
}

// RFC 3947 3.2 says both "the destination address of the UDP packet" and "the local NAT-D payloads
// this host is sending out". In Aggressive Mode these are not the same: message 3 travels between
// the floated ports, but we sent ours before the float. Initiators do either; both are taken.
void Gateway::read_nat_d(Ike& sa, const ike::Payloads& payloads) {
  if (!sa.natt) return;
  const PayloadType type = uses_draft_numbers(sa) ? PayloadType::kNatDDraft : PayloadType::kNatD;
  const auto hash_for = [&sa](const IpAddress& address, std::uint16_t port) {
    return nat_d(sa.in.suite.hash, sa.in.initiator, sa.in.responder, {address, port});
  };
  const std::uint16_t port = sa.port == kNattPort ? config_.natt_port : config_.own.port;
  const ByteVec ours = hash_for(config_.own.address, port);
  const ByteVec theirs = hash_for(sa.peer.address, sa.peer.port);
  bool first = true;
  bool source_seen = false;
  for (const ike::Payload& p : payloads.all()) {
    if (p.type != type) continue;
    if (std::exchange(first, false)) {
      sa.we_are_natted = !equal(p.body, ours) && !equal(p.body, sa.sent_own);
    } else {
      source_seen = source_seen || equal(p.body, theirs) || equal(p.body, sa.sent_theirs);
    }
  }
  sa.client_natted = !source_seen;
}

bool Gateway::take_key(Ike& sa, const ike::Payloads& payloads) {
  const ike::Payload* ke = payloads.first(PayloadType::kKe);
  const ike::Payload* nonce = payloads.first(PayloadType::kNonce);
  if (ke == nullptr || nonce == nullptr || !ike::decode_nonce(nonce->body)) return false;
  sa.dh = generate_key(config_.key_exchange, sa.in.suite.group, rng_);
  auto g_xy = shared_secret(config_.key_exchange, *sa.dh, ke->body);
  if (!g_xy) return false;
  sa.in.g_xi = to_vec(ke->body);
  sa.in.nonce_i = to_vec(nonce->body);
  sa.in.g_xr = sa.dh->public_value;
  if (config_.lies.zero_key) std::ranges::fill(sa.in.g_xr, std::uint8_t{0});
  sa.in.nonce_r.resize(config_.lies.short_nonce ? 7 : config_.nonce_size);
  rng_.fill_public(sa.in.nonce_r);
  sa.keys = derive_keys(sa.in, psk_octets(), g_xy->expose());
  sa.keys.proof = proof_hash(sa);
  sa.iv = phase1_iv(sa.in);
  sa.own_id = ike::encode_id(config_.identity);
  return true;
}

void Gateway::begin_main(Ike& sa, const ike::SaPayload& answer, Instant now, Outbox& out) {
  sa.stage = Ike::Stage::kWaitKe;
  ike::ChainBuilder chain;
  chain.add(PayloadType::kSa, ike::encode_sa(answer));
  if (config_.lies.second_sa) chain.add(PayloadType::kSa, ike::encode_sa(answer));
  add_vendors(sa, chain);
  if (config_.lies.plaintext_notify) {
    refuse_plain(sa, ike::Notify::kAuthenticationFailed, now, out);
  }
  reply(sa, plain(sa, ike::Exchange::kMain, MessageId{}, chain, now), out);
}

bool Gateway::on_main3(Ike& sa, const ike::Header& header, Bytes message, Instant now,
                       Outbox& out) {
  if (silent(Step::kMessage3)) return false;
  const Bytes body = message.subspan(ike::kHeaderSize);
  if (header.encrypted()) return false;
  const auto payloads = ike::decode_payloads(header.first, body, false);
  if (!payloads || !take_key(sa, *payloads)) return false;
  note(true, sa, header, header.first, body, now);
  read_nat_d(sa, *payloads);
  if (config_.lies.stale_cookie) {
    sa.in.responder = Cookie{sa.in.responder.value() ^ 0xff00};
  }
  ike::ChainBuilder chain;
  chain.add(PayloadType::kKe, sa.in.g_xr).add(PayloadType::kNonce, sa.in.nonce_r);
  add_nat_d(sa, chain);
  if (config_.lies.unknown_payloads) chain.add(PayloadType::kSignature, ByteVec(64, 0x5a));
  if (config_.lies.plaintext_notify) {
    refuse_plain(sa, ike::Notify::kAuthenticationFailed, now, out);
  }
  reply(sa, plain(sa, ike::Exchange::kMain, MessageId{}, chain, now), out);
  sa.stage = Ike::Stage::kWaitAuth;
  return true;
}

bool Gateway::on_main5(Ike& sa, const ike::Header& header, Bytes message, Instant now,
                       Outbox& out) {
  if (silent(Step::kMessage5)) return false;
  const auto opened = open(sa, header, message, sa.iv);
  const ike::Payload* id = opened ? opened->payloads.first(PayloadType::kId) : nullptr;
  if (id == nullptr || !client_proved(sa, opened->payloads, id->body)) {
    // A wrong key shows here first: what we decrypted is noise. There is no way to say so that the
    // client could verify.
    if (config_.notify_bad_auth && header.encrypted()) {
      refuse_plain(sa, ike::Notify::kAuthenticationFailed, now, out);
    }
    return false;
  }
  const auto client = ike::decode_id(id->body);
  if (!client || (config_.client_id && !(*client == *config_.client_id))) {
    refuse_plain(sa, ike::Notify::kInvalidIdInformation, now, out);
    return false;
  }
  note(true, sa, header, header.first, opened->plain, now);
  sa.client_id = to_vec(id->body);
  ByteVec iv = opened->next_iv;
  ike::ChainBuilder chain;
  chain.add(PayloadType::kId, sa.own_id);
  add_proof(sa, chain);
  reply(sa,
        config_.plain_main6 ? plain(sa, ike::Exchange::kMain, MessageId{}, chain, now)
                            : seal(sa, ike::Exchange::kMain, MessageId{}, edited(chain), iv, now),
        out);
  sa.iv = iv;
  authenticated_now(sa, now, out);
  return true;
}

bool Gateway::begin_aggressive(Ike& sa, const ike::SaPayload& answer, const ike::Payloads& payloads,
                               Instant now, Outbox& out) {
  const ike::Payload* id = payloads.first(PayloadType::kId);
  const auto client = id == nullptr ? fail(Drop::kMissingPayload) : ike::decode_id(id->body);
  if (!client || (config_.client_id && !(*client == *config_.client_id))) {
    refuse_plain(sa, ike::Notify::kInvalidIdInformation, now, out);
    return false;
  }
  if (!take_key(sa, payloads)) {
    refuse_plain(sa, ike::Notify::kInvalidKeyInformation, now, out);
    return false;
  }
  sa.client_id = to_vec(id->body);
  ike::ChainBuilder chain;
  chain.add(PayloadType::kSa, ike::encode_sa(answer));
  if (config_.lies.second_sa) chain.add(PayloadType::kSa, ike::encode_sa(answer));
  chain.add(PayloadType::kKe, sa.in.g_xr)
      .add(PayloadType::kNonce, sa.in.nonce_r)
      .add(PayloadType::kId, sa.own_id);
  add_proof(sa, chain);
  add_vendors(sa, chain);
  add_nat_d(sa, chain);
  if (config_.lies.plaintext_notify) {
    refuse_plain(sa, ike::Notify::kAuthenticationFailed, now, out);
  }
  reply(sa, plain(sa, ike::Exchange::kAggressive, MessageId{}, chain, now), out);
  insist(sa, Pending::Kind::kAggressive, MessageId{}, now);
  sa.stage = Ike::Stage::kWaitAuth;
  return true;
}

bool Gateway::on_aggressive3(Ike& sa, const ike::Header& header, Bytes message, Instant now,
                             Outbox& out) {
  if (silent(Step::kMessage3)) return false;
  const auto opened = open(sa, header, message, sa.iv);
  if (!opened || !client_proved(sa, opened->payloads, sa.client_id)) {
    if (config_.notify_bad_auth && header.encrypted()) {
      refuse_plain(sa, ike::Notify::kAuthenticationFailed, now, out);
    }
    return false;
  }
  note(true, sa, header, header.first, opened->plain, now);
  answered(sa, Pending::Kind::kAggressive);
  read_nat_d(sa, opened->payloads);
  sa.iv = opened->next_iv;
  authenticated_now(sa, now, out);
  return true;
}

void Gateway::authenticated_now(Ike& sa, Instant now, Outbox& out) {
  sa.dh.reset();
  sa.stage = Ike::Stage::kReady;
  if (config_.lies.plaintext_delete) {
    ike::DeletePayload payload;
    ByteVec cookies = cookie_octets(sa.in.initiator);
    append(cookies, cookie_octets(sa.in.responder));
    payload.spis = {cookies};
    inform_plain(sa, PayloadType::kDelete, ike::encode_delete(payload), now, out);
  }
  if (config_.lies.plaintext_dpd) {
    inform_plain(sa, PayloadType::kNotify, dpd_body(sa, ike::Notify::kDpdRUThere, 7), now, out);
  }
  if (sa.auth < 64221)
    return push_config(sa, now, out);  // the numbers with XAuth are the private ones
  sa.stage = Ike::Stage::kWaitUser;
  if (config_.lies.early_success) {
    sa.xauth_ok = true;
    say_status(sa, true, now, out);
  } else {
    ask_user(sa, now, out);
  }
}

}  // namespace godwit::sim
