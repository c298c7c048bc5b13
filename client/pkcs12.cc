#include "client/pkcs12.h"

#include <gnutls/pkcs12.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <string_view>

#include "client/gnutls_owned.h"

namespace godwit::client {
namespace {

using File = GnutlsOwned<gnutls_pkcs12_t, gnutls_pkcs12_deinit>;
using Key = GnutlsOwned<gnutls_x509_privkey_t, gnutls_x509_privkey_deinit>;

struct Chain {
  Chain() = default;
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  ~Chain() {
    for (unsigned i = 0; i < size; ++i) gnutls_x509_crt_deinit(all[i]);
    gnutls_free(all);
  }
  gnutls_x509_crt_t* all = nullptr;
  unsigned size = 0;
};

bool append_pem(ByteVec& out, gnutls_x509_crt_t certificate) {
  GnutlsDatum pem;
  if (gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, pem.out()) != 0) return false;
  append(out, pem.octets());
  return true;
}

Pkcs12Fault fault_of(int error) {
  switch (error) {
    case GNUTLS_E_MAC_VERIFY_FAILED:
    case GNUTLS_E_DECRYPTION_FAILED:
      return Pkcs12Fault::kPassphrase;
    case GNUTLS_E_UNKNOWN_CIPHER_TYPE:
    case GNUTLS_E_UNKNOWN_HASH_ALGORITHM:
    case GNUTLS_E_UNIMPLEMENTED_FEATURE:
    case GNUTLS_E_UNWANTED_ALGORITHM:
      return Pkcs12Fault::kUnsupported;
    default:
      return Pkcs12Fault::kMalformed;
  }
}

SecretBytes terminated(const SecretBytes& text) {
  SecretBytes out(text.size() + 1);
  std::ranges::copy(text.expose(), out.fill().begin());
  return out;
}

const char* words_of(const SecretBytes& terminated_text) {
  return reinterpret_cast<const char*>(terminated_text.expose().data());
}

Result<SecretBytes, Pkcs12Fault> der_of(gnutls_x509_privkey_t key) {
  GnutlsDatum der;
  // PKCS#8: the library's other form does not say which curve an EC key is of.
  if (gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_DER, nullptr, GNUTLS_PKCS_PLAIN,
                                        der.out()) != 0) {
    return fail(Pkcs12Fault::kUnsupported);
  }
  return SecretBytes::copy_of(der.octets());
}

Result<Pkcs12, Pkcs12Fault> open_with(gnutls_pkcs12_t file, const char* passphrase) {
  if (const int failed = gnutls_pkcs12_verify_mac(file, passphrase); failed != 0) {
    return fail(fault_of(failed));
  }
  Key key;
  Chain chain;
  Chain others;
  const int failed = gnutls_pkcs12_simple_parse(file, passphrase, key.out(), &chain.all,
                                                &chain.size, &others.all, &others.size, nullptr, 0);
  if (failed == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) return fail(Pkcs12Fault::kNoKey);
  if (failed < 0) return fail(fault_of(failed));
  if (key.get() == nullptr) return fail(Pkcs12Fault::kNoKey);
  if (chain.size == 0) return fail(Pkcs12Fault::kNoCertificate);
  Pkcs12 out;
  bool whole = true;
  for (unsigned i = 0; i < chain.size; ++i) {
    whole = append_pem(out.certificates, chain.all[i]) && whole;
    if (i > 0) whole = append_pem(out.authorities, chain.all[i]) && whole;
  }
  for (unsigned i = 0; i < others.size; ++i) {
    whole = append_pem(out.authorities, others.all[i]) && whole;
  }
  if (!whole) return fail(Pkcs12Fault::kMalformed);
  out.key = GODWIT_TRY(der_of(key.get()));
  return out;
}

}  // namespace

Result<Pkcs12, Pkcs12Fault> open_pkcs12(Bytes file, const std::optional<SecretBytes>& passphrase) {
  File parsed;
  const gnutls_datum_t octets = datum_of(file);
  if (gnutls_pkcs12_init(parsed.out()) != 0 ||
      gnutls_pkcs12_import(parsed.get(), &octets, GNUTLS_X509_FMT_DER, 0) != 0) {
    return fail(Pkcs12Fault::kMalformed);
  }
  if (!passphrase) {
    // Some programs write an empty passphrase as no octet, others as one empty character.
    auto opened = open_with(parsed.get(), "");
    if (opened || opened.error() != Pkcs12Fault::kPassphrase) return opened;
    return open_with(parsed.get(), nullptr);
  }
  return open_with(parsed.get(), words_of(terminated(*passphrase)));
}

bool is_locked_pkcs8(Bytes pem) {
  const std::string_view text(reinterpret_cast<const char*>(pem.data()), pem.size());
  return text.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != text.npos;
}

Result<SecretBytes, Pkcs12Fault> open_pkcs8(Bytes pem, const SecretBytes& passphrase) {
  Key key;
  const gnutls_datum_t octets = datum_of(pem);
  int failed = gnutls_x509_privkey_init(key.out());
  if (failed == 0) {
    failed = gnutls_x509_privkey_import_pkcs8(key.get(), &octets, GNUTLS_X509_FMT_PEM,
                                              words_of(terminated(passphrase)), 0);
  }
  if (failed != 0) return fail(fault_of(failed));
  return der_of(key.get());
}

}  // namespace godwit::client
