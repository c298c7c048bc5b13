// IKE fragments in any order. The input is a list: two octets that say which message, number and
// flags, one for the length, and data. What comes out was sent, whole and in order.
#include "core/ike/v1/fragmentation.h"

#include <algorithm>
#include <map>

#include "core/base/limits.h"
#include "core/base/reader.h"
#include "core/ike/wire/encode.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::v1;

namespace {

// The newest data of each number of each message, as the sender remembers it.
using Sent = std::map<std::pair<std::uint16_t, std::uint8_t>, std::vector<ByteVec>>;

bool was_sent(const Sent& sent, std::uint16_t id, Bytes whole) {
  // Every part must be one of those sent under its number; the cut is found by trying.
  std::vector<Bytes> rests{whole};
  for (std::uint8_t number = 1; number <= limits::kFragmentsMax; ++number) {
    std::vector<Bytes> next;
    const auto found = sent.find({id, number});
    if (found == sent.end()) break;
    for (const Bytes rest : rests) {
      for (const ByteVec& data : found->second) {
        if (rest.size() >= data.size() && equal(rest.first(data.size()), data)) {
          next.push_back(rest.subspan(data.size()));
        }
      }
    }
    if (std::any_of(next.begin(), next.end(), [](Bytes rest) { return rest.empty(); })) return true;
    if (next.size() > 64) return true;  // too many ways to say
    rests = std::move(next);
  }
  return false;
}

void cut_and_join(Bytes body) {
  Header header;
  header.initiator = Cookie{1};
  header.first = PayloadType::kSa;
  const ByteVec message = encode_message(header, body);
  const auto fragments = fragment_message(message, Exchange::kMain, 28 + 8 + 20);
  FUZZ_REQUIRE(!fragments.empty() || body.size() > 16 * 20 - 28);
  Reassembly reassembly;
  for (const ByteVec& datagram : fragments) {
    FUZZ_REQUIRE(datagram.size() <= 56);
    const auto fragment = decode_fragment(datagram);
    FUZZ_REQUIRE(fragment.has_value());
    const auto whole = reassembly.add(*fragment, Instant{});
    FUZZ_REQUIRE(whole && whole->has_value() == fragment->last);
    FUZZ_REQUIRE(!*whole || **whole == message);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  cut_and_join(input.first(std::min<std::size_t>(size, 400)));
  if (size >= kHeaderSize) static_cast<void>(decode_fragment(input));
  Reader reader(input);
  Reassembly reassembly;
  Sent sent;
  Instant now{};
  while (reader.remaining() > 3) {
    const auto which = reader.be<std::uint16_t>();
    const auto length = reader.be<std::uint8_t>();
    const auto part = reader.take(std::min<std::size_t>(*length % 32 + 1u, reader.remaining()));
    if (part->empty()) break;
    Fragment fragment;
    fragment.id = static_cast<std::uint16_t>(*which >> 14);
    fragment.number = static_cast<std::uint8_t>((*which >> 8) % limits::kFragmentsMax + 1);
    fragment.last = (*which & 1) != 0;
    fragment.data = *part;
    now += Duration(1s) * ((*which >> 4) & 3);
    sent[{fragment.id, fragment.number}].push_back(to_vec(*part));
    const auto whole = reassembly.add(fragment, now);
    if (!whole || !*whole) continue;
    FUZZ_REQUIRE((*whole)->size() <= limits::kIkeMessageMax);
    FUZZ_REQUIRE(was_sent(sent, fragment.id, **whole));
  }
  return 0;
}
