#include "client/service_credentials.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace godwit::client {

using Kind = config::SecretSource::Kind;

void use_service_credentials(config::Profile& profile) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || folder[0] != '/') return;
  const auto use = [&](config::SecretSource& source, const char* name, Kind kind) {
    if (source.kind != Kind::kPrompt && source.kind != Kind::kAskpass) return;
    const std::string path = std::string(folder) + "/" + profile.name + "." + name;
    if (access(path.c_str(), F_OK) == 0) source = {kind, path};
  };
  use(profile.psk, "psk", Kind::kFile);
  use(profile.key_passphrase, "key-passphrase", Kind::kFile);
  if (!profile.xauth) return;
  use(profile.password, "password", Kind::kFile);
  use(profile.otp, "totp", Kind::kTotp);
}

}  // namespace godwit::client
