// Octets written as hexadecimal text, and a random source that a seed replays.
#pragma once

#include <stdexcept>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/rng.h"

namespace godwit::test {

// Spaces and line breaks are skipped, so that a vector can stand as its RFC prints it.
inline ByteVec hex(std::string_view text) {
  ByteVec out;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) throw std::invalid_argument("not hexadecimal");
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  if (high >= 0) throw std::invalid_argument("half an octet is missing");
  return out;
}

inline ByteVec text(std::string_view characters) { return {characters.begin(), characters.end()}; }

// splitmix64: good enough to be arbitrary, the same on every machine.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : state_(seed) {}
  void fill_public(MutBytes out) override {
    for (std::uint8_t& octet : out) octet = static_cast<std::uint8_t>(next() >> 32);
  }
  void fill_secret(MutBytes out) override { fill_public(out); }
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace godwit::test
