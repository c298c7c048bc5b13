// Main Mode (RFC 2409 5.4) with NAT traversal (RFC 3947 3.2, 4). The picture is in phase1.h.
#include <array>

#include "core/base/limits.h"
#include "core/ike/v1/phase1.h"

namespace godwit::ike::v1 {
namespace {

// RFC 2408 3.9, 3.10: certificates and requests for them may stand anywhere. Those of messages 2
// and 4 prove nothing.
constexpr std::array<Rule, 4> kMain2 = {{{PayloadType::kSa, 1, 1},
                                         {PayloadType::kCert, 0, 8},
                                         {PayloadType::kCertRequest, 0, 8},
                                         {PayloadType::kNotify, 0, 4}}};
constexpr std::array<Rule, 7> kMain4 = {{{PayloadType::kKe, 1, 1},
                                         {PayloadType::kNonce, 1, 1},
                                         {PayloadType::kNatD, 0, limits::kPayloadsMax},
                                         {PayloadType::kNatDDraft, 0, limits::kPayloadsMax},
                                         {PayloadType::kCert, 0, 8},
                                         {PayloadType::kCertRequest, 0, 8},
                                         {PayloadType::kNotify, 0, 4}}};
// `proof`: HASH or SIG.
constexpr std::array<Rule, 5> main6_rules(PayloadType proof) {
  return {{{PayloadType::kId, 1, 1},
           {proof, 1, 1},
           {PayloadType::kCert, 0, 8},
           {PayloadType::kCertRequest, 0, 8},
           {PayloadType::kNotify, 0, 4}}};
}

}  // namespace

void Phase1::on_main2(const Header& header, Bytes message, Phase1Step& st) {
  const auto payloads = decode_payloads(header.first, message.subspan(kHeaderSize), false);
  if (!payloads) return st.drop(payloads.error());
  if (const auto ok = check_rules(*payloads, kMain2); !ok) return st.drop(ok.error());
  if (!choose(*payloads, st)) return;
  responder_ = header.responder;
  st.accepted = true;
  st.job = crypto::DhGenerate{choice_.suite.group};
  state_ = MainKeygen{};
}

void Phase1::send_main3(Phase1Step& st) {
  ChainBuilder chain;
  chain.add(PayloadType::kKe, dh_.public_value);
  chain.add(PayloadType::kNonce, own_nonce_);
  if (config_.nat_traversal) {
    add_nat_d(chain, vendors_.natt, choice_.suite.hash, initiator_, responder_, st.own, st.peer,
              config_.force_natt, st.rng);
  }
  st.send = plain_message(chain);
  state_ = AwaitMain4{};
}

void Phase1::on_main4(Bytes body, PayloadType first, Phase1Step& st) {
  const auto payloads = decode_payloads(first, body, false);
  if (!payloads) return st.drop(payloads.error());
  if (const auto ok = check_rules(*payloads, kMain4); !ok) return st.drop(ok.error());
  if (!keep_peer_values(*payloads, st)) return;
  certificate_wanted_ = payloads->count(PayloadType::kCertRequest) != 0;
  if (config_.nat_traversal) {
    nat_ = find_nat(*payloads, vendors_.natt, choice_.suite.hash, initiator_, responder_, st.own,
                    st.peer);
    nat_.forced = config_.force_natt;
  }
  if (config_.nat_traversal && !nat_.any() && !nat_.forced) {
    st.accepted = true;
    // Our NAT-D payloads are with the gateway already, and it has found no NAT either. Without one
    // it would want ESP as an IP protocol, so the exchange starts anew and claims a NAT.
    st.needs_force = true;
    state_ = Done{};
    return;
  }
  // Message 3 is not answered before the public value turns out good: should it be a damaged copy,
  // the gateway has to repeat itself.
  crypto::DhKeyPair ours{dh_.group, dh_.public_value, dh_.exponent.clone()};
  st.job = crypto::DhCompute{std::move(ours), peer_public_};
  state_ = MainAgree{st.own, st.peer};
}

void Phase1::agree_main(const SecretBytes& g_xy, Phase1Step& st) {
  st.accepted = true;
  st.nat_found = config_.nat_traversal;
  IsakmpSa sa = make_sa(g_xy);
  if (config_.credentials.method != AuthMethod::kSignature) {
    return send_main5(std::move(sa), {}, st);
  }
  st.job = crypto::Sign{config_.credentials.key, to_vec(own_hash(sa).bytes())};
  state_ = MainSign{std::move(sa)};
}

void Phase1::send_main5(IsakmpSa&& sa, Bytes signature, Phase1Step& st) {
  ChainBuilder chain;
  chain.add(PayloadType::kId, encode_id(config_.own_id));
  add_proof(chain, sa, signature);
  add_certificate_requests(chain, config_.credentials);
  add_initial_contact(chain);
  Iv iv = phase1_iv(choice_.suite.hash, dh_.public_value, peer_public_);
  st.send = sa.seal(sa.header(Exchange::kMain, MessageId{0}), chain, iv);
  st.floats =
      config_.nat_traversal;  // RFC 3947 4: the ID payload is the first thing on the new ports
  state_ = AwaitMain6{std::move(sa), iv};
}

Result<Opened, Drop> Phase1::open_main6(const AwaitMain6& state, const Header& header,
                                        Bytes message) const {
  if (header.flags != 0 || !quirks_.plain_main6) return state.sa.open(header, message, state.iv);
  Opened opened;
  opened.header = header;
  opened.plain = to_vec(message.subspan(kHeaderSize));
  opened.next_iv = state.iv;  // the last ciphertext of phase 1 is ours
  opened.payloads = GODWIT_TRY(decode_payloads(header.first, opened.plain, false));
  return opened;
}

void Phase1::on_main6(AwaitMain6& state, const Header& header, Bytes message, Phase1Step& st) {
  auto opened = open_main6(state, header, message);
  if (!opened) {
    if (header.encrypted()) st.hint = Failure{FailureKind::kGatewayAuthFailed};
    return st.drop(opened.error());
  }
  const auto ok = check_rules(opened->payloads, main6_rules(proof_type(config_.credentials)));
  if (!ok) return st.drop(ok.error());
  const Bytes id_body = opened->payloads.first(PayloadType::kId)->body;
  const auto id = decode_id(id_body);
  if (!id) return st.drop(id.error());
  const auto refused = check_proof(config_.credentials, opened->payloads, *id,
                                   peer_hash(state.sa, id_body), st.now, st.shown);
  if (refused && refused->kind == AuthFailure::Kind::kProof) {
    st.hint = failure_of(*refused);
    return st.drop(Drop::kBadHash);
  }
  st.accepted = true;
  if (refused) {
    st.failure = failure_of(*refused);
    return;
  }
  state.sa.set_last_phase1_block(opened->next_iv);
  st.outcome = Phase1Outcome{std::move(state.sa), choice_, vendors_, nat_, *id, subject_shown(st)};
  state_ = Done{};
}

}  // namespace godwit::ike::v1
