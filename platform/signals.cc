#include "platform/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>

namespace godwit::platform {

Result<Signals, SysError> Signals::open() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  if (error != 0) return fail(SysError{"block signals", error, {}});
  if (::signal(SIGPIPE, SIG_IGN) == SIG_ERR) return fail(last_error("ignore SIGPIPE"));
  Fd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) return fail(last_error("signalfd"));
  return Signals(std::move(fd));
}

std::optional<int> Signals::read() {
  signalfd_siginfo info{};
  ssize_t got = 0;
  do {
    got = ::read(fd_.get(), &info, sizeof info);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace godwit::platform
