// NAT-D values taken from captures that others published: the hash covers what RFC 3947 3.2 says
// and nothing else.
#include <doctest/doctest.h>

#include <string>

#include "core/ike/v1/nat_detection.h"
#include "tests/unit/crypto/support.h"

namespace godwit::ike::v1 {

namespace {

using crypto::HashAlg;

struct Case {
  std::string_view source;
  HashAlg alg;
  std::uint64_t initiator;
  std::uint64_t responder;
  std::string_view address;
  std::uint16_t port;
  std::string_view value;
};

constexpr std::string_view kIsakmp4500 = "tcpdump isakmp4500.pcap";
constexpr std::string_view kAggressive = "zeek ipsec-ikev1-isakmp-aggressive-mode.pcap";
constexpr std::string_view kIkev2 = "zeek ipsec_client.pcap, IKEv2, the same formula";

constexpr Case kCases[] = {
    {kIsakmp4500, HashAlg::kMd5, 0x9e89f2388f90bc1e, 0x0a74357ce3d1a4bf, "192.1.2.23", 500,
     "6efe12f04af90dfbcfb15d71b841bb9e"},
    {kIsakmp4500, HashAlg::kMd5, 0x9e89f2388f90bc1e, 0x0a74357ce3d1a4bf, "192.1.3.209", 500,
     "44f517e03fb381f80f842d1538ccffac"},
    {kIsakmp4500, HashAlg::kMd5, 0x9e89f2388f90bc1e, 0x0a74357ce3d1a4bf, "192.1.2.254", 500,
     "399304d50fbd4ca3db1e197af7c11e6f"},
    {kAggressive, HashAlg::kSha1, 0xe47a591f78c99d7f, 0xa00b8ef0ea9ff883, "192.168.12.1", 500,
     "f41cca0e525dcb00902a095074bb68ae9ae0b536"},
    {kAggressive, HashAlg::kSha1, 0xe47a591f78c99d7f, 0xa00b8ef0ea9ff883, "192.168.12.2", 500,
     "453d0b014f3f3520ac1053b487072845f253a0ae"},
    {kIkev2, HashAlg::kSha1, 0x238671c80375a0fb, 0, "192.168.0.10", 500,
     "ed0f45d615ee1cc7f636df4ee075fd9d18791bb1"},
    {kIkev2, HashAlg::kSha1, 0x238671c80375a0fb, 0, "144.76.154.114", 500,
     "52749dfdd6970df361f69d01015724d708dc4544"},
};

Endpoint endpoint(std::string_view address, std::uint16_t port) {
  const auto parsed = IpAddress::parse(address);
  REQUIRE(parsed.has_value());
  return {*parsed, port};
}

}  // namespace

TEST_CASE("NAT-D: values of published captures") {
  for (const Case& c : kCases) {
    CAPTURE(c.source);
    CAPTURE(c.address);
    const crypto::Digest digest =
        nat_d_hash(c.alg, Cookie{c.initiator}, Cookie{c.responder}, endpoint(c.address, c.port));
    CHECK(equal(digest, test::hex(c.value)));
  }
}

TEST_CASE("NAT-D: a cookie, the order of cookies, an address and a port each change the value") {
  const Case& c = kCases[0];
  const ByteVec value = test::hex(c.value);
  const Endpoint at = endpoint(c.address, c.port);
  const Cookie i{c.initiator}, r{c.responder};
  CHECK_FALSE(equal(nat_d_hash(c.alg, r, i, at), value));
  CHECK_FALSE(equal(nat_d_hash(c.alg, Cookie{c.initiator + 1}, r, at), value));
  CHECK_FALSE(equal(nat_d_hash(c.alg, i, Cookie{c.responder + 1}, at), value));
  CHECK_FALSE(equal(nat_d_hash(c.alg, i, r, endpoint("192.1.2.24", 500)), value));
  CHECK_FALSE(equal(nat_d_hash(c.alg, i, r, endpoint("192.1.2.23", 4500)), value));
}

TEST_CASE("NAT-D: an IPv6 address goes in as 16 octets") {
  const ByteVec input =
      test::hex("9e89f2388f90bc1e 0a74357ce3d1a4bf 20010db8000000000000000000000001 01f4");
  const crypto::Digest digest =
      nat_d_hash(HashAlg::kSha256, Cookie{0x9e89f2388f90bc1e}, Cookie{0x0a74357ce3d1a4bf},
                 endpoint("2001:db8::1", 500));
  CHECK(equal(digest, crypto::hash(HashAlg::kSha256, {input})));
}

}  // namespace godwit::ike::v1
