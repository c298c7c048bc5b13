#include "core/net/checksum.h"

#include <algorithm>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "core/base/check.h"

namespace godwit {
namespace {

// As many steps as the largest sum needs, for branches would be guessed wrong.
std::uint16_t fold(std::uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffff'ffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(sum);
}

// RFC 1071 2 (B): the sum may be taken in the machine's own order, many octets at a time, and
// swapped once at the end. Of 2^64 - 1 as modulus the lower ones are factors, so carries go around
// there too.
std::uint64_t add_around(std::uint64_t sum, std::uint64_t word) {
  sum += word;
  return sum + (sum < word ? 1 : 0);
}

#ifdef __x86_64__
constexpr std::size_t kBlock = 64;

// Whole blocks, in four lanes of 64 bits: the sum of the words without its carries, and that of
// their upper halves with them. From both the sum of the lower halves follows, and 2^30 blocks fit.
// Copies the octets to `to` unless that is nullptr.
[[gnu::target("avx2")]] std::uint64_t sum_blocks(Bytes octets, std::uint8_t* to) {
  __m256i words = _mm256_setzero_si256();
  __m256i upper = _mm256_setzero_si256();
  for (; !octets.empty(); octets = octets.subspan(kBlock)) {
    const auto* const at = reinterpret_cast<const __m256i*>(octets.data());
    const __m256i first = _mm256_loadu_si256(at);
    const __m256i second = _mm256_loadu_si256(at + 1);
    if (to != nullptr) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), first);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to) + 1, second);
      to += kBlock;
    }
    words = _mm256_add_epi64(words, _mm256_add_epi64(first, second));
    upper = _mm256_add_epi64(
        upper, _mm256_add_epi64(_mm256_srli_epi64(first, 32), _mm256_srli_epi64(second, 32)));
  }
  const __m256i lower = _mm256_sub_epi64(words, _mm256_slli_epi64(upper, 32));
  alignas(__m256i) std::uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), _mm256_add_epi64(lower, upper));
  std::uint64_t sum = 0;
  for (const std::uint64_t lane : lanes) sum = add_around(sum, lane);
  return sum;
}

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#endif

// Fewer octets than a block, or all of them.
std::uint64_t add_rest(std::uint64_t sum, Bytes octets) {
  while (octets.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, octets.data(), 8);
    sum = add_around(sum, word);
    octets = octets.subspan(8);
  }
  if (octets.size() >= 4) {
    std::uint32_t word;
    std::memcpy(&word, octets.data(), 4);
    sum = add_around(sum, word);
    octets = octets.subspan(4);
  }
  if (octets.size() >= 2) {
    std::uint16_t word;
    std::memcpy(&word, octets.data(), 2);
    sum = add_around(sum, word);
    octets = octets.subspan(2);
  }
  if (!octets.empty()) {
    std::uint16_t word = 0;  // RFC 1071 1: an odd octet is padded with zero behind it
    std::memcpy(&word, octets.data(), 1);
    sum = add_around(sum, word);
  }
  return sum;
}

std::uint16_t to_folded(std::uint64_t sum, std::uint32_t initial) {
  return fold(std::uint64_t{network_order(fold(sum))} + initial);
}

}  // namespace

std::uint16_t checksum_add(Bytes octets, std::uint32_t initial) {
  std::uint64_t sum = 0;
#ifdef __x86_64__
  if (octets.size() >= 2 * kBlock && has_avx2()) {
    const std::size_t whole = octets.size() / kBlock * kBlock;
    sum = sum_blocks(octets.first(whole), nullptr);
    octets = octets.subspan(whole);
  }
#endif
  return to_folded(add_rest(sum, octets), initial);
}

std::uint16_t checksum_copy(Bytes octets, MutBytes to, std::uint32_t initial) {
  CHECK(octets.size() == to.size());
  std::uint64_t sum = 0;
#ifdef __x86_64__
  if (octets.size() >= 2 * kBlock && has_avx2()) {
    const std::size_t whole = octets.size() / kBlock * kBlock;
    sum = sum_blocks(octets.first(whole), to.data());
    octets = octets.subspan(whole);
    to = to.subspan(whole);
  }
#endif
  std::copy(octets.begin(), octets.end(), to.begin());
  return to_folded(add_rest(sum, octets), initial);
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
