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

// Bits that mean nothing and are not looked at: RFC 2408 3.2 (in what is decrypted they are the
// first sign of a wrong key), 3.5 and 3.6 in the heads of proposals and transforms; RESERVED of
// draft-dukes-ike-mode-cfg-02 3.2.
std::size_t reserved_bits(const Sample& sample) {
  std::size_t bits = 0;
  const auto payloads = decode_payloads(sample.chain.first(), sample.chain.octets(), true);
  for (const Payload& payload : payloads->all()) {
    if (!sample.decrypted) bits += 8;
    if (payload.type == PayloadType::kAttributes) bits += 8;
    if (payload.type != PayloadType::kSa) continue;
    const auto sa = decode_sa(payload.body);
    for (const Proposal& proposal : sa->proposals) {
      bits += 8 + proposal.transforms.size() * (8 + 16);
    }
  }
  return bits;
}

}  // namespace

TEST_CASE("every sample decodes") {
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    CHECK_FALSE(decode_all(sample.message(), sample.decrypted).has_value());
  }
  CHECK(samples().size() == 39);
}

TEST_CASE("every truncation of every message is refused (A06, A27)") {
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

TEST_CASE("what is encoded decodes to the value it was made of, octet for octet") {
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    CHECK(decode_and_encode(sample.message(), sample.decrypted) == sample.message());
  }
}

TEST_CASE("every single flipped bit yields a Drop, or another value that encodes and decodes") {
  std::size_t refused = 0;
  std::size_t accepted = 0;
  for (const Sample& sample : samples()) {
    INFO(sample.name);
    const ByteVec good = sample.message();
    std::size_t unchanged = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      INFO(bit);
      ByteVec message = good;
      message[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const auto drop = decode_all(message, sample.decrypted);
      const auto again = decode_and_encode(message, sample.decrypted);
      REQUIRE(again.has_value() == !drop.has_value());
      if (!again) {
        ++refused;
        continue;
      }
      ++accepted;
      if (*again == good) ++unchanged;
      REQUIRE(decode_and_encode(*again, sample.decrypted) == *again);
    }
    // A decoder that leaves out part of a message would not see those flips.
    CHECK(unchanged == reserved_bits(sample));
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

TEST_CASE("octets of every length from 0 to 300 to every decoder (A05)") {
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
