// Whose answer goes into which field, with programs in the place of people.
#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>

#include "client/forms.h"
#include "client/secrets.h"
#include "tests/unit/client/temp_dir.h"

using namespace godwit;
using namespace godwit::client;
using Kind = session::FormField::Kind;
using Round = session::AskUser::Round;

namespace {

// A user whose askpass and otp-command note what they were asked and answer with numbers.
struct Desk {
  Desk() {
    profile.name = "office";
    profile.xauth = true;
    profile.user = "joe";
    profile.password = {config::SecretSource::Kind::kFile, dir.file("password", "secret\n")};
    profile.otp = {config::SecretSource::Kind::kCommand, program("otp")};
    profile.askpass = program("person");
  }
  ~Desk() { close(cancel); }

  std::string program(const std::string& name) {
    const std::string log = dir.path() + "/" + name + ".log";
    return dir.file(name,
                    "#!/bin/sh\nprintf '%s|' \"$1\" >> " + log + "\nprintf x >> " + log +
                        ".n\necho " + name + "$(wc -c < " + log + ".n)\n",
                    0700);
  }
  std::string asked(const std::string& name) const {
    std::string text;
    if (FILE* log = std::fopen((dir.path() + "/" + name + ".log").c_str(), "r")) {
      for (int c = std::fgetc(log); c != EOF; c = std::fgetc(log)) text += static_cast<char>(c);
      std::fclose(log);
    }
    return text;
  }
  FormFiller filler() {
    auto secrets = read_user_secrets(profile, cancel);
    REQUIRE(secrets);
    return FormFiller(profile, std::move(*secrets), [](const std::string&) {});
  }
  // The answers, or what the failure says, with what to do.
  std::string fill(FormFiller& filler, const session::AskUser& form) const {
    const auto filled = filler.fill(form, cancel);
    if (!filled) return filled.error().what + "; " + filled.error().remedy;
    std::string text;
    for (const SecretBytes& value : filled->values) {
      text += (text.empty() ? "" : " ") + std::string(value.expose().begin(), value.expose().end());
    }
    return text;
  }

  TempDir dir;
  config::Profile profile;
  int cancel = eventfd(0, EFD_CLOEXEC);
};

session::AskUser form(std::vector<Kind> kinds, Round round = Round::kFirst,
                      std::string message = {}) {
  session::AskUser asks;
  for (const Kind kind : kinds) {
    asks.fields.push_back({kind, kind != Kind::kUserName && kind != Kind::kDomain});
  }
  asks.round = round;
  asks.message = std::move(message);
  return asks;
}

}  // namespace

TEST_CASE("each field from its own source, and a one-time password anew each time") {
  Desk desk;
  FormFiller filler = desk.filler();
  CHECK(desk.fill(filler, form({Kind::kPassword, Kind::kPasscode})) == "secret otp1");
  CHECK(desk.fill(filler, form({Kind::kPasscode}, Round::kNext, "Token?")) == "otp2");
  CHECK(desk.fill(filler, form({Kind::kNextPin, Kind::kAnswer}, Round::kNext)) ==
        "person1 person2");
  CHECK(desk.fill(filler, form({Kind::kPassword, Kind::kPasscode})) == "secret otp3");
  CHECK(desk.asked("otp") ==
        "One-time password for office|The gateway says: Token?\nOne-time password for "
        "office|One-time password for office|");
  CHECK(desk.asked("person") == "New PIN for office|Answer for office|");
}

TEST_CASE("password and one-time password in one field") {
  Desk desk;
  std::string first, second;
  SUBCASE("behind") {
    desk.profile.otp_place = config::OtpPlace::kAppend;
    first = "secretotp1";
    second = "secretotp2";
  }
  SUBCASE("before") {
    desk.profile.otp_place = config::OtpPlace::kPrepend;
    first = "otp1secret";
    second = "otp2secret";
  }
  FormFiller filler = desk.filler();
  CHECK(desk.fill(filler, form({Kind::kPassword})) == first);
  // Refused, it may have been the code; and when phase 1 is renewed it is another one.
  CHECK(desk.fill(filler, form({Kind::kUserName, Kind::kPassword}, Round::kAgain)) ==
        "joe " + second);
}

TEST_CASE("RADIUS: the password's field is used for the one-time password, once") {
  Desk desk;
  FormFiller filler = desk.filler();
  CHECK(desk.fill(filler, form({Kind::kPassword})) == "secret");
  CHECK(desk.fill(filler, form({Kind::kPassword}, Round::kReworded, "Token?")) == "otp1");
  CHECK(desk.fill(filler, form({Kind::kPassword}, Round::kReworded, "New PIN?")) == "person1");
  CHECK(desk.fill(filler, form({Kind::kPassword})) == "secret");
  CHECK(desk.fill(filler, form({Kind::kPassword}, Round::kReworded, "Token?")) == "otp2");
}

