// The primes of the MODP groups; their generator is 2 in every group we know.
#pragma once

#include "core/base/bytes.h"
#include "core/crypto/suite.h"

namespace godwit::crypto {

// The prime, big-endian, dh_public_size(group) octets; empty for an ECP group.
Bytes modp_prime(DhGroup group);

// True when every prime has the SHA-256 value that was computed for it independently, so that a
// mistyped or corrupted table is noticed.
bool modp_primes_intact();

}  // namespace godwit::crypto
