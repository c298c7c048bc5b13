// One-time passwords that are computed from a secret and the time (RFC 6238).
#pragma once

#include <chrono>
#include <cstdint>

#include "client/report.h"
#include "core/base/result.h"
#include "core/base/secret.h"

namespace godwit::client {

enum class TotpHash : std::uint8_t { kSha1, kSha256, kSha512 };

// What both sides know. The step of a time is the number of whole periods since 1970.
struct TotpKey {
  SecretBytes secret;
  TotpHash hash = TotpHash::kSha1;
  unsigned digits = 6;              // 6 to 8
  std::chrono::seconds period{30};  // 5 s to 5 min

  std::uint64_t step_of(std::chrono::seconds since_1970) const;
  SecretBytes code(std::uint64_t step) const;
};

// As it is written: the secret in base32 (blanks, hyphens and small letters are fine), or a URI as
// the QR codes of authenticator apps hold it: otpauth://totp/LABEL?secret=...&digits=...
// &period=...&algorithm=SHA1|SHA256|SHA512. `from` names the file in a failure.
Result<TotpKey, Failure> read_totp_key(Bytes written, std::string_view from);

}  // namespace godwit::client
