#include "platform/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "platform/fd.h"

namespace godwit::platform {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// An absolute path stands for itself; a name is looked for where a root shell would find it.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  std::string_view folders = std::string_view(kProgramPath).substr(std::strlen("PATH="));
  while (!folders.empty()) {
    const std::string_view folder = folders.substr(0, folders.find(':'));
    folders.remove_prefix(std::min(folders.size(), folder.size() + 1));
    const std::string path = std::string(folder) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return name;
}

// In the child, between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(const char* path, char* const* argv, char* const* environment, int input) {
  ::setpgid(0, 0);  // a Ctrl-C for us is none for the program: it runs to its end
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD}) {
    ::signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (input < 0) input = ::open("/dev/null", O_RDONLY);
  if (input >= 0) ::dup2(input, STDIN_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  ::execve(path, argv, environment);
  ::_exit(127);
}

// A file that holds `text` and is read from its beginning.
Result<Fd, SysError> file_of(const std::string& text) {
  Fd file(::memfd_create("input", MFD_CLOEXEC));
  if (!file) return fail(last_error("create a file in memory"));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return fail(last_error("write a file in memory"));
  }
  return file;
}

}  // namespace

Result<int, SysError> run_program(const Program& program) {
  if (program.argv.empty()) return fail(SysError{"run", EINVAL, {}});
  const std::string path = find_program(program.argv.front());
  std::vector<std::string> environment = program.environment;
  environment.emplace_back(kProgramPath);
  const auto argv = pointers(program.argv);
  const auto envp = pointers(environment);
  Fd input;
  if (!program.input.empty()) input = GODWIT_TRY(file_of(program.input));
  const pid_t child = ::fork();
  if (child < 0) return fail(last_error("fork"));
  if (child == 0) become(path.c_str(), argv.data(), envp.data(), input.get());
  const Fd ended(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  bool late = false;
  if (ended) {
    pollfd wait{ended.get(), POLLIN, 0};
    const auto until = std::chrono::steady_clock::now() + program.patience;
    int ready = 0;
    do {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      ready = ::poll(&wait, 1, std::max(0, static_cast<int>(left.count())));
    } while (ready < 0 && errno == EINTR);
    late = ready <= 0;
    if (late) ::kill(-child, SIGKILL);
    if (late) ::kill(child, SIGKILL);  // it may not have left our group yet
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (late) return fail(SysError{"run", ETIMEDOUT, path});
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string program_fault(const std::string& name) {
  const std::string path = find_program(name);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return path + ": " + std::strerror(errno);
  if (!S_ISREG(found.st_mode)) return path + " is not a regular file";
  if (found.st_uid != 0 && found.st_uid != ::geteuid()) {
    return path + " belongs to another user; mend it with: chown root " + path;
  }
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return path + " can be changed by others; mend it with: chmod go-w " + path;
  }
  if ((found.st_mode & S_IXUSR) == 0) {
    return path + " is not executable; mend it with: chmod u+x " + path;
  }
  return {};
}

std::vector<std::string> programs_in(const std::string& folder, std::vector<std::string>& refused) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    // What editors and package managers leave is no hook.
    const std::string name = entry.path().filename().string();
    if (name.front() == '.' || name.ends_with('~') || name.find(".dpkg-") != std::string::npos ||
        name.find(".rpm") != std::string::npos || entry.is_directory(error)) {
      continue;
    }
    const std::string path = entry.path().string();
    if (std::string fault = program_fault(path); !fault.empty()) {
      refused.push_back(std::move(fault));
    } else {
      out.push_back(path);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace godwit::platform
