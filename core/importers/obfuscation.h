// How Cisco's VPN client hides passwords in its files (enc_GroupPwd, enc_UserPassword, and what
// vpnc calls obfuscated). Whoever has the file has the password.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/secret.h"

namespace godwit::importers {

// The password; nothing when `hex` is not one that was hidden so, or was damaged.
std::optional<SecretBytes> reveal(std::string_view hex);

}  // namespace godwit::importers
