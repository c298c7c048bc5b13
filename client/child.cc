#include "client/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace godwit::client {
namespace {

constexpr std::string_view kLoose = "others may change it";

// In the child, between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, char* const* environment, const Child::Person* person,
                         int in, int out) {
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD}) {
    signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (in < 0) in = open("/dev/null", O_RDWR);
  if (in >= 0) dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  if (person != nullptr && (setgroups(person->groups.size(), person->groups.data()) != 0 ||
                            setgid(person->gid) != 0 || setuid(person->uid) != 0)) {
    _exit(127);
  }
  execve(argv[0], argv, environment);
  _exit(127);
}

// As exec wants them; they live as long as `words`.
std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

// A program that runs as root must be one that only root, or its user, can change.
std::string refuse_program(const std::string& program) {
  struct stat st {};
  if (program.empty() || program.front() != '/') return "its path does not begin with /";
  if (stat(program.c_str(), &st) != 0) return std::strerror(errno);
  if (!S_ISREG(st.st_mode)) return "it is not a regular file";
  if ((st.st_mode & 0111) == 0) return "it is not executable";
  if (geteuid() == 0 && (st.st_mode & 022) != 0) return std::string(kLoose);
  return {};
}

Failure no_system(const char* call) {
  return failure(ExitCode::kInternal, fmt::format("{}: {}", call, std::strerror(errno)));
}

}  // namespace

Result<Child, Failure> Child::start(const Command& command) {
  if (const auto why = refuse_program(command.program); !why.empty()) {
    const bool loose = why == kLoose;
    return fail(failure(ExitCode::kSecret, fmt::format("cannot run {}: {}", command.program, why),
                        loose ? "chmod go-w " + command.program : ""));
  }
  std::vector<std::string> words = {command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> environment =
      command.person ? pointers(command.person->environment) : std::vector<char*>{};
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(no_system("pipe"));
  Fd from(ends[0]);
  const Fd to(ends[1]);
  Fd input;
  Fd questions;
  if (command.talks) {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(no_system("pipe"));
    input = Fd(ends[0]);
    questions = Fd(ends[1]);
  }
  // Blocked, so that a signal meant for the program finds none of our handlers in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = fork();
  if (child == 0) {
    become(argv.data(), command.person ? environment.data() : environ,
           command.person ? &*command.person : nullptr, input.get(), to.get());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) return fail(no_system("fork"));
  return Child(child, std::move(from), std::move(questions));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), out_(std::move(other.out_)), in_(std::move(other.in_)) {}

Child::~Child() {
  if (pid_ > 0) finish(false, -1);
}

bool Child::finish(bool patient, int cancel_fd) {
  in_.reset();
  const Fd ended(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  if (ended && !(patient && wait_readable(ended.get(), cancel_fd))) {
    kill(pid_, SIGTERM);
    pollfd wait{ended.get(), POLLIN, 0};
    if (poll(&wait, 1, 1000) <= 0) kill(pid_, SIGKILL);
  }
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace godwit::client
