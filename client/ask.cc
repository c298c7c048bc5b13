// The two ways to ask a person: the terminal and an askpass program.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/fd.h"
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

// In the child, between fork and exec: only async-signal-safe calls.
[[noreturn]] void become_askpass(const char* program, const char* prompt, int out) {
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD}) {
    signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDWR);
  if (null >= 0) dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  const std::array<char*, 3> argv = {const_cast<char*>(program), const_cast<char*>(prompt),
                                     nullptr};
  execv(program, argv.data());
  _exit(127);
}

// Waits for the child's end. When its answer is of no use, or the user has lost patience, it is
// told to go, and after a second made to.
int reap(pid_t child, bool patient, int cancel_fd) {
  const Fd ended(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  if (ended && !(patient && wait_readable(ended.get(), cancel_fd))) {
    kill(child, SIGTERM);
    pollfd wait{ended.get(), POLLIN, 0};
    if (poll(&wait, 1, 1000) <= 0) kill(child, SIGKILL);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// A program that runs as root must be one that only root, or its user, can change.
std::string refuse_program(const std::string& program) {
  struct stat st {};
  if (program.empty() || program.front() != '/') return "its path does not begin with /";
  if (stat(program.c_str(), &st) != 0) return std::strerror(errno);
  if (!S_ISREG(st.st_mode)) return "it is not a regular file";
  if ((st.st_mode & 0111) == 0) return "it is not executable";
  if (geteuid() == 0 && (st.st_mode & 022) != 0) return "others may change it (chmod go-w)";
  return {};
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
  if (const auto why = refuse_program(program); !why.empty()) {
    return fail(failure(ExitCode::kSecret, fmt::format("cannot run {}: {}", program, why)));
  }
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(failure(ExitCode::kInternal, fmt::format("pipe: {}", std::strerror(errno))));
  }
  const Fd from(ends[0]);
  Fd to(ends[1]);
  const std::string question = printable_lines(prompt);
  // Blocked, so that a signal meant for the program finds none of our handlers in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = fork();
  if (child == 0) become_askpass(program.c_str(), question.c_str(), to.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  to.reset();
  if (child < 0) {
    return fail(failure(ExitCode::kInternal, fmt::format("fork: {}", std::strerror(errno))));
  }
  auto line = read_secret_line(from.get(), cancel_fd);
  const int status = reap(child, line.has_value(), cancel_fd);
  if (!line && line.error().code == ExitCode::kInterrupted) return line;
  if (!line || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(failure(ExitCode::kInputNeeded, fmt::format("{} gave no answer", program),
                        "run it by hand: it must write one line and exit with 0"));
  }
  return line;
}

}  // namespace godwit::client
