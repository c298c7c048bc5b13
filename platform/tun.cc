#include "platform/tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace godwit::platform {
namespace {

// Of Linux 6.2; the headers of Debian 12 are older than the kernels it meets.
constexpr unsigned kUso = 0x20 | 0x40;  // TUN_F_USO4 and TUN_F_USO6, which go together
// Each entry of the device's queue may be a frame of 64 KiB, and TCP fills whatever is there: the
// system's 500 would be 32 MB of everybody's delay. A full queue drops: of one stream of 7 Gb/s 32
// drop ten frames a second, and 100 none at twice the delay. (TCP's frames hold a millisecond
// each.)
constexpr int kQueueLength = 48;
constexpr unsigned kTso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

// Creates the device. With IFF_VNET_HDR where the kernel has it (before Linux 2.6.27 EINVAL).
Result<TunOffloads, SysError> create(int fd, ifreq& request, int flags, const std::string& name) {
  const char* const rung = std::getenv("GODWIT_TUN");
  const std::string_view most = rung == nullptr ? "" : rung;
  TunOffloads out;
  if (most != "plain") {
    request.ifr_flags = static_cast<short>(flags | IFF_VNET_HDR);
    out.header = ::ioctl(fd, TUNSETIFF, &request) == 0;
    if (!out.header && errno != EINVAL) return fail(last_error("create TUN device", name));
  }
  if (!out.header) {
    request.ifr_flags = static_cast<short>(flags);
    if (::ioctl(fd, TUNSETIFF, &request) != 0) return fail(last_error("create TUN device", name));
    return out;
  }
  if (most == "header") return out;
  out.udp = most != "tcp" && ::ioctl(fd, TUNSETOFFLOAD, kTso | kUso) == 0;
  out.tcp = out.udp || ::ioctl(fd, TUNSETOFFLOAD, kTso) == 0;
  return out;
}

}  // namespace

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
  const TunOffloads offloads = GODWIT_TRY(create(fd.get(), request, flags, wanted));
  std::string given(request.ifr_name, ::strnlen(request.ifr_name, IFNAMSIZ));
  auto netlink = GODWIT_TRY(Netlink::open());
  const int index = GODWIT_TRY(netlink.index_of(given));
  GODWIT_TRY(netlink.set_group(index, kTunGroup));
  if (offloads.tcp) GODWIT_TRY(netlink.set_queue_length(index, kQueueLength));
  return Tun(std::move(fd), std::move(given), index, offloads);
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
