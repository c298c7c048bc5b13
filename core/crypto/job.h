// Public-key operations as values, so that whoever drives the core may run them on another thread.
#pragma once

#include <variant>

#include "core/crypto/dh.h"

namespace godwit::crypto {

struct DhGenerate {
  DhGroup group{};
};
struct DhCompute {
  DhKeyPair ours;
  ByteVec peer_public;
};
using Job = std::variant<DhGenerate, DhCompute>;
using JobResult = std::variant<DhKeyPair, Result<SecretBytes, DhError>>;

JobResult run_job(Job&& job, Rng& rng);

}  // namespace godwit::crypto
