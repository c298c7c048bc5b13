// One buffer for the packets of all inputs. While a packet lies in it, AddressSanitizer treats
// every other octet of it as out of bounds, as if the packet had been allocated by itself.
#pragma once

#include <sanitizer/asan_interface.h>

#include <array>
#include <cstring>

#include "core/base/limits.h"
#include "core/esp/packet.h"
#include "tests/fuzz/fuzz.h"

namespace godwit::fuzz {

template <std::size_t kPacketMax>
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { open(); }

  // The content, with nothing around it that may be touched. content.size() <= kPacketMax.
  MutBytes lay(Bytes content) {
    open();
    used_ = content.size();
    if (used_ != 0) std::memcpy(&storage_[limits::kHeadRoom], content.data(), used_);
    ASAN_POISON_MEMORY_REGION(&storage_[0], limits::kHeadRoom);
    ASAN_POISON_MEMORY_REGION(&storage_[limits::kHeadRoom + used_],
                              storage_.size() - limits::kHeadRoom - used_);
    return bytes();
  }
  MutBytes bytes() { return MutBytes(storage_).subspan(limits::kHeadRoom, used_); }

  // What was laid, as a packet of the data path. `around`: its room in front and behind may be
  // used.
  esp::Packet packet(std::uint8_t tos, bool around) {
    if (around) {
      open();
      const std::size_t behind = limits::kHeadRoom + used_ + limits::kTailRoom;
      ASAN_POISON_MEMORY_REGION(&storage_[behind], storage_.size() - behind);
    }
    return {MutBytes(storage_).first(limits::kHeadRoom + used_ + limits::kTailRoom),
            limits::kHeadRoom, used_, tos};
  }

 private:
  void open() { ASAN_UNPOISON_MEMORY_REGION(storage_.data(), storage_.size()); }

  alignas(8)
      std::array<std::uint8_t, limits::kHeadRoom + kPacketMax + limits::kTailRoom + 8> storage_{};
  std::size_t used_ = 0;
};

}  // namespace godwit::fuzz
