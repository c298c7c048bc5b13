// What the process gives up after start, so that a mistake in a parser is worth less.
#pragma once

#include "platform/sys_error.h"

namespace godwit::platform {

// No core dump, no ptrace by the same user, no gain of privileges by exec. Call first in main().
Result<void, SysError> harden_process();

// Keeps CAP_NET_ADMIN (TUN, netlink, SO_MARK) and nothing else, in every set including the bounding
// set. As root the process still owns root's files. Succeeds with nothing to drop.
Result<void, SysError> drop_capabilities();

// Whether this process may become another user.
bool may_change_user();

// Keeps all pages, now and later, out of swap. Refused where RLIMIT_MEMLOCK cannot be lifted (a
// container, say), which is not fatal for a client.
Result<void, SysError> lock_memory();

}  // namespace godwit::platform
