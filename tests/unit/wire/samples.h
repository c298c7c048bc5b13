// One valid message of every kind, and seeded random values, for the tests of the wire room.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "core/ike/wire/encode.h"

namespace godwit::ike::test {

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  // 0..below-1; the same on every machine, which std::uniform_int_distribution is not.
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(engine_() % limit); }
  template <std::unsigned_integral T>
  T number() {
    return static_cast<T>((std::uint64_t{engine_()} << 32) | engine_());
  }
  ByteVec octets(std::size_t size);

 private:
  std::mt19937 engine_;
};

struct Sample {
  std::string name;
  Header header;
  bool decrypted = false;  // the chain was encrypted on the wire
  ChainBuilder chain;

  ByteVec message() const { return encode_message(header, chain); }
};

// Everything a client reads or writes: Main 1-6, Aggressive 1-3, XAuth, Mode Config, Quick 1-3 and
// Informational, each in all its forms.
std::vector<Sample> samples();

SaPayload phase1_sa();
SaPayload phase2_sa();

// Calls the typed decoder of a payload, if there is one. True when it yielded a value.
bool decodes(PayloadType type, Bytes body);

// Header, chain and every typed decoder. The first Drop, or nothing when all of it decoded.
std::optional<Drop> decode_all(Bytes message, bool decrypted);

// The message that the encoders make of what the decoders made of this one.
Result<ByteVec, Drop> decode_and_encode(Bytes message, bool decrypted);

ByteVec from_hex(std::string_view hex);
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace godwit::ike::test
