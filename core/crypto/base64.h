// Base64 (RFC 4648) as files hold it, with blanks and line ends anywhere.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/secret.h"

namespace godwit::crypto {

std::optional<SecretBytes> base64_decode(std::string_view text);

// Octets of a certificate as PEM (RFC 7468), lines of 64 characters.
std::string certificate_pem(Bytes der);

}  // namespace godwit::crypto
