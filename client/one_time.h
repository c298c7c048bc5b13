// One-time passwords. None leaves twice, wherever they come from: not when phase 1 is renewed, not
// when a reply may have been lost, not when a program or a person repeats itself.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/totp.h"
#include "core/config/profile.h"

namespace godwit::client {

class OneTimePasswords {
 public:
  // Called from within next(), when it takes time.
  using Tell = std::function<void(const std::string&)>;

  // `key` is for a source of kind kTotp.
  OneTimePasswords(config::SecretSource source, std::optional<TotpKey> key, Tell tell)
      : source_(std::move(source)), key_(std::move(key)), tell_(std::move(tell)) {}

  // Blocks until there is one that was not given before. The code of a time step that was used is
  // waited out; a program that repeats itself is asked again for a minute.
  Result<SecretBytes, Failure> next(const std::string& prompt, int cancel_fd);

  // It needs nobody at a terminal.
  bool is_automatic() const;

 private:
  Result<SecretBytes, Failure> from_key(int cancel_fd);
  Result<SecretBytes, Failure> from_program(const std::string& prompt, int cancel_fd);
  Result<SecretBytes, Failure> from_person(const std::string& prompt, int cancel_fd);
  bool was_given(const SecretBytes& password) const;
  Result<SecretBytes, Failure> give(SecretBytes&& password);

  config::SecretSource source_;
  std::optional<TotpKey> key_;
  Tell tell_;
  std::optional<std::uint64_t> last_step_;
  std::vector<SecretBytes> given_;  // the latest few
};

}  // namespace godwit::client
