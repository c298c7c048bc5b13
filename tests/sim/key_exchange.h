// Diffie-Hellman of a simulation. Public-key work leaves the core as jobs, so most seeds may answer
// it with a stand-in that costs nothing: the "public value" is random and the shared secret a hash
// of both public values. It still refuses what the real one refuses by its looks (length, zero).
#pragma once

#include "core/crypto/job.h"

namespace godwit::sim {

enum class KeyExchange : std::uint8_t { kReal, kStandIn };

crypto::DhKeyPair generate_key(KeyExchange kind, crypto::DhGroup group, Rng& rng);
Result<SecretBytes, crypto::DhError> shared_secret(KeyExchange kind, const crypto::DhKeyPair& ours,
                                                   Bytes peer_public);
crypto::JobResult run_job(KeyExchange kind, crypto::Job&& job, Rng& rng);

}  // namespace godwit::sim
