// AES-CBC and 3DES-CBC over whole blocks, in place: the encryption of IKE messages.
#pragma once

#include "core/base/bytes.h"
#include "core/crypto/suite.h"

namespace godwit::crypto {

// The size of the IV, one block, says which: 16 is AES with a key of 16, 24 or 32 octets, 8 is 3DES
// with 24. data.size() is a multiple of it. CHECKed: the caller has looked at what the peer sent.
void cbc_encrypt(Bytes key, Bytes iv, MutBytes data);
void cbc_decrypt(Bytes key, Bytes iv, MutBytes data);

}  // namespace godwit::crypto
