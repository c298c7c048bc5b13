// What proves us and whom we believe, as the profile names it: the pre-shared key, or certificate,
// private key and authorities from their files, a PKCS#12 file or a token.
#pragma once

#include "client/report.h"
#include "core/base/result.h"
#include "core/session/credentials.h"

namespace godwit::client {

// Asks for the pre-shared key, or for the passphrase of a private key or the PIN of its token, by
// the profile's source or on the terminal; ends when `cancel_fd` becomes readable.
Result<session::Credentials, Failure> obtain_credentials(const config::Profile& profile,
                                                         int cancel_fd);

}  // namespace godwit::client
