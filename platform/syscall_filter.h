// System calls that neither a tunnel nor what it runs needs, refused for good: a mistake in a
// parser is worth less without them. Children inherit the filter, scripts and hooks of the user
// among them, so it names what is denied and not what is allowed (core/README.md says why).
#pragma once

#include "platform/sys_error.h"

namespace godwit::platform {

// For the calling thread and those that it starts; needs no_new_privs (harden_process()). Refused
// calls fail with EPERM, sockets of other families than IP, netlink and unix with EAFNOSUPPORT.
// ENOSYS: built without libseccomp, or the kernel has no filters; a client goes on without.
Result<void, SysError> filter_system_calls();

}  // namespace godwit::platform
