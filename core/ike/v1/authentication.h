// How both sides of phase 1 prove themselves (RFC 2409 5.1, 5.4;
// draft-ietf-ipsec-isakmp-hybrid-auth-05):
//
//   kPsk        HASH_I and HASH_R with a key that both know
//   kSignature  CERT, SIG_I and CERT, SIG_R
//   kHybrid     HASH_I and CERT, SIG_R: the gateway alone has a certificate, XAuth proves the user
//
// What the profile has for it, what of it goes into messages, and whether the gateway's proof
// holds.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.h"
#include "core/base/secret.h"
#include "core/crypto/certificate.h"
#include "core/ike/v1/keys.h"
#include "core/ike/wire/encode.h"

namespace godwit::ike::v1 {

enum class AuthMethod : std::uint8_t { kPsk, kSignature, kHybrid };

struct Credentials {
  AuthMethod method = AuthMethod::kPsk;
  SecretBytes psk;
  std::shared_ptr<const crypto::SigningKey> key;  // kSignature
  std::vector<ByteVec> certificates;              // kSignature: DER, ours first
  crypto::Trust trust;                            // kSignature, kHybrid
  std::optional<IdPayload> remote_id;             // what the gateway must show
  // Without remote_id a certificate must name the gateway that the profile names: any other of the
  // same authority could be a colleague's.
  std::vector<IdPayload> gateway_names;
  Duration boot_time{};  // since 1970 (UTC) at Instant{}
};

// The authentication method of a phase-1 transform.
std::uint16_t auth_number(const Credentials& credentials, bool xauth);
// The payload that proves the gateway: HASH or SIG.
PayloadType proof_type(const Credentials& credentials);
// The hash of HASH_I and HASH_R.
crypto::HashAlg proof_hash(const Credentials& credentials, crypto::HashAlg negotiated);
SecretBytes make_skeyid(const Credentials& credentials, crypto::HashAlg alg, Bytes ni, Bytes nr,
                        Bytes g_xy);

// CERTREQ payloads, one for each authority (RFC 4945 3.2.5) and one for any when we trust none;
// nothing with a pre-shared key.
void add_certificate_requests(ChainBuilder& chain, const Credentials& credentials);
// CERT payloads, ours first; nothing when a HASH proves us.
void add_certificates(ChainBuilder& chain, const Credentials& credentials);

// Why a gateway is not believed.
struct AuthFailure {
  enum class Kind : std::uint8_t { kProof, kIdentity, kCertificate, kCertificateName };
  Kind kind{};
  std::optional<crypto::CertificateFault> certificate;  // kCertificate
};

// The certificate whose key has to prove the gateway, for people; nothing of it is believed yet.
struct ShownCertificate {
  std::string subject;  // not escaped; empty: there is none, or it cannot be read
  crypto::KeyPin pin{};
};

// Whether the payloads of the gateway's last message prove that it is `id`. They have passed
// check_rules(). `shown` is set when there is a certificate.
std::optional<AuthFailure> check_proof(const Credentials& credentials, const Payloads& payloads,
                                       const IdPayload& id, const crypto::Digest& hash_r,
                                       Instant now, std::optional<ShownCertificate>& shown);

// RFC 4945 3.1.2, 3.1.3: names compare without regard to case, everything else octet by octet.
bool same_identity(const IdPayload& a, const IdPayload& b);

}  // namespace godwit::ike::v1
