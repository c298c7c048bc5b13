#include <doctest/doctest.h>

#include <random>
#include <string>

#include "core/net/address.h"

using namespace godwit;

namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
Prefix net(std::string_view text) { return Prefix::parse(text).value(); }

}  // namespace

TEST_CASE("addresses are read and written") {
  for (const char* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1",
                           "fe80::1", "2001:db8:1:2:3:4:5:6"}) {
    CAPTURE(text);
    CHECK(ip(text).to_string() == text);
  }
  CHECK(ip("2001:DB8:0:0::0001").to_string() == "2001:db8::1");
  CHECK(ip("192.0.2.1") == IpAddress::v4(0xc0000201));
  CHECK(ip("192.0.2.1").v4_value() == 0xc0000201);
  CHECK(IpAddress{}.to_string() == "0.0.0.0");
}

TEST_CASE("text that is no address is refused") {
  for (const std::string& text :
       {std::string(""), std::string("1.2.3"), std::string("1.2.3.4.5"), std::string("256.0.0.1"),
        std::string("1.2.3.4 "), std::string(" 1.2.3.4"), std::string("01.2.3.4"),
        std::string("0x7f.0.0.1"), std::string("2130706433"), std::string("1.2.3.4/8"),
        std::string(":"), std::string("1::2::3"), std::string("fe80::1%eth0"), std::string("[::1]"),
        std::string("12345::"), std::string("host"), std::string(200, '1'),
        std::string("1.2.3.4\0x", 9)}) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text));
  }
}

TEST_CASE("octets make an address of their length only") {
  for (std::size_t size = 0; size <= 20; ++size) {
    CHECK(IpAddress::from_bytes(ByteVec(size, 1)).has_value() == (size == 4 || size == 16));
  }
  const IpAddress six = *IpAddress::from_bytes(ByteVec(16, 0));
  CHECK(six.is_v6());
  CHECK(six != IpAddress{});  // :: is not 0.0.0.0
  CHECK(six.bytes().size() == 16);
  CHECK(six.bits() == 128);
}

TEST_CASE("special addresses are known") {
  CHECK(ip("0.0.0.0").is_unspecified());
  CHECK(ip("::").is_unspecified());
  CHECK(ip("127.1.2.3").is_loopback());
  CHECK(ip("::1").is_loopback());
  CHECK_FALSE(ip("::2").is_loopback());
  CHECK_FALSE(ip("1::1").is_loopback());
  CHECK(ip("224.0.0.1").is_multicast());
  CHECK(ip("239.255.255.255").is_multicast());
  CHECK_FALSE(ip("240.0.0.1").is_multicast());
  CHECK(ip("ff02::1").is_multicast());
  CHECK(ip("169.254.3.4").is_link_local());
  CHECK_FALSE(ip("169.253.3.4").is_link_local());
  CHECK(ip("febf::1").is_link_local());
  CHECK_FALSE(ip("fec0::1").is_link_local());
  CHECK(ip("255.255.255.255").is_broadcast());
  CHECK_FALSE(ip("ffff:ffff::").is_broadcast());
  for (const char* text : {"10.1.2.3", "192.0.2.1", "2001:db8::1", "fd00::1"}) {
    CHECK(ip(text).is_usable_unicast());
  }
  for (const char* text : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "169.254.0.1", "255.255.255.255",
                           "::", "::1", "ff02::1", "fe80::1"}) {
    CAPTURE(text);
    CHECK_FALSE(ip(text).is_usable_unicast());
  }
}

TEST_CASE("endpoints are written as people type them") {
  CHECK(Endpoint{ip("192.0.2.1"), 500}.to_string() == "192.0.2.1:500");
  CHECK(Endpoint{ip("2001:db8::1"), 4500}.to_string() == "[2001:db8::1]:4500");
  CHECK(Endpoint{ip("192.0.2.1"), 500} != Endpoint{ip("192.0.2.1"), 4500});
}

