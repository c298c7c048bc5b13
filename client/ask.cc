// The two ways to ask a person: the terminal and an askpass program.
#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/child.h"
#include "client/pinentry.h"
#include "client/secrets.h"
#include "client/words.h"

namespace godwit::client {
namespace {

// Echo off, and Ctrl-Z with it (a stopped process would leave the echo off), until destroyed.
class QuietTerminal {
 public:
  QuietTerminal(int fd, bool quiet) : fd_(fd) {
    if (!quiet || tcgetattr(fd, &before_) != 0) return;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    now.c_lflag |= ECHONL | ICANON;
    now.c_cc[VSUSP] = _POSIX_VDISABLE;
    changed_ = tcsetattr(fd, TCSAFLUSH, &now) == 0;
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  ~QuietTerminal() {
    if (changed_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  int fd_;
  termios before_{};
  bool changed_ = false;
};

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

// A prompt may begin with a line of the gateway's; everything else in it is made harmless.
std::string printable_lines(std::string_view prompt) {
  const auto end = prompt.find('\n');
  if (end == std::string_view::npos) return printable(prompt);
  return printable(prompt.substr(0, end)) + "\n" + printable(prompt.substr(end + 1));
}

}  // namespace

bool has_terminal() {
  return static_cast<bool>(Fd(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)));
}

Result<SecretBytes, Failure> ask_terminal(const std::string& prompt, bool show, int cancel_fd) {
  const Fd tty(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!tty) {
    return fail(failure(ExitCode::kInputNeeded,
                        fmt::format("there is no terminal to ask for {}", printable(prompt))));
  }
  const QuietTerminal quiet(tty.get(), !show);
  write_all(tty.get(), printable_lines(prompt) + ": ");
  auto line = read_secret_line(tty.get(), cancel_fd);
  if (!line && line.error().code == ExitCode::kInterrupted) write_all(tty.get(), "\n");
  return line;
}

Result<SecretBytes, Failure> run_askpass(const std::string& program, const std::string& prompt,
                                         int cancel_fd) {
  const std::string question = printable_lines(prompt);
  if (is_pinentry(program)) return run_pinentry(program, question, cancel_fd);
  Child child = GODWIT_TRY(Child::start({program, {question}, false, {}}));
  auto line = read_secret_line(child.out(), cancel_fd);
  const bool well = child.finish(line.has_value(), cancel_fd);
  if (!line && line.error().code == ExitCode::kInterrupted) return line;
  if (!line || !well) {
    return fail(failure(ExitCode::kInputNeeded, fmt::format("{} gave no answer", program),
                        "run it by hand: it must write one line and exit with 0"));
  }
  return line;
}

}  // namespace godwit::client
