#include "core/session/credentials.h"

namespace godwit::session {
namespace {

CredentialFault fault_of(crypto::KeyFault fault) {
  switch (fault) {
    case crypto::KeyFault::kPassphrase:
      return CredentialFault::kPassphrase;
    case crypto::KeyFault::kUnusable:
      return CredentialFault::kKeyUnusable;
    case crypto::KeyFault::kMalformed:
      break;
  }
  return CredentialFault::kKeyMalformed;
}

Result<crypto::Trust, CredentialFault> read_trust(const config::Profile& profile,
                                                  const CredentialFiles& files) {
  crypto::Trust trust;
  trust.authorities = crypto::read_certificates(files.authorities);
  trust.revocation = profile.revocation;
  trust.pins = profile.gateway_pins;
  if (!files.revocation_lists.empty()) {
    trust.revocation_lists = crypto::read_revocation_lists(files.revocation_lists);
    if (trust.revocation_lists.empty()) return fail(CredentialFault::kNoRevocationList);
  }
  if (!files.gateway_certificates.empty()) {
    trust.peers = crypto::read_certificates(files.gateway_certificates);
    if (trust.peers.empty()) return fail(CredentialFault::kNoGatewayCertificate);
    for (const ByteVec& peer : trust.peers) trust.pins.push_back(*crypto::pin_of(peer));
  }
  const bool by_pin = files.authorities.empty() && !trust.pins.empty();
  if (trust.authorities.empty() && !by_pin) return fail(CredentialFault::kNoAuthority);
  return trust;
}

}  // namespace

Result<Credentials, CredentialFault> read_credentials(const config::Profile& profile,
                                                      const CredentialFiles& files) {
  Credentials out;
  if (profile.auth == config::Authentication::kPsk) return out;
  out.trust = GODWIT_TRY(read_trust(profile, files));
  if (profile.auth == config::Authentication::kHybrid) return out;
  out.certificates = crypto::read_certificates(files.certificate);
  if (out.certificates.empty()) return fail(CredentialFault::kNoCertificate);
  std::shared_ptr<const crypto::PrivateKey> read;
  if (!files.token) {
    auto key = crypto::PrivateKey::parse(files.key.expose(), files.passphrase.expose());
    if (!key) return fail(fault_of(key.error()));
    read = std::move(*key);
  }
  out.key = files.token ? files.token : read;
  if (profile.xauth && out.key->method() != crypto::SignatureMethod::kRsa) {
    return fail(CredentialFault::kKeyNeedsRsa);
  }
  if (read && !read->belongs_to(out.certificates.front()))
    return fail(CredentialFault::kKeyOfAnother);
  return out;
}

}  // namespace godwit::session
