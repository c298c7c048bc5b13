// Owners of mbedTLS's key and certificate contexts, and what differs between its versions 2 and 3.
// For this room's sources only.
#pragma once

#include <mbedtls/asn1.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include <optional>
#include <string_view>

#include "core/base/rng.h"
#include "core/crypto/mbedtls_owned.h"
#include "core/crypto/signature.h"

#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

namespace godwit::crypto {

using Pk = Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;
using Crt = Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;
using Crl = Owned<mbedtls_x509_crl, mbedtls_x509_crl_init, mbedtls_x509_crl_free>;

// An Rng as mbedTLS asks for randomness.
inline int fill_random(void* rng, unsigned char* out, std::size_t size) {
  static_cast<Rng*>(rng)->fill_secret(MutBytes(out, size));
  return 0;
}

inline bool is_pem(Bytes text) {
  const std::string_view view(reinterpret_cast<const char*>(text.data()), text.size());
  return view.find("-----BEGIN") != view.npos;
}

// The method that a key signs with; nothing for a key that IKE cannot use.
std::optional<SignatureMethod> method_of(const mbedtls_pk_context* key);

}  // namespace godwit::crypto
