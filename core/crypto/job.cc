#include "core/crypto/job.h"

namespace godwit::crypto {

JobResult run_job(Job&& job, Rng& rng) {
  if (const auto* generate = std::get_if<DhGenerate>(&job)) {
    return dh_generate(generate->group, rng);
  }
  if (const auto* sign = std::get_if<Sign>(&job)) {
    return Signature{sign->key->sign(sign->hash, rng)};
  }
  const auto& compute = std::get<DhCompute>(job);
  return dh_shared(compute.ours, compute.peer_public);
}

}  // namespace godwit::crypto