TEST_CASE("a refused password from a file is not sent again, and one from a person is asked for") {
  Desk desk;
  {
    FormFiller filler = desk.filler();
    CHECK(desk.fill(filler, form({Kind::kPassword})) == "secret");
    CHECK(desk.fill(filler, form({Kind::kUserName, Kind::kPassword}, Round::kAgain))
              .starts_with("the gateway refused the user name or the password; "));
  }
  desk.profile.password = {config::SecretSource::Kind::kAskpass, desk.profile.askpass};
  FormFiller filler = desk.filler();
  CHECK(desk.fill(filler, form({Kind::kPassword})) == "person1");
  CHECK(desk.fill(filler, form({Kind::kPassword})) == "person1");  // kept
  CHECK(desk.fill(filler, form({Kind::kUserName, Kind::kPassword}, Round::kAgain)) ==
        "person2 person3");
  CHECK(desk.fill(filler, form({Kind::kPassword})) == "person3");
}

TEST_CASE("keep-password = false asks each time") {
  Desk desk;
  desk.profile.password = {config::SecretSource::Kind::kAskpass, desk.profile.askpass};
  desk.profile.keep_password = false;
  FormFiller filler = desk.filler();
  CHECK(desk.fill(filler, form({Kind::kPassword})) == "person1");
  CHECK(desk.fill(filler, form({Kind::kPassword})) == "person2");
}

TEST_CASE("keep-password = false: a file is read again each time, and not kept between") {
  Desk desk;
  desk.profile.keep_password = false;
  FormFiller filler = desk.filler();
  CHECK(desk.fill(filler, form({Kind::kPassword})) == "secret");
  desk.dir.file("password", "changed\n");
  CHECK(desk.fill(filler, form({Kind::kPassword})) == "changed");
}

TEST_CASE("the gateway's words never begin a program's argument, nor do they reach it unescaped") {
  Desk desk;
  FormFiller filler = desk.filler();
  session::AskUser asks = form({Kind::kPasscode}, Round::kFirst, "--help \x1b[2J");
  asks.challenge = "otp-md5 499 ke1234";
  CHECK(desk.fill(filler, asks) == "otp1");
  CHECK(desk.asked("otp") ==
        "The gateway says: --help \\x1b[2J (challenge: otp-md5 499 ke1234)\nOne-time password for "
        "office|");
}

TEST_CASE("XA-12: what is too long for a field is not sent") {
  Desk desk;
  desk.profile.password.path = desk.dir.file("long", std::string(250, 'x'));
  desk.profile.otp_place = config::OtpPlace::kAppend;
  desk.profile.otp.path = desk.dir.file("otp7", "#!/bin/sh\necho 1234567\n", 0700);
  FormFiller filler = desk.filler();
  CHECK(desk.fill(filler, form({Kind::kPassword}))
            .starts_with("the password has 257 octets, and XAuth carries 256; "));
}

TEST_CASE("a file for one-time passwords that cannot be used is told before the gateway is asked") {
  Desk desk;
  desk.profile.otp = {config::SecretSource::Kind::kTotp, desk.dir.file("totp", "hunter2!\n")};
  const auto bad = read_user_secrets(desk.profile, desk.cancel);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == ExitCode::kSecret);
  CHECK(bad.error().what.find("hunter2") == std::string::npos);
  desk.profile.otp.path = desk.dir.file("open", "GEZDGNBVGY3TQOJQ\n", 0644);
  CHECK_FALSE(read_user_secrets(desk.profile, desk.cancel));
  desk.profile.otp.path = desk.dir.file("totp2", "GEZDGNBVGY3TQOJQ\n");
  CHECK(read_user_secrets(desk.profile, desk.cancel));
}

TEST_CASE("without a terminal the failure says what was asked, and which key answers it") {
  // A process that leads a session of its own has no terminal.
  if (setsid() < 0 && has_terminal()) {
    MESSAGE("skipped: this process keeps its terminal");
    return;
  }
  Desk desk;
  desk.profile.askpass.clear();
  desk.profile.otp = {config::SecretSource::Kind::kPrompt, {}};
  FormFiller filler = desk.filler();
  const std::string said = desk.fill(filler, form({Kind::kPasscode}, Round::kNext, "Token?"));
  CHECK(
      said.starts_with("the gateway asks for a one-time password, saying \"Token?\", and there "
                       "is no terminal to ask at; write `otp-command`, `totp-file`"));
  CHECK(desk.fill(filler, form({Kind::kAnswer}, Round::kNext))
            .starts_with("the gateway asks for an answer, and there is no terminal"));
}
