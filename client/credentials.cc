#include "client/credentials.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "client/fd.h"
#include "client/keyring.h"
#include "client/pkcs12.h"
#include "client/secrets.h"
#include "client/token.h"
#include "client/words.h"
#include "core/config/values.h"

namespace godwit::client {
namespace {

constexpr std::size_t kFileMax = 1 << 20;  // bundles of authorities are large

using session::CredentialFault;

Failure bad(std::string what, std::string remedy = {}) {
  return failure(ExitCode::kSecret, std::move(what), std::move(remedy));
}

// A file that is no secret. Empty for no name.
Result<ByteVec, Failure> read_file(const std::string& path) {
  ByteVec octets;
  if (path.empty()) return octets;
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail(bad(fmt::format("cannot read {}: {}", path, std::strerror(errno))));
  while (octets.size() <= kFileMax) {
    std::array<std::uint8_t, 4096> block{};
    const ssize_t got = read(fd.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(bad(fmt::format("cannot read {}: {}", path, std::strerror(errno))));
    if (got == 0) return octets;
    append(octets, Bytes(block).first(static_cast<std::size_t>(got)));
  }
  return fail(bad(fmt::format("{} is too long for certificates", path)));
}

Failure explain(CredentialFault fault, const config::Profile& p) {
  switch (fault) {
    case CredentialFault::kNoCertificate:
      return bad(
          fmt::format("{} holds no certificate", p.cert_file),
          "cert-file is a PEM or DER file with an X.509 certificate; a PKCS#12 file is known "
          "by its name, *.p12 or *.pfx");
    case CredentialFault::kKeyMalformed:
      return bad(fmt::format("{} holds no private key", p.key_place()),
                 "key-file is a PEM or DER file with an RSA or EC key");
    case CredentialFault::kPassphrase:
      return bad(fmt::format("the passphrase does not open {}", p.key_place()),
                 "type it again, or mend key-passphrase-file");
    case CredentialFault::kKeyUnusable:
      return bad(fmt::format("the key in {} cannot be used for IKE", printable(p.key_place())),
                 "use RSA of 2048 bits or more, or a curve P-256, P-384 or P-521");
    case CredentialFault::kKeyNeedsRsa:
      return bad(fmt::format("the key in {} is not RSA, which auth = \"xauth-cert\" needs",
                             printable(p.key_place())),
                 "use an RSA key, or auth = \"cert\"");
    case CredentialFault::kKeyOfAnother:
      return bad(fmt::format("the key in {} does not belong to the certificate in {}",
                             printable(p.key_place()), printable(p.cert_file)),
                 "name the key that the certificate was made for; our certificate stands first");
    case CredentialFault::kNoAuthority:
      return bad(fmt::format("{} holds no certificate", p.ca_file),
                 "ca-file holds the certificates of the authorities, PEM or DER, or is the PKCS#12 "
                 "file of cert-file and holds them beside our own");
    case CredentialFault::kNoRevocationList:
      return bad(fmt::format("{} holds no revocation list", p.crl_file),
                 "crl-file holds X.509 revocation lists, PEM or DER");
    case CredentialFault::kNoGatewayCertificate:
      return bad(fmt::format("{} holds no certificate", p.gateway_cert_file),
                 "gateway-cert-file holds the gateway's own certificate, PEM or DER");
  }
  return bad("the credentials cannot be used");
}

Result<SecretBytes, Failure> obtain_psk(const config::Profile& profile, int cancel_fd) {
  if (profile.psk.kind == config::SecretSource::Kind::kKeyring) {
    return decode_psk(GODWIT_TRY(ask_keyring(profile, "psk", cancel_fd)));
  }
  SecretBytes written = GODWIT_TRY(obtain_secret(
      profile.psk, fmt::format("Pre-shared key for {}", printable(profile.name)), cancel_fd));
  return decode_psk(std::move(written));
}

Result<SecretBytes, Failure> obtain_passphrase(const config::Profile& profile, int cancel_fd) {
  if (profile.key_passphrase.kind == config::SecretSource::Kind::kKeyring) {
    return ask_keyring(profile, "key-passphrase", cancel_fd);
  }
  return obtain_secret(profile.key_passphrase,
                       fmt::format("Passphrase of {}", printable(profile.key_place())), cancel_fd);
}

Failure explain(Pkcs12Fault fault, const config::Profile& p) {
  switch (fault) {
    case Pkcs12Fault::kMalformed:
      if (!config::is_pkcs12_name(p.cert_file)) return explain(CredentialFault::kKeyMalformed, p);
      return bad(fmt::format("{} is no PKCS#12 file", p.cert_file),
                 "a PEM or DER certificate has another name than *.p12 and *.pfx");
    case Pkcs12Fault::kPassphrase:
      return explain(CredentialFault::kPassphrase, p);
    case Pkcs12Fault::kUnsupported:
      return bad(fmt::format("{} is locked in a way that GnuTLS does not open", p.key_place()),
                 "export it again with AES-256 and a MAC of SHA-256");
    case Pkcs12Fault::kNoKey:
      return explain(CredentialFault::kKeyMalformed, p);
    case Pkcs12Fault::kNoCertificate:
      return bad(fmt::format("{} holds no certificate that belongs to its key", p.cert_file));
  }
  return bad("the credentials cannot be used");
}

Result<void, Failure> read_pkcs12(const config::Profile& profile, int cancel_fd,
                                  session::CredentialFiles& files) {
  const SecretBytes file = GODWIT_TRY(read_key_file(profile.cert_file));
  auto opened = open_pkcs12(file.expose(), std::nullopt);
  if (!opened && opened.error() == Pkcs12Fault::kPassphrase) {
    opened = open_pkcs12(file.expose(), GODWIT_TRY(obtain_passphrase(profile, cancel_fd)));
  }
  if (!opened) return fail(explain(opened.error(), profile));
  files.certificate = std::move(opened->certificates);
  files.key = std::move(opened->key);
  if (profile.ca_file == profile.cert_file) files.authorities = std::move(opened->authorities);
  return {};
}

Result<void, Failure> read_token(const config::Profile& profile, int cancel_fd,
                                 session::CredentialFiles& files) {
  const auto ask = [&profile, cancel_fd](const std::string& token, bool last_try) {
    std::string prompt = fmt::format("PIN of {}", printable(token));
    if (last_try) prompt += " (the last attempt before it locks itself)";
    if (profile.key_passphrase.kind == config::SecretSource::Kind::kKeyring) {
      return ask_keyring(profile, "key-passphrase", cancel_fd);
    }
    return obtain_secret(profile.key_passphrase, prompt, cancel_fd);
  };
  Tokens tokens = GODWIT_TRY(Tokens::open(profile.pkcs11_module, ask));
  if (config::is_token_uri(profile.cert_file)) {
    files.certificate = GODWIT_TRY(tokens.certificate(profile.cert_file));
  }
  const auto certificates = crypto::read_certificates(files.certificate);
  if (certificates.empty()) return fail(explain(CredentialFault::kNoCertificate, profile));
  const std::string uri =
      profile.key_file.empty() ? key_uri_of(profile.cert_file) : profile.key_file;
  if (config::is_token_uri(uri)) {
    files.token = GODWIT_TRY(tokens.key(uri, certificates.front()));
  }
  return {};
}

// Our certificate and its key, wherever they are.
Result<void, Failure> read_own(const config::Profile& profile, int cancel_fd,
                               session::CredentialFiles& files) {
  if (profile.auth != config::Authentication::kCertificate) return {};
  if (config::is_pkcs12_name(profile.cert_file)) return read_pkcs12(profile, cancel_fd, files);
  const bool on_token = config::is_token_uri(profile.cert_file);
  if (!on_token) files.certificate = GODWIT_TRY(read_file(profile.cert_file));
  if (on_token || config::is_token_uri(profile.key_file)) {
    GODWIT_TRY(read_token(profile, cancel_fd, files));
  }
  if (files.token) return {};
  files.key = GODWIT_TRY(read_key_file(profile.key_file));
  if (!is_locked_pkcs8(files.key.expose())) return {};
  auto opened = open_pkcs8(files.key.expose(), GODWIT_TRY(obtain_passphrase(profile, cancel_fd)));
  if (!opened) return fail(explain(opened.error(), profile));
  files.key = std::move(*opened);
  return {};
}

}  // namespace

Result<session::Credentials, Failure> obtain_credentials(const config::Profile& profile,
                                                         int cancel_fd) {
  if (profile.auth == config::Authentication::kPsk) {
    session::Credentials out;
    out.psk = GODWIT_TRY(obtain_psk(profile, cancel_fd));
    return out;
  }
  session::CredentialFiles files;
  GODWIT_TRY(read_own(profile, cancel_fd, files));
  if (!config::is_pkcs12_name(profile.ca_file)) {
    files.authorities = GODWIT_TRY(read_file(profile.ca_file));
  }
  files.revocation_lists = GODWIT_TRY(read_file(profile.crl_file));
  files.gateway_certificates = GODWIT_TRY(read_file(profile.gateway_cert_file));
  // An empty file is no missing one.
  for (const auto& [path, octets, fault] :
       {std::tuple(&profile.ca_file, &files.authorities, CredentialFault::kNoAuthority),
        std::tuple(&profile.crl_file, &files.revocation_lists, CredentialFault::kNoRevocationList),
        std::tuple(&profile.gateway_cert_file, &files.gateway_certificates,
                   CredentialFault::kNoGatewayCertificate)}) {
    if (!path->empty() && octets->empty()) return fail(explain(fault, profile));
  }
  auto read = session::read_credentials(profile, files);
  if (!read && read.error() == CredentialFault::kPassphrase) {
    files.passphrase = GODWIT_TRY(obtain_passphrase(profile, cancel_fd));
    read = session::read_credentials(profile, files);
  }
  if (!read) return fail(explain(read.error(), profile));
  return std::move(*read);
}

}  // namespace godwit::client
