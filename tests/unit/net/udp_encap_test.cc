// What may arrive on the NAT-traversal port (RFC 3948 2.1 to 2.3), and the H21 cases.
#include <doctest/doctest.h>

#include "core/net/udp_encap.h"

using namespace godwit;

namespace {

Drop refusal(const ByteVec& datagram) {
  const Encap what = classify_encap(datagram);
  REQUIRE(std::holds_alternative<Drop>(what));
  return std::get<Drop>(what);
}

}  // namespace

TEST_CASE("H21: one octet 0xff is a keepalive, however often") {
  for (int i = 0; i < 1000; ++i) CHECK(refusal({0xff}) == Drop::kKeepalive);
}

TEST_CASE("H21: two octets 0xffff are no keepalive") {
  CHECK(refusal({0xff, 0xff}) == Drop::kRunt);
}

TEST_CASE("H21: an empty datagram is a runt") { CHECK(refusal({}) == Drop::kRunt); }

TEST_CASE("H21: another single octet is a runt") {
  for (unsigned octet = 0; octet < 0xff; ++octet) {
    CHECK(refusal({static_cast<std::uint8_t>(octet)}) == Drop::kRunt);
  }
}

TEST_CASE("what cannot hold a header is a runt") {
  for (std::size_t size = 2; size < 8; ++size) {
    CHECK(refusal(ByteVec(size, 0x00)) == Drop::kRunt);
    CHECK(refusal(ByteVec(size, 0xff)) == Drop::kRunt);
  }
}

TEST_CASE("four zero octets announce IKE, without them") {
  ByteVec datagram(32, 0x11);
  for (std::size_t i = 0; i < kNonEspMarker; ++i) datagram[i] = 0;
  const Encap what = classify_encap(datagram);
  REQUIRE(std::holds_alternative<EncapIke>(what));
  CHECK(std::get<EncapIke>(what).message.data() == datagram.data() + 4);
  CHECK(std::get<EncapIke>(what).message.size() == 28);
}

TEST_CASE("any other SPI is ESP, with it") {
  for (std::size_t bit = 0; bit < 32; ++bit) {
    ByteVec datagram(40, 0x00);
    datagram[bit / 8] = static_cast<std::uint8_t>(1u << (bit % 8));
    const Encap what = classify_encap(datagram);
    REQUIRE(std::holds_alternative<EncapEsp>(what));
    CHECK(std::get<EncapEsp>(what).packet.data() == datagram.data());
    CHECK(std::get<EncapEsp>(what).packet.size() == 40);
  }
}

TEST_CASE("ESP-08: what a raw socket of IPv4 delivers is ESP behind a header, and no fragment") {
  ByteVec packet(20 + 40, 7);
  packet[0] = 0x45;
  store_be<std::uint16_t>(MutBytes(packet).subspan(2), 60);
  store_be<std::uint16_t>(MutBytes(packet).subspan(6), 0x4000);
  packet[9] = 50;
  const auto esp = esp_behind_ipv4(packet);
  REQUIRE(esp);
  CHECK(esp->size() == 40);
  CHECK(esp->data() == packet.data() + 20);
  SUBCASE("the first fragment") { packet[6] = 0x20; }
  SUBCASE("another") { packet[7] = 9; }
  SUBCASE("the header alone") { store_be<std::uint16_t>(MutBytes(packet).subspan(2), 20); }
  SUBCASE("IPv6") { packet[0] = 0x65; }
  for (std::size_t size = 0; size < packet.size(); ++size) {
    CHECK_FALSE(esp_behind_ipv4(Bytes(packet).first(size)));
  }
  if (packet[0] == 0x45 && packet[6] == 0x40 && packet[7] == 0 && packet[3] == 60) return;
  CHECK_FALSE(esp_behind_ipv4(packet));
}
