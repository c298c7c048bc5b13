#include "core/ike/v1/fragmentation.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/ike/wire/encode.h"

namespace godwit::ike::v1 {
namespace {

const Instant kNow{1000s};

Header main_header() {
  Header header;
  header.initiator = Cookie{0x0102030405060708};
  header.responder = Cookie{0x1112131415161718};
  header.first = PayloadType::kHash;
  header.exchange = Exchange::kQuick;
  header.message_id = MessageId{77};
  header.flags = kFlagEncrypted;
  return header;
}

ByteVec message_of(std::size_t size) {
  ByteVec body(size - kHeaderSize);
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<std::uint8_t>(i * 7);
  return encode_message(main_header(), body);
}

Fragment piece(std::uint16_t id, std::uint8_t number, bool last, Bytes data) {
  return {.id = id, .number = number, .last = last, .data = data};
}

// The message that some fragments make, in that order; empty when they make none.
ByteVec put_together(Reassembly& reassembly, const std::vector<ByteVec>& datagrams,
                     Instant now = kNow) {
  for (const ByteVec& datagram : datagrams) {
    const auto fragment = decode_fragment(datagram);
    REQUIRE(fragment);
    auto whole = reassembly.add(*fragment, now);
    if (whole && *whole) return std::move(**whole);
  }
  return {};
}

TEST_CASE("fragments as they stand on the wire (FR-01)") {
  const ByteVec message = message_of(100);
  const auto fragments = fragment_message(message, Exchange::kMain, 28 + 8 + 60);
  REQUIRE(fragments.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const ByteVec& datagram = fragments[i];
    const auto header = decode_header(datagram);
    REQUIRE(header);
    CHECK(header->first == PayloadType::kFragment);
    CHECK(header->exchange == Exchange::kMain);
    CHECK(header->message_id == MessageId{});
    CHECK_FALSE(header->encrypted());
    CHECK(header->initiator == main_header().initiator);
    CHECK(header->responder == main_header().responder);
    CHECK(datagram.size() == (i == 0 ? 28 + 8 + 60 : 28 + 8 + 40));
    CHECK(datagram[28] == 0);
    CHECK(datagram[29] == 0);
    CHECK(load_be<std::uint16_t>(Bytes(datagram).subspan(30)) == datagram.size() - 28);
    CHECK(datagram[34] == i + 1);
    CHECK(datagram[35] == i);  // the last
    CHECK(equal(Bytes(datagram).subspan(36), Bytes(message).subspan(i * 60, i == 0 ? 60 : 40)));
  }
  CHECK(equal(Bytes(fragments[0]).subspan(32, 2), Bytes(fragments[1]).subspan(32, 2)));
  CHECK(fragment_message(message, Exchange::kMain, 96) ==
        fragments);  // a copy completes what is there
}

TEST_CASE("what was cut comes together, in any order") {
  for (const std::size_t size : {29u, 60u, 61u, 500u, 960u}) {
    const ByteVec message = message_of(size);
    auto fragments = fragment_message(message, Exchange::kMain, 28 + 8 + 60);
    REQUIRE(fragments.size() == (size + 59) / 60);
    Reassembly reassembly;
    CHECK(put_together(reassembly, fragments) == message);
    std::ranges::reverse(fragments);
    CHECK(put_together(reassembly, fragments) == message);
    if (fragments.size() > 1) {
      fragments.pop_back();
      CHECK(put_together(reassembly, fragments).empty());
    }
  }
}

TEST_CASE("at most 16 fragments (FR-01)") {
  CHECK(fragment_message(message_of(16 * 60), Exchange::kMain, 96).size() == 16);
  CHECK(fragment_message(message_of(16 * 60 + 1), Exchange::kMain, 96).empty());
}

TEST_CASE("a fragment that is not as drawn (FR-03, FR-09)") {
  const ByteVec good = fragment_message(message_of(100), Exchange::kMain, 96)[0];
  REQUIRE(decode_fragment(good));
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    ByteVec bad = good;
    bad[at] = value;
    return decode_fragment(bad);
  };
  CHECK_FALSE(changed(28, 13));  // a payload behind it
  CHECK_FALSE(changed(31, 7));   // shorter than its own header
  CHECK_FALSE(changed(31, 67));
  CHECK_FALSE(changed(31, 69));
  CHECK_FALSE(changed(34, 0));
  CHECK_FALSE(changed(34, 17));
  CHECK(changed(34, 16));
  for (std::size_t size = 28; size <= 36; ++size) {
    CHECK_FALSE(decode_fragment(Bytes(good).first(size)));
  }
}

TEST_CASE("fragments that contradict each other (FR-05)") {
  const ByteVec a(20, 0xa);
  const ByteVec b(20, 0xb);
  Reassembly r;
  const auto add = [&](const Fragment& fragment) { return r.add(fragment, kNow); };
  REQUIRE(add(piece(1, 1, false, a)));
  CHECK(add(piece(1, 1, false, a)).error() == Drop::kRetransmission);
  CHECK(add(piece(1, 1, false, b)).error() == Drop::kBadFragment);  // and all are dropped
  CHECK_FALSE(*add(piece(1, 2, true, a)));
  CHECK(add(piece(1, 3, true, a)).error() == Drop::kBadFragment);  // a second last one
  CHECK_FALSE(*add(piece(1, 3, false, a)));
  CHECK(add(piece(1, 2, true, a)).error() == Drop::kBadFragment);  // before one that is here
  CHECK_FALSE(*add(piece(1, 2, true, a)));
  CHECK(add(piece(1, 3, false, a)).error() == Drop::kBadFragment);  // behind the last one

  SUBCASE("another ID begins anew") {
    CHECK_FALSE(*add(piece(1, 1, false, a)));
    CHECK_FALSE(*add(piece(2, 2, true, b)));
    const auto whole = add(piece(2, 1, false, b));
    REQUIRE(whole);
    REQUIRE(*whole);
    CHECK(**whole == ByteVec(40, 0xb));
  }
  SUBCASE("after ten seconds it is too late (FR-07)") {
    CHECK_FALSE(*add(piece(1, 1, false, a)));
    CHECK_FALSE(*r.add(piece(1, 2, true, a), kNow + 10001ms));
    CHECK(*r.add(piece(1, 1, false, a), kNow + 10001ms));
  }
}

TEST_CASE("a message of fragments is bounded like any other") {
  Reassembly r;
  const ByteVec large(limits::kIkeMessageMax / 4, 1);
  for (std::uint8_t i = 1; i <= 4; ++i) {
    REQUIRE(r.add(piece(1, i, false, large), kNow));
  }
  CHECK(r.add(piece(1, 5, false, ByteVec(1)), kNow).error() == Drop::kBadFragment);
}

}  // namespace
}  // namespace godwit::ike::v1
