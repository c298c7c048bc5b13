#include "client/token.h"

#include <fmt/format.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/pkcs11.h>
#include <gnutls/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>

#include "client/gnutls_owned.h"
#include "client/words.h"
#include "core/crypto/certificate.h"

namespace godwit::client {
namespace {

using Certificate = GnutlsOwned<gnutls_x509_crt_t, gnutls_x509_crt_deinit>;
using Privkey = GnutlsOwned<gnutls_privkey_t, gnutls_privkey_deinit>;

Failure bad(std::string what, std::string remedy = {}) {
  return failure(ExitCode::kSecret, std::move(what), std::move(remedy));
}

// A library that runs in a process of root must be one that only root can change.
std::string refuse_module(const std::string& module) {
  struct stat st {};
  if (stat(module.c_str(), &st) != 0) return std::strerror(errno);
  if (!S_ISREG(st.st_mode)) return "it is not a regular file";
  if (geteuid() == 0 && (st.st_uid != 0 || (st.st_mode & 022) != 0)) {
    return "others than root may change it";
  }
  return {};
}

std::size_t order_size(crypto::SignatureMethod method) {
  switch (method) {
    case crypto::SignatureMethod::kEcdsa256:
      return 32;
    case crypto::SignatureMethod::kEcdsa384:
      return 48;
    case crypto::SignatureMethod::kEcdsa521:
      return 66;
    case crypto::SignatureMethod::kRsa:
      break;
  }
  return 0;
}

gnutls_digest_algorithm_t digest_of(crypto::SignatureMethod method) {
  switch (method) {
    case crypto::SignatureMethod::kEcdsa256:
      return GNUTLS_DIG_SHA256;
    case crypto::SignatureMethod::kEcdsa384:
      return GNUTLS_DIG_SHA384;
    case crypto::SignatureMethod::kEcdsa521:
      return GNUTLS_DIG_SHA512;
    case crypto::SignatureMethod::kRsa:
      break;
  }
  return GNUTLS_DIG_UNKNOWN;
}

// An integer of DER in a field of fixed size; false when it does not fit.
bool put_integer(MutBytes field, Bytes integer) {
  while (!integer.empty() && integer.front() == 0) integer = integer.subspan(1);
  if (integer.size() > field.size()) return false;
  std::ranges::copy(integer, field.last(integer.size()).begin());
  return true;
}

// RFC 4754 3: r | s, where the library gives the DER of both.
ByteVec fixed_size(const GnutlsDatum& signature, std::size_t half) {
  GnutlsDatum r;
  GnutlsDatum s;
  if (gnutls_decode_rs_value(signature.get(), r.out(), s.out()) != 0) return {};
  ByteVec out(2 * half);
  const bool fits = put_integer(MutBytes(out).first(half), r.octets()) &&
                    put_integer(MutBytes(out).last(half), s.octets());
  return fits ? out : ByteVec();
}

}  // namespace

// Asked for on the thread that opens the token, given again on the one that signs.
struct Tokens::Pin {
  explicit Pin(AskPin how) : ask(std::move(how)) {}

  static int give(void* self, int /*attempt*/, const char* /*url*/, const char* label,
                  unsigned flags, char* out, std::size_t room) {
    return static_cast<Pin*>(self)->give(label == nullptr ? "" : label, flags, out, room);
  }

  int give(const std::string& label, unsigned flags, char* out, std::size_t room) {
    const std::lock_guard lock(mutex);
    if ((flags & GNUTLS_PIN_WRONG) != 0) {
      refused = true;
      return GNUTLS_E_PKCS11_PIN_ERROR;
    }
    if (!known) {
      if (trouble || refused) return GNUTLS_E_PKCS11_PIN_ERROR;
      auto answer = ask(label, (flags & GNUTLS_PIN_FINAL_TRY) != 0);
      if (!answer) {
        trouble = answer.error();
        return GNUTLS_E_PKCS11_PIN_ERROR;
      }
      known = std::move(*answer);
    }
    if (known->size() >= room) return GNUTLS_E_PKCS11_PIN_ERROR;
    std::memcpy(out, known->expose().data(), known->size());
    out[known->size()] = '\0';
    return 0;
  }

  std::mutex mutex;
  AskPin ask;
  std::optional<SecretBytes> known;
  std::optional<Failure> trouble;  // why there is none
  bool refused = false;
};

class Tokens::Key final : public crypto::SigningKey {
 public:
  Key(std::shared_ptr<Pin> pin, Bytes certificate, crypto::SignatureMethod method)
      : pin_(std::move(pin)), certificate_(to_vec(certificate)), method_(method) {}

  gnutls_privkey_t* out() { return key_.out(); }
  crypto::SignatureMethod method() const override { return method_; }

  ByteVec sign(Bytes hash, Rng& /*rng*/) const override {
    ByteVec signature =
        method_ == crypto::SignatureMethod::kRsa ? sign_rsa(hash) : sign_ecdsa(hash);
    // Another key than the certificate's, or a token that hashed once more: no gateway would
    // believe it, and it could not say why.
    const Bytes own(certificate_);
    if (!crypto::find_signer({&own, 1}, method_, hash, signature)) signature.clear();
    return signature;
  }

 private:
  // RFC 2409 5.1: PKCS#1 over the hash as it is. So did TLS before 1.2, hence the flag's name;
  // nothing is put in front of the hash (CKM_RSA_PKCS).
  ByteVec sign_rsa(Bytes hash) const {
    const gnutls_datum_t digest = datum_of(hash);
    GnutlsDatum signature;
    const int failed =
        gnutls_privkey_sign_hash(key_.get(), GNUTLS_DIG_UNKNOWN, GNUTLS_PRIVKEY_SIGN_FLAG_TLS1_RSA,
                                 &digest, signature.out());
    return failed == 0 ? to_vec(signature.octets()) : ByteVec();
  }

