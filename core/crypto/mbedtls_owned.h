// Owners of mbedTLS contexts, for this room's sources only. The library's free functions wipe what
// they release, so a context that held a key leaves nothing behind.
#pragma once

#include <mbedtls/aes.h>
#include <mbedtls/des.h>
#include <mbedtls/ecp.h>
#include <mbedtls/gcm.h>
#include <mbedtls/hmac_drbg.h>
#include <mbedtls/md.h>

#include "core/crypto/suite.h"

namespace godwit::crypto {

// Neither copied nor moved: mbedTLS 3 keeps pointers into some contexts.
template <class T, void (*kInit)(T*), void (*kFree)(T*)>
class Owned {
 public:
  Owned() { kInit(&context_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { kFree(&context_); }

  T* get() { return &context_; }
  const T* get() const { return &context_; }
  T* operator->() { return &context_; }

 private:
  T context_;
};

using Aes = Owned<mbedtls_aes_context, mbedtls_aes_init, mbedtls_aes_free>;
using Des3 = Owned<mbedtls_des3_context, mbedtls_des3_init, mbedtls_des3_free>;
using Gcm = Owned<mbedtls_gcm_context, mbedtls_gcm_init, mbedtls_gcm_free>;
using Md = Owned<mbedtls_md_context_t, mbedtls_md_init, mbedtls_md_free>;
using Mpi = Owned<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free>;
using EcGroup = Owned<mbedtls_ecp_group, mbedtls_ecp_group_init, mbedtls_ecp_group_free>;
using EcPoint = Owned<mbedtls_ecp_point, mbedtls_ecp_point_init, mbedtls_ecp_point_free>;
using HmacDrbg = Owned<mbedtls_hmac_drbg_context, mbedtls_hmac_drbg_init, mbedtls_hmac_drbg_free>;

const mbedtls_md_info_t* md_info(HashAlg alg);  // never null

}  // namespace godwit::crypto
