// A TCP SYN as an inner packet, cut at every octet and with every bit flipped, on the whole way of
// an outgoing packet: parse, MSS clamp, and the ICMP answer to one that is too big.
#include <doctest/doctest.h>

#include "core/net/ip_packet.h"
#include "tests/support/packets.h"

using namespace godwit;
using test::Inner;

namespace {

constexpr std::size_t kMtu = 1300;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

// The MSS stands behind a NOP, so at an odd offset, and in front of what a laptop sends, too.
ByteVec syn(const Inner& inner) {
  const ByteVec options = {1, 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3,
                           4, 0, 0, 0,    0,    1, 3, 3, 7,  0, 0, 0};
  return test::tcp_packet(inner, 0x02, options);
}

std::vector<ByteVec> samples() {
  return {syn({ip("10.9.0.2"), ip("192.0.2.80")}), syn({ip("2001:db8::2"), ip("2001:db8:1::80")})};
}

std::size_t header_of(Bytes packet) { return ip_version(packet) == 4 ? 20 : 40; }

// One's complement knows zero twice.
std::uint16_t one_zero(std::uint16_t sum) { return sum == 0xffff ? std::uint16_t{0} : sum; }

// What clamping may do to any packet: nothing, or an MSS above the limit becomes the limit and the
// checksum stays as right or wrong as it was. True when it did.
bool clamp_is_sound(Bytes before, Bytes after, const IpPacket& view) {
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] != after[i]) changed.push_back(i);
  }
  if (changed.empty()) return false;
  const std::size_t upper = view.header_size;
  const std::size_t limit = kMtu - header_of(before) - 20;
  // The option can stand anywhere behind the fixed header; its own octets name it.
  std::size_t at = 0;
  for (const std::size_t i : changed) {
    if (i == upper + 16 || i == upper + 17) continue;
    REQUIRE(i >= upper + 22);
    if (at == 0) at = load_be<std::uint16_t>(after.subspan(i, 2)) == limit ? i : i - 1;
    REQUIRE(i - at <= 1);
  }
  REQUIRE(at != 0);
  REQUIRE(after[at - 2] == 2);
  REQUIRE(after[at - 1] == 4);
  REQUIRE(load_be<std::uint16_t>(after.subspan(at, 2)) == limit);
  REQUIRE(load_be<std::uint16_t>(before.subspan(at, 2)) > limit);
  const auto sum = [&](Bytes packet) {
    return one_zero(test::upper_sum(packet.first(view.total_size), upper, 6));
  };
  REQUIRE(sum(before) == sum(after));
  return true;
}

void answer_is_sound(Bytes packet, const IpPacket& view) {
  const bool v4 = view.source.is_v4();
  const IpAddress us = v4 ? ip("10.9.0.1") : ip("2001:db8::1");
  const ByteVec answer = make_packet_too_big(packet, view, us, kMtu);
  if (answer.empty()) {
    const bool may = view.dont_fragment && !view.fragment && !view.source.is_multicast() &&
                     !view.source.is_unspecified() && !view.source.is_broadcast();
    // RFC 1122 3.2.2: also what may be an ICMP error itself is not answered.
    REQUIRE((!may || view.protocol == (v4 ? 1 : 58) || view.protocol == 0xff));
    return;
  }
  const auto icmp = parse_ip(answer);
  REQUIRE(icmp.has_value());
  REQUIRE(icmp->total_size == answer.size());
  REQUIRE(answer.size() <= (v4 ? 576u : 1280u));
  REQUIRE(icmp->source == us);
  REQUIRE(icmp->destination == view.source);
  REQUIRE(icmp->protocol == (v4 ? 1 : 58));
  if (v4) REQUIRE(test::header_sum(answer) == 0xffff);
  const std::uint16_t sum =
      v4 ? test::naive_sum(Bytes(answer).subspan(20)) : test::upper_sum(answer, 40, 58);
  REQUIRE(sum == 0xffff);
  const Bytes quote = Bytes(answer).subspan(header_of(answer) + 8);
  REQUIRE(equal(quote, packet.first(quote.size())));
  REQUIRE(quote.size() == view.total_size);
}

// Nothing when parse_ip refuses the packet, else whether its MSS was lowered.
std::optional<bool> sent_through(const ByteVec& packet) {
  const auto view = parse_ip(packet);
  if (!view) {
    REQUIRE(view.error() == Drop::kBadInner);
    return std::nullopt;
  }
  REQUIRE(view->total_size <= packet.size());
  REQUIRE(view->header_size <= view->total_size);
  ByteVec clamped = packet;
  clamp_mss(clamped, *view, kMtu);
  answer_is_sound(clamped, *view);
  return clamp_is_sound(packet, clamped, *view);
}

// Bits without which it is still the same SYN with the same options.
bool is_indifferent(Bytes packet, std::size_t octet) {
  const std::size_t upper = header_of(packet);
  if (octet >= upper) {
    const std::size_t at = octet - upper;
    return at < 12 || (at > 13 && at < 20);  // ports and numbers; window, checksum, urgent pointer
  }
  if (upper == 40) return octet == 1 || octet == 2 || octet == 3 || octet >= 7;
  return octet == 1 || octet == 4 || octet == 5 || octet == 8 || octet >= 10;
}

}  // namespace

TEST_CASE("every truncation of a SYN is refused, and one whose header lies is handled within it") {
  for (const ByteVec& good : samples()) {
    REQUIRE(sent_through(good) == true);
    const std::size_t header = header_of(good);
    for (std::size_t size = 0; size < good.size(); ++size) {
      CAPTURE(size);
      ByteVec cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
      cut.shrink_to_fit();  // so that ASan sees a read behind its end
      REQUIRE_FALSE(parse_ip(cut).has_value());
      if (size < header) continue;
      const std::size_t said = header == 20 ? size : size - header;
      store_be(MutBytes(cut).subspan(header == 20 ? 2 : 4), static_cast<std::uint16_t>(said));
      // The data offset says that there are more options than came.
      REQUIRE(sent_through(cut) == false);
    }
  }
}

TEST_CASE("every flipped bit of a SYN is refused, or changes the MSS and nothing else") {
  for (const ByteVec& good : samples()) {
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      CAPTURE(bit);
      ByteVec packet = good;
      packet[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const auto clamped = sent_through(packet);
      if (!clamped) ++refused;
      if (is_indifferent(good, bit / 8)) REQUIRE(clamped == true);
    }
    CHECK(refused > 8);
  }
}
