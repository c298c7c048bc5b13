#include "core/base/secret.h"

#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace godwit {

void wipe(MutBytes octets) {
  if (octets.empty()) return;
  std::memset(octets.data(), 0, octets.size());
  // The compiler must assume that this statement reads the memory, so the store above stays.
  __asm__ __volatile__("" : : "r"(octets.data()) : "memory");
}

bool equal_ct(Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

SecretBytes SecretBytes::copy_of(Bytes octets) {
  SecretBytes out(octets.size());
  if (!octets.empty()) std::memcpy(out.octets_.data(), octets.data(), octets.size());
  return out;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe(octets_);
    octets_ = std::move(other.octets_);
    other.octets_.clear();
  }
  return *this;
}

void SecretBytes::truncate(std::size_t size) {
  CHECK(size <= octets_.size());
  wipe(MutBytes(octets_).subspan(size));
  octets_.resize(size);
}

}  // namespace godwit
