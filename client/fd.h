// A wait that can be cancelled.
#pragma once

#include <poll.h>

#include <array>
#include <cerrno>

#include "platform/fd.h"

namespace godwit::client {

using platform::Fd;

// True when `fd` has something to read (or has ended), false when `cancel_fd` became readable
// first.
inline bool wait_readable(int fd, int cancel_fd) {
  std::array<pollfd, 2> set = {pollfd{fd, POLLIN, 0}, pollfd{cancel_fd, POLLIN, 0}};
  while (poll(set.data(), set.size(), -1) < 0) {
    if (errno != EINTR) return true;
  }
  return (set[1].revents & POLLIN) == 0;
}

}  // namespace godwit::client
