#include "client/one_time.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "client/secrets.h"
#include "core/base/check.h"
#include "platform/clock.h"

namespace godwit::client {
namespace {

using Kind = config::SecretSource::Kind;
using namespace std::chrono_literals;

constexpr std::size_t kGivenMax = 16;
constexpr int kAsksOfAPerson = 3;
constexpr int kRunsOfAProgram = 13;
constexpr auto kRunGap = 5s;

// False: cancelled.
bool sleep_for(std::chrono::milliseconds span, int cancel_fd) {
  pollfd set{cancel_fd, POLLIN, 0};
  int got = 0;
  const auto end = platform::boot_now() + span;
  do {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - platform::boot_now());
    got = poll(&set, 1, static_cast<int>(std::max(left, 0ms).count()));
  } while (got < 0 && errno == EINTR);
  return got == 0;
}

std::chrono::milliseconds wall_time() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      platform::wall_now().time_since_epoch());
}

Failure repeated(std::string_view who) {
  return failure(ExitCode::kInputNeeded,
                 fmt::format("{} gave a one-time password that was used already", who),
                 "each one is sent once; it must give another every time");
}

}  // namespace

bool OneTimePasswords::is_automatic() const {
  return source_.kind == Kind::kCommand || source_.kind == Kind::kTotp;
}

Result<SecretBytes, Failure> OneTimePasswords::next(const std::string& prompt, int cancel_fd) {
  switch (source_.kind) {
    case Kind::kTotp:
      return from_key(cancel_fd);
    case Kind::kCommand:
      return from_program(prompt, cancel_fd);
    default:
      return from_person(prompt, cancel_fd);
  }
}

Result<SecretBytes, Failure> OneTimePasswords::from_key(int cancel_fd) {
  CHECK(key_);
  const auto seconds = [] { return std::chrono::duration_cast<std::chrono::seconds>(wall_time()); };
  std::uint64_t step = key_->step_of(seconds());
  if (last_step_ && step <= *last_step_) {
    const std::chrono::milliseconds next = (*last_step_ + 1) * key_->period;
    const auto wait = next - wall_time() + 50ms;
    if (wait > key_->period + 1s) {
      return fail(failure(ExitCode::kSecret,
                          "this machine's clock was set back, and the one-time passwords until the "
                          "former time were used already",
                          "check this machine's date and connect again"));
    }
    tell_(fmt::format("this one-time password was used already, the next one comes in {} s",
                      std::chrono::ceil<std::chrono::seconds>(wait).count()));
    if (!sleep_for(wait, cancel_fd)) return fail(failure(ExitCode::kInterrupted, {}));
    step = std::max(key_->step_of(seconds()), *last_step_ + 1);
  }
  last_step_ = step;
  return key_->code(step);
}

Result<SecretBytes, Failure> OneTimePasswords::from_program(const std::string& prompt,
                                                            int cancel_fd) {
  for (int run = 0; run < kRunsOfAProgram; ++run) {
    SecretBytes password = GODWIT_TRY(run_askpass(source_.path, prompt, cancel_fd));
    if (!was_given(password)) return give(std::move(password));
    if (run == 0) {
      tell_(fmt::format("{} gave a one-time password that was used already, waiting for another",
                        source_.path));
    }
    if (!sleep_for(kRunGap, cancel_fd)) return fail(failure(ExitCode::kInterrupted, {}));
  }
  return fail(repeated(source_.path));
}

Result<SecretBytes, Failure> OneTimePasswords::from_person(const std::string& prompt,
                                                           int cancel_fd) {
  std::string question = prompt;
  for (int ask = 0; ask < kAsksOfAPerson; ++ask) {
    SecretBytes password = GODWIT_TRY(obtain_secret(source_, question, cancel_fd));
    if (!was_given(password)) return give(std::move(password));
    if (source_.kind == Kind::kStdin) break;  // a script does not see what went wrong
    question = "That one was used already, and each is sent once. " + prompt;
  }
  return fail(repeated(source_.kind == Kind::kAskpass ? source_.path : "the user"));
}

bool OneTimePasswords::was_given(const SecretBytes& password) const {
  return std::any_of(given_.begin(), given_.end(), [&](const SecretBytes& earlier) {
    return equal_ct(earlier.expose(), password.expose());
  });
}

Result<SecretBytes, Failure> OneTimePasswords::give(SecretBytes&& password) {
  if (given_.size() == kGivenMax) given_.erase(given_.begin());
  given_.push_back(password.clone());
  return std::move(password);
}

}  // namespace godwit::client
