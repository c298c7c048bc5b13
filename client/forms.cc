#include "client/forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/keyring.h"
#include "client/secrets.h"
#include "client/words.h"
#include "core/base/limits.h"

namespace godwit::client {
namespace {

using config::OtpPlace;
using config::SecretSource;
using session::AskUser;
using Kind = session::FormField::Kind;
using Round = session::AskUser::Round;

std::string_view noun(Kind kind) {
  switch (kind) {
    case Kind::kUserName:
      return "user name";
    case Kind::kPassword:
      return "password";
    case Kind::kPasscode:
      return "one-time password";
    case Kind::kNextPin:
      return "new PIN";
    case Kind::kDomain:
      return "domain";
    case Kind::kAnswer:
      break;
  }
  return "answer";
}

std::string_view what_answers(Kind kind) {
  switch (kind) {
    case Kind::kUserName:
      return "write `user` in the profile, or connect at a terminal";
    case Kind::kDomain:
      return "write `user-domain` in the profile, or connect at a terminal";
    case Kind::kPassword:
      return "write `password-file` or `askpass` in the profile, or connect at a terminal";
    case Kind::kPasscode:
      return "write `otp-command`, `totp-file` or `askpass` in the profile, or connect at a "
             "terminal; a longer `ike-lifetime` makes the gateway ask less often";
    case Kind::kNextPin:
    case Kind::kAnswer:
      break;
  }
  return "connect at a terminal, or write `askpass` in the profile";
}

bool is_person(SecretSource::Kind kind) {
  return kind == SecretSource::Kind::kAskpass || kind == SecretSource::Kind::kPrompt;
}

SecretBytes joined(const SecretBytes& first, const SecretBytes& second) {
  SecretBytes both(first.size() + second.size());
  std::ranges::copy(first.expose(), both.fill().begin());
  std::ranges::copy(second.expose(),
                    both.fill().begin() + static_cast<std::ptrdiff_t>(first.size()));
  return both;
}

SecretBytes octets_of(const std::string& text) {
  return SecretBytes::copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// What the gateway says, on one line.
std::string said(const AskUser& form) {
  std::string text;
  if (!form.message.empty()) text = printable(form.message);
  if (!form.challenge.empty()) {
    if (!text.empty()) text += ' ';
    text += fmt::format("(challenge: {})", printable(form.challenge));
  }
  return text;
}

}  // namespace

Result<UserSecrets, Failure> read_user_secrets(const config::Profile& profile, int cancel_fd) {
  UserSecrets secrets;
  if (!profile.xauth) return secrets;
  if (profile.password.kind == SecretSource::Kind::kFile ||
      profile.password.kind == SecretSource::Kind::kVpncPassword) {
    secrets.password = GODWIT_TRY(obtain_secret(profile.password, "", -1));
  }
  if (profile.password.kind == SecretSource::Kind::kKeyring) {
    secrets.password = GODWIT_TRY(ask_keyring(profile, "password", cancel_fd));
  }
  if (profile.otp.kind == SecretSource::Kind::kTotp) {
    const SecretBytes written = GODWIT_TRY(read_secret_file(profile.otp.path));
    secrets.totp = GODWIT_TRY(read_totp_key(written.expose(), printable(profile.otp.path)));
  }
  return secrets;
}

FormFiller::FormFiller(config::Profile profile, UserSecrets secrets, OneTimePasswords::Tell tell)
    : profile_(std::move(profile)),
      password_(std::move(secrets.password)),
      one_time_(profile_.otp, std::move(secrets.totp), std::move(tell)) {}

Result<FilledForm, Failure> FormFiller::fill(const AskUser& form, int cancel_fd) {
  if (form.round == Round::kFirst) one_time_given_ = false;
  if (form.round == Round::kAgain && !can_say_something_else(form)) {
    return fail(failure(ExitCode::kUserRejected, {}));
  }
  FilledForm filled;
  for (const session::FormField& field : form.fields) {
    SecretBytes value = GODWIT_TRY(answer(form, field, filled, cancel_fd));
    if (value.size() > limits::kXauthFieldMax) {
      return fail(failure(ExitCode::kSecret,
                          fmt::format("the {} has {} octets, and XAuth carries {}",
                                      noun(field.kind), value.size(), limits::kXauthFieldMax),
                          "give a shorter one"));
    }
    filled.values.push_back(std::move(value));
  }
  return filled;
}

FormFiller::Answer FormFiller::answer(const AskUser& form, const session::FormField& field,
                                      FilledForm& filled, int cancel_fd) {
  switch (field.kind) {
    case Kind::kUserName:
      return user_name(form, filled, cancel_fd);
    case Kind::kPassword:
      return password_field(form, filled, cancel_fd);
    case Kind::kPasscode:
      return one_time(form, filled, cancel_fd);
    default:
      return person(form, field.kind, !field.secret, filled, cancel_fd);
  }
}

// A file and standard input say the same thing every time: asked the same again, only a person can
// help, or what gives another one-time password.
bool FormFiller::can_say_something_else(const AskUser& form) const {
  const auto asks = [&](Kind kind) {
    return std::ranges::find(form.fields, kind, &session::FormField::kind) != form.fields.end();
  };
  if (asks(Kind::kPasscode) && profile_.otp.kind != SecretSource::Kind::kStdin) return true;
  if (!asks(Kind::kPassword)) return !asks(Kind::kPasscode);
  return asks_a_person() || (profile_.otp_place != OtpPlace::kSeparate && one_time_.is_automatic());
}

bool FormFiller::asks_a_person() const {
  return is_person(profile_.password.kind) ||
         (profile_.otp_place != OtpPlace::kSeparate && is_person(profile_.otp.kind));
}

// The name may be what was refused, but only a person knows another one.
FormFiller::Answer FormFiller::user_name(const AskUser& form, FilledForm& filled, int cancel_fd) {
  if (!profile_.user.empty() && !is_person(profile_.password.kind)) {
    return octets_of(profile_.user);
  }
  return person(form, Kind::kUserName, true, filled, cancel_fd);
}

FormFiller::Answer FormFiller::password_field(const AskUser& form, FilledForm& filled,
                                              int cancel_fd) {
  if (form.round == Round::kReworded) {
    // The password has left, and the gateway wants something else in its field (draft ):
    // a one-time password as a rule, when there is one to give.
    const bool by_itself =
        one_time_.is_automatic() && !one_time_given_ && profile_.otp_place == OtpPlace::kSeparate;
    if (by_itself) return one_time(form, filled, cancel_fd);
    if (profile_.password.kind == SecretSource::Kind::kStdin) {
      return from(profile_.password, form, Kind::kPassword, filled, [&](const auto& question) {
        return obtain_secret(profile_.password, question, cancel_fd);
      });
    }
    return person(form, Kind::kPassword, false, filled, cancel_fd);
  }
  SecretBytes own = GODWIT_TRY(password(form, filled, cancel_fd));
  if (profile_.otp_place == OtpPlace::kSeparate) return own;
  const SecretBytes code = GODWIT_TRY(one_time(form, filled, cancel_fd));
  return profile_.otp_place == OtpPlace::kAppend ? joined(own, code) : joined(code, own);
}

FormFiller::Answer FormFiller::password(const AskUser& form, FilledForm& filled, int cancel_fd) {
  const bool refused = form.round == Round::kAgain && is_person(profile_.password.kind);
  if (!password_.empty() && !refused) {
    // One that is not to be kept was read from a file at the start, and is read there again.
    return profile_.keep_password ? password_.clone() : std::move(password_);
  }
  password_ = SecretBytes();
  SecretBytes given =
      GODWIT_TRY(from(profile_.password, form, Kind::kPassword, filled, [&](const auto& question) {
        return obtain_secret(profile_.password, question, cancel_fd);
      }));
  if (profile_.keep_password) password_ = given.clone();
  return given;
}

FormFiller::Answer FormFiller::one_time(const AskUser& form, FilledForm& filled, int cancel_fd) {
  one_time_given_ = true;
  return from(profile_.otp, form, Kind::kPasscode, filled,
              [&](const auto& question) { return one_time_.next(question, cancel_fd); });
}

FormFiller::Answer FormFiller::person(const AskUser& form, Kind kind, bool show, FilledForm& filled,
                                      int cancel_fd) {
  const bool program = !profile_.askpass.empty();
  const SecretSource source{program ? SecretSource::Kind::kAskpass : SecretSource::Kind::kPrompt,
                            profile_.askpass};
  return from(source, form, kind, filled, [&](const auto& question) {
    return program ? run_askpass(source.path, question, cancel_fd)
                   : ask_terminal(question, show, cancel_fd);
  });
}

// Asks by `call`, and says what would answer where there is nobody to ask.
template <class F>
FormFiller::Answer FormFiller::from(const SecretSource& source, const AskUser& form, Kind kind,
                                    FilledForm& filled, F call) {
  if (source.kind == SecretSource::Kind::kPrompt && !has_terminal()) {
    return fail(nobody(form, kind, "there is no terminal to ask at"));
  }
  auto given = call(prompt(form, kind));
  if (!given && source.kind == SecretSource::Kind::kStdin &&
      given.error().code == ExitCode::kSecret) {
    return fail(nobody(form, kind, "standard input gave none"));
  }
  filled.message_shown = filled.message_shown || is_person(source.kind);
  return given;
}

// It begins with words of ours: it becomes the argument of a program.
std::string FormFiller::prompt(const AskUser& form, Kind kind) const {
  std::string text;
  if (const std::string message = said(form); !message.empty()) {
    text = fmt::format("The gateway says: {}\n", message);
  }
  if (form.round == Round::kAgain) text += "The gateway refused that. ";
  const std::string whom = printable(profile_.name);
  if (kind == Kind::kPassword && form.round == Round::kReworded) {
    return text + fmt::format("Answer for {}", whom);
  }
  if (kind == Kind::kPassword && !profile_.user.empty()) {
    return text + fmt::format("Password of {} for {}", printable(profile_.user), whom);
  }
  std::string label(noun(kind));
  if (label.front() >= 'a') label.front() = static_cast<char>(label.front() - 'a' + 'A');
  return text + fmt::format("{} for {}", label, whom);
}

Failure FormFiller::nobody(const AskUser& form, Kind kind, std::string_view why) const {
  std::string what =
      fmt::format("the gateway asks for a{} {}", kind == Kind::kAnswer ? "n" : "", noun(kind));
  if (const std::string message = said(form); !message.empty()) {
    what += fmt::format(", saying \"{}\"", message);
  }
  what += fmt::format(", and {}", why);
  return failure(ExitCode::kInputNeeded, std::move(what), std::string(what_answers(kind)));
}

}  // namespace godwit::client
