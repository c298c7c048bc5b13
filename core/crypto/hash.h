// Hash functions and the HMAC prf of IKE (RFC 2409 4). Inputs are given in pieces and concatenated.
#pragma once

#include <array>
#include <initializer_list>

#include "core/base/bytes.h"
#include "core/base/secret.h"
#include "core/crypto/suite.h"

namespace godwit::crypto {

// The output of a hash: a value, not a secret.
class Digest {
 public:
  explicit Digest(std::size_t size) : size_(size) {}
  Bytes bytes() const { return Bytes(octets_).first(size_); }
  MutBytes fill() { return MutBytes(octets_).first(size_); }
  operator Bytes() const { return bytes(); }

 private:
  std::array<std::uint8_t, 64> octets_{};
  std::size_t size_;
};

Digest hash(HashAlg alg, std::initializer_list<Bytes> pieces);

// HMAC. Any key length. prf() keeps the result secret, prf_public() is for a HASH payload.
SecretBytes prf(HashAlg alg, Bytes key, std::initializer_list<Bytes> pieces);
Digest prf_public(HashAlg alg, Bytes key, std::initializer_list<Bytes> pieces);

// Runs one AES and one GCM operation, so that mbedTLS's CPU detection, which is racy, has finished
// before the first thread starts; also compares known answers. False: this build must not be used.
bool self_test();

}  // namespace godwit::crypto