  ByteVec sign_ecdsa(Bytes hash) const {
    const gnutls_datum_t digest = datum_of(hash);
    GnutlsDatum signature;
    const int failed =
        gnutls_privkey_sign_hash(key_.get(), digest_of(method_), 0, &digest, signature.out());
    return failed == 0 ? fixed_size(signature, order_size(method_)) : ByteVec();
  }

  std::shared_ptr<Pin> pin_;  // outlives the key, which asks it
  ByteVec certificate_;
  crypto::SignatureMethod method_;
  Privkey key_;
};

Tokens::Tokens(std::shared_ptr<Pin> pin) : pin_(std::move(pin)) {}
Tokens::Tokens(Tokens&&) noexcept = default;
Tokens::~Tokens() = default;

Result<Tokens, Failure> Tokens::open(const std::string& module, AskPin ask) {
  if (!module.empty()) {
    if (const auto why = refuse_module(module); !why.empty()) {
      return fail(bad(fmt::format("cannot use {}: {}", module, why)));
    }
  }
  int failed = gnutls_pkcs11_init(
      module.empty() ? GNUTLS_PKCS11_FLAG_AUTO : GNUTLS_PKCS11_FLAG_MANUAL, nullptr);
  if (failed == 0 && !module.empty()) failed = gnutls_pkcs11_add_provider(module.c_str(), nullptr);
  if (failed != 0) {
    return fail(
        bad(fmt::format("cannot reach tokens through {}: {}",
                        module.empty() ? std::string("p11-kit") : module, gnutls_strerror(failed)),
            "pkcs11-module names the library of the token's vendor, or of OpenSC"));
  }
  return Tokens(std::make_shared<Pin>(std::move(ask)));
}

Failure Tokens::explain(const std::string& what, const std::string& uri, int error) const {
  if (pin_->trouble) return *pin_->trouble;
  if (pin_->refused) {
    return bad(fmt::format("the token refuses the PIN for {}", printable(uri)),
               "check it before you try again: after a few wrong ones the token locks itself");
  }
  if (error == GNUTLS_E_PKCS11_REQUESTED_OBJECT_NOT_AVAILBLE ||
      error == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
    return bad(fmt::format("no token here has the {} {}", what, printable(uri)),
               "plug it in; `p11tool --list-all URI` shows what a token has");
  }
  if (error == GNUTLS_E_PARSING_ERROR) {
    return bad(fmt::format("{} is no PKCS#11 URI (RFC 7512)", printable(uri)));
  }
  return bad(fmt::format("cannot read the {} {}: {}", what, printable(uri), gnutls_strerror(error)),
             "check the token and its module with `p11tool --list-tokens`");
}

Result<ByteVec, Failure> Tokens::certificate(const std::string& uri) {
  Certificate certificate;
  int failed = gnutls_x509_crt_init(certificate.out());
  if (failed == 0) {
    gnutls_x509_crt_set_pin_function(certificate.get(), &Pin::give, pin_.get());
    failed = gnutls_x509_crt_import_url(certificate.get(), uri.c_str(), 0);
  }
  GnutlsDatum der;
  if (failed == 0) {
    failed = gnutls_x509_crt_export2(certificate.get(), GNUTLS_X509_FMT_DER, der.out());
  }
  if (failed != 0) return fail(explain("certificate", uri, failed));
  return to_vec(der.octets());
}

Result<std::shared_ptr<const crypto::SigningKey>, Failure> Tokens::key(const std::string& uri,
                                                                       Bytes certificate) {
  const auto method = crypto::method_of(certificate);
  if (!method) {
    return fail(bad(fmt::format("the certificate for {} cannot be used for IKE", printable(uri)),
                    "use RSA of 2048 bits or more, or a curve P-256, P-384 or P-521"));
  }
  auto key = std::make_shared<Key>(pin_, certificate, *method);
  int failed = gnutls_privkey_init(key->out());
  if (failed == 0) {
    gnutls_privkey_set_pin_function(*key->out(), &Pin::give, pin_.get());
    failed = gnutls_privkey_import_url(*key->out(), uri.c_str(), 0);
  }
  if (failed != 0) return fail(explain("private key", uri, failed));
  const int algorithm = gnutls_privkey_get_pk_algorithm(*key->out(), nullptr);
  const bool rsa = algorithm == GNUTLS_PK_RSA;
  if (rsa != (*method == crypto::SignatureMethod::kRsa)) {
    return fail(bad(fmt::format("the key {} does not belong to the certificate", printable(uri)),
                    "name the key that the certificate was made for"));
  }
  return std::shared_ptr<const crypto::SigningKey>(std::move(key));
}

std::string key_uri_of(const std::string& certificate_uri) {
  const auto query = certificate_uri.find('?');
  std::string path = certificate_uri.substr(0, query);
  const std::string rest = query == path.npos ? "" : certificate_uri.substr(query);
  for (const std::string_view name : {";type=", ":type=", ";object-type="}) {
    const auto at = path.find(name);
    if (at == path.npos) continue;
    auto end = path.find(';', at + 1);
    // The sign in front stays when something stands behind.
    path.erase(at + 1, end == path.npos ? path.npos : end - at);
    if (path.back() == ';') path.pop_back();
  }
  return path + (path.back() == ':' ? "" : ";") + "type=private" + rest;
}

}  // namespace godwit::client
