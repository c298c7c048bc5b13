// Endpoints as the kernel wants them, and back. For the sources of this room only.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "core/net/address.h"

namespace godwit::platform {

inline socklen_t to_sockaddr(const Endpoint& endpoint, sockaddr_storage& out) {
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.bytes().data(), 4);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  std::memcpy(&v6.sin6_addr, endpoint.address.bytes().data(), 16);
  std::memcpy(&out, &v6, sizeof v6);
  return sizeof v6;
}

// 0.0.0.0:0 when the family is neither. An IPv4-mapped address becomes the IPv4 address it maps.
inline Endpoint from_sockaddr(const void* address, std::size_t size) {
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, size < sizeof v6 ? size : sizeof v6);
  Endpoint out;
  if (v6.sin6_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    out.address = IpAddress::v4(ntohl(v4.sin_addr.s_addr));
    out.port = ntohs(v4.sin_port);
  } else if (v6.sin6_family == AF_INET6 && size >= sizeof v6) {
    const Bytes octets(v6.sin6_addr.s6_addr, 16);
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
    out.address = *IpAddress::from_bytes(mapped ? octets.last(4) : octets);
    out.port = ntohs(v6.sin6_port);
  }
  return out;
}

}  // namespace godwit::platform
