#include "platform/tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

namespace godwit::platform {

bool is_interface_name(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
  // '%' would be a template for the kernel to count with; ':' an alias.
  for (const char c : name) {
    if (c <= ' ' || c > '~' || c == '/' || c == ':' || c == '%') return false;
  }
  return true;
}

Result<Tun, SysError> Tun::open(const std::string& name) {
  if (!name.empty() && !is_interface_name(name)) {
    return fail(SysError{"open TUN device", EINVAL, name});
  }
  Fd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail(last_error("open", "/dev/net/tun"));
  ifreq request{};
  const std::string wanted = name.empty() ? "godwit%d" : name;
  std::memcpy(request.ifr_name, wanted.data(), wanted.size());
  // IFF_TUN_EXCL: never join a device that somebody else made.
  const int flags = IFF_TUN | IFF_NO_PI | (name.empty() ? 0 : IFF_TUN_EXCL);
  request.ifr_flags = static_cast<short>(flags);
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    return fail(last_error("create TUN device", wanted));
  }
  std::string given(request.ifr_name, ::strnlen(request.ifr_name, IFNAMSIZ));
  auto netlink = GODWIT_TRY(Netlink::open());
  const int index = GODWIT_TRY(netlink.index_of(given));
  return Tun(std::move(fd), std::move(given), index);
}

Result<void, SysError> Tun::set_mtu(Netlink& netlink, int mtu) const {
  return netlink.set_mtu(index_, mtu);
}

void Tun::loosen_reverse_path_filter() const {
  // The larger of this value and that of "all" holds, so 0 would not do. It goes with the device.
  const std::string path = "/proc/sys/net/ipv4/conf/" + name_ + "/rp_filter";
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file) (void)!::write(file.get(), "2", 1);
}

Result<void, SysError> Tun::set_up(Netlink& netlink) const { return netlink.set_up(index_, true); }

}  // namespace godwit::platform
