// Aggressive Mode (RFC 2409 5.4) with NAT traversal (RFC 3947 3.2, 4). The picture is in phase1.h.
#include <array>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/ike/v1/phase1.h"

namespace godwit::ike::v1 {
namespace {

// `proof`: HASH or SIG.
constexpr std::array<Rule, 10> aggressive2_rules(PayloadType proof) {
  return {{{PayloadType::kSa, 1, 1},
           {PayloadType::kKe, 1, 1},
           {PayloadType::kNonce, 1, 1},
           {PayloadType::kId, 1, 1},
           {proof, 1, 1},
           {PayloadType::kNatD, 0, limits::kPayloadsMax},
           {PayloadType::kNatDDraft, 0, limits::kPayloadsMax},
           {PayloadType::kCert, 0, 8},
           {PayloadType::kCertRequest, 0, 8},
           {PayloadType::kNotify, 0, 4}}};
}

}  // namespace

void Phase1::send_aggressive1(Phase1Step& st) {
  ChainBuilder chain;
  chain.add(PayloadType::kSa, sa_body_);
  chain.add(PayloadType::kKe, dh_.public_value);
  chain.add(PayloadType::kNonce, own_nonce_);
  chain.add(PayloadType::kId, encode_id(config_.own_id));
  add_certificate_requests(chain, config_.credentials);
  add_vendors(chain, config_.nat_traversal, config_.xauth, config_.mode_config,
              config_.fragmentation);
  st.send = plain_message(chain);
  state_ = AwaitAggressive2{};
}

void Phase1::on_aggressive2(const Header& header, Bytes message, Phase1Step& st) {
  // The same answer a second time was not damaged on its way: the gateway really has another key.
  if (equal(message, refused_answer_)) {
    st.failure = refusal_;
    return st.drop(Drop::kRetransmission);
  }
  const auto payloads = decode_payloads(header.first, message.subspan(kHeaderSize), false);
  if (!payloads) return st.drop(payloads.error());
  const auto ok = check_rules(*payloads, aggressive2_rules(proof_type(config_.credentials)));
  if (!ok) return st.drop(ok.error());
  if (const auto id = decode_id(payloads->first(PayloadType::kId)->body); !id) {
    return st.drop(id.error());
  }
  if (!choose(*payloads, st) || !keep_peer_values(*payloads, st)) return;
  certificate_wanted_ = payloads->count(PayloadType::kCertRequest) != 0;
  crypto::DhKeyPair ours{dh_.group, dh_.public_value, dh_.exponent.clone()};
  st.job = crypto::DhCompute{std::move(ours), peer_public_};
  responder_ = header.responder;
  state_ = AggressiveAgree{to_vec(message), st.own, st.peer};
}

// All of message 2 is checked again from its octets: the job may have taken its time, and the
// HASH_R it carries is what makes it authentic.
void Phase1::finish_aggressive(const SecretBytes& g_xy, AggressiveAgree&& state, Phase1Step& st) {
  const auto header = decode_header(state.message);
  CHECK(header);
  const auto payloads =
      decode_payloads(header->first, Bytes(state.message).subspan(kHeaderSize), false);
  CHECK(payloads);
  const Bytes id_body = payloads->first(PayloadType::kId)->body;
  const auto id = decode_id(id_body);
  CHECK(id);
  IsakmpSa sa = make_sa(g_xy);
  const auto refused =
      check_proof(config_.credentials, *payloads, *id, peer_hash(sa, id_body), st.now, st.shown);
  if (refused && refused->kind != AuthFailure::Kind::kIdentity) {
    st.hint = failure_of(*refused);
    refused_answer_ = std::move(state.message);
    refusal_ = *st.hint;
    responder_ = Cookie{};
    state_ = AwaitAggressive2{};
    return st.drop(Drop::kBadHash);
  }
  st.accepted = true;
  if (refused) {
    st.failure = failure_of(*refused);
    return;
  }
  if (config_.nat_traversal) {
    nat_ = find_nat(*payloads, vendors_.natt, choice_.suite.hash, initiator_, responder_, state.own,
                    state.peer);
    // NATT-07: the gateway's findings come before ours, so no NAT is answered with a claimed one.
    nat_.forced = config_.force_natt || !nat_.any();
  }
  st.nat_found = config_.nat_traversal;

  const bool signs = config_.credentials.method == AuthMethod::kSignature;
  const ByteVec hash_i = to_vec(own_hash(sa).bytes());
  Phase1Outcome outcome{std::move(sa), choice_, vendors_, nat_, *id, subject_shown(st)};
  if (!signs) return send_aggressive3(std::move(outcome), state.own, state.peer, {}, st);
  st.job = crypto::Sign{config_.credentials.key, hash_i};
  state_ = AggressiveSign{std::move(outcome), state.own, state.peer};
}

void Phase1::send_aggressive3(Phase1Outcome&& outcome, const Endpoint& own, const Endpoint& peer,
                              Bytes signature, Phase1Step& st) {
  ChainBuilder chain;
  add_proof(chain, outcome.sa, signature);
  if (config_.nat_traversal) {
    add_nat_d(chain, vendors_.natt, choice_.suite.hash, initiator_, responder_, own, peer,
              nat_.forced, st.rng);
  }
  add_initial_contact(chain);
  Iv iv = phase1_iv(choice_.suite.hash, dh_.public_value, peer_public_);
  // RFC 2409 5.4 leaves the encryption of message 3 to us; IKE1-34: always.
  st.send = outcome.sa.seal(outcome.sa.header(Exchange::kAggressive, MessageId{0}), chain, iv);
  st.floats = config_.nat_traversal;
  st.final_send = true;
  outcome.sa.set_last_phase1_block(iv);
  st.outcome = std::move(outcome);
  state_ = Done{};
}

}  // namespace godwit::ike::v1
