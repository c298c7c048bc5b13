// Views of octets and big-endian loads and stores: the vocabulary of every room.
#pragma once

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

// Reads sizeof(T) octets in network order from the start of `in`, which must be that long.
template <std::unsigned_integral T>
constexpr T load_be(Bytes in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 8) | in[i]);
  return value;
}

template <>
constexpr std::uint8_t load_be<std::uint8_t>(Bytes in) {
  return in[0];
}

// Writes `value` in network order to the start of `out`, which must hold sizeof(T) octets.
template <std::unsigned_integral T>
constexpr void store_be(MutBytes out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
  }
}

inline ByteVec to_vec(Bytes in) { return {in.begin(), in.end()}; }

inline void append(ByteVec& out, Bytes in) { out.insert(out.end(), in.begin(), in.end()); }

inline bool equal(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace godwit
