#include "platform/caps.h"

#include <cap-ng.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace godwit::platform {

Result<void, SysError> harden_process() {
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

Result<void, SysError> lock_memory() {
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) return fail(last_error("lock memory"));
  return {};
}

}  // namespace godwit::platform
