#include "tests/sim/key_exchange.h"

#include <algorithm>

namespace godwit::sim {
namespace {

using crypto::DhError;
using crypto::DhGroup;
using crypto::DhKeyPair;

constexpr std::uint64_t kFnvPrime = 0x100'0000'01b3;

// Both sides fold the same octets, whoever's value they are. Not a hash for anything but this.
SecretBytes fold(Bytes a, Bytes b, std::size_t size) {
  std::uint64_t state = 0xcbf2'9ce4'8422'2325;
  for (std::size_t i = 0; i < a.size(); ++i) {
    state = (state ^ static_cast<std::uint64_t>(a[i] ^ b[i])) * kFnvPrime;
    state ^= state >> 29;
  }
  SecretBytes out(size);
  for (std::uint8_t& octet : out.fill()) {
    state = (state ^ (state >> 27)) * kFnvPrime + 1;
    octet = static_cast<std::uint8_t>(state >> 40);
  }
  return out;
}

}  // namespace

DhKeyPair generate_key(KeyExchange kind, DhGroup group, Rng& rng) {
  if (kind == KeyExchange::kReal) return crypto::dh_generate(group, rng);
  DhKeyPair pair{group, ByteVec(crypto::dh_public_size(group)), SecretBytes(1)};
  rng.fill_public(pair.public_value);
  return pair;
}

Result<SecretBytes, DhError> shared_secret(KeyExchange kind, const DhKeyPair& ours,
                                           Bytes peer_public) {
  if (kind == KeyExchange::kReal) return crypto::dh_shared(ours, peer_public);
  if (peer_public.size() != ours.public_value.size()) return tl::unexpected(DhError::kWrongSize);
  if (std::ranges::all_of(peer_public, [](std::uint8_t octet) { return octet == 0; })) {
    return tl::unexpected(DhError::kBadValue);
  }
  return fold(ours.public_value, peer_public, crypto::dh_shared_size(ours.group));
}

crypto::JobResult run_job(KeyExchange kind, crypto::Job&& job, Rng& rng) {
  if (kind == KeyExchange::kReal) return crypto::run_job(std::move(job), rng);
  if (const auto* generate = std::get_if<crypto::DhGenerate>(&job)) {
    return generate_key(kind, generate->group, rng);
  }
  const auto& compute = std::get<crypto::DhCompute>(job);
  return shared_secret(kind, compute.ours, compute.peer_public);
}

}  // namespace godwit::sim
