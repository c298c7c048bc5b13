// Secrets move, never copy, are wiped when they die, and have one greppable door: expose().
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "core/base/bytes.h"

namespace godwit {

void wipe(MutBytes octets);       // not removed by the optimiser
bool equal_ct(Bytes a, Bytes b);  // time depends on the lengths only

// A secret whose length is known when the program is written.
template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : octets_(other.octets_) { wipe(other.octets_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      octets_ = other.octets_;
      wipe(other.octets_);
    }
    return *this;
  }
  ~Secret() { wipe(octets_); }

  Bytes expose() const { return octets_; }
  MutBytes fill() { return octets_; }

 private:
  std::array<std::uint8_t, N> octets_{};
};

// A secret whose length is known at run time. It never grows, so no copy is left behind.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size) : octets_(size) {}
  static SecretBytes copy_of(Bytes octets);
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : octets_(std::move(other.octets_)) {
    other.octets_.clear();
  }
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes() { wipe(octets_); }

  std::size_t size() const { return octets_.size(); }
  bool empty() const { return octets_.empty(); }
  Bytes expose() const { return octets_; }
  MutBytes fill() { return octets_; }
  SecretBytes clone() const { return copy_of(octets_); }  // a copy must be asked for by name
  // Keeps the first `size` octets (size <= size()) and wipes the rest.
  void truncate(std::size_t size);

 private:
  ByteVec octets_;
};

static_assert(!std::is_copy_constructible_v<Secret<32>>);
static_assert(!std::is_copy_constructible_v<SecretBytes>);

}  // namespace godwit
