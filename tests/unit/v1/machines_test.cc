// The small machines of ike/v1: retransmission, dead peer detection, message IDs, repeated answers.
#include <doctest/doctest.h>

#include <set>

#include "core/ike/v1/dpd.h"
#include "core/ike/v1/message_ids.h"
#include "core/ike/v1/reply_cache.h"
#include "core/ike/v1/retransmission.h"
#include "tests/unit/v1/support.h"

using namespace godwit;
using namespace godwit::ike::v1;

namespace {

const Instant kStart{1000s};

}  // namespace

TEST_CASE("ISK-22: a request is repeated octet for octet, with growing gaps, +-20 %") {
  test::CountingRng rng;
  Retransmission request;
  const ByteVec message = {1, 2, 3};
  request.start(message, kStart, 6, rng);
  Instant last = kStart;
  const Duration gaps[] = {1s, 1s, 2s, 2s, 3s, 3s};
  for (int i = 0; i < 6; ++i) {
    REQUIRE(request.due());
    const Duration gap = *request.due() - last;
    CHECK(gap >= gaps[i] * 8 / 10);
    CHECK(gap <= gaps[i] * 12 / 10);
    CHECK(request.exhausted() == (i == 5));
    if (i == 5) break;
    last = *request.due();
    CHECK(equal(request.resend(last, rng), message));
  }
  request.stop();
  CHECK_FALSE(request.due());
}

TEST_CASE("ISK-28: a hint shortens the wait, and only the first one counts") {
  test::CountingRng rng;
  Retransmission request;
  request.start({1}, kStart, 6, rng);
  request.shorten(kStart + 3s);
  CHECK(*request.due() < kStart + 2s);  // the genuine answer gets another chance
  CHECK_FALSE(request.exhausted());
  request.shorten(kStart + 60s);
  Instant now = kStart;
  int sent = 1;
  while (!request.exhausted()) {
    now = *request.due();
    static_cast<void>(request.resend(now, rng));
    ++sent;
  }
  CHECK(*request.due() == kStart + 3s);
  CHECK(sent >= 2);
  CHECK(sent <= 3);
}

TEST_CASE("DPD-08: no question while something authentic is heard") {
  test::CountingRng rng;
  Dpd dpd(30s, 5, rng);
  CHECK(*dpd.due({kStart, {}}) == kStart + 30s);
  CHECK(*dpd.due({kStart + 20s, {}}) == kStart + 50s);
  // Traffic goes out and nothing comes back: ask early.
  CHECK(*dpd.due({kStart, kStart + 10s}) == kStart + 13s);
  CHECK(*dpd.due({kStart, kStart + 29s}) == kStart + 30s);
}

TEST_CASE("A delay of zero switches dead peer detection off") {
  test::CountingRng rng;
  Dpd dpd(0s, 5, rng);
  CHECK_FALSE(dpd.due({kStart, kStart}));
}

TEST_CASE("DPD-05: a repeated question keeps its number, a new one adds one") {
  test::CountingRng rng(0xf0);
  Dpd dpd(30s, 3, rng);
  const Dpd::Facts facts{kStart, {}};
  Instant now = kStart + 30s;
  const std::uint32_t first = dpd.next_query(facts, now);
  CHECK((first & 0x8000'0000) == 0);
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(dpd.exhausted(facts));
    now = *dpd.due(facts);
    CHECK(dpd.next_query(facts, now) == first);
  }
  CHECK(dpd.exhausted(facts));  // DPD-09: three questions, no answer

  CHECK_FALSE(dpd.on_answer(first + 1));  // DPD-06
  CHECK(dpd.on_answer(first));
  CHECK_FALSE(dpd.on_answer(first));
  CHECK(dpd.next_query({now, {}}, now + 30s) == first + 1);
}

TEST_CASE("Anything authentic after the question ends it") {
  test::CountingRng rng;
  Dpd dpd(30s, 1, rng);
  dpd.next_query({kStart, {}}, kStart + 30s);
  CHECK(dpd.exhausted({kStart, {}}));
  const Dpd::Facts heard{kStart + 31s, {}};
  CHECK_FALSE(dpd.exhausted(heard));
  CHECK(*dpd.due(heard) == kStart + 61s);
}

TEST_CASE("DPD-07: questions whose numbers go backwards are not answered") {
  test::CountingRng rng;
  Dpd dpd(30s, 5, rng);
  CHECK(dpd.on_query(100));
  CHECK(dpd.on_query(101));
  CHECK(dpd.on_query(98));
  CHECK_FALSE(dpd.on_query(96));
  CHECK(dpd.on_query(102));
}

TEST_CASE("QM-03: message IDs are fresh, not zero, and remembered within bounds") {
  test::CountingRng rng;
  MessageIds ids;
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 60; ++i) {
    const MessageId id = ids.fresh(rng);
    CHECK(id.value() != 0);
    CHECK(seen.insert(id.value()).second);
    CHECK(ids.seen(id));
  }
  for (std::uint32_t i = 1; i <= 4096; ++i) ids.insert(MessageId{i});
  CHECK(ids.seen(MessageId{1}));
  ids.insert(MessageId{5000});
  CHECK_FALSE(ids.seen(MessageId{1}));
}

TEST_CASE("ISK-23: a copy gets the same answer, at most every 500 ms and 8 times") {
  ReplyCache cache;
  const ByteVec message = {1, 2, 3};
  const ByteVec reply = {4, 5};
  const auto key = ReplyCache::key_of(message);
  CHECK_FALSE(cache.knows(key));
  cache.handled(key);
  CHECK(cache.knows(key));
  CHECK(cache.repeat(key, kStart).empty());  // still being worked on
  cache.answered(key, reply);
  int repeats = 0;
  for (int i = 0; i < 100; ++i) {
    if (!cache.repeat(key, kStart + i * 100ms).empty()) ++repeats;
  }
  CHECK(repeats == 8);
  CHECK(cache.repeat(ReplyCache::key_of(reply), kStart).empty());
  for (std::uint8_t i = 0; i < 16; ++i) cache.handled(ReplyCache::key_of(ByteVec{9, i}));
  CHECK_FALSE(cache.knows(key));  // bounded: the oldest goes
}
