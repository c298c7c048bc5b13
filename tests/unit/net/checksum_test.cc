#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "core/net/checksum.h"
#include "tests/support/packets.h"

using namespace godwit;

TEST_CASE("the example of RFC 1071 3") {
  const ByteVec octets = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK(checksum_add(octets) == 0xddf2);
  CHECK(checksum(octets) == 0x220d);
}

TEST_CASE("the fast sum agrees with the slow one at any length and alignment") {
  std::mt19937 random(1071);
  for (int i = 0; i < 5'000; ++i) {
    ByteVec octets(random() % 2000);
    const unsigned kind = static_cast<unsigned>(random() % 4);
    for (std::uint8_t& octet : octets) {
      octet = kind == 0 ? 0xff : static_cast<std::uint8_t>(random());
    }
    const Bytes slice = Bytes(octets).subspan(std::min<std::size_t>(octets.size(), random() % 9));
    const auto initial = static_cast<std::uint32_t>(random());
    CAPTURE(slice.size());
    REQUIRE(checksum_add(slice, initial) == test::naive_sum(slice, initial));
    // The copy is whole, and nothing around it is touched.
    const std::size_t shift = random() % 9;
    ByteVec copy(shift + slice.size() + 3, 0xa5);
    REQUIRE(checksum_copy(slice, MutBytes(copy).subspan(shift, slice.size()), initial) ==
            test::naive_sum(slice, initial));
    REQUIRE(equal(Bytes(copy).subspan(shift, slice.size()), slice));
    REQUIRE(std::ranges::count(Bytes(copy).first(shift), 0xa5) == static_cast<long>(shift));
    REQUIRE(std::ranges::count(Bytes(copy).last(3), 0xa5) == 3);
  }
  CHECK(checksum_add({}) == 0);
  CHECK(checksum({}) == 0xffff);
  CHECK(checksum_copy({}, {}, 7) == 7);
}

TEST_CASE("a packet with its checksum in place sums to 0xffff") {
  std::mt19937 random(2);
  for (std::size_t size = 2; size < 200; ++size) {
    ByteVec octets(size);
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
    store_be(MutBytes(octets), std::uint16_t{0});
    store_be(MutBytes(octets), checksum(octets));
    REQUIRE(checksum_add(octets) == 0xffff);
  }
}

TEST_CASE("an update agrees with a new sum (RFC 1624)") {
  // RFC 1624 4: the case that RFC 1141 gets wrong.
  CHECK(checksum_update(0xdd2f, 0x5555, 0x3285) == 0x0000);

  std::mt19937 random(1624);
  for (int i = 0; i < 20'000; ++i) {
    ByteVec octets(20);
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
    const std::uint16_t before_sum = checksum(octets);
    const MutBytes field = MutBytes(octets).subspan(2 * (random() % 10), 2);
    const auto before = load_be<std::uint16_t>(field);
    const auto after = static_cast<std::uint16_t>(i % 3 == 0 ? 0xffff : random());
    store_be(field, after);
    REQUIRE(checksum_update(before_sum, before, after) == checksum(octets));
  }
}

TEST_CASE("the pseudo-header sums both families") {
  for (const auto& [source, destination] :
       {std::pair{"192.0.2.1", "198.51.100.255"}, std::pair{"2001:db8::1", "ff02::ffff"}}) {
    const IpAddress from = IpAddress::parse(source).value();
    const IpAddress to = IpAddress::parse(destination).value();
    ByteVec pseudo = to_vec(from.bytes());
    append(pseudo, to.bytes());
    append(pseudo, ByteVec{0x00, 0x01, 0x23, 0x45});  // length
    append(pseudo, ByteVec{0, 0, 0, 17});
    CHECK(checksum_add({}, pseudo_header_sum(from, to, 17, 0x12345)) == test::naive_sum(pseudo));
  }
}
