// Diffie-Hellman over the MODP groups of RFC 2409/3526 and the ECP groups of RFC 5903.
#pragma once

#include "core/base/result.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/crypto/suite.h"

namespace godwit::crypto {

enum class DhError : std::uint8_t {
  kWrongSize,  // the peer's value has not the group's length (IKE1-07)
  kBadValue,   // 0, 1, p-1, >= p, or a point that is not on the curve (RFC 6989 2.1, 2.3)
  kFailed,     // the library refused
};

// Our half of one exchange; used for one exchange only (RFC 6989 2.2). Movable across threads.
struct DhKeyPair {
  DhGroup group{};
  ByteVec public_value;  // dh_public_size(group) octets, left-padded; ECP: x|y
  SecretBytes exponent;  // big-endian
};

DhKeyPair dh_generate(DhGroup group, Rng& rng);

// g^xy as prf input: left-padded to dh_shared_size(group) octets, whatever its leading zeros.
Result<SecretBytes, DhError> dh_shared(const DhKeyPair& ours, Bytes peer_public);

}  // namespace godwit::crypto
