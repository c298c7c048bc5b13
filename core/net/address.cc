#include "core/net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "core/base/check.h"

namespace godwit {
namespace {

// Octet `index` of a netmask of `length` bits.
std::uint8_t mask_octet(int length, int index) {
  const int bits = std::clamp(length - 8 * index, 0, 8);
  return static_cast<std::uint8_t>(0xff00 >> bits);
}

bool all_zero(Bytes octets) {
  return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

// True when the first `length` bits of two addresses of one family are equal.
bool same_start(const IpAddress& a, const IpAddress& b, int length) {
  if (a.is_v4() != b.is_v4()) return false;
  const Bytes left = a.bytes();
  const Bytes right = b.bytes();
  for (int i = 0; 8 * i < length; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (((left[at] ^ right[at]) & mask_octet(length, i)) != 0) return false;
  }
  return true;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress out;
  store_be(out.octets_, host_order);
  return out;
}

std::optional<IpAddress> IpAddress::from_bytes(Bytes octets) {
  if (octets.size() != 4 && octets.size() != 16) return std::nullopt;
  IpAddress out;
  out.v4_ = octets.size() == 4;
  std::copy(octets.begin(), octets.end(), out.octets_.begin());
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton wants a terminated string: a NUL inside would hide what follows it.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';

  IpAddress out;
  out.v4_ = text.find(':') == std::string_view::npos;
  const int family = out.v4_ ? AF_INET : AF_INET6;
  if (inet_pton(family, copy, out.octets_.data()) != 1) return std::nullopt;
  return out;
}

std::uint32_t IpAddress::v4_value() const {
  CHECK(v4_);
  return load_be<std::uint32_t>(octets_);
}

bool IpAddress::is_unspecified() const { return all_zero(octets_); }

bool IpAddress::is_loopback() const {
  if (v4_) return octets_[0] == 127;
  return octets_[15] == 1 && all_zero(Bytes(octets_).first(15));
}

bool IpAddress::is_multicast() const {
  return v4_ ? (octets_[0] & 0xf0) == 0xe0 : octets_[0] == 0xff;
}

bool IpAddress::is_link_local() const {
  if (v4_) return octets_[0] == 169 && octets_[1] == 254;
  return octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_broadcast() const { return v4_ && v4_value() == 0xffff'ffff; }

bool IpAddress::is_usable_unicast() const {
  return !is_unspecified() && !is_loopback() && !is_multicast() && !is_link_local() &&
         !is_broadcast();
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  CHECK(inet_ntop(v4_ ? AF_INET : AF_INET6, octets_.data(), text, sizeof text) != nullptr);
  return text;
}

std::string Endpoint::to_string() const {
  const std::string host = address.to_string();
  const std::string tail = ":" + std::to_string(port);
  return address.is_v6() ? "[" + host + "]" + tail : host + tail;
}

std::optional<Prefix> Prefix::make(const IpAddress& address, int length) {
  if (length < 0 || length > address.bits()) return std::nullopt;
  ByteVec octets = to_vec(address.bytes());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<std::uint8_t>(octets[i] & mask_octet(length, static_cast<int>(i)));
  }
  Prefix out;
  out.address_ = *IpAddress::from_bytes(octets);
  out.length_ = length;
  return out;
}

std::optional<Prefix> Prefix::from_netmask(const IpAddress& address, const IpAddress& netmask) {
  const std::optional<int> length = netmask_length(netmask);
  if (!length || !address.is_v4()) return std::nullopt;
  return make(address, *length);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return make(*address, address->bits());

  // from_chars alone would take "-0" and "08"; neither is a length that anyone means.
  const std::string_view digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3 || (digits[0] == '0' && digits.size() > 1)) {
    return std::nullopt;
  }
  unsigned length = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, length);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return make(*address, static_cast<int>(length));
}

IpAddress Prefix::netmask() const {
  ByteVec octets(address_.bytes().size());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = mask_octet(length_, static_cast<int>(i));
  }
  return *IpAddress::from_bytes(octets);
}

bool Prefix::contains(const IpAddress& address) const {
  return same_start(address_, address, length_);
}

bool Prefix::contains(const Prefix& other) const {
  return length_ <= other.length_ && same_start(address_, other.address_, length_);
}

bool Prefix::overlaps(const Prefix& other) const {
  return same_start(address_, other.address_, std::min(length_, other.length_));
}

bool Prefix::is_private() const {
  static const Prefix kPrivate[] = {*parse("10.0.0.0/8"),     *parse("172.16.0.0/12"),
                                    *parse("192.168.0.0/16"), *parse("169.254.0.0/16"),
                                    *parse("fc00::/7"),       *parse("fe80::/10")};
  return std::any_of(std::begin(kPrivate), std::end(kPrivate),
                     [this](const Prefix& network) { return network.contains(*this); });
}

std::string Prefix::to_string() const {
  return address_.to_string() + "/" + std::to_string(length_);
}

std::optional<int> netmask_length(const IpAddress& netmask) {
  if (!netmask.is_v4()) return std::nullopt;
  const std::uint32_t mask = netmask.v4_value();
  const int length = std::countl_one(mask);
  // Anything after the leading ones makes the mask a riddle, not a length.
  if (std::popcount(mask) != length) return std::nullopt;
  return length;
}

}  // namespace godwit
