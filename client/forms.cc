#include "client/forms.h"

#include <fmt/format.h>

#include "client/secrets.h"
#include "client/words.h"

namespace godwit::client {
namespace {

using Kind = session::FormField::Kind;

std::string prompt_for(Kind kind, const config::Profile& profile) {
  const std::string whom = printable(profile.name);
  switch (kind) {
    case Kind::kUserName:
      return fmt::format("User name for {}", whom);
    case Kind::kPassword:
      return profile.user.empty()
                 ? fmt::format("Password for {}", whom)
                 : fmt::format("Password of {} for {}", printable(profile.user), whom);
    case Kind::kPasscode:
      return fmt::format("Passcode for {}", whom);
    case Kind::kNextPin:
      return fmt::format("Next PIN for {}", whom);
    case Kind::kAnswer:
      return fmt::format("Answer for {}", whom);
    case Kind::kDomain:
      return fmt::format("Domain for {}", whom);
  }
  return "Answer";
}

// A file and standard input say the same thing every time: asked again, only a person can help.
bool can_say_something_else(const config::SecretSource& source) {
  using config::SecretSource;
  return source.kind == SecretSource::Kind::kAskpass ||
         source.kind == SecretSource::Kind::kPrompt || source.kind == SecretSource::Kind::kNone;
}

}  // namespace

Result<std::vector<SecretBytes>, Failure> fill_form(const session::AskUser& form,
                                                    const config::Profile& profile,
                                                    const SecretBytes* cached, int cancel_fd) {
  if (form.again && !can_say_something_else(profile.password)) {
    return fail(
        failure(ExitCode::kUserRejected, "the gateway refused the user name or the password"));
  }
  std::vector<SecretBytes> values;
  for (const session::FormField& field : form.fields) {
    std::string prompt = prompt_for(field.kind, profile);
    if (!form.message.empty()) prompt = printable(form.message) + "\n" + prompt;
    if (form.again) prompt = "The gateway refused that. " + prompt;
    const bool serves = field.kind == Kind::kPassword ||
                        (field.kind == Kind::kPasscode &&
                         profile.password.kind == config::SecretSource::Kind::kFile);
    if (serves && cached != nullptr && !form.again) {
      values.push_back(cached->clone());
    } else if (field.kind == Kind::kPassword || field.kind == Kind::kPasscode) {
      values.push_back(GODWIT_TRY(obtain_secret(profile.password, prompt, cancel_fd)));
    } else {
      values.push_back(GODWIT_TRY(ask_terminal(prompt, !field.secret, cancel_fd)));
    }
  }
  return values;
}

}  // namespace godwit::client
