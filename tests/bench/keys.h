// The keys that both ends of a benchmark have without asking each other.
#pragma once

#include <algorithm>
#include <vector>

#include "core/esp/sa.h"

namespace godwit::bench {

// Of the SA that has `spi`; lets every packet through.
inline esp::SaParameters parameters(const crypto::EspSuite& suite, std::uint32_t spi) {
  ByteVec keymat(suite.keymat_size());
  for (std::size_t i = 0; i < keymat.size(); ++i) {
    keymat[i] = static_cast<std::uint8_t>(spi + 31 * i);
  }
  const std::vector<Prefix> all = {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")};
  esp::SaParameters out;
  out.spi = EspSpi{spi};
  out.suite = suite;
  out.keymat = SecretBytes(keymat.size());
  std::ranges::copy(keymat, out.keymat.fill().begin());
  out.selectors = {all, all};
  return out;
}

}  // namespace godwit::bench
