// Everything that can reach the decoders from an unauthenticated sender. Run under ASan and UBSan,
// these show that the result is always a value or a Drop.
#include <doctest/doctest.h>

#include "core/base/limits.h"
#include "tests/unit/wire/samples.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::test;

namespace {

void set_length(ByteVec& message) {
  store_be(MutBytes(message).subspan(24, 4), static_cast<std::uint32_t>(message.size()));
}

constexpr PayloadType kTyped[] = {PayloadType::kSa,     PayloadType::kId,
                                  PayloadType::kNonce,  PayloadType::kNotify,
                                  PayloadType::kDelete, PayloadType::kAttributes};

void feed_every_decoder(Bytes octets) {
  for (const PayloadType type : kTyped) static_cast<void>(decodes(type, octets));
  static_cast<void>(decode_attributes(octets).has_value());
  static_cast<void>(decode_split_networks(octets).has_value());
  static_cast<void>(escape_text(octets, 200, true));
  static_cast<void>(escape_text(octets, 200, false));
  static_cast<void>(decode_header(octets).has_value());
  for (unsigned first = 0; first < 256; ++first) {
    for (const bool decrypted : {false, true}) {
      const PayloadType type{static_cast<std::uint8_t>(first)};
      const auto payloads = decode_payloads(type, octets, decrypted);
      if (payloads) REQUIRE(payloads->octets().size() + payloads->padding() == octets.size());
    }
  }
}

}  // namespace

TEST_CASE("every sample decodes") {
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    CHECK_FALSE(decode_all(sample.message(), sample.decrypted).has_value());
  }
  CHECK(samples().size() == 21);
}

TEST_CASE("every truncation of every message is refused") {
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    const ByteVec message = sample.message();
    for (std::size_t size = 0; size < message.size(); ++size) {
      INFO(size);
      ByteVec cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
      cut.shrink_to_fit();  // so that ASan sees a read behind its end
      REQUIRE_FALSE(decode_header(cut).has_value());
      if (size < kHeaderSize) continue;
      // The chain must notice by itself, too: a liar adapts the length in the header.
      set_length(cut);
      REQUIRE(decode_all(cut, sample.decrypted) == Drop::kTruncated);
    }
  }
}

TEST_CASE("every single flipped bit yields a value or a Drop") {
  std::size_t refused = 0;
  std::size_t accepted = 0;
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    ByteVec message = sample.message();
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
      INFO(bit);
      const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
      message[bit / 8] ^= mask;
      decode_all(message, sample.decrypted) ? ++refused : ++accepted;
      message[bit / 8] ^= mask;
    }
  }
  CHECK(refused > 1000);
  CHECK(accepted > 1000);  // keys, nonces and hashes carry any value
}

TEST_CASE("every flipped bit in the lengths and next payload fields is refused or harmless") {
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    ByteVec message = sample.message();
    for (std::size_t octet = 24; octet < 28; ++octet) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        message[octet] ^= static_cast<std::uint8_t>(1U << bit);
        REQUIRE(decode_all(message, sample.decrypted) == Drop::kBadLength);
        message[octet] ^= static_cast<std::uint8_t>(1U << bit);
      }
    }
  }
}

TEST_CASE("octets of every length from 0 to 300 to every decoder") {
  Random random(1);
  for (std::size_t size = 0; size <= 300; ++size) {
    INFO(size);
    feed_every_decoder(ByteVec(size, 0x00));
    feed_every_decoder(ByteVec(size, 0xff));
    feed_every_decoder(random.octets(size));
  }
}

TEST_CASE("every prefix of a payload body, alone in its allocation") {
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    const auto payloads = decode_payloads(sample.chain.first(), sample.chain.octets(), true);
    REQUIRE(payloads.has_value());
    for (const Payload& payload : payloads->all()) {
      for (std::size_t size = 0; size < payload.body.size(); ++size) {
        const ByteVec cut = to_vec(payload.body.first(size));
        const bool value = decodes(payload.type, cut);
        const bool framed =
            payload.type == PayloadType::kSa || payload.type == PayloadType::kDelete;
        if (framed) REQUIRE_FALSE(value);
      }
    }
  }
}

TEST_CASE("messages rewritten at random places") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    for (const Sample& sample : samples()) {
      ByteVec message = sample.message();
      for (std::uint32_t n = 1 + random.below(8); n > 0; --n) {
        const auto at = random.below(static_cast<std::uint32_t>(message.size()));
        message[at] = random.number<std::uint8_t>();
      }
      set_length(message);
      static_cast<void>(decode_all(message, sample.decrypted));
      static_cast<void>(decode_all(message, !sample.decrypted));
    }
  }
}
