// Questions of the gateway to the user (XAuth), answered from where the profile says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/one_time.h"
#include "client/report.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/config/profile.h"
#include "core/session/actions.h"

namespace godwit::client {

// What the profile's files and the keyring hold of the user, read before the gateway is bothered
// and while files of the user can still be opened. It leaves when the gateway has proved itself and
// asks.
struct UserSecrets {
  SecretBytes password;  // empty: it comes from elsewhere
  std::optional<TotpKey> totp;
};
Result<UserSecrets, Failure> read_user_secrets(const config::Profile& profile, int cancel_fd);

struct FilledForm {
  std::vector<SecretBytes> values;  // one for each field
  bool message_shown = false;       // somebody was asked, and saw what the gateway says
};

// One for each tunnel: it keeps the password for the next time, where it may, and knows which
// one-time passwords have left.
class FormFiller {
 public:
  FormFiller(config::Profile profile, UserSecrets secrets, OneTimePasswords::Tell tell);

  // Blocks until every field is answered; runs beside the loop, always on the same thread. A
  // failure means that nobody here can answer, and says what was asked and what would answer it.
  Result<FilledForm, Failure> fill(const session::AskUser& form, int cancel_fd);

 private:
  using Answer = Result<SecretBytes, Failure>;

  Answer answer(const session::AskUser& form, const session::FormField& field, FilledForm& filled,
                int cancel_fd);
  Answer password_field(const session::AskUser& form, FilledForm& filled, int cancel_fd);
  Answer password(const session::AskUser& form, FilledForm& filled, int cancel_fd);
  Answer one_time(const session::AskUser& form, FilledForm& filled, int cancel_fd);
  Answer user_name(const session::AskUser& form, FilledForm& filled, int cancel_fd);
  template <class F>
  Answer from(const config::SecretSource& source, const session::AskUser& form,
              session::FormField::Kind kind, FilledForm& filled, F call);
  Answer person(const session::AskUser& form, session::FormField::Kind kind, bool show,
                FilledForm& filled, int cancel_fd);
  bool can_say_something_else(const session::AskUser& form) const;
  bool asks_a_person() const;
  std::string prompt(const session::AskUser& form, session::FormField::Kind kind) const;
  Failure nobody(const session::AskUser& form, session::FormField::Kind kind,
                 std::string_view why) const;

  config::Profile profile_;
  SecretBytes password_;  // of the profile's file, or kept
  OneTimePasswords one_time_;
  bool one_time_given_ = false;  // in this attempt
};

}  // namespace godwit::client
