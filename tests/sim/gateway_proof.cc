// How the gateway proves itself and what it takes for the client's proof: a HASH with the
// pre-shared key, or certificates and signatures (RFC 2409 5.1, RFC 4754, hybrid authentication).
#include "tests/sim/gateway.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

constexpr std::int64_t kToday =
    1796083200;  // 1 December 2026, when the tests' certificates are valid

std::uint16_t number_of(crypto::SignatureMethod method) {
  switch (method) {
    case crypto::SignatureMethod::kRsa:
      return 3;
    case crypto::SignatureMethod::kEcdsa256:
      return 9;
    case crypto::SignatureMethod::kEcdsa384:
      return 10;
    case crypto::SignatureMethod::kEcdsa521:
      return 11;
  }
  return 0;
}

}  // namespace

std::uint16_t Gateway::wanted_auth() const {
  if (!config_.signer.key) {
    return config_.users.empty() ? ike::kAuthPsk : ike::kAuthXauthInitPsk;
  }
  if (config_.hybrid) return 64221;
  return config_.users.empty() ? number_of(config_.signer.key->method()) : 65005;
}

std::optional<Bytes> Gateway::psk_octets() const {
  if (config_.signer.key) return std::nullopt;
  return Bytes(reinterpret_cast<const std::uint8_t*>(config_.psk.data()), config_.psk.size());
}

crypto::HashAlg Gateway::proof_hash(const Ike& sa) const {
  switch (sa.auth) {
    case 9:
      return crypto::HashAlg::kSha256;
    case 10:
      return crypto::HashAlg::kSha384;
    case 11:
      return crypto::HashAlg::kSha512;
    default:
      return sa.in.suite.hash;
  }
}

void Gateway::add_proof(const Ike& sa, ike::ChainBuilder& chain) {
  ByteVec hash_r = sa.keys.hash_r(sa.in, sa.own_id);
  if (config_.lies.wrong_hash_r) hash_r[0] ^= 0x55;
  if (!config_.signer.key) {
    chain.add(PayloadType::kHash, hash_r);
    return;
  }
  for (const ByteVec& certificate : config_.signer.certificates) {
    ByteVec body{4};
    append(body, certificate);
    chain.add(PayloadType::kCert, body);
  }
  ByteVec signature = config_.signer.key->sign(hash_r, rng_);
  if (config_.lies.wrong_signature) signature.back() ^= 1;
  chain.add(PayloadType::kSignature, signature);
}

bool Gateway::client_proved(const Ike& sa, const ike::Payloads& payloads, Bytes id) const {
  const ByteVec hash_i = sa.keys.hash_i(sa.in, id);
  if (!config_.signer.key || config_.hybrid) {
    const ike::Payload* hash = payloads.first(PayloadType::kHash);
    const ike::Payload* none = payloads.first(PayloadType::kCert);
    const bool empty = none != nullptr && equal(none->body, ByteVec{4});
    if (config_.wants_empty_certificate ? !empty : none != nullptr) return false;
    return hash != nullptr && equal(hash->body, hash_i);
  }
  const ike::Payload* signature = payloads.first(PayloadType::kSignature);
  std::vector<Bytes> chain;
  for (const ike::Payload& payload : payloads.all()) {
    if (payload.type == PayloadType::kCert) chain.push_back(payload.body.subspan(1));
  }
  const auto certificate = crypto::PeerCertificate::verify(chain, config_.signer.trust, kToday);
  const auto decoded = ike::decode_id(id);
  return signature != nullptr && certificate && decoded && decoded->type == ike::IdType::kDerDn &&
         (*certificate)->has_subject(decoded->data) &&
         (*certificate)->verify_signature(config_.signer.key->method(), hash_i, signature->body);
}

}  // namespace godwit::sim
