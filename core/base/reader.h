// Octets from the network are read only through a Reader: one check per fixed block, trailers come
// off the back, and no offset arithmetic anywhere else. What it returns are views into the input.
#pragma once

#include "core/base/bytes.h"
#include "core/base/counters.h"
#include "core/base/result.h"

namespace godwit {

class Reader {
 public:
  explicit Reader(Bytes input) : rest_(input) {}

  std::size_t remaining() const { return rest_.size(); }
  bool empty() const { return rest_.empty(); }
  Bytes rest() const { return rest_; }  // what has not been taken yet

  template <std::size_t N>
  Result<std::span<const std::uint8_t, N>, Drop> take() {
    if (rest_.size() < N) return fail(Drop::kTruncated);
    const auto block = rest_.first<N>();
    rest_ = rest_.subspan(N);
    return block;
  }

  Result<Bytes, Drop> take(std::size_t size) {
    if (rest_.size() < size) return fail(Drop::kTruncated);
    const Bytes block = rest_.first(size);
    rest_ = rest_.subspan(size);
    return block;
  }

  Result<Bytes, Drop> take_back(std::size_t size) {
    if (rest_.size() < size) return fail(Drop::kTruncated);
    const Bytes block = rest_.last(size);
    rest_ = rest_.first(rest_.size() - size);
    return block;
  }

  template <std::unsigned_integral T>
  Result<T, Drop> be() {
    const Bytes octets = GODWIT_TRY(take(sizeof(T)));
    return load_be<T>(octets);
  }

  // A Reader over the next `size` octets.
  Result<Reader, Drop> sub(std::size_t size) { return Reader(GODWIT_TRY(take(size))); }

  // Fails unless everything was read.
  Result<void, Drop> finish() const {
    if (!rest_.empty()) return fail(Drop::kBadLength);
    return {};
  }

 private:
  Bytes rest_;
};

}  // namespace godwit
