// One TUN device, which exists as long as the object: the device is not persistent, so a crash
// takes its addresses and routes with it.
#pragma once

#include <cstdint>
#include <string>

#include "platform/fd.h"
#include "platform/netlink.h"
#include "platform/sys_error.h"
#include "platform/tun_offloads.h"

namespace godwit::platform {

// The group of every tunnel's device ("go"), by which the kill switch of one tunnel knows those of
// the others. Like a mark, it takes CAP_NET_ADMIN to set.
inline constexpr std::uint32_t kTunGroup = 0x676f;

class Tun {
 public:
  // An empty name lets the kernel count: godwit0, godwit1, ... EBUSY when the name is in use,
  // EINVAL when it is no name for an interface. Frames are IP packets (IFF_NO_PI), many in one
  // where the kernel can: offloads() says what came out. GODWIT_TUN=plain|header|tcp in the
  // environment, for tests, asks for less.
  static Result<Tun, SysError> open(const std::string& name);

  int fd() const { return fd_.get(); }  // non-blocking
  const std::string& name() const { return name_; }
  int index() const { return index_; }
  const TunOffloads& offloads() const { return offloads_; }

  Result<void, SysError> set_mtu(Netlink& netlink, int mtu) const;
  Result<void, SysError> set_up(Netlink& netlink) const;
  // Packets may come from an address that is routed elsewhere, as long as it is routed. Where the
  // system does not let us (a container), its own setting stays.
  void loosen_reverse_path_filter() const;

 private:
  Tun(Fd fd, std::string name, int index, const TunOffloads& offloads)
      : fd_(std::move(fd)), name_(std::move(name)), index_(index), offloads_(offloads) {}

  Fd fd_;
  std::string name_;
  int index_ = 0;
  TunOffloads offloads_;
};

// Whether `name` may name an interface: 1 to 15 octets, no '/', no space, not "." or "..".
bool is_interface_name(const std::string& name);

}  // namespace godwit::platform
