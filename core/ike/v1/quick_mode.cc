#include "core/ike/v1/quick_mode.h"

#include <array>

#include "core/base/check.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::size_t kNonceSize = 32;
constexpr auto kEspProtocol = static_cast<std::uint8_t>(Protocol::kEsp);

constexpr std::array<Rule, 8> kQuick12 = {{{PayloadType::kHash, 1, 1},
                                           {PayloadType::kSa, 1, 1},
                                           {PayloadType::kNonce, 1, 1},
                                           {PayloadType::kKe, 0, 1},
                                           {PayloadType::kId, 2, 2},
                                           {PayloadType::kNatOa, 0, 2},
                                           {PayloadType::kNatOaDraft, 0, 2},
                                           {PayloadType::kNotify, 0, 8}}};
constexpr std::array<Rule, 2> kQuick3 = {
    {{PayloadType::kHash, 1, 1}, {PayloadType::kNotify, 0, 4}}};

// An address is sent as such, a network with its mask (RFC 2407 4.6.2.1).
IdPayload id_of(const Prefix& prefix) {
  return prefix.length() == prefix.address().bits() ? IdPayload::address(prefix.address())
                                                    : IdPayload::subnet(prefix);
}

std::array<const Payload*, 2> both_ids(const Payloads& payloads) {
  std::array<const Payload*, 2> found{};
  std::size_t count = 0;
  for (const Payload& payload : payloads.all()) {
    if (payload.type == PayloadType::kId && count < 2) found[count++] = &payload;
  }
  return found;
}

// A RESPONDER-LIFETIME notify lowers the lifetimes and never raises them (IKE1-32).
void apply_responder_lifetime(const Payloads& payloads, Phase2Choice& choice) {
  for (const Payload& payload : payloads.all()) {
    if (payload.type != PayloadType::kNotify) continue;
    const auto notify = decode_notify(payload.body);
    if (!notify || notify->type != Notify::kResponderLifetime) continue;
    const auto attributes = decode_attributes(notify->data);
    if (!attributes) continue;
    const auto answered =
        lifetimes_of(*attributes, static_cast<std::uint16_t>(Phase2Attr::kLifeType),
                     static_cast<std::uint16_t>(Phase2Attr::kLifeDuration));
    if (!answered) continue;
    choice.lifetime = bounded_time(answered->time, choice.lifetime);
    choice.kilobytes = bounded_kilobytes(answered->kilobytes, choice.kilobytes);
  }
}

// What a peer may propose to replace under `policy`.
bool matches(const ChildPolicy& policy, const IdPayload& remote, const IdPayload& local) {
  if (policy.transport) {
    return names_end(remote, policy.transport->remote.port) &&
           names_end(local, policy.transport->local.port);
  }
  return remote.as_prefix() == policy.remote && local.as_prefix() == policy.local;
}

QuickOutcome make_outcome(const IsakmpSa& sa, EspSpi inbound, const Phase2Choice& choice,
                          Bytes g_xy, Bytes ni, Bytes nr, const ChildPolicy& policy,
                          const Prefix& remote) {
  const std::size_t size = choice.suite.keymat_size();
  QuickOutcome out;
  out.inbound = inbound;
  out.outbound = choice.peer_spi;
  out.suite = choice.suite;
  out.lifetime = choice.lifetime;
  out.kilobytes = choice.kilobytes;
  // RFC 2409 5.5: each direction is keyed with the SPI of the one who receives.
  out.keymat_in = phase2_keymat(sa.keys(), g_xy, kEspProtocol, inbound, ni, nr, size);
  out.keymat_out = phase2_keymat(sa.keys(), g_xy, kEspProtocol, choice.peer_spi, ni, nr, size);
  out.local = policy.local;
  out.remote = remote;
  out.transport = policy.transport;
  return out;
}

}  // namespace

EspSpi fresh_spi(Rng& rng) {
  while (true) {
    const EspSpi spi{rng.public_number<std::uint32_t>()};
    if (spi.value() >= 256) return spi;
  }
}

