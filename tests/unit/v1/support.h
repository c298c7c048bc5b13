// What the tests of ike/v1 share.
#pragma once

#include "core/base/rng.h"

namespace godwit::test {

// Counts up, so that every draw differs and every run is the same.
class CountingRng : public Rng {
 public:
  explicit CountingRng(std::uint8_t first = 1) : next_(first) {}
  void fill_public(MutBytes out) override { fill(out); }
  void fill_secret(MutBytes out) override { fill(out); }

 private:
  void fill(MutBytes out) {
    for (std::uint8_t& octet : out) octet = next_++;
  }
  std::uint8_t next_;
};

}  // namespace godwit::test
