// Public-key operations as values, so that whoever drives the core may run them on another thread.
#pragma once

#include <memory>
#include <variant>

#include "core/crypto/dh.h"
#include "core/crypto/signature.h"

namespace godwit::crypto {

struct DhGenerate {
  DhGroup group{};
};
struct DhCompute {
  DhKeyPair ours;
  ByteVec peer_public;
};
// Some keys are slow: a token's, or RSA of 4096 bits.
struct Sign {
  std::shared_ptr<const SigningKey> key;
  ByteVec hash;
};
struct Signature {
  ByteVec octets;  // empty: it could not be made
};
using Job = std::variant<DhGenerate, DhCompute, Sign>;
using JobResult = std::variant<DhKeyPair, Result<SecretBytes, DhError>, Signature>;

JobResult run_job(Job&& job, Rng& rng);

}  // namespace godwit::crypto
