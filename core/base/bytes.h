// Views of octets and big-endian loads and stores: the vocabulary of every room.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace godwit {

using Bytes = std::span<const std::uint8_t>;
using MutBytes = std::span<std::uint8_t>;
using ByteVec = std::vector<std::uint8_t>;

// From the machine's order of octets to that of the network, and back.
template <std::unsigned_integral T>
T network_order(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    static_assert(sizeof(T) == 8);
    return __builtin_bswap64(value);
  }
}

// Reads sizeof(T) octets in network order from the start of `in`, which must be that long.
template <std::unsigned_integral T>
T load_be(Bytes in) {
  T value;
  std::memcpy(&value, in.first(sizeof(T)).data(), sizeof(T));
  return network_order(value);
}

// Writes `value` in network order to the start of `out`, which must hold sizeof(T) octets. In one
// store: many small ones would hold up a large load of the same octets.
template <std::unsigned_integral T>
void store_be(MutBytes out, T value) {
  const T octets = network_order(value);
  std::memcpy(out.first(sizeof(T)).data(), &octets, sizeof(T));
}

inline ByteVec to_vec(Bytes in) { return {in.begin(), in.end()}; }

inline void append(ByteVec& out, Bytes in) { out.insert(out.end(), in.begin(), in.end()); }

inline bool equal(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace godwit