QuickInitiator::QuickInitiator(const IsakmpSa& sa, ChildPolicy policy, MessageId id, Rng& rng)
    : sa_(sa), policy_(std::move(policy)), id_(id), iv_(sa.iv_for(id)), own_nonce_(kNonceSize) {
  rng.fill_public(own_nonce_);
}

void QuickInitiator::start(QuickStep& st) {
  CHECK(state_ == State::kIdle);
  if (!policy_.offer.pfs) return send_first(st);
  st.job = crypto::DhGenerate{*policy_.offer.pfs};
  state_ = State::kKeygen;
}

void QuickInitiator::send_first(QuickStep& st) {
  ChainBuilder rest;
  rest.add(PayloadType::kSa, encode_sa(offer_phase2(policy_.offer)));
  rest.add(PayloadType::kNonce, own_nonce_);
  if (dh_) rest.add(PayloadType::kKe, dh_->public_value);
  if (const auto& flow = policy_.transport) {
    rest.add(PayloadType::kId, encode_id(id_of(flow->local)));
    rest.add(PayloadType::kId, encode_id(id_of(flow->remote)));
    add_nat_oa(rest, *flow, Role::kInitiator, policy_.offer.encapsulation);
  } else {
    rest.add(PayloadType::kId, encode_id(id_of(policy_.local)));
    rest.add(PayloadType::kId, encode_id(id_of(policy_.remote)));
  }
  st.send = sa_.seal_hashed(Exchange::kQuick, id_, rest, iv_);
  state_ = State::kAwait2;
}

void QuickInitiator::on_message(const Header& header, Bytes message, QuickStep& st) {
  if (state_ != State::kAwait2) return st.drop(Drop::kUnexpectedMessage);
  const auto opened = sa_.open(header, message, iv_);
  if (!opened) return st.drop(opened.error());
  if (!sa_.verify_hash(*opened, own_nonce_)) return st.drop(Drop::kBadHash);  // HASH(2)
  if (const auto ok = check_rules(opened->payloads, kQuick12); !ok) return st.drop(ok.error());
  st.accepted = true;
  iv_ = opened->next_iv;
  if (!read_answer(*opened, st)) {
    state_ = State::kDone;
    return;
  }
  if (!dh_) return finish({}, st);
  st.job = crypto::DhCompute{std::move(*dh_), peer_public_};
  state_ = State::kAgree;
}

bool QuickInitiator::read_answer(const Opened& opened, QuickStep& st) {
  const auto refuse = [&st](QuickFailureKind kind) {
    st.failure = QuickFailure{kind};
    return false;
  };
  const auto sa = decode_sa(opened.payloads.first(PayloadType::kSa)->body);
  const auto nonce = decode_nonce(opened.payloads.first(PayloadType::kNonce)->body);
  if (!sa || !nonce) return refuse(QuickFailureKind::kProposalRefused);
  const auto choice = match_phase2(*sa, policy_.offer);
  if (!choice) return refuse(QuickFailureKind::kProposalRefused);
  choice_ = *choice;
  apply_responder_lifetime(opened.payloads, choice_);
  peer_nonce_ = to_vec(*nonce);

  if (!read_ids(opened, st)) return refuse(QuickFailureKind::kSelectorsRefused);
  const Payload* ke = opened.payloads.first(PayloadType::kKe);
  if (dh_.has_value() != (ke != nullptr))
    return refuse(QuickFailureKind::kProposalRefused);  // QM-07
  if (ke != nullptr) peer_public_ = to_vec(ke->body);
  return true;
}

