#include "platform/event.h"

#include <sys/eventfd.h>

#include <cstdint>

namespace godwit::platform {

Result<Event, SysError> Event::open() {
  Fd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd) return fail(last_error("eventfd"));
  return Event(std::move(fd));
}

void Event::notify() const {
  const std::uint64_t one = 1;
  // EAGAIN means that it has been rung 2^64-2 times already: it is readable all the same.
  while (::write(fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

bool Event::clear() const {
  std::uint64_t count = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd_.get(), &count, sizeof count);
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof count);
}

}  // namespace godwit::platform
