// Randomness is injected and says whether it may be seen: a nonce or a jitter is public, a
// Diffie-Hellman exponent or an IV key is not. A test passes a scripted or seeded Rng.
#pragma once

#include "core/base/bytes.h"

namespace godwit {

class Rng {
 public:
  Rng() = default;
  Rng(const Rng&) = delete;
  Rng& operator=(const Rng&) = delete;
  virtual ~Rng() = default;

  virtual void fill_public(MutBytes out) = 0;  // nonces, cookies, SPIs, message IDs, jitter
  virtual void fill_secret(MutBytes out) = 0;  // exponents, keys

  template <std::unsigned_integral T>
  T public_number() {
    std::uint8_t octets[sizeof(T)];
    fill_public(octets);
    return load_be<T>(octets);
  }
};

}  // namespace godwit
