// Private keys under a passphrase that only GnuTLS opens.
//
// PKCS#12 files (RFC 7292): a private key, its certificate and those above it, locked with a
// passphrase. GnuTLS reads them: AES, 3DES and RC2 alike, with a MAC of RFC 7292; not those whose
// MAC is PBMAC1 (RFC 9579) before its version 3.8.
#pragma once

#include <optional>
#include <vector>

#include "core/base/result.h"
#include "core/base/secret.h"

namespace godwit::client {

struct Pkcs12 {
  ByteVec certificates;  // PEM: the key's own, then those above it, but none that signs itself
  ByteVec authorities;   // PEM: all others in the file
  SecretBytes key;       // DER
};

enum class Pkcs12Fault : std::uint8_t {
  kMalformed,
  kPassphrase,   // wrong, or one is needed
  kUnsupported,  // locked in a way that the library does not know, or refuses
  kNoKey,
  kNoCertificate,  // none that belongs to the key
};

// Without a passphrase: what an empty one opens.
Result<Pkcs12, Pkcs12Fault> open_pkcs12(Bytes file, const std::optional<SecretBytes>& passphrase);

// PKCS#8 in PEM under a passphrase (RFC 5958), as OpenSSL 3 writes it: with AES, which mbedTLS 2.28
// does not open.
bool is_locked_pkcs8(Bytes pem);
Result<SecretBytes, Pkcs12Fault> open_pkcs8(Bytes pem, const SecretBytes& passphrase);  // DER

}  // namespace godwit::client
