#include "client/credentials.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "client/fd.h"
#include "client/secrets.h"
#include "client/words.h"

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
      return bad(fmt::format("{} holds no certificate", p.cert_file),
                 "cert-file is a PEM or DER file with an X.509 certificate");
    case CredentialFault::kKeyMalformed:
      return bad(fmt::format("{} holds no private key", p.key_file),
                 "key-file is a PEM or DER file with an RSA or EC key");
    case CredentialFault::kPassphrase:
      return bad(fmt::format("the passphrase does not open {}", p.key_file), "type it again");
    case CredentialFault::kKeyUnusable:
      return bad(fmt::format("the key in {} cannot be used for IKE", p.key_file),
                 "use RSA of 2048 bits or more, or a curve P-256, P-384 or P-521");
    case CredentialFault::kKeyNeedsRsa:
      return bad(
          fmt::format("the key in {} is not RSA, which auth = \"xauth-cert\" needs", p.key_file),
          "use an RSA key, or auth = \"cert\"");
    case CredentialFault::kKeyOfAnother:
      return bad(fmt::format("the key in {} does not belong to the certificate in {}", p.key_file,
                             p.cert_file),
                 "name the key that the certificate was made for; our certificate stands first");
    case CredentialFault::kNoAuthority:
      return bad(fmt::format("{} holds no certificate", p.ca_file),
                 "ca-file holds the certificates of the authorities, PEM or DER");
    case CredentialFault::kNoRevocationList:
      return bad(fmt::format("{} holds no revocation list", p.crl_file),
                 "crl-file holds X.509 revocation lists, PEM or DER");
  }
  return bad("the credentials cannot be used");
}

Result<SecretBytes, Failure> obtain_psk(const config::Profile& profile, int cancel_fd) {
  SecretBytes written = GODWIT_TRY(obtain_secret(
      profile.psk, fmt::format("Pre-shared key for {}", printable(profile.name)), cancel_fd));
  return decode_psk(std::move(written));
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
  files.certificate = GODWIT_TRY(read_file(profile.cert_file));
  files.authorities = GODWIT_TRY(read_file(profile.ca_file));
  files.revocation_lists = GODWIT_TRY(read_file(profile.crl_file));
  if (!profile.crl_file.empty() && files.revocation_lists.empty()) {
    return fail(explain(CredentialFault::kNoRevocationList, profile));
  }
  if (!profile.key_file.empty()) files.key = GODWIT_TRY(read_key_file(profile.key_file));
  auto read = session::read_credentials(profile, files);
  if (!read && read.error() == CredentialFault::kPassphrase) {
    files.passphrase = GODWIT_TRY(
        obtain_secret({}, fmt::format("Passphrase of {}", printable(profile.key_file)), cancel_fd));
    read = session::read_credentials(profile, files);
  }
  if (!read) return fail(explain(read.error(), profile));
  return std::move(*read);
}

}  // namespace godwit::client
