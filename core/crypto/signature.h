// Signatures as IKEv1 makes them. RSA: PKCS#1 v1.5 type 1 over the HASH itself, without a
// DigestInfo (RFC 2409 5.1). ECDSA: r | s, each as long as the group's order, over a HASH that was
// made with the hash function of the method (RFC 4754 4, 7).
#pragma once

#include <memory>
#include <optional>

#include "core/base/result.h"
#include "core/base/rng.h"
#include "core/crypto/suite.h"

namespace godwit::crypto {

enum class SignatureMethod : std::uint8_t { kRsa, kEcdsa256, kEcdsa384, kEcdsa521 };

// The hash that the method prescribes for HASH_I and HASH_R; nothing: the negotiated one.
std::optional<HashAlg> hash_of(SignatureMethod method);

enum class KeyFault : std::uint8_t {
  kMalformed,   // neither PEM nor DER of a private key
  kPassphrase,  // encrypted, and the passphrase is missing or wrong
  kUnusable,    // RSA below 2048 bits, or a curve that is none of IKE's
};

// What signs for us. It may live outside of this process: on a token that never gives it away.
class SigningKey {
 public:
  virtual ~SigningKey() = default;
  virtual SignatureMethod method() const = 0;
  // May take long; one thread at a time. Empty: refused.
  virtual ByteVec sign(Bytes hash, Rng& rng) const = 0;
};

// Wiped when it goes.
class PrivateKey final : public SigningKey {
 public:
  static Result<std::shared_ptr<const PrivateKey>, KeyFault> parse(Bytes pem_or_der,
                                                                   Bytes passphrase);
  ~PrivateKey() override;
  PrivateKey(const PrivateKey&) = delete;
  PrivateKey& operator=(const PrivateKey&) = delete;

  SignatureMethod method() const override;
  bool belongs_to(Bytes certificate) const;  // DER
  ByteVec sign(Bytes hash, Rng& rng) const override;

 private:
  PrivateKey();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::crypto
