#include "core/ike/v1/authentication.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/crypto/pkcs7.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::size_t kRequestsMax = 8;
constexpr std::uint8_t kCertPkcs7 = 1;  // RFC 2408 3.9

std::uint8_t lower(std::uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + 32) : c;
}

std::uint16_t number_of(crypto::SignatureMethod method) {
  switch (method) {
    case crypto::SignatureMethod::kRsa:
      return kAuthRsa;
    case crypto::SignatureMethod::kEcdsa256:
      return kAuthEcdsa256;
    case crypto::SignatureMethod::kEcdsa384:
      return kAuthEcdsa384;
    case crypto::SignatureMethod::kEcdsa521:
      return kAuthEcdsa521;
  }
  return kAuthRsa;
}

// The method of the number that was negotiated is both sides'; hybrid knows RSA only.
crypto::SignatureMethod signature_method(const Credentials& credentials) {
  if (credentials.method == AuthMethod::kHybrid) return crypto::SignatureMethod::kRsa;
  CHECK(credentials.key);
  return credentials.key->method();
}

bool names(const crypto::PeerCertificate& certificate, const IdPayload& id) {
  const std::string_view text(reinterpret_cast<const char*>(id.data.data()), id.data.size());
  switch (id.type) {
    case IdType::kIpv4:
    case IdType::kIpv6:
      return certificate.has_address(id.data);
    case IdType::kFqdn:
      return certificate.has_dns_name(text);
    case IdType::kUserFqdn:
      return certificate.has_mail_address(text);
    case IdType::kDerDn:
      return certificate.has_subject(id.data);
    default:
      return false;
  }
}

// What may have made the signature, its signer first, when there is one.
std::vector<Bytes> signer_first(std::vector<Bytes> chain, const crypto::Trust& trust,
                                crypto::SignatureMethod method, Bytes hash, Bytes signature) {
  if (const auto own = crypto::find_signer(chain, method, hash, signature)) {
    std::swap(chain.front(), chain[*own]);
    return chain;
  }
  // A gateway whose certificate everybody has already may send none (RFC 4945 3.3.6).
  const std::vector<Bytes> known(trust.peers.begin(), trust.peers.end());
  if (const auto own = crypto::find_signer(known, method, hash, signature)) {
    chain.insert(chain.begin(), known[*own]);
  }
  return chain;
}

std::vector<Bytes> certificates_in(const Payloads& payloads) {
  std::vector<Bytes> found;
  for (const Payload& payload : payloads.all()) {
    // IKE1-26: what is of another encoding, or a copy, is left out.
    if (payload.type != PayloadType::kCert || payload.body.size() < 2) continue;
    const Bytes der = payload.body.subspan(1);
    std::vector<Bytes> sent;
    if (payload.body[0] == kCertX509Signature) sent = {der};
    if (payload.body[0] == kCertPkcs7) sent = crypto::certificates_of_pkcs7(der);
    for (const Bytes one : sent) {
      const bool again = std::ranges::any_of(found, [&](Bytes known) { return equal(known, one); });
      if (!again) found.push_back(one);
    }
  }
  return found;
}

// RFC 2407 4.6.2: protocol and port of a phase-1 ID are both 0, or UDP and the port of IKE. With
// NAT traversal the port is 0 or 4500 as well, as implementations have it (IKE1-20).
bool is_of_ike(const IdPayload& id) {
  constexpr std::uint8_t kUdp = 17;
  if (id.protocol == 0) return id.port == 0;
  return id.protocol == kUdp && (id.port == 0 || id.port == 500 || id.port == 4500);
}

AuthFailure failed(AuthFailure::Kind kind) { return {.kind = kind, .certificate = {}}; }

}  // namespace

bool same_identity(const IdPayload& a, const IdPayload& b) {
  if (a.type != b.type || a.data.size() != b.data.size()) return false;
  const bool fold = a.type == IdType::kFqdn || a.type == IdType::kUserFqdn;
  for (std::size_t i = 0; i < a.data.size(); ++i) {
    if (a.data[i] != b.data[i] && !(fold && lower(a.data[i]) == lower(b.data[i]))) return false;
  }
  return true;
}

