#include "core/ike/wire/message.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/base/limits.h"
#include "tests/unit/wire/samples.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::test;

namespace {

template <class T>
std::optional<Drop> drop_of(const Result<T, Drop>& result) {
  if (result) return std::nullopt;
  return result.error();
}

std::optional<Drop> header_drop(const ByteVec& message) { return drop_of(decode_header(message)); }

std::optional<Drop> walk(PayloadType first, Bytes body, bool decrypted = false) {
  return drop_of(decode_payloads(first, body, decrypted));
}

ByteVec message_with(Exchange exchange, std::uint32_t id, std::uint8_t flags) {
  Header header;
  header.exchange = exchange;
  header.message_id = MessageId{id};
  header.flags = flags;
  return encode_message(header, ChainBuilder().add(PayloadType::kHash, ByteVec(20)));
}

}  // namespace

TEST_CASE("header: fields survive a round trip") {
  Random random(2);
  for (int i = 0; i < 100; ++i) {
    Header header;
    header.initiator = Cookie{random.number<std::uint64_t>()};
    header.responder = Cookie{random.number<std::uint64_t>()};
    header.exchange = Exchange::kQuick;
    header.flags = static_cast<std::uint8_t>(random.below(8));
    header.message_id = MessageId{random.number<std::uint32_t>() | 1U};
    const ByteVec body = random.octets(random.below(100));
    const ByteVec message = encode_message(header, body);
    const auto decoded = decode_header(message);
    REQUIRE(decoded.has_value());
    CHECK(decoded->initiator == header.initiator);
    CHECK(decoded->responder == header.responder);
    CHECK(decoded->exchange == header.exchange);
    CHECK(decoded->flags == header.flags);
    CHECK(decoded->message_id == header.message_id);
    CHECK(decoded->length == message.size());
    CHECK(equal(Bytes(message).subspan(kHeaderSize), body));
  }
}

TEST_CASE("header: the octets are those of RFC 2408 3.1") {
  Header header;
  header.initiator = Cookie{0x0102030405060708};
  header.responder = Cookie{0x1112131415161718};
  header.exchange = Exchange::kQuick;
  header.flags = kFlagEncrypted;
  header.message_id = MessageId{0xa1a2a3a4};
  const ByteVec message =
      encode_message(header, ChainBuilder().add(PayloadType::kHash, from_hex("ee")));
  CHECK(message == from_hex("0102030405060708"
                            "1112131415161718"
                            "08102001a1a2a3a400000021"
                            "00000005ee"));
}

TEST_CASE("header: versions, exchanges, flags (ISK-01, 07, 08)") {
  const ByteVec good = message_with(Exchange::kMain, 0, 0);
  CHECK_FALSE(header_drop(good).has_value());
  for (unsigned value = 0; value < 256; ++value) {
    INFO(value);
    ByteVec message = good;
    message[17] = static_cast<std::uint8_t>(value);
    CHECK(header_drop(message) ==
          (value / 16 == 1 ? std::nullopt : std::optional(Drop::kBadVersion)));
    message = good;
    message[19] = static_cast<std::uint8_t>(value);
    CHECK(header_drop(message) == (value < 8 ? std::nullopt : std::optional(Drop::kBadFlags)));
    message = message_with(Exchange{static_cast<std::uint8_t>(value)}, 1, 0);
    const bool phase1 = value == 2 || value == 4;
    const bool later = value == 5 || value == 6 || value == 32;
    if (phase1) CHECK(header_drop(message) == Drop::kBadMessageId);
    if (later) CHECK_FALSE(header_drop(message).has_value());
    if (!phase1 && !later) CHECK(header_drop(message) == Drop::kBadExchange);
  }
}

TEST_CASE("header: message IDs belong to their exchange (ISK-09)") {
  for (const Exchange exchange : {Exchange::kMain, Exchange::kAggressive}) {
    CHECK_FALSE(header_drop(message_with(exchange, 0, 0)).has_value());
    CHECK_FALSE(header_drop(message_with(exchange, 0, kFlagEncrypted)).has_value());
    CHECK(header_drop(message_with(exchange, 1, 0)) == Drop::kBadMessageId);
  }
  for (const Exchange exchange : {Exchange::kQuick, Exchange::kTransaction}) {
    CHECK(header_drop(message_with(exchange, 0, kFlagEncrypted)) == Drop::kBadMessageId);
    CHECK_FALSE(header_drop(message_with(exchange, 0x80000000, kFlagEncrypted)).has_value());
  }
  CHECK_FALSE(header_drop(message_with(Exchange::kInformational, 0, 0)).has_value());
  CHECK_FALSE(header_drop(message_with(Exchange::kInformational, 9, 0)).has_value());
  CHECK_FALSE(header_drop(message_with(Exchange::kInformational, 9, kFlagEncrypted)).has_value());
  CHECK(header_drop(message_with(Exchange::kInformational, 0, kFlagEncrypted)) ==
        Drop::kBadMessageId);
}

