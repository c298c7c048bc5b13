#include "platform/udp.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include "platform/sockaddr.h"

namespace godwit::platform {
namespace {

Result<void, SysError> set_int(int fd, int level, int name, int value, const char* op) {
  if (::setsockopt(fd, level, name, &value, sizeof value) == 0) return {};
  return fail(last_error(op));
}

Result<Fd, SysError> make_socket(bool v4, int type, int protocol, std::uint32_t fwmark) {
  const int family = v4 ? AF_INET : AF_INET6;
  Fd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd) return fail(last_error("socket"));
  if (fwmark != 0) {
    // Without the mark the tunnel's own packets would be routed into the tunnel.
    const int mark = static_cast<int>(fwmark);
    GODWIT_TRY(set_int(fd.get(), SOL_SOCKET, SO_MARK, mark, "set the mark of a socket"));
  }
  return fd;
}

// The FORCE variants pass net.core.rmem_max but need CAP_NET_ADMIN; less room is no failure.
void set_buffers(int fd, int size) {
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }
}

Result<void, SysError> set_options(int fd, bool v4, const UdpOptions& options) {
  set_buffers(fd, options.buffer_size);
  if (v4) {
    GODWIT_TRY(set_int(fd, IPPROTO_IP, IP_RECVTOS, 1, "set IP_RECVTOS"));
  } else {
    GODWIT_TRY(set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "set IPV6_V6ONLY"));
    GODWIT_TRY(set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "set IPV6_RECVTCLASS"));
  }
  if (!options.dont_fragment) return {};
  if (v4) return set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, "set IP_MTU_DISCOVER");
  return set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, "set IPV6_MTU_DISCOVER");
}

Result<void, SysError> bind_to(int fd, const Endpoint& endpoint) {
  sockaddr_storage name{};
  const socklen_t size = to_sockaddr(endpoint, name);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), size) == 0) return {};
  return fail(last_error("bind", endpoint.to_string()));
}

Result<Endpoint, SysError> local_of(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return fail(last_error("getsockname"));
  }
  return from_sockaddr(&name, size);
}

// A connected UDP socket: connecting sends nothing, but makes the kernel look up the route.
Result<Fd, SysError> connected_to(const IpAddress& gateway, std::uint32_t fwmark) {
  Fd fd = GODWIT_TRY(make_socket(gateway.is_v4(), SOCK_DGRAM, IPPROTO_UDP, fwmark));
  sockaddr_storage name{};
  const socklen_t size = to_sockaddr(Endpoint{gateway, 4500}, name);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0) {
    return fail(last_error("find a route to", gateway.to_string()));
  }
  return fd;
}

}  // namespace

Result<UdpSocket, SysError> UdpSocket::open(const IpAddress& address, std::uint16_t port,
                                            std::uint32_t fwmark, const UdpOptions& options) {
  Fd fd = GODWIT_TRY(make_socket(address.is_v4(), SOCK_DGRAM, IPPROTO_UDP, fwmark));
  GODWIT_TRY(set_options(fd.get(), address.is_v4(), options));
  auto bound = bind_to(fd.get(), Endpoint{address, port});
  // A port below 1024 may be forbidden, a taken one may belong to another IKE daemon: RFC 3947
  // section 4 lets the initiator use any source port.
  if (!bound && port != 0 && options.fall_back_to_ephemeral &&
      (bound.error().error == EADDRINUSE || bound.error().error == EACCES)) {
    bound = bind_to(fd.get(), Endpoint{address, 0});
  }
  if (!bound) return fail(std::move(bound).error());
  const Endpoint local = GODWIT_TRY(local_of(fd.get()));
  return UdpSocket(std::move(fd), local);
}

Result<RawEspSocket, SysError> RawEspSocket::open(bool v4, std::uint32_t fwmark,
                                                  const UdpOptions& options) {
  Fd fd = GODWIT_TRY(make_socket(v4, SOCK_RAW, IPPROTO_ESP, fwmark));
  GODWIT_TRY(set_options(fd.get(), v4, options));
  return RawEspSocket(std::move(fd));
}

Result<IpAddress, SysError> source_address_for(const IpAddress& gateway, std::uint32_t fwmark) {
  const Fd fd = GODWIT_TRY(connected_to(gateway, fwmark));
  return GODWIT_TRY(local_of(fd.get())).address;
}

Result<int, SysError> path_mtu_to(const IpAddress& gateway, std::uint32_t fwmark) {
  const Fd fd = GODWIT_TRY(connected_to(gateway, fwmark));
  int mtu = 0;
  socklen_t size = sizeof mtu;
  const int level = gateway.is_v4() ? IPPROTO_IP : IPPROTO_IPV6;
  const int name = gateway.is_v4() ? IP_MTU : IPV6_MTU;
  if (::getsockopt(fd.get(), level, name, &mtu, &size) != 0) return fail(last_error("get IP_MTU"));
  return mtu;
}

}  // namespace godwit::platform
