#include <doctest/doctest.h>

#include <array>

#include "core/base/reader.h"
#include "core/base/writer.h"

using namespace godwit;

TEST_CASE("loads and stores are in network order") {
  std::array<std::uint8_t, 8> octets{};
  store_be(octets, std::uint64_t{0x0102030405060708});
  CHECK(octets == std::array<std::uint8_t, 8>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(load_be<std::uint8_t>(octets) == 0x01);
  CHECK(load_be<std::uint16_t>(octets) == 0x0102);
  CHECK(load_be<std::uint32_t>(octets) == 0x01020304);
  CHECK(load_be<std::uint64_t>(octets) == 0x0102030405060708);
}

TEST_CASE("a reader takes from both ends and never past them (A27)") {
  const ByteVec input = {1, 2, 3, 4, 5, 6, 7, 8};
  Reader reader(input);
  const auto head = reader.take<3>();
  REQUIRE(head);
  CHECK((*head)[2] == 3);
  const auto tail = reader.take_back(2);
  REQUIRE(tail);
  CHECK((*tail)[0] == 7);
  CHECK(reader.remaining() == 3);

  SUBCASE("what is too much leaves the rest untouched") {
    CHECK(reader.take<4>().error() == Drop::kTruncated);
    CHECK(reader.take(4).error() == Drop::kTruncated);
    CHECK(reader.take_back(4).error() == Drop::kTruncated);
    CHECK(reader.sub(4).error() == Drop::kTruncated);
    CHECK(reader.be<std::uint32_t>().error() == Drop::kTruncated);
    CHECK(reader.take(SIZE_MAX).error() == Drop::kTruncated);
    CHECK(equal(reader.rest(), Bytes(input).subspan(3, 3)));
  }
  SUBCASE("a reader over a part ends where the part ends") {
    auto part = reader.sub(2);
    REQUIRE(part);
    CHECK(part->be<std::uint16_t>().value() == 0x0405);
    CHECK(part->be<std::uint8_t>().error() == Drop::kTruncated);
    CHECK(part->finish());
    CHECK(reader.be<std::uint8_t>().value() == 6);
  }
  SUBCASE("finish tells what was left over") {
    CHECK(reader.finish().error() == Drop::kBadLength);
    CHECK(reader.take(3));
    CHECK(reader.finish());
    CHECK(reader.empty());
  }
}

TEST_CASE("a reader of nothing gives empty blocks") {
  Reader reader(Bytes{});
  CHECK(reader.take(0));
  CHECK(reader.take<0>());
  CHECK(reader.finish());
  CHECK_FALSE(reader.take(1));
}

TEST_CASE("a writer puts octets in order") {
  std::array<std::uint8_t, 8> room{};
  room.fill(0xee);
  Writer writer(room);
  writer.be<std::uint16_t>(0x0102);
  writer.put(ByteVec{3, 4});
  writer.zeros(2);
  CHECK(writer.size() == 6);
  const auto done = writer.finish();
  REQUIRE(done);
  CHECK(equal(*done, ByteVec{1, 2, 3, 4, 0, 0}));
  CHECK(room[6] == 0xee);
}

TEST_CASE("an overflow of a writer is sticky and writes nothing") {
  std::array<std::uint8_t, 3> room{};
  Writer writer(room);
  writer.be<std::uint16_t>(0x0102);
  writer.be<std::uint16_t>(0x0304);
  CHECK(writer.overflowed());
  writer.be<std::uint8_t>(5);  // would fit, but the message has a hole
  CHECK_FALSE(writer.finish());
  CHECK(writer.claim(0).empty());
  CHECK(room == std::array<std::uint8_t, 3>{1, 2, 0});
}

TEST_CASE("a writer fills its room exactly") {
  std::array<std::uint8_t, 4> room{};
  Writer writer(room);
  writer.be<std::uint32_t>(0xdeadbeef);
  writer.put({});
  writer.zeros(0);
  REQUIRE(writer.finish());
  writer.written()[0] = 0;
  CHECK(room[0] == 0);
}
