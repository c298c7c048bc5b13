#include "core/net/checksum.h"

#include <bit>
#include <cstring>

namespace godwit {
namespace {

std::uint16_t fold(std::uint64_t sum) {
  while ((sum >> 16) != 0) sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(sum);
}

std::uint16_t to_host(std::uint16_t value) {
  if constexpr (std::endian::native == std::endian::big) return value;
  return static_cast<std::uint16_t>((value >> 8) | (value << 8));
}

}  // namespace

std::uint16_t checksum_add(Bytes octets, std::uint32_t initial) {
  // RFC 1071 2 (B): the sum may be taken in the machine's own order, four octets at a time, and
  // swapped once at the end. 2^32 words fit in 64 bits before the first carry is lost.
  std::uint64_t sum = 0;
  while (octets.size() >= 4) {
    std::uint32_t word;
    std::memcpy(&word, octets.data(), 4);
    sum += word;
    octets = octets.subspan(4);
  }
  if (!octets.empty()) {
    std::uint32_t word = 0;  // RFC 1071 1: an odd octet is padded with zero behind it
    std::memcpy(&word, octets.data(), octets.size());
    sum += word;
  }
  return fold(std::uint64_t{to_host(fold(sum))} + initial);
}

std::uint16_t checksum(Bytes octets, std::uint32_t initial) {
  return static_cast<std::uint16_t>(~checksum_add(octets, initial));
}

std::uint32_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                std::uint8_t protocol, std::uint32_t length) {
  // RFC 9293 3.1 and RFC 8200 8.1: the two layouts differ in zero octets only, which add nothing.
  std::uint32_t sum = checksum_add(source.bytes());
  sum += checksum_add(destination.bytes());
  sum += protocol;
  sum += (length >> 16) + (length & 0xffff);
  return sum;
}

std::uint16_t checksum_update(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) {
  // RFC 1624 3, equation 3: HC' = ~(~HC + ~m + m'). Equation 4 of RFC 1141 can give a wrong zero.
  const std::uint32_t old_sum = static_cast<std::uint16_t>(~checksum);
  const std::uint32_t removed = static_cast<std::uint16_t>(~before);
  return static_cast<std::uint16_t>(~fold(std::uint64_t{old_sum} + removed + after));
}

}  // namespace godwit