bool QuickInitiator::read_ids(const Opened& opened, QuickStep& st) {
  const auto ids = both_ids(opened.payloads);
  const auto id_ci = decode_id(ids[0]->body);
  const auto id_cr = decode_id(ids[1]->body);
  if (!id_ci || !id_cr) return false;
  if (policy_.transport) {
    remote_ = policy_.remote;
    original_ =
        read_nat_oa(opened.payloads, Role::kInitiator, policy_.offer.encapsulation, st.counters);
    return matches(policy_, *id_cr, *id_ci);
  }
  // QM-09: our side must come back as it is, the other side may be narrower.
  const auto remote = id_cr->as_prefix();
  if (id_ci->as_prefix() != policy_.local || !remote || !policy_.remote.contains(*remote)) {
    return false;
  }
  remote_ = *remote;
  return true;
}

void QuickInitiator::on_job(crypto::JobResult&& result, QuickStep& st) {
  if (auto* pair = std::get_if<crypto::DhKeyPair>(&result)) {
    if (state_ != State::kKeygen) return st.drop(Drop::kNotReady);
    dh_ = std::move(*pair);
    return send_first(st);
  }
  if (state_ != State::kAgree) return st.drop(Drop::kNotReady);
  const auto& g_xy = std::get<Result<SecretBytes, crypto::DhError>>(result);
  if (!g_xy) {
    st.failure = QuickFailure{QuickFailureKind::kBadKeyExchange};
    state_ = State::kDone;
    return;
  }
  finish(g_xy->expose(), st);
}

void QuickInitiator::finish(Bytes g_xy, QuickStep& st) {
  // HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b), with a single zero octet in front.
  std::array<std::uint8_t, 5> head{};
  store_be(MutBytes(head).subspan(1), id_.value());
  const crypto::Digest hash3 = crypto::prf_public(sa_.keys().alg, sa_.keys().skeyid_a.expose(),
                                                  {head, own_nonce_, peer_nonce_});
  ChainBuilder chain;
  chain.add(PayloadType::kHash, hash3);
  st.send = sa_.seal(sa_.header(Exchange::kQuick, id_), chain, iv_);
  st.final_send = true;
  st.outcome = make_outcome(sa_, policy_.offer.spi, choice_, g_xy, own_nonce_, peer_nonce_, policy_,
                            remote_);
  st.outcome->original = original_;
  state_ = State::kDone;
}

QuickResponder::QuickResponder(const IsakmpSa& sa, std::vector<ChildPolicy> policies, MessageId id,
                               Rng& rng)
    : sa_(sa), policies_(std::move(policies)), id_(id), iv_(sa.iv_for(id)), own_nonce_(kNonceSize) {
  rng.fill_public(own_nonce_);
  spi_ = fresh_spi(rng);
}

void QuickResponder::on_message(const Header& header, Bytes message, QuickStep& st) {
  if (state_ != State::kIdle && state_ != State::kAwait3) {
    return st.drop(Drop::kUnexpectedMessage);
  }
  const auto opened = sa_.open(header, message, iv_);
  if (!opened) return st.drop(opened.error());
  if (state_ == State::kAwait3) return on_third(*opened, st);
  if (!sa_.verify_hash(*opened)) return st.drop(Drop::kBadHash);  // HASH(1)
  if (const auto ok = check_rules(opened->payloads, kQuick12); !ok) return st.drop(ok.error());
  st.accepted = true;
  iv_ = opened->next_iv;
  on_first(*opened, st);
}

