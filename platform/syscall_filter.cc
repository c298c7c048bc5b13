#include "platform/syscall_filter.h"

#include <cerrno>

#ifdef GODWIT_HAVE_SECCOMP
#include <asm/termbits.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <initializer_list>
#include <memory>
#endif

namespace godwit::platform {

#ifdef GODWIT_HAVE_SECCOMP
namespace {

// By name: what this kernel's headers do not know cannot be called on it either.
constexpr auto kDenied = std::to_array<const char*>({
    // Other processes' memory and descriptors.
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
    // Another kernel, or more of this one.
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "query_module",
    "get_kernel_syms",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "lookup_dcookie",
    "syslog",
    "reboot",
    "iopl",
    "ioperm",
    "modify_ldt",
    "vm86",
    "vm86old",
    // Another view of the file system.
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "name_to_handle_at",
    "open_by_handle_at",
    "fanotify_init",
    "quotactl",
    "quotactl_fd",
    "swapon",
    "swapoff",
    "acct",
    "nfsservctl",
    // Namespaces; clone(2) with their flags is denied below.
    "unshare",
    "setns",
    // Keys of the kernel, the machine's clock and name, other people's terminals.
    "add_key",
    "request_key",
    "keyctl",
    "clock_settime",
    "clock_settime64",
    "clock_adjtime",
    "clock_adjtime64",
    "settimeofday",
    "stime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "vhangup",
    "personality",
});

// A family that is between those allowed, or above them all.
constexpr int kFamilyMax = AF_NETLINK;
constexpr bool is_allowed(int family) {
  return family == AF_UNSPEC || family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
         family == AF_NETLINK;
}

constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ALLOW)) { ok_ = context_ != nullptr; }

  // When all conditions hold.
  void deny(const char* name, int error, std::initializer_list<scmp_arg_cmp> conditions = {}) {
    const int number = seccomp_syscall_resolve_name(name);
    if (!ok_ || number == __NR_SCMP_ERROR) return;
    const auto action = SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error));
    const int status =
        seccomp_rule_add_array(context_.get(), action, number,
                               static_cast<unsigned>(conditions.size()), conditions.begin());
    ok_ = status == 0 || status == -EDOM || status == -EEXIST;  // EDOM: not on this machine
  }

  bool load() {
    // Calls of a 32-bit program on a 64-bit machine have other numbers, none of which is checked.
    ok_ = ok_ &&
          seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)) == 0;
    return ok_ && seccomp_load(context_.get()) == 0;
  }

 private:
  std::unique_ptr<void, Release> context_;
  bool ok_ = false;
};

}  // namespace

Result<void, SysError> filter_system_calls() {
  Filter filter;
  for (const char* name : kDenied) filter.deny(name, EPERM);
  for (std::uint64_t flag = 1; flag <= kNamespaces; flag <<= 1) {
    if ((kNamespaces & flag) == 0) continue;
    filter.deny("clone", EPERM, {{0, SCMP_CMP_MASKED_EQ, flag, flag}});
  }
  // Its flags are in memory, where no filter looks; the C library falls back to clone(2).
  filter.deny("clone3", ENOSYS);
  for (int family = 0; family < kFamilyMax; ++family) {
    if (is_allowed(family)) continue;
    filter.deny("socket", EAFNOSUPPORT, {{0, SCMP_CMP_EQ, static_cast<std::uint64_t>(family), 0}});
  }
  filter.deny("socket", EAFNOSUPPORT, {{0, SCMP_CMP_GT, kFamilyMax, 0}});
  // Typing on the user's behalf into the terminal that we were started from.
  filter.deny("ioctl", EPERM, {{1, SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI}});
  filter.deny("ioctl", EPERM, {{1, SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCLINUX}});
  if (!filter.load()) return fail(SysError{"filter system calls", ENOSYS, {}});
  return {};
}

#else

Result<void, SysError> filter_system_calls() {
  return fail(SysError{"filter system calls", ENOSYS, {}});
}

#endif

}  // namespace godwit::platform
