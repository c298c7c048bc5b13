#include "core/crypto/signature.h"

#include "core/base/secret.h"
#include "core/base/writer.h"
#include "core/crypto/x509_owned.h"

namespace godwit::crypto {
namespace {

constexpr std::size_t kRsaBitsMin = 2048;

std::size_t order_size(SignatureMethod method) {
  switch (method) {
    case SignatureMethod::kEcdsa256:
      return 32;
    case SignatureMethod::kEcdsa384:
      return 48;
    case SignatureMethod::kEcdsa521:
      return 66;
    case SignatureMethod::kRsa:
      break;
  }
  return 0;
}

// With a NUL behind it, as mbedTLS wants PEM.
SecretBytes terminated(Bytes text) {
  SecretBytes out(text.size() + 1);
  Writer(out.fill()).put(text);
  return out;
}

int parse_key(Pk& key, Bytes text, Bytes passphrase) {
  const SecretBytes whole = terminated(text);
  const std::size_t size = text.size() + (is_pem(text) ? 1 : 0);
  const unsigned char* word = passphrase.empty() ? nullptr : passphrase.data();
#if MBEDTLS_VERSION_MAJOR >= 3
  // Randomness only blinds the computation of a missing public half.
  const auto none = [](void*, unsigned char* out, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<unsigned char>(i * 37 + 1);
    return 0;
  };
  return mbedtls_pk_parse_key(key.get(), whole.expose().data(), size, word, passphrase.size(), none,
                              nullptr);
#else
  return mbedtls_pk_parse_key(key.get(), whole.expose().data(), size, word, passphrase.size());
#endif
}

ByteVec sign_rsa(mbedtls_rsa_context* rsa, Bytes hash, Rng& rng) {
  ByteVec signature(mbedtls_rsa_get_len(rsa));
  const auto size = static_cast<unsigned>(hash.size());
#if MBEDTLS_VERSION_MAJOR >= 3
  const int failed = mbedtls_rsa_pkcs1_sign(rsa, fill_random, &rng, MBEDTLS_MD_NONE, size,
                                            hash.data(), signature.data());
#else
  const int failed = mbedtls_rsa_pkcs1_sign(rsa, fill_random, &rng, MBEDTLS_RSA_PRIVATE,
                                            MBEDTLS_MD_NONE, size, hash.data(), signature.data());
#endif
  return failed == 0 ? signature : ByteVec();
}

ByteVec sign_ecdsa(mbedtls_ecp_keypair* pair, SignatureMethod method, Bytes hash, Rng& rng) {
  Mpi r;
  Mpi s;
  const std::size_t size = order_size(method);
  ByteVec signature(2 * size);
  const bool signed_it =
      mbedtls_ecdsa_sign(&pair->MBEDTLS_PRIVATE(grp), r.get(), s.get(), &pair->MBEDTLS_PRIVATE(d),
                         hash.data(), hash.size(), fill_random, &rng) == 0 &&
      mbedtls_mpi_write_binary(r.get(), signature.data(), size) == 0 &&
      mbedtls_mpi_write_binary(s.get(), signature.data() + size, size) == 0;
  return signed_it ? signature : ByteVec();
}

}  // namespace

std::optional<HashAlg> hash_of(SignatureMethod method) {
  switch (method) {
    case SignatureMethod::kEcdsa256:
      return HashAlg::kSha256;
    case SignatureMethod::kEcdsa384:
      return HashAlg::kSha384;
    case SignatureMethod::kEcdsa521:
      return HashAlg::kSha512;
    case SignatureMethod::kRsa:
      break;
  }
  return std::nullopt;
}

std::optional<SignatureMethod> method_of(const mbedtls_pk_context* key) {
  const auto type = mbedtls_pk_get_type(key);
  if (type == MBEDTLS_PK_RSA) {
    if (mbedtls_pk_get_bitlen(key) < kRsaBitsMin) return std::nullopt;
    return SignatureMethod::kRsa;
  }
  if (type != MBEDTLS_PK_ECKEY && type != MBEDTLS_PK_ECDSA) return std::nullopt;
  switch (mbedtls_pk_ec(*key)->MBEDTLS_PRIVATE(grp).id) {
    case MBEDTLS_ECP_DP_SECP256R1:
      return SignatureMethod::kEcdsa256;
    case MBEDTLS_ECP_DP_SECP384R1:
      return SignatureMethod::kEcdsa384;
    case MBEDTLS_ECP_DP_SECP521R1:
      return SignatureMethod::kEcdsa521;
    default:
      return std::nullopt;
  }
}

struct PrivateKey::Impl {
  Pk key;
};

PrivateKey::PrivateKey() : impl_(std::make_unique<Impl>()) {}
PrivateKey::~PrivateKey() = default;

Result<std::shared_ptr<const PrivateKey>, KeyFault> PrivateKey::parse(Bytes pem_or_der,
                                                                      Bytes passphrase) {
  std::shared_ptr<PrivateKey> out(new PrivateKey);
  const int failed = parse_key(out->impl_->key, pem_or_der, passphrase);
  if (failed == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || failed == MBEDTLS_ERR_PK_PASSWORD_MISMATCH) {
    return fail(KeyFault::kPassphrase);
  }
  if (failed != 0) return fail(KeyFault::kMalformed);
  if (!method_of(out->impl_->key.get())) return fail(KeyFault::kUnusable);
  return std::shared_ptr<const PrivateKey>(std::move(out));
}

SignatureMethod PrivateKey::method() const { return *method_of(impl_->key.get()); }

bool PrivateKey::belongs_to(Bytes certificate) const {
  Crt crt;
  if (mbedtls_x509_crt_parse_der(crt.get(), certificate.data(), certificate.size()) != 0) {
    return false;
  }
#if MBEDTLS_VERSION_MAJOR >= 3
  const auto none = [](void*, unsigned char* out, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<unsigned char>(i * 37 + 1);
    return 0;
  };
  return mbedtls_pk_check_pair(&crt->pk, impl_->key.get(), none, nullptr) == 0;
#else
  return mbedtls_pk_check_pair(&crt->pk, impl_->key.get()) == 0;
#endif
}

ByteVec PrivateKey::sign(Bytes hash, Rng& rng) const {
  const SignatureMethod how = method();
  if (how == SignatureMethod::kRsa) return sign_rsa(mbedtls_pk_rsa(*impl_->key.get()), hash, rng);
  return sign_ecdsa(mbedtls_pk_ec(*impl_->key.get()), how, hash, rng);
}

}  // namespace godwit::crypto