void QuickResponder::on_first(const Opened& opened, QuickStep& st) {
  state_ = State::kDone;
  const auto sa = decode_sa(opened.payloads.first(PayloadType::kSa)->body);
  const auto nonce = decode_nonce(opened.payloads.first(PayloadType::kNonce)->body);
  if (!sa || !nonce) {
    st.failure = QuickFailure{QuickFailureKind::kProposalRefused};
    return;
  }
  const auto ids = both_ids(opened.payloads);
  const auto id_ci = decode_id(ids[0]->body);
  const auto id_cr = decode_id(ids[1]->body);
  if (id_ci && id_cr) {
    for (ChildPolicy& policy : policies_) {
      if (matches(policy, *id_ci, *id_cr)) {
        policy.offer.spi = spi_;
        policy_ = &policy;
      }
    }
  }
  if (policy_ == nullptr) {
    st.failure = QuickFailure{QuickFailureKind::kSelectorsRefused};
    return;
  }
  auto accepted = accept_phase2(*sa, policy_->offer);
  const Payload* ke = opened.payloads.first(PayloadType::kKe);
  if (!accepted || policy_->offer.pfs.has_value() != (ke != nullptr)) {
    st.failure = QuickFailure{QuickFailureKind::kProposalRefused};
    return;
  }
  choice_ = accepted->choice;
  apply_responder_lifetime(opened.payloads, choice_);
  answer_ = std::move(accepted->answer);
  peer_nonce_ = to_vec(*nonce);
  ids_[0] = to_vec(ids[0]->body);
  ids_[1] = to_vec(ids[1]->body);
  if (policy_->transport) {
    original_ =
        read_nat_oa(opened.payloads, Role::kResponder, policy_->offer.encapsulation, st.counters);
  }
  if (ke == nullptr) return send_second({}, st);
  peer_public_ = to_vec(ke->body);
  st.job = crypto::DhGenerate{*policy_->offer.pfs};
  state_ = State::kKeygen;
}

void QuickResponder::on_job(crypto::JobResult&& result, QuickStep& st) {
  if (auto* pair = std::get_if<crypto::DhKeyPair>(&result)) {
    if (state_ != State::kKeygen) return st.drop(Drop::kNotReady);
    dh_ = crypto::DhKeyPair{pair->group, pair->public_value, {}};
    st.job = crypto::DhCompute{std::move(*pair), peer_public_};
    state_ = State::kAgree;
    return;
  }
  if (state_ != State::kAgree) return st.drop(Drop::kNotReady);
  const auto& g_xy = std::get<Result<SecretBytes, crypto::DhError>>(result);
  if (!g_xy) {
    st.failure = QuickFailure{QuickFailureKind::kBadKeyExchange};
    state_ = State::kDone;
    return;
  }
  send_second(g_xy->expose(), st);
}

void QuickResponder::send_second(Bytes g_xy, QuickStep& st) {
  ChainBuilder rest;
  rest.add(PayloadType::kSa, encode_sa(answer_));
  rest.add(PayloadType::kNonce, own_nonce_);
  if (dh_) rest.add(PayloadType::kKe, dh_->public_value);
  rest.add(PayloadType::kId, ids_[0]);
  rest.add(PayloadType::kId, ids_[1]);
  if (const auto& flow = policy_->transport) {
    add_nat_oa(rest, *flow, Role::kResponder, policy_->offer.encapsulation);
  }
  ChainBuilder chain;
  chain.add(PayloadType::kHash, sa_.message_hash(id_, peer_nonce_, rest.octets()));  // HASH(2)
  chain.add_chain(rest);
  st.send = sa_.seal(sa_.header(Exchange::kQuick, id_), chain, iv_);
  st.outcome =
      make_outcome(sa_, spi_, choice_, g_xy, peer_nonce_, own_nonce_, *policy_, policy_->remote);
  st.outcome->original = original_;
  state_ = State::kAwait3;
}

void QuickResponder::on_third(const Opened& opened, QuickStep& st) {
  if (const auto ok = check_rules(opened.payloads, kQuick3); !ok) return st.drop(ok.error());
  std::array<std::uint8_t, 5> head{};
  store_be(MutBytes(head).subspan(1), id_.value());
  const crypto::Digest expected = crypto::prf_public(sa_.keys().alg, sa_.keys().skeyid_a.expose(),
                                                     {head, peer_nonce_, own_nonce_});
  if (!equal_ct(expected, opened.payloads.first(PayloadType::kHash)->body)) {
    return st.drop(Drop::kBadHash);
  }
  st.accepted = true;
  st.confirmed = true;
  state_ = State::kDone;
}

}  // namespace godwit::ike::v1
