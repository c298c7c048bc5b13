// Writes octets into a fixed span. Overflow is sticky and checked once, at finish(); a length field
// closes itself (LengthScope), so it cannot be forgotten or computed wrong.
#pragma once

#include <cstring>
#include <optional>

#include "core/base/bytes.h"

namespace godwit {

class Writer {
 public:
  explicit Writer(MutBytes out) : out_(out) {}

  template <std::unsigned_integral T>
  void be(T value) {
    if (MutBytes room = claim(sizeof(T)); !room.empty()) store_be(room, value);
  }

  void put(Bytes octets) {
    if (octets.empty()) return;
    if (MutBytes room = claim(octets.size()); !room.empty()) {
      std::memcpy(room.data(), octets.data(), octets.size());
    }
  }

  void zeros(std::size_t count) {
    if (count == 0) return;
    if (MutBytes room = claim(count); !room.empty()) std::memset(room.data(), 0, count);
  }

  // The next `size` octets, for the caller to fill; empty after an overflow.
  MutBytes claim(std::size_t size) {
    if (overflow_ || out_.size() - used_ < size) {
      overflow_ = true;
      return {};
    }
    const MutBytes room = out_.subspan(used_, size);
    used_ += size;
    return room;
  }

  std::size_t size() const { return used_; }
  bool overflowed() const { return overflow_; }
  MutBytes written() { return out_.first(used_); }  // for patching what was written

  // What was written, or nothing when it did not fit.
  std::optional<MutBytes> finish() {
    if (overflow_) return std::nullopt;
    return out_.first(used_);
  }

 private:
  MutBytes out_;
  std::size_t used_ = 0;
  bool overflow_ = false;
};

}  // namespace godwit
