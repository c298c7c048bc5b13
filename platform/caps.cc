#include "platform/caps.h"

#include <cap-ng.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

#include "platform/fd.h"

namespace godwit::platform {

namespace {

// Where something makes this process dumpable again, a dump is still without its memory (what
// MADV_DONTDUMP does for one range). Not where /proc is not ours to write.
void leave_memory_out_of_dumps() {
  const Fd filter(::open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC));
  if (filter && ::write(filter.get(), "0", 1) != 1) return;
}

}  // namespace

Result<void, SysError> harden_process() {
  leave_memory_out_of_dumps();
  // Keys and passwords live in this memory: no dump of it, and no debugger of the same user.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail(last_error("forbid core dumps"));
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return fail(last_error("forbid core dumps"));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return fail(last_error("give up new privileges"));
  }
  return {};
}

Result<void, SysError> drop_capabilities() {
  errno = 0;
  if (::capng_get_caps_process() != 0) return fail(SysError{"read capabilities", EPERM, {}});
  const bool admin = ::capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) != 0;
  const bool may_bound = ::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  ::capng_clear(CAPNG_SELECT_BOTH);
  if (admin) {
    const auto sets = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED |
                                                (may_bound ? CAPNG_BOUNDING_SET : 0));
    if (::capng_update(CAPNG_ADD, sets, CAP_NET_ADMIN) != 0) {
      return fail(SysError{"keep CAP_NET_ADMIN", EPERM, {}});
    }
  }
  // The bounding set can only be narrowed with CAP_SETPCAP; a process started with CAP_NET_ADMIN
  // alone has nothing to give up there.
  if (may_bound && ::capng_apply(CAPNG_SELECT_BOUNDS) != 0) {
    return fail(SysError{"narrow the bounding set", EPERM, {}});
  }
  if (::capng_apply(CAPNG_SELECT_CAPS) != 0) return fail(SysError{"drop capabilities", EPERM, {}});
  return {};
}

bool may_change_user() {
  return ::capng_get_caps_process() == 0 &&
         ::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) != 0 &&
         ::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID) != 0;
}

Result<void, SysError> lock_memory() {
  // Under a limit the next mapping that does not fit would fail, so that all or nothing is locked.
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return fail(last_error("lock memory"));
    if (limit.rlim_max != RLIM_INFINITY) return fail(SysError{"lock memory", EAGAIN, {}});
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return fail(last_error("lock memory"));
  }
  // On fault: stacks and buffers that nobody touches take no memory.
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    return fail(last_error("lock memory"));
  }
  return {};
}

}  // namespace godwit::platform
