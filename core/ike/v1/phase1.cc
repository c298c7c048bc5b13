// What both modes share: cookies, the choice of a proposal, keys, and the dispatch of inputs.
#include "core/ike/v1/phase1.h"

#include <array>

#include "core/base/check.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::size_t kNonceSize = 32;

Cookie fresh_cookie(Rng& rng) {
  while (true) {
    const Cookie cookie{rng.public_number<std::uint64_t>()};
    if (cookie.value() != 0) return cookie;  // ISK-11
  }
}

}  // namespace

Phase1::Phase1(Phase1Config config, Rng& rng)
    : config_(std::move(config)), initiator_(fresh_cookie(rng)), own_nonce_(kNonceSize) {
  rng.fill_public(own_nonce_);
  sa_body_ = encode_sa(offer_phase1(config_.suites, auth_number(config_.credentials, config_.xauth),
                                    config_.lifetime));
}

bool Phase1::authenticating() const {
  return std::holds_alternative<AwaitMain6>(state_) || std::holds_alternative<Done>(state_);
}

ByteVec Phase1::plain_message(const ChainBuilder& chain) const {
  Header header;
  header.initiator = initiator_;
  header.responder = responder_;
  header.exchange = config_.aggressive ? Exchange::kAggressive : Exchange::kMain;
  return encode_message(header, chain);
}

void Phase1::start(Phase1Step& st) {
  CHECK(std::holds_alternative<Idle>(state_));
  if (config_.aggressive) {
    st.job = crypto::DhGenerate{config_.suites.front().group};
    state_ = AggressiveKeygen{};
    return;
  }
  ChainBuilder chain;
  chain.add(PayloadType::kSa, sa_body_);
  add_vendors(chain, config_.nat_traversal, config_.xauth, config_.mode_config,
              config_.fragmentation);
  st.send = plain_message(chain);
  state_ = AwaitMain2{};
}

// Reads the answer to our SA payload and the peer's vendor IDs. What cannot work is a hint.
bool Phase1::choose(const Payloads& payloads, Phase1Step& st) {
  // IKE1-01: the SA payload comes first.
  if (payloads.all().empty() || payloads.all().front().type != PayloadType::kSa) {
    st.drop(Drop::kMalformed);
    return false;
  }
  const auto answer = decode_sa(payloads.all().front().body);
  if (!answer) {
    st.drop(answer.error());
    return false;
  }
  const auto choice = match_phase1(
      *answer, config_.suites, auth_number(config_.credentials, config_.xauth), config_.lifetime);
  if (!choice) {
    st.drop(Drop::kMalformed);
    st.hint = Failure{FailureKind::kProposalRefused};
    return false;
  }
  PeerVendors vendors = read_vendors(payloads);
  if (!config_.nat_traversal) vendors.natt = Natt::kNone;
  if (vendors.natt == Natt::kNone && config_.nat_traversal) {
    st.drop(Drop::kMissingPayload);
    st.hint = Failure{.kind = FailureKind::kNoNatTraversal,
                      .notify = 0,
                      .certificate = {},
                      .unspoken_natt = vendors.unspoken_natt};
    return false;
  }
  choice_ = *choice;
  vendors_ = vendors;
  quirks_ = config_.quirks.value_or(quirks_of(vendors.maker));
  st.answered = true;
  return true;
}

// KE and Nr of the peer, checked for size only; the group checks the value.
bool Phase1::keep_peer_values(const Payloads& payloads, Phase1Step& st) {
  const Bytes ke = payloads.first(PayloadType::kKe)->body;
  const auto nonce = decode_nonce(payloads.first(PayloadType::kNonce)->body);
  if (!nonce) {
    st.drop(nonce.error());
    return false;
  }
  if (ke.size() != crypto::dh_public_size(choice_.suite.group)) {
    st.drop(Drop::kMalformed);
    st.hint = Failure{FailureKind::kBadKeyExchange};
    return false;
  }
  peer_public_ = to_vec(ke);
  peer_nonce_ = to_vec(*nonce);
  return true;
}

IsakmpSa Phase1::make_sa(const SecretBytes& g_xy) const {
  const crypto::HashAlg alg = choice_.suite.hash;
  SecretBytes skeyid =
      make_skeyid(config_.credentials, alg, own_nonce_, peer_nonce_, g_xy.expose());
  return IsakmpSa(initiator_, responder_,
                  derive_phase1_keys(alg, choice_.suite.cipher, std::move(skeyid), g_xy.expose(),
                                     initiator_, responder_));
}