TEST_CASE("header: lengths (ISK-03, ISK-32)") {
  ByteVec message = message_with(Exchange::kMain, 0, 0);
  message.push_back(0);
  CHECK(header_drop(message) == Drop::kBadLength);
  CHECK(header_drop(ByteVec(27)) == Drop::kTruncated);
  CHECK(header_drop({}) == Drop::kTruncated);

  Header header;
  CHECK_FALSE(
      header_drop(encode_message(header, ByteVec(limits::kIkeMessageMax - 28))).has_value());
  ByteVec large = encode_message(header, ByteVec(limits::kIkeMessageMax - 28));
  large.push_back(0);
  store_be(MutBytes(large).subspan(24, 4), static_cast<std::uint32_t>(large.size()));
  CHECK(header_drop(large) == Drop::kTooLarge);
}

TEST_CASE("chain: all 256 payload types (ISK-06, A07)") {
  for (unsigned value = 1; value < 256; ++value) {
    INFO(value);
    const PayloadType type{static_cast<std::uint8_t>(value)};
    const bool listed = value == 1 || (value >= 4 && value <= 14) || value == 20 || value == 21 ||
                        (value >= 130 && value <= 132);
    CHECK(is_known(type) == listed);
    for (const bool decrypted : {false, true}) {
      ChainBuilder chain;
      chain.add(PayloadType::kHash, ByteVec(4)).add(type, ByteVec(3));
      chain.add(PayloadType::kNonce, ByteVec(8));
      const auto payloads = decode_payloads(chain.first(), chain.octets(), decrypted);
      if (!listed && value < 128) {
        CHECK(drop_of(payloads) == Drop::kBadPayloadType);
        continue;
      }
      REQUIRE(payloads.has_value());
      CHECK(payloads->all().size() == (listed ? 3U : 2U));
      CHECK(equal(payloads->octets(), chain.octets()));
      // Whatever is left out of the list is still covered by a HASH.
      CHECK(equal(payloads->behind(payloads->all()[0]), chain.octets().subspan(8)));
      CHECK(payloads->behind(payloads->all().back()).empty());
    }
  }
}

TEST_CASE("chain: an unknown type is refused before its length is believed (A14, A21)") {
  CHECK(walk(PayloadType{33}, from_hex("00000004")) == Drop::kBadPayloadType);
  CHECK(walk(PayloadType{53}, {}) == Drop::kBadPayloadType);
  CHECK(walk(PayloadType{15}, from_hex("00000018")) == Drop::kBadPayloadType);
}

TEST_CASE("chain: lengths (ISK-04, A06)") {
  const PayloadType hash = PayloadType::kHash;
  CHECK(walk(hash, from_hex("00000000")) == Drop::kBadLength);
  CHECK(walk(hash, from_hex("08000000")) == Drop::kBadLength);  // a loop onto itself
  CHECK(walk(hash, from_hex("00000003")) == Drop::kBadLength);
  CHECK_FALSE(walk(hash, from_hex("00000004")).has_value());
  CHECK(walk(hash, from_hex("00000005")) == Drop::kTruncated);
  CHECK(walk(hash, from_hex("0000ffff")) == Drop::kTruncated);
  CHECK(walk(hash, from_hex("000000")) == Drop::kTruncated);
  CHECK(walk(hash, from_hex("08000004")) == Drop::kTruncated);
  CHECK(walk(hash, {}) == Drop::kTruncated);
}

TEST_CASE("chain: what stands behind it") {
  const ByteVec padded = from_hex("0000000501ffffff");
  CHECK(walk(PayloadType::kHash, padded) == Drop::kBadLength);
  const auto payloads = decode_payloads(PayloadType::kHash, padded, true);
  REQUIRE(payloads.has_value());
  CHECK(payloads->padding() == 3);
  CHECK(payloads->octets().size() == 5);
  CHECK(payloads->behind(payloads->all()[0]).empty());

  CHECK_FALSE(walk(PayloadType::kNone, {}).has_value());
  CHECK(walk(PayloadType::kNone, from_hex("00")) == Drop::kBadLength);
  CHECK_FALSE(walk(PayloadType::kNone, from_hex("00"), true).has_value());
}

TEST_CASE("chain: reserved octets count only after decryption (ISK-02)") {
  for (unsigned value = 1; value < 256; ++value) {
    ByteVec body = from_hex("00000004");
    body[1] = static_cast<std::uint8_t>(value);
    CHECK_FALSE(walk(PayloadType::kHash, body).has_value());
    CHECK(walk(PayloadType::kHash, body, true) == Drop::kBadReserved);
  }
}

