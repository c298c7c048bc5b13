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

}  // namespace

Result<Credentials, CredentialFault> read_credentials(const config::Profile& profile,
                                                      const CredentialFiles& files) {
  Credentials out;
  if (profile.auth == config::Authentication::kPsk) return out;
  out.trust.authorities = crypto::read_certificates(files.authorities);
  if (out.trust.authorities.empty()) return fail(CredentialFault::kNoAuthority);
  if (!files.revocation_lists.empty()) {
    out.trust.revocation_lists = crypto::read_revocation_lists(files.revocation_lists);
    if (out.trust.revocation_lists.empty()) return fail(CredentialFault::kNoRevocationList);
  }
  if (profile.auth == config::Authentication::kHybrid) return out;
  out.certificates = crypto::read_certificates(files.certificate);
  if (out.certificates.empty()) return fail(CredentialFault::kNoCertificate);
  auto key = crypto::PrivateKey::parse(files.key.expose(), files.passphrase.expose());
  if (!key) return fail(fault_of(key.error()));
  out.key = std::move(*key);
  if (profile.xauth && out.key->method() != crypto::SignatureMethod::kRsa) {
    return fail(CredentialFault::kKeyNeedsRsa);
  }
  if (!out.key->belongs_to(out.certificates.front())) return fail(CredentialFault::kKeyOfAnother);
  return out;
}

}  // namespace godwit::session
