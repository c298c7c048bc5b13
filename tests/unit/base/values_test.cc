#include <doctest/doctest.h>

#include <set>
#include <string>
#include <unordered_set>

#include "core/base/counters.h"
#include "core/base/instant.h"
#include "core/base/result.h"
#include "core/base/strong.h"

using namespace godwit;

TEST_CASE("every drop has a slug of its own and a sentence") {
  std::set<std::string_view> slugs;
  for (std::size_t i = 0; i < kDropCount; ++i) {
    const Drop reason = static_cast<Drop>(i);
    CAPTURE(i);
    CHECK(sentence(reason).size() > 10);
    CHECK(slugs.insert(slug(reason)).second);
    // Slugs are keys in JSON and words in a terminal.
    CHECK(slug(reason).find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos);
  }
  CHECK(slug(Drop::kReplay) == "replay");
}

TEST_CASE("counters count each reason apart and add up") {
  Counters one;
  one.drop(Drop::kReplay);
  one.drop(Drop::kReplay);
  one.drop(Drop::kBadTag);
  Counters two;
  two.drop(Drop::kBadTag);
  two.add(one);
  CHECK(two.of(Drop::kBadTag) == 2);
  CHECK(two.of(Drop::kReplay) == 2);
  CHECK(two.of(Drop::kRunt) == 0);
  CHECK(two.total() == 4);
  CHECK(one.total() == 3);
}

TEST_CASE("strong numbers compare, hash and do not mix") {
  static_assert(!std::is_convertible_v<EspSpi, std::uint32_t>);
  static_assert(!std::is_constructible_v<EspSpi, MessageId>);
  static_assert(!std::is_constructible_v<Cookie, JobId>);
  CHECK(EspSpi{1} < EspSpi{2});
  CHECK(EspSpi{0xffffffff}.value() == 0xffffffff);
  CHECK(EspSpi{} == EspSpi{0});
  const std::unordered_set<EspSpi> set = {EspSpi{1}, EspSpi{1}, EspSpi{2}};
  CHECK(set.size() == 2);
}

TEST_CASE("the earlier of two deadlines may be the only one") {
  const Instant a{1s};
  const Instant b{2s};
  CHECK(earlier(a, b) == a);
  CHECK(earlier(b, a) == a);
  CHECK(earlier(std::nullopt, b) == b);
  CHECK(earlier(a, std::nullopt) == a);
  CHECK(earlier(std::nullopt, std::nullopt) == std::nullopt);
}

namespace {

Result<int, Drop> halve(int value) {
  if (value % 2 != 0) return fail(Drop::kMalformed);
  return value / 2;
}

Result<std::string, Drop> quarter(int value) {
  const int half = GODWIT_TRY(halve(value));
  return std::to_string(GODWIT_TRY(halve(half)));
}

}  // namespace

TEST_CASE("a failure inside leaves at the first try") {
  CHECK(quarter(8).value() == "2");
  CHECK(quarter(6).error() == Drop::kMalformed);
  CHECK(quarter(7).error() == Drop::kMalformed);
}
