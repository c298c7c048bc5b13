// Keys and certificates as files hold them, read once before a connect.
#pragma once

#include <memory>
#include <vector>

#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/config/profile.h"
#include "core/crypto/certificate.h"

namespace godwit::session {

struct CredentialFiles {  // PEM or DER, whole
  ByteVec certificate;    // ours, and what leads from it to an authority
  SecretBytes key;
  SecretBytes passphrase;  // of the key; may be empty
  // In place of key: of a token, which has verified that it belongs to the certificate.
  std::shared_ptr<const crypto::SigningKey> token;
  ByteVec authorities;           // empty: none, the gateway's key is pinned
  ByteVec revocation_lists;      // empty: none are known
  ByteVec gateway_certificates;  // empty: not known beforehand
};

struct Credentials {
  SecretBytes psk;
  std::shared_ptr<const crypto::SigningKey> key;
  std::vector<ByteVec> certificates;
  crypto::Trust trust;
};

enum class CredentialFault : std::uint8_t {
  kNoCertificate,     // nothing in the file is a certificate
  kKeyMalformed,      // the file holds no private key
  kPassphrase,        // the key is encrypted, and the passphrase is missing or wrong
  kKeyUnusable,       // RSA below 2048 bits, or another curve than P-256, P-384, P-521
  kKeyNeedsRsa,       // XAuth with a certificate is defined for RSA only
  kKeyOfAnother,      // the key does not belong to the first certificate
  kNoAuthority,       // nothing in the file is a certificate
  kNoRevocationList,  // nothing in the file is a revocation list
  kNoGatewayCertificate,
};

// What the profile's way of authentication needs of `files`; psk is left empty.
Result<Credentials, CredentialFault> read_credentials(const config::Profile& profile,
                                                      const CredentialFiles& files);

}  // namespace godwit::session