TEST_CASE("chain: at most 64 payloads, 20 vendor IDs (ISK-05, A04)") {
  ChainBuilder chain;
  for (std::size_t i = 0; i < limits::kPayloadsMax; ++i) chain.add(PayloadType::kNatD, ByteVec(1));
  CHECK(decode_payloads(chain.first(), chain.octets(), false)->all().size() == 64);
  chain.add(PayloadType::kNatD, ByteVec(1));
  CHECK(walk(chain.first(), chain.octets()) == Drop::kTooManyPayloads);

  ChainBuilder hidden;
  for (int i = 0; i < 65; ++i) hidden.add(PayloadType{200}, {});
  CHECK(walk(hidden.first(), hidden.octets()) == Drop::kTooManyPayloads);

  ChainBuilder vendors;
  for (std::uint8_t i = 0; i < 25; ++i) vendors.add(PayloadType::kVendorId, ByteVec{i});
  vendors.add(PayloadType::kNonce, ByteVec(8));
  const auto payloads = decode_payloads(vendors.first(), vendors.octets(), false);
  REQUIRE(payloads.has_value());
  CHECK(payloads->count(PayloadType::kVendorId) == limits::kVendorIdsMax);
  CHECK(payloads->all()[19].body[0] == 19);
  CHECK(payloads->first(PayloadType::kNonce) != nullptr);
  CHECK(payloads->octets().size() == vendors.octets().size());
}

TEST_CASE("chain: certificates and requests beyond eight are left out (ISK-05)") {
  ChainBuilder chain;
  for (std::uint8_t i = 0; i < 12; ++i) {
    chain.add(PayloadType::kCert, ByteVec{i}).add(PayloadType::kCertRequest, ByteVec{i});
  }
  chain.add(PayloadType::kNonce, ByteVec(8));
  const auto payloads = decode_payloads(chain.first(), chain.octets(), false);
  REQUIRE(payloads.has_value());
  CHECK(payloads->count(PayloadType::kCert) == limits::kCertificatesMax);
  CHECK(payloads->count(PayloadType::kCertRequest) == limits::kCertificatesMax);
  CHECK(payloads->count(PayloadType::kNonce) == 1);
  CHECK(payloads->octets().size() == chain.octets().size());
}

TEST_CASE("chain: bodies are views of the message") {
  ChainBuilder chain;
  chain.add(PayloadType::kHash, from_hex("0102")).add(PayloadType::kNonce, from_hex("0304"));
  const ByteVec octets = to_vec(chain.octets());
  const auto payloads = decode_payloads(chain.first(), octets, true);
  REQUIRE(payloads.has_value());
  const Payload* nonce = payloads->first(PayloadType::kNonce);
  REQUIRE(nonce != nullptr);
  CHECK(nonce->body.data() == octets.data() + 10);
  CHECK(nonce->whole.data() == octets.data() + 6);
  CHECK(nonce->whole.size() == 6);
  CHECK(payloads->first(PayloadType::kSa) == nullptr);
  CHECK(payloads->count(PayloadType::kNonce) == 1);
}

TEST_CASE("builder: bodies can be filled in afterwards") {
  ChainBuilder chain;
  CHECK(chain.first() == PayloadType::kNone);
  chain.add(PayloadType::kHash, ByteVec(3)).add(PayloadType::kNonce, from_hex("0304"));
  chain.add(PayloadType::kVendorId, {});
  std::ranges::fill(chain.body(0), std::uint8_t{0xaa});
  CHECK(to_vec(chain.octets()) == from_hex("0a000007aaaaaa0d000006030400000004"));
  CHECK(to_vec(chain.behind(0)) == from_hex("0d000006030400000004"));
  CHECK(to_vec(chain.behind(1)) == from_hex("00000004"));
  CHECK(chain.behind(2).empty());
  CHECK(chain.body(1).size() == 2);
  CHECK(chain.body(2).empty());
}

TEST_CASE("rules: missing, duplicate, unexpected (B07)") {
  constexpr Rule kRules[] = {{PayloadType::kHash, 1, 1}, {PayloadType::kNotify, 0, 2}};
  const auto check = [&](std::initializer_list<PayloadType> types) {
    ChainBuilder chain;
    for (const PayloadType type : types) chain.add(type, ByteVec(8));
    const ByteVec octets = to_vec(chain.octets());
    return drop_of(check_rules(*decode_payloads(chain.first(), octets, true), kRules));
  };
  using enum PayloadType;
  CHECK_FALSE(check({kHash}).has_value());
  CHECK_FALSE(check({kNotify, kHash, kNotify}).has_value());
  CHECK_FALSE(check({kVendorId, kHash, kVendorId}).has_value());
  CHECK_FALSE(check({kHash, PayloadType{200}}).has_value());
  CHECK(check({}) == Drop::kMissingPayload);
  CHECK(check({kNotify}) == Drop::kMissingPayload);
  CHECK(check({kHash, kHash}) == Drop::kDuplicatePayload);
  CHECK(check({kHash, kNotify, kNotify, kNotify}) == Drop::kDuplicatePayload);
  CHECK(check({kHash, kNonce}) == Drop::kUnexpectedPayload);
}

TEST_CASE("names") {
  CHECK(name(Notify::kNoProposalChosen) == "NO-PROPOSAL-CHOSEN");
  CHECK(name(Notify{12345}).empty());
  CHECK(name(PayloadType::kSa) == "SA");
  CHECK(name(PayloadType{99}).empty());
  CHECK_FALSE(is_error(Notify{0}));
  CHECK(is_error(Notify{1}));
  CHECK(is_error(Notify{16383}));
  CHECK_FALSE(is_error(Notify{16384}));
}
