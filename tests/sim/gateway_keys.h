// Key derivation of IKEv1 for the simulated gateway, written from RFC 2409 and not from
// core/ike/v1, so that the two can disagree.
#pragma once

#include <optional>

#include "core/base/bytes.h"
#include "core/base/secret.h"
#include "core/base/strong.h"
#include "core/crypto/hash.h"
#include "core/crypto/suite.h"
#include "core/net/address.h"

namespace godwit::sim {

// CKY-I | CKY-R as they stand on the wire.
ByteVec cookie_octets(Cookie cookie);
ByteVec message_id_octets(MessageId id);

struct Phase1Inputs {
  crypto::IkeSuite suite;
  Cookie initiator;
  Cookie responder;
  ByteVec g_xi;
  ByteVec g_xr;
  ByteVec nonce_i;
  ByteVec nonce_r;
  ByteVec sa_i;  // SAi_b: the initiator's SA payload without its generic header
};

// SKEYID and what follows from it (RFC 2409 5, appendix B).
struct IkeKeys {
  crypto::HashAlg hash = crypto::HashAlg::kSha1;
  crypto::HashAlg proof = crypto::HashAlg::kSha1;  // of HASH_I and HASH_R (RFC 4754)
  SecretBytes skeyid;
  SecretBytes skeyid_d;
  SecretBytes skeyid_a;
  SecretBytes skeyid_e;
  SecretBytes cipher;

  // RFC 2409 5: HASH_I and HASH_R; `id` is IDii_b or IDir_b.
  ByteVec hash_i(const Phase1Inputs& in, Bytes id) const;
  ByteVec hash_r(const Phase1Inputs& in, Bytes id) const;
  // prf(SKEYID_a, pieces): HASH(1), HASH(2), HASH(3) and those of Informational and Transaction.
  ByteVec authenticate(std::initializer_list<Bytes> pieces) const;
  // RFC 2409 5.5: KEYMAT of one direction; `g_qm` is empty without PFS.
  SecretBytes keymat(Bytes g_qm, EspSpi spi, Bytes nonce_i, Bytes nonce_r, std::size_t size) const;
};

// `psk`: nothing with signatures.
IkeKeys derive_keys(const Phase1Inputs& in, std::optional<Bytes> psk, Bytes g_xy);

// RFC 2409 appendix B: the IV of the first encrypted message of phase 1, and of any phase 2
// exchange.
ByteVec phase1_iv(const Phase1Inputs& in);
ByteVec phase2_iv(crypto::HashAlg hash, Bytes last_phase1_block, MessageId id);

// RFC 3947 3.2: HASH(CKY-I | CKY-R | IP | port).
ByteVec nat_d(crypto::HashAlg hash, Cookie initiator, Cookie responder, const Endpoint& endpoint);

}  // namespace godwit::sim
