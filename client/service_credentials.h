// Credentials of the service manager: files in $CREDENTIALS_DIRECTORY, which only the service can
// read and which are gone with it (systemd.exec(5), LoadCredential=).
#pragma once

#include "core/config/profile.h"

namespace godwit::client {

// NAME.psk, NAME.password, NAME.key-passphrase and NAME.totp, where they are there, take the place
// of questions: a service has nobody to ask. What the profile names otherwise (a file, a keyring,
// standard input) stays.
void use_service_credentials(config::Profile& profile);

}  // namespace godwit::client
