#include "core/crypto/hash.h"

#include "core/base/check.h"
#include "core/crypto/mbedtls_owned.h"

namespace godwit::crypto {

namespace {

mbedtls_md_type_t md_type(HashAlg alg) {
  switch (alg) {
    case HashAlg::kMd5:
      return MBEDTLS_MD_MD5;
    case HashAlg::kSha1:
      return MBEDTLS_MD_SHA1;
    case HashAlg::kSha256:
      return MBEDTLS_MD_SHA256;
    case HashAlg::kSha384:
      return MBEDTLS_MD_SHA384;
    case HashAlg::kSha512:
      return MBEDTLS_MD_SHA512;
  }
  return MBEDTLS_MD_NONE;
}

void hmac(HashAlg alg, Bytes key, std::initializer_list<Bytes> pieces, MutBytes out) {
  CHECK(out.size() == hash_size(alg));
  Md md;
  CHECK(mbedtls_md_setup(md.get(), md_info(alg), 1) == 0);
  CHECK(mbedtls_md_hmac_starts(md.get(), key.data(), key.size()) == 0);
  for (const Bytes piece : pieces) {
    if (piece.empty()) continue;  // its pointer may be null
    CHECK(mbedtls_md_hmac_update(md.get(), piece.data(), piece.size()) == 0);
  }
  CHECK(mbedtls_md_hmac_finish(md.get(), out.data()) == 0);
}

}  // namespace

const mbedtls_md_info_t* md_info(HashAlg alg) {
  const mbedtls_md_info_t* info = mbedtls_md_info_from_type(md_type(alg));
  CHECK(info != nullptr);
  return info;
}

Digest hash(HashAlg alg, std::initializer_list<Bytes> pieces) {
  Digest out(hash_size(alg));
  Md md;
  CHECK(mbedtls_md_setup(md.get(), md_info(alg), 0) == 0);
  CHECK(mbedtls_md_starts(md.get()) == 0);
  for (const Bytes piece : pieces) {
    if (piece.empty()) continue;
    CHECK(mbedtls_md_update(md.get(), piece.data(), piece.size()) == 0);
  }
  CHECK(mbedtls_md_finish(md.get(), out.fill().data()) == 0);
  return out;
}

SecretBytes prf(HashAlg alg, Bytes key, std::initializer_list<Bytes> pieces) {
  SecretBytes out(hash_size(alg));
  hmac(alg, key, pieces, out.fill());
  return out;
}

Digest prf_public(HashAlg alg, Bytes key, std::initializer_list<Bytes> pieces) {
  Digest out(hash_size(alg));
  hmac(alg, key, pieces, out.fill());
  return out;
}

}  // namespace godwit::crypto
