#include "core/base/counters.h"

namespace godwit {
namespace {

struct DropText {
  std::string_view slug;
  std::string_view sentence;
};

constexpr std::array<DropText, kDropCount> kTexts = {{
#define GODWIT_X(name, slug, sentence) {slug, sentence},
    GODWIT_DROPS(GODWIT_X)
#undef GODWIT_X
}};

}  // namespace

std::string_view slug(Drop reason) { return kTexts[static_cast<std::size_t>(reason)].slug; }

std::string_view sentence(Drop reason) { return kTexts[static_cast<std::size_t>(reason)].sentence; }

std::uint64_t Counters::total() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts_) sum += count;
  return sum;
}

void Counters::add(const Counters& other) {
  for (std::size_t i = 0; i < kDropCount; ++i) counts_[i] += other.counts_[i];
  accepted_ += other.accepted_;
}

}  // namespace godwit
