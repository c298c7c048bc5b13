// X.509 certificates of a peer: the path to a trust anchor, revocation, use, time and names. There
// is no clock here: the caller says what time it is. Names are compared by RFC 4945 3.1, not by
// mbedTLS's rules for web servers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/crypto/signature.h"

namespace godwit::crypto {

enum class CertificateFault : std::uint8_t {
  kAbsent,       // none was sent, and none is known
  kMalformed,    // not to be read, or with a critical extension that we do not know (RFC 4945 5.1)
  kUntrusted,    // no path to an authority of ours
  kExpired,      // it, or a certificate of its path
  kNotYetValid,  // the same, or this machine's clock is wrong
  kRevoked,
  kWrongUse,     // KeyUsage has neither digitalSignature nor nonRepudiation
  kWeak,         // signed with SHA-1 or MD5, or an RSA key below 2048 bits
  kListExpired,  // the revocation list has had a successor for long
  kListMissing,  // Revocation wants a list of its authority, and there is none
  kNotPinned,    // its key is none of Trust::pins
};

// The certificates or lists of a PEM or DER file, each as DER. Empty: there are none.
std::vector<ByteVec> read_certificates(Bytes pem_or_der);
std::vector<ByteVec> read_revocation_lists(Bytes pem_or_der);

// DER; empty for what is no certificate.
ByteVec subject_of(Bytes certificate);
// For people: "C=DE, O=Example, CN=gw.example.com", as the library escapes it.
std::string subject_text(Bytes certificate);

// How its key signs; nothing for a key that IKE cannot use.
std::optional<SignatureMethod> method_of(Bytes certificate);

// SHA-256 over the SubjectPublicKeyInfo, as RFC 7469 2.4 pins a key.
using KeyPin = std::array<std::uint8_t, 32>;
std::optional<KeyPin> pin_of(Bytes certificate);  // nothing for what is no certificate

// RFC 4945 3.3.10.3: a peer sends its certificates in any order. Which of them has the key that
// made `signature`; nothing that is said here is trusted before PeerCertificate::verify.
std::optional<std::size_t> find_signer(std::span<const Bytes> certificates, SignatureMethod method,
                                       Bytes hash, Bytes signature);

// When a path needs revocation lists (RFC 4945 5.2). A list that is there counts in every case but
// kOff, and one that has run out is a fault.
enum class Revocation : std::uint8_t {
  kRelaxed,  // never
  kIfUri,    // of the issuer of each certificate that says where its list is published
  kStrict,   // of the issuer of each certificate
  kOff,
};

// Whom we believe. All DER.
struct Trust {
  std::vector<ByteVec> authorities;
  std::vector<ByteVec> revocation_lists;  // a list counts for its own issuer
  Revocation revocation = Revocation::kRelaxed;
  // Not empty: the peer's key is one of these. Without authorities that alone makes it believed.
  std::vector<KeyPin> pins;
  std::vector<ByteVec> peers;  // certificates of the peer, should it send none
};

class PeerCertificate {
 public:
  // `chain`: what the peer sent, its own certificate first; what is no certificate in it is left
  // out (RFC 4945 3.3.10). `now`: seconds since 1970, UTC.
  static Result<std::unique_ptr<PeerCertificate>, CertificateFault> verify(
      std::span<const Bytes> chain, const Trust& trust, std::int64_t now);
  ~PeerCertificate();

  // RFC 4945 3.1.1-3.1.5: subjectAltName only, never the CN; no wildcard; the subject octet by
  // octet.
  bool has_dns_name(std::string_view name) const;
  bool has_mail_address(std::string_view address) const;
  bool has_address(Bytes address) const;  // 4 or 16 octets
  bool has_subject(Bytes der) const;
  std::string subject_text() const;

  bool verify_signature(SignatureMethod method, Bytes hash, Bytes signature) const;

 private:
  PeerCertificate();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::crypto