// RFC 2407 4.6.3.3; only ever inside an encrypted message.
void Phase1::add_initial_contact(ChainBuilder& chain) const {
  if (!config_.initial_contact) return;
  NotifyPayload notify;
  notify.type = Notify::kInitialContact;
  notify.spi.resize(16);
  store_be(MutBytes(notify.spi).first(8), initiator_.value());
  store_be(MutBytes(notify.spi).last(8), responder_.value());
  chain.add(PayloadType::kNotify, encode_notify(notify));
}

crypto::Digest Phase1::own_hash(const IsakmpSa& sa) const {
  return phase1_hash(sa.keys(), proof_hash(config_.credentials, sa.keys().alg), dh_.public_value,
                     peer_public_, initiator_, responder_, sa_body_, encode_id(config_.own_id));
}

crypto::Digest Phase1::peer_hash(const IsakmpSa& sa, Bytes id_body) const {
  return phase1_hash(sa.keys(), proof_hash(config_.credentials, sa.keys().alg), peer_public_,
                     dh_.public_value, responder_, initiator_, sa_body_, id_body);
}

void Phase1::add_proof(ChainBuilder& chain, const IsakmpSa& sa, Bytes signature) const {
  if (signature.empty()) {
    // Hybrid draft 4.2: who is asked for a certificate says that there is none (HY-03).
    const bool hybrid = config_.credentials.method == AuthMethod::kHybrid;
    if (hybrid && certificate_wanted_) {
      chain.add(PayloadType::kCert, ByteVec{kCertX509Signature});
    }
    chain.add(PayloadType::kHash, own_hash(sa));
    return;
  }
  add_certificates(chain, config_.credentials);
  chain.add(PayloadType::kSignature, signature);
}

Failure Phase1::failure_of(const AuthFailure& refused) {
  switch (refused.kind) {
    case AuthFailure::Kind::kProof:
      return {FailureKind::kGatewayAuthFailed};
    case AuthFailure::Kind::kIdentity:
      return {FailureKind::kGatewayIdentity};
    case AuthFailure::Kind::kCertificateName:
      return {FailureKind::kGatewayCertificateName};
    case AuthFailure::Kind::kCertificate:
      break;
  }
  return {FailureKind::kGatewayCertificate, 0, refused.certificate};
}

void Phase1::on_message(const Header& header, Bytes message, Phase1Step& st) {
  const Exchange expected = config_.aggressive ? Exchange::kAggressive : Exchange::kMain;
  if (header.exchange != expected) return st.drop(Drop::kUnexpectedMessage);
  if (header.responder.value() == 0) return st.drop(Drop::kUnknownCookies);  // ISK-13
  if (header.responder == initiator_) return st.drop(Drop::kReflected);      // ISK-14
  if (responder_.value() != 0 && header.responder != responder_) {
    return st.drop(Drop::kUnknownCookies);
  }
  if (auto* state = std::get_if<AwaitMain6>(&state_)) return on_main6(*state, header, message, st);
  // RFC 2408 3.1: nothing before message 5 can be encrypted. The Commit bit may be set, and means
  // nothing here: phase 1 ends with a message that is awaited anyway.
  if ((header.flags & ~kFlagCommit) != 0) return st.drop(Drop::kBadFlags);
  if (std::holds_alternative<AwaitMain2>(state_)) return on_main2(header, message, st);
  if (std::holds_alternative<AwaitMain4>(state_)) {
    return on_main4(message.subspan(kHeaderSize), header.first, st);
  }
  if (std::holds_alternative<AwaitAggressive2>(state_)) return on_aggressive2(header, message, st);
  st.drop(Drop::kUnexpectedMessage);
}

void Phase1::on_job(crypto::JobResult&& result, Phase1Step& st) {
  if (auto* pair = std::get_if<crypto::DhKeyPair>(&result)) {
    dh_ = std::move(*pair);
    if (std::holds_alternative<MainKeygen>(state_)) return send_main3(st);
    if (std::holds_alternative<AggressiveKeygen>(state_)) return send_aggressive1(st);
    return st.drop(Drop::kNotReady);
  }
  if (auto* signature = std::get_if<crypto::Signature>(&result)) {
    return on_signed(std::move(*signature), st);
  }
  on_agreed(std::move(std::get<Result<SecretBytes, crypto::DhError>>(result)), st);
}

