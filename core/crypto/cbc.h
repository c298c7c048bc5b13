// AES-CBC over whole blocks, in place: the encryption of IKE messages.
#pragma once

#include "core/base/bytes.h"
#include "core/crypto/suite.h"

namespace godwit::crypto {

// key.size() is 16, 24 or 32; iv.size() 16; data.size() a multiple of 16. CHECKed: the caller has
// looked at what the peer sent before.
void cbc_encrypt(Bytes key, Bytes iv, MutBytes data);
void cbc_decrypt(Bytes key, Bytes iv, MutBytes data);

}  // namespace godwit::crypto
