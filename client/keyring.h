// The keyring of a desktop (Secret Service), asked through secret-tool, the program of libsecret:
// the service answers only its own user, and only on that user's bus. godwit runs as root as a
// rule, so the program runs as the keyring's user, whom it may ask to unlock it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/report.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/config/profile.h"

namespace godwit::client {

inline constexpr const char* kSecretTool = "/usr/bin/secret-tool";

// The secret that stands there for the profile as `kind` ("psk", "password", "key-passphrase").
// Whose keyring: of the profile's keyring-user, else of who ran sudo, else of who runs us.
Result<SecretBytes, Failure> ask_keyring(const config::Profile& profile, std::string_view kind,
                                         int cancel_fd, const std::string& program = kSecretTool);

// The attributes under which it stands, as words of secret-tool's command line.
std::vector<std::string> keyring_attributes(const std::string& profile, std::string_view kind);

}  // namespace godwit::client
