#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <set>

#include "core/esp/replay_window.h"

using namespace godwit;
using esp::ReplayWindow;

namespace {

constexpr std::uint64_t kSize = limits::kReplayWindow;

// What RFC 4303 3.4.3 says, with a set and no cleverness.
class SlowWindow {
 public:
  bool may_accept(std::uint64_t sequence) const {
    if (sequence == 0) return false;
    if (sequence > highest_) return true;
    return highest_ - sequence < kSize && seen_.count(sequence) == 0;
  }
  void mark(std::uint64_t sequence) {
    seen_.insert(sequence);
    highest_ = std::max(highest_, sequence);
    while (!seen_.empty() && highest_ - *seen_.begin() >= kSize) seen_.erase(seen_.begin());
  }
  std::uint64_t highest() const { return highest_; }

 private:
  std::set<std::uint64_t> seen_;
  std::uint64_t highest_ = 0;
};

}  // namespace

TEST_CASE("the window agrees with a slow model over a million random steps") {
  for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{0xffff'0000}}) {
    std::mt19937_64 random(6479 + start);
    ReplayWindow window;
    SlowWindow model;
    if (start != 0) {
      window.mark(start);
      model.mark(start);
    }
    std::uint64_t accepted = 0;
    for (int step = 0; step < 500'000; ++step) {
      const std::uint64_t highest = model.highest();
      std::uint64_t sequence = 0;
      switch (random() % 16) {
        case 0:  // anywhere around the lower edge
          sequence = highest - std::min(highest, kSize - 70 + random() % 140);
          break;
        case 1:  // a jump, up to several turns of the ring
          sequence = highest + random() % (3 * kSize);
          break;
        case 2:  // a jump that leaves nothing behind
          sequence = random() % 500 == 0 ? highest + (random() >> 34) : highest;
          break;
        case 3:
        case 4:
        case 5:  // late
          sequence = highest - std::min(highest, random() % kSize);
          break;
        case 6:
        case 7:  // a little late: mostly copies
          sequence = highest - std::min(highest, random() % 64);
          break;
        default:  // the usual
          sequence = highest + 1 + random() % 3;
      }
      const bool expected = model.may_accept(sequence);
      if (window.may_accept(sequence) != expected) {
        CAPTURE(step);
        CAPTURE(sequence);
        FAIL("the window and the model disagree");
      }
      // Some packets fail their ICV: they were looked at and must leave no trace.
      if (!expected || random() % 8 == 0) continue;
      window.mark(sequence);
      model.mark(sequence);
      ++accepted;
      if (window.highest() != model.highest()) FAIL("the highest numbers differ");
    }
    CHECK(accepted > 100'000);
  }
}

TEST_CASE("zero is never accepted (RFC 4303 3.3.3)") {
  ReplayWindow window;
  CHECK_FALSE(window.may_accept(0));
  window.mark(1);
  CHECK_FALSE(window.may_accept(0));
}

TEST_CASE("the window is exactly as wide as it says") {
  ReplayWindow window;
  window.mark(10'000);
  CHECK(window.may_accept(10'000 - kSize + 1));
  CHECK_FALSE(window.may_accept(10'000 - kSize));
  CHECK_FALSE(window.may_accept(10'000));
  CHECK(window.may_accept(10'001));
}

TEST_CASE("a look alone changes nothing") {
  ReplayWindow window;
  window.mark(5);
  for (int i = 0; i < 10; ++i) CHECK(window.may_accept(~std::uint64_t{0}));
  CHECK(window.highest() == 5);
  CHECK(window.may_accept(4));
}

TEST_CASE("the end of 64 bits is no edge") {
  ReplayWindow window;
  const std::uint64_t last = ~std::uint64_t{0};
  window.mark(last);
  CHECK_FALSE(window.may_accept(last));
  CHECK(window.may_accept(last - 1));
  CHECK(window.may_accept(last - kSize + 1));
  CHECK_FALSE(window.may_accept(last - kSize));
}
