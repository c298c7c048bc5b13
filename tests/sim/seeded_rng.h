// Randomness from a seed, so that a failure replays. xoshiro256** started by splitmix64; the two
// doors of Rng draw from one stream.
#pragma once

#include <array>

#include "core/base/rng.h"

namespace godwit::sim {

class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e37'79b9'7f4a'7c15;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
      z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
      word = z ^ (z >> 31);
    }
  }

  void fill_public(MutBytes out) override { fill(out); }
  void fill_secret(MutBytes out) override { fill(out); }

  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // 0 .. n-1, n > 0. The bias of the remainder is of no consequence to a test.
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  // True once in n times; never when n is 0.
  bool one_in(unsigned n) { return n != 0 && below(n) == 0; }
  bool permille(unsigned n) { return n != 0 && below(1000) < n; }

 private:
  static std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  void fill(MutBytes out) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = next();
      out[i] = static_cast<std::uint8_t>(word >> (8 * (i % 8)));
    }
  }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace godwit::sim
