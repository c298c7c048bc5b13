#include <doctest/doctest.h>

#include "tests/unit/wire/samples.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::test;

namespace {

IdPayload id(IdType type, std::string_view hex) { return {.type = type, .data = from_hex(hex)}; }

}  // namespace

TEST_CASE("ID: 14 types by 8 lengths (A11, H13)") {
  constexpr std::size_t kSizes[] = {0, 3, 4, 8, 15, 16, 32, 33};
  // For each type the one size that is right; 0 for those without a rule, 1 for unknown types.
  constexpr std::size_t kRight[] = {1, 4, 0, 0, 8, 16, 32, 8, 32, 0, 0, 0, 1, 1};
  for (std::size_t type = 0; type < 14; ++type) {
    for (const std::size_t size : kSizes) {
      INFO("type " << type << " size " << size);
      ByteVec body{static_cast<std::uint8_t>(type), 0, 0, 0};
      body.resize(4 + size, 0x20);
      const auto decoded = decode_id(body);
      REQUIRE(decoded.has_value() == (kRight[type] == 0 || kRight[type] == size));
      if (!decoded) {
        CHECK(decoded.error() == Drop::kMalformed);
        continue;
      }
      CHECK(decoded->data.size() == size);
      CHECK(encode_id(*decoded) == body);
      static_cast<void>(decoded->to_string());
    }
  }
  for (unsigned type = 14; type < 256; ++type) {
    CHECK_FALSE(decode_id(ByteVec{static_cast<std::uint8_t>(type), 0, 0, 0}).has_value());
  }
  for (std::size_t size = 0; size < 4; ++size) {
    CHECK(decode_id(ByteVec(size, 2)).error() == Drop::kTruncated);
  }
}

TEST_CASE("ID: round trip of random values") {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const IdPayload value{.type = IdType::kKeyId,
                          .protocol = random.number<std::uint8_t>(),
                          .port = random.number<std::uint16_t>(),
                          .data = random.octets(random.below(300))};
    CHECK(decode_id(encode_id(value)) == value);
  }
  CHECK(encode_id({.protocol = 17, .port = 500, .data = {192, 0, 2, 1}}) ==
        from_hex("011101f4c0000201"));
}

TEST_CASE("ID: addresses and subnets") {
  const IdPayload host = IdPayload::address(IpAddress::v4(0xc0000201));
  CHECK(host == id(IdType::kIpv4, "c0000201"));
  CHECK(host.as_prefix()->to_string() == "192.0.2.1/32");
  CHECK(host.to_string() == "192.0.2.1");

  const IdPayload net = IdPayload::subnet(*Prefix::parse("10.1.0.0/16"));
  CHECK(net == id(IdType::kIpv4Subnet, "0a010000ffff0000"));
  CHECK(net.as_prefix() == Prefix::parse("10.1.0.0/16"));
  CHECK(net.to_string() == "10.1.0.0/16");
  CHECK(IdPayload::subnet(Prefix()).as_prefix()->is_everything());

  const Prefix v6 = *Prefix::parse("2001:db8:8000::/33");
  CHECK(IdPayload::subnet(v6) == id(IdType::kIpv6Subnet,
                                    "20010db8800000000000000000000000"
                                    "ffffffff800000000000000000000000"));
  CHECK(IdPayload::subnet(v6).as_prefix() == v6);
  CHECK(IdPayload::address(v6.address()).as_prefix()->length() == 128);
  CHECK(decode_id(encode_id(IdPayload::subnet(v6))) == IdPayload::subnet(v6));
}

TEST_CASE("ID: what is no prefix") {
  CHECK_FALSE(id(IdType::kIpv4Subnet, "0a010000ff00ff00").as_prefix().has_value());
  CHECK_FALSE(id(IdType::kIpv4Subnet, "0a010000").as_prefix().has_value());
  CHECK_FALSE(id(IdType::kIpv4, "0a0100").as_prefix().has_value());
  CHECK_FALSE(id(IdType::kIpv4Range, "0a0000010a000002").as_prefix().has_value());
  CHECK_FALSE(id(IdType::kFqdn, "0a000001").as_prefix().has_value());
}

TEST_CASE("ID: for people") {
  CHECK(id(IdType::kIpv4Range, "0a0000010a000002").to_string() == "10.0.0.1-10.0.0.2");
  CHECK(id(IdType::kIpv4Subnet, "0a010000ff00ff00").to_string() == "10.1.0.0/255.0.255.0");
  CHECK(id(IdType::kFqdn, "612e621b5b").to_string() == "a.b\\x1b[");
  CHECK(id(IdType::kIpv4, "").to_string().empty());
  CHECK(IdPayload{.type = IdType::kKeyId, .data = ByteVec(1000, 'a')}.to_string().size() == 256);
}

TEST_CASE("NATT-17: NAT-OA is one IPv4 or IPv6 address behind zeros") {
  CHECK(encode_nat_oa(IpAddress::v4(0xc0a80714)) == from_hex("01000000c0a80714"));
  CHECK(decode_nat_oa(from_hex("01000000c0a80714"))->to_string() == "192.168.7.20");
  const ByteVec six = from_hex("0500000020010db8000000000000000000000020");
  CHECK(decode_nat_oa(six)->to_string() == "2001:db8::20");
  CHECK(encode_nat_oa(*decode_nat_oa(six)) == six);
  for (const ByteVec& good : {from_hex("01000000c0a80714"), six}) {
    for (std::size_t size = 0; size < good.size(); ++size) {
      CHECK_FALSE(decode_nat_oa(Bytes(good).first(size)));
    }
    for (std::size_t at = 1; at < 4; ++at) {
      ByteVec bad = good;
      bad[at] = 1;
      CHECK(decode_nat_oa(bad).error() == Drop::kBadReserved);
    }
  }
  for (const char* other :
       {"02000000c0a80714", "04000000c0a80714ffffffff", "0700000000000000ffffffff",
        "0b000000c0a80714", "00000000c0a80714", "01000000c0a8071400"}) {
    CHECK(decode_nat_oa(from_hex(other)).error() == Drop::kMalformed);
  }
}
