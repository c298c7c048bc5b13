// The tunnel's UDP sockets. Each carries the firewall mark that keeps it out of the tunnel's own
// routing table, reports the TOS octet of what it receives (RFC 6040 needs it), and sets DF so that
// a path MTU shows as EMSGSIZE instead of as fragments.
#pragma once

#include <cstdint>

#include "core/net/address.h"
#include "platform/fd.h"
#include "platform/sys_error.h"

namespace godwit::platform {

struct UdpOptions {
  int buffer_size =
      4 << 20;  // SO_RCVBUFFORCE and SO_SNDBUFFORCE; a refusal falls back to the limit
  bool fall_back_to_ephemeral = true;  // when the port is taken
  bool dont_fragment = true;           // IP_MTU_DISCOVER = DO, else the system's default
};

class UdpSocket {
 public:
  // Binds `address` (0.0.0.0 or :: for any) and `port`; 0, or a taken port, gives an ephemeral one.
  // `fwmark` 0 sets no mark. The socket is non-blocking and close-on-exec.
  static Result<UdpSocket, SysError> open(const IpAddress& address, std::uint16_t port,
                                          std::uint32_t fwmark, const UdpOptions& options = {});

  int fd() const { return fd_.get(); }
  const Endpoint& local() const { return local_; }  // the port that was really bound

 private:
  UdpSocket(Fd fd, const Endpoint& local) : fd_(std::move(fd)), local_(local) {}

  Fd fd_;
  Endpoint local_;
};

// A raw socket for ESP as an IP protocol of its own (50), for gateways without NAT traversal. The
// engine treats it like a UDP socket; ports are 0, and of IPv4 it delivers the IP header as well.
class RawEspSocket {
 public:
  static Result<RawEspSocket, SysError> open(bool v4, std::uint32_t fwmark,
                                             const UdpOptions& options = {});
  int fd() const { return fd_.get(); }

 private:
  explicit RawEspSocket(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

// The address that the kernel would send from to `gateway`, with the mark set. Sends nothing.
// ENETUNREACH when there is no route.
Result<IpAddress, SysError> source_address_for(const IpAddress& gateway, std::uint32_t fwmark);

// The MTU of the path to `gateway` as the kernel knows it now, with the mark set.
Result<int, SysError> path_mtu_to(const IpAddress& gateway, std::uint32_t fwmark);

}  // namespace godwit::platform
