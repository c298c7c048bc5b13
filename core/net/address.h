// IP addresses, endpoints and prefixes as values. Octets are in network order, ports in host order.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace godwit {

class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::uint32_t host_order);
  // On every packet's way, where one that is returned would be copied at the worst moment.
  void assign(std::span<const std::uint8_t, 4> octets) {
    octets_ = {};
    std::memcpy(octets_.data(), octets.data(), 4);
    v4_ = true;
  }
  void assign(std::span<const std::uint8_t, 16> octets) {
    std::memcpy(octets_.data(), octets.data(), 16);
    v4_ = false;
  }
  static std::optional<IpAddress> from_bytes(Bytes octets);  // 4 or 16 octets
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const { return v4_; }
  bool is_v6() const { return !v4_; }
  Bytes bytes() const { return Bytes(octets_).first(v4_ ? 4 : 16); }
  std::uint32_t v4_value() const;  // host order; is_v4() only
  int bits() const { return v4_ ? 32 : 128; }

  bool is_unspecified() const;  // 0.0.0.0 or ::
  bool is_loopback() const;     // 127.0.0.0/8 or ::1
  bool is_multicast() const;
  bool is_link_local() const;
  bool is_broadcast() const;  // 255.255.255.255
  // A host address that may be given to an interface: none of the above.
  bool is_usable_unicast() const;

  std::string to_string() const;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
  bool v4_ = true;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  std::string to_string() const;  // 192.0.2.1:500, [2001:db8::1]:500
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

class Prefix {
 public:
  Prefix() = default;  // 0.0.0.0/0
  // Host bits of `address` are cleared. Fails when length exceeds the address.
  static std::optional<Prefix> make(const IpAddress& address, int length);
  // A netmask must be contiguous (MC-09, MC-10).
  static std::optional<Prefix> from_netmask(const IpAddress& address, const IpAddress& netmask);
  static std::optional<Prefix> parse(std::string_view text);  // "10.0.0.0/8"; no length: a host

  const IpAddress& address() const { return address_; }
  int length() const { return length_; }
  IpAddress netmask() const;
  bool contains(const IpAddress& address) const;
  bool contains(const Prefix& other) const;
  bool overlaps(const Prefix& other) const;
  bool is_everything() const { return length_ == 0; }
  // Wholly inside RFC 1918, RFC 3927, RFC 4193 or link-local IPv6: what may lie in a machine's own
  // surroundings.
  bool is_private() const;
  std::string to_string() const;
  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  IpAddress address_;
  int length_ = 0;
};

// The length of a contiguous IPv4 netmask, or nothing.
std::optional<int> netmask_length(const IpAddress& netmask);

}  // namespace godwit