std::uint16_t auth_number(const Credentials& credentials, bool xauth) {
  switch (credentials.method) {
    case AuthMethod::kPsk:
      return xauth ? kAuthXauthInitPsk : kAuthPsk;
    case AuthMethod::kHybrid:
      return kAuthHybridInitRsa;
    case AuthMethod::kSignature:
      break;
  }
  return xauth ? kAuthXauthInitRsa : number_of(signature_method(credentials));
}

PayloadType proof_type(const Credentials& credentials) {
  return credentials.method == AuthMethod::kPsk ? PayloadType::kHash : PayloadType::kSignature;
}

crypto::HashAlg proof_hash(const Credentials& credentials, crypto::HashAlg negotiated) {
  if (credentials.method != AuthMethod::kSignature) return negotiated;
  return crypto::hash_of(signature_method(credentials)).value_or(negotiated);
}

SecretBytes make_skeyid(const Credentials& credentials, crypto::HashAlg alg, Bytes ni, Bytes nr,
                        Bytes g_xy) {
  if (credentials.method == AuthMethod::kPsk) {
    return skeyid_psk(alg, credentials.psk.expose(), ni, nr);
  }
  return skeyid_sig(alg, ni, nr, g_xy);
}

void add_certificate_requests(ChainBuilder& chain, const Credentials& credentials) {
  if (credentials.method == AuthMethod::kPsk) return;
  const auto& authorities = credentials.trust.authorities;
  // RFC 4945 3.2.7.2: whoever vouches for it.
  if (authorities.empty()) chain.add(PayloadType::kCertRequest, ByteVec{kCertX509Signature});
  for (std::size_t i = 0; i < std::min(authorities.size(), kRequestsMax); ++i) {
    ByteVec body{kCertX509Signature};
    append(body, crypto::subject_of(authorities[i]));
    chain.add(PayloadType::kCertRequest, body);
  }
}

void add_certificates(ChainBuilder& chain, const Credentials& credentials) {
  if (credentials.method != AuthMethod::kSignature) return;
  for (const ByteVec& certificate : credentials.certificates) {
    ByteVec body{kCertX509Signature};
    append(body, certificate);
    chain.add(PayloadType::kCert, body);
  }
}

std::optional<AuthFailure> check_proof(const Credentials& credentials, const Payloads& payloads,
                                       const IdPayload& id, const crypto::Digest& hash_r,
                                       Instant now, std::optional<ShownCertificate>& shown) {
  using Kind = AuthFailure::Kind;
  const bool as_expected =
      is_of_ike(id) && (!credentials.remote_id || same_identity(id, *credentials.remote_id));
  if (credentials.method == AuthMethod::kPsk) {
    if (!equal_ct(hash_r, payloads.first(PayloadType::kHash)->body)) return failed(Kind::kProof);
    if (!as_expected) return failed(Kind::kIdentity);
    return std::nullopt;
  }
  const Bytes signature = payloads.first(PayloadType::kSignature)->body;
  const auto method = signature_method(credentials);
  const auto chain =
      signer_first(certificates_in(payloads), credentials.trust, method, hash_r, signature);
  if (!chain.empty()) {
    if (const auto pin = crypto::pin_of(chain.front())) {
      shown = ShownCertificate{crypto::subject_text(chain.front()), *pin};
    }
  }
  const auto wall = credentials.boot_time + now.time_since_epoch();
  const auto certificate = crypto::PeerCertificate::verify(
      chain, credentials.trust, std::chrono::floor<std::chrono::seconds>(wall).count());
  if (!certificate) return AuthFailure{Kind::kCertificate, certificate.error()};
  if (!(*certificate)->verify_signature(method, hash_r, signature)) {
    return failed(Kind::kProof);
  }
  if (!as_expected) return failed(Kind::kIdentity);
  // Whose key is known needs no name.
  if (!credentials.trust.pins.empty()) return std::nullopt;
  // RFC 4945 3.1: the ID has to stand in the certificate, bit by bit.
  const auto in_certificate = [&](const IdPayload& name) { return names(**certificate, name); };
  const bool is_gateway =
      credentials.remote_id || std::ranges::any_of(credentials.gateway_names, in_certificate);
  if (!in_certificate(id) || !is_gateway) return failed(Kind::kCertificateName);
  return std::nullopt;
}

}  // namespace godwit::ike::v1