TEST_CASE("prefixes are read, cleaned and written") {
  CHECK(net("10.1.2.3/8").to_string() == "10.0.0.0/8");
  CHECK(net("10.1.2.3").to_string() == "10.1.2.3/32");
  CHECK(net("2001:db8::1").length() == 128);
  CHECK(net("2001:db8:ffff::/33").to_string() == "2001:db8:8000::/33");
  CHECK(net("0.0.0.0/0").is_everything());
  CHECK(net("0.0.0.0/0") == Prefix{});
  CHECK(net("10.0.0.0/12").netmask() == ip("255.240.0.0"));
  CHECK(net("::/0").netmask() == ip("::"));
  CHECK(net("2001:db8::/20").netmask() == ip("ffff:f000::"));
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
                           "10.0.0.0/8 ", "10.0.0.0/8/8", "/8", "10.0.0.0/0x8", "::/129",
                           "10.0.0.0/4294967304", "10.0.0.0/255.0.0.0"}) {
    CAPTURE(text);
    CHECK_FALSE(Prefix::parse(text));
  }
  CHECK_FALSE(Prefix::make(ip("10.0.0.0"), 33));
  CHECK_FALSE(Prefix::make(ip("10.0.0.0"), -1));
}

TEST_CASE("netmasks must be contiguous (MC-09)") {
  for (int length = 0; length <= 32; ++length) {
    const Prefix prefix = Prefix::make(IpAddress{}, length).value();
    CHECK(netmask_length(prefix.netmask()) == length);
  }
  for (const char* text : {"255.0.255.0", "0.255.255.255", "255.255.255.253", "0.0.0.1", "::"}) {
    CHECK_FALSE(netmask_length(ip(text)));
  }
  CHECK(Prefix::from_netmask(ip("10.1.2.3"), ip("255.255.0.0")) == net("10.1.0.0/16"));
  CHECK_FALSE(Prefix::from_netmask(ip("10.1.2.3"), ip("255.0.255.0")));
  CHECK_FALSE(Prefix::from_netmask(ip("2001:db8::1"), ip("255.255.0.0")));
}

TEST_CASE("containment and overlap") {
  CHECK(net("10.0.0.0/8").contains(ip("10.255.255.255")));
  CHECK_FALSE(net("10.0.0.0/8").contains(ip("11.0.0.0")));
  CHECK(net("10.0.0.0/9").contains(ip("10.127.255.255")));
  CHECK_FALSE(net("10.0.0.0/9").contains(ip("10.128.0.0")));
  CHECK(net("0.0.0.0/0").contains(ip("255.255.255.255")));
  CHECK_FALSE(net("0.0.0.0/0").contains(ip("::")));
  CHECK_FALSE(net("::/0").contains(ip("0.0.0.0")));
  CHECK(net("10.0.0.0/8").contains(net("10.1.0.0/16")));
  CHECK_FALSE(net("10.1.0.0/16").contains(net("10.0.0.0/8")));
  CHECK(net("10.1.0.0/16").overlaps(net("10.0.0.0/8")));
  CHECK_FALSE(net("10.1.0.0/16").overlaps(net("10.2.0.0/16")));
  CHECK_FALSE(net("::/0").overlaps(net("0.0.0.0/0")));
}

TEST_CASE("containment agrees with arithmetic on random prefixes") {
  std::mt19937 random(20240601);
  for (int i = 0; i < 20'000; ++i) {
    const auto base = static_cast<std::uint32_t>(random());
    const int length = static_cast<int>(random() % 33);
    // Near misses are more telling than random pairs: flip one bit.
    const std::uint32_t other = base ^ (std::uint32_t{1} << (random() % 32));
    const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
    const Prefix prefix = Prefix::make(IpAddress::v4(base), length).value();
    REQUIRE(prefix.address().v4_value() == (base & mask));
    REQUIRE(prefix.contains(IpAddress::v4(other)) == ((base & mask) == (other & mask)));
  }
}
