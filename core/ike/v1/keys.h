// Keys of IKEv1 (RFC 2409 section 5 and appendix B). `_b` in the RFC means a payload body without
// its generic header; g_xy is left-padded to the group's length (crypto::dh_shared does that).
#pragma once

#include <array>

#include "core/base/bytes.h"
#include "core/base/secret.h"
#include "core/base/strong.h"
#include "core/crypto/hash.h"
#include "core/crypto/suite.h"

namespace godwit::ike::v1 {

// The first octets of it that make a block of the cipher: 16 of AES, 8 of 3DES.
using Iv = std::array<std::uint8_t, crypto::IkeCipher::kBlockMax>;

// SKEYID for pre-shared keys: prf(psk, Ni_b | Nr_b).
SecretBytes skeyid_psk(crypto::HashAlg alg, Bytes psk, Bytes ni, Bytes nr);
// SKEYID for signatures: prf(Ni_b | Nr_b, g^xy).
SecretBytes skeyid_sig(crypto::HashAlg alg, Bytes ni, Bytes nr, Bytes g_xy);

struct Phase1Keys {
  crypto::HashAlg alg = crypto::HashAlg::kSha256;
  crypto::IkeCipher cipher;
  SecretBytes skeyid;      // authenticates phase 1 (HASH_I, HASH_R)
  SecretBytes skeyid_d;    // phase 2 keys come from it
  SecretBytes skeyid_a;    // authenticates phase 2 messages
  SecretBytes skeyid_e;    // the root of cipher_key
  SecretBytes cipher_key;  // appendix B: expanded when skeyid_e is too short
};

Phase1Keys derive_phase1_keys(crypto::HashAlg alg, crypto::IkeCipher cipher, SecretBytes&& skeyid,
                              Bytes g_xy, Cookie initiator, Cookie responder);

// Appendix B: hash(g^xi | g^xr), first block.
Iv phase1_iv(crypto::HashAlg alg, Bytes g_xi, Bytes g_xr);
// Appendix B: hash(last phase-1 ciphertext block | M-ID), first block.
Iv phase2_iv(const Phase1Keys& keys, const Iv& last_phase1_block, MessageId id);

// HASH_I with (g^xi, g^xr, CKY-I, CKY-R, SAi_b, IDii_b); HASH_R with the first two pairs swapped
// and IDir_b. SAi_b is always the initiator's. `alg`: the negotiated one, unless a signature method
// prescribes its own (RFC 4754).
crypto::Digest phase1_hash(const Phase1Keys& keys, crypto::HashAlg alg, Bytes g_own, Bytes g_other,
                           Cookie own, Cookie other, Bytes sa_i_body, Bytes id_body);

// RFC 2409 5.5: KEYMAT = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b), expanded to
// `size` octets. The SPI is the receiver's; g_qm_xy is empty without PFS.
SecretBytes phase2_keymat(const Phase1Keys& keys, Bytes g_qm_xy, std::uint8_t protocol, EspSpi spi,
                          Bytes ni, Bytes nr, std::size_t size);

}  // namespace godwit::ike::v1