void Phase1::on_signed(crypto::Signature&& signature, Phase1Step& st) {
  if (signature.octets.empty()) {
    st.failure = Failure{FailureKind::kCannotSign};
    state_ = Done{};
    return;
  }
  if (auto* main = std::get_if<MainSign>(&state_)) {
    IsakmpSa sa = std::move(main->sa);
    return send_main5(std::move(sa), signature.octets, st);
  }
  if (auto* aggressive = std::get_if<AggressiveSign>(&state_)) {
    AggressiveSign context = std::move(*aggressive);
    return send_aggressive3(std::move(context.outcome), context.own, context.peer, signature.octets,
                            st);
  }
  st.drop(Drop::kNotReady);
}

void Phase1::on_agreed(Result<SecretBytes, crypto::DhError>&& g_xy, Phase1Step& st) {
  if (std::holds_alternative<MainAgree>(state_)) {
    if (!g_xy) {  // RFC 6989 2.1: such a value is never used; the genuine one may still come
      st.hint = Failure{FailureKind::kBadKeyExchange};
      state_ = AwaitMain4{};
      return st.drop(Drop::kMalformed);
    }
    return agree_main(*g_xy, st);
  }
  if (auto* aggressive = std::get_if<AggressiveAgree>(&state_)) {
    if (!g_xy) {
      st.hint = Failure{FailureKind::kBadKeyExchange};
      responder_ = Cookie{};  // the genuine answer may carry another
      state_ = AwaitAggressive2{};
      return st.drop(Drop::kMalformed);
    }
    AggressiveAgree context = std::move(*aggressive);
    return finish_aggressive(*g_xy, std::move(context), st);
  }
  st.drop(Drop::kNotReady);
}

Failure read_phase1_notify(Notify type, bool authenticating) {
  const auto number = static_cast<std::uint16_t>(type);
  switch (type) {
    case Notify::kNoProposalChosen:
    case Notify::kBadProposalSyntax:
    case Notify::kAttributesNotSupported:
    case Notify::kInvalidTransformId:
      return {FailureKind::kProposalRefused, number};
    case Notify::kLoadBalance:
      return {FailureKind::kRedirected, number};
    case Notify::kInvalidKeyInformation:
      return {FailureKind::kBadKeyExchange, number};
    // A gateway that cannot read message 5 uses another key than we do.
    case Notify::kPayloadMalformed:
    case Notify::kUnequalPayloadLengths:
    case Notify::kInvalidPayloadType:
    case Notify::kInvalidHashInformation:
      if (authenticating) return {FailureKind::kGatewayAuthFailed, number};
      return {FailureKind::kWeAreRefused, number};
    default:
      return {FailureKind::kWeAreRefused, number};
  }
}

void Phase1::on_informational(const Header& header, Bytes message, Phase1Step& st) {
  if (!header.encrypted()) {
    const auto payloads = decode_payloads(header.first, message.subspan(kHeaderSize), false);
    if (!payloads) return st.drop(payloads.error());
    st.drop(Drop::kPlaintextNotify);
    const Payload* payload = payloads->first(PayloadType::kNotify);
    if (payload == nullptr) return;
    const auto notify = decode_notify(payload->body);
    if (!notify || !(is_error(notify->type) || notify->type == Notify::kLoadBalance)) return;
    st.hint = read_phase1_notify(notify->type, authenticating());
    return;
  }
  const auto* state = std::get_if<AwaitMain6>(&state_);
  if (state == nullptr) return st.drop(Drop::kUnexpectedMessage);
  const Iv iv = phase2_iv(state->sa.keys(), state->iv, header.message_id);
  const auto opened = state->sa.open(header, message, iv);
  if (!opened || !state->sa.verify_hash(*opened)) {
    // Encrypted with keys that are not ours: the pre-shared keys differ. It could be forged, so it
    // stays a hint.
    st.hint = Failure{FailureKind::kGatewayAuthFailed};
    return st.drop(opened ? Drop::kBadHash : opened.error());
  }
  const Payload* payload = opened->payloads.first(PayloadType::kNotify);
  if (payload == nullptr) return st.drop(Drop::kUnknownNotify);
  const auto notify = decode_notify(payload->body);
  if (!notify || !is_error(notify->type)) return st.drop(Drop::kUnknownNotify);
  st.failure = Failure{FailureKind::kWeAreRefused, static_cast<std::uint16_t>(notify->type)};
}

}  // namespace godwit::ike::v1
