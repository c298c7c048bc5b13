#include "core/ike/v1/fragmentation.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/reader.h"
#include "core/base/writer.h"
#include "core/crypto/hash.h"
#include "core/ike/wire/encode.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::size_t kFragmentHeader = 8;
constexpr std::uint8_t kLast = 1;
// Who sends fragments sends them together; what is not complete by then never will be.
constexpr Duration kReassemblyTime = 10s;

}  // namespace

Result<Fragment, Drop> decode_fragment(Bytes message) {
  const Bytes body = message.subspan(kHeaderSize);
  Reader reader(body);
  Reader fields = GODWIT_TRY(reader.sub(kFragmentHeader));
  const auto next = GODWIT_TRY(fields.be<std::uint8_t>());
  static_cast<void>(GODWIT_TRY(fields.be<std::uint8_t>()));  // reserved
  const auto length = GODWIT_TRY(fields.be<std::uint16_t>());
  Fragment fragment;
  fragment.id = GODWIT_TRY(fields.be<std::uint16_t>());
  fragment.number = GODWIT_TRY(fields.be<std::uint8_t>());
  fragment.last = (GODWIT_TRY(fields.be<std::uint8_t>()) & kLast) != 0;
  fragment.data = reader.rest();
  const bool fits = next == 0 && length == body.size() && !fragment.data.empty();
  const bool numbered = fragment.number >= 1 && fragment.number <= limits::kFragmentsMax;
  if (!fits || !numbered) return fail(Drop::kBadFragment);
  return fragment;
}

std::vector<ByteVec> fragment_message(Bytes message, Exchange phase1, std::size_t size_max) {
  const std::size_t room = size_max - kHeaderSize - kFragmentHeader;
  const std::size_t count = (message.size() + room - 1) / room;
  if (count > limits::kFragmentsMax) return {};
  const auto whole = decode_header(message);
  if (!whole) return {};
  Header header = *whole;
  header.first = PayloadType::kFragment;
  header.flags = 0;
  header.exchange = phase1;
  header.message_id = MessageId{};
  const auto id =
      load_be<std::uint16_t>(crypto::hash(crypto::HashAlg::kSha256, {message}).bytes().first(2));

  std::vector<ByteVec> fragments;
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes data = message.subspan(i * room, std::min(room, message.size() - i * room));
    ByteVec body(kFragmentHeader + data.size());
    Writer writer(body);
    writer.be<std::uint16_t>(0);  // no payload follows; reserved
    writer.be(static_cast<std::uint16_t>(body.size()));
    writer.be(id);
    writer.be(static_cast<std::uint8_t>(i + 1));
    writer.be<std::uint8_t>(i + 1 == count ? kLast : 0);
    writer.put(data);
    CHECK(writer.finish());
    fragments.push_back(encode_message(header, body));
  }
  return fragments;
}

void Reassembly::clear() {
  for (ByteVec& part : parts_) part = ByteVec();
  total_ = 0;
  octets_ = 0;
}

Result<std::optional<ByteVec>, Drop> Reassembly::add(const Fragment& fragment, Instant now) {
  if (fragment.id != id_ || now - begun_ > kReassemblyTime) clear();
  if (octets_ == 0) begun_ = now;
  id_ = fragment.id;
  ByteVec& part = parts_.at(fragment.number - 1u);
  if (!part.empty()) {
    if (equal(part, fragment.data)) return fail(Drop::kRetransmission);
    clear();
    return fail(Drop::kBadFragment);
  }
  const auto behind = parts_.begin() + fragment.number;
  const bool beyond = total_ != 0 && (fragment.last || fragment.number > total_);
  const bool not_last = fragment.last && std::any_of(behind, parts_.end(),
                                                     [](const ByteVec& p) { return !p.empty(); });
  if (beyond || not_last || octets_ + fragment.data.size() > limits::kIkeMessageMax) {
    clear();
    return fail(Drop::kBadFragment);
  }
  if (fragment.last) total_ = fragment.number;
  part = to_vec(fragment.data);
  octets_ += part.size();
  return whole();
}

std::optional<ByteVec> Reassembly::whole() {
  const auto end = parts_.begin() + static_cast<std::ptrdiff_t>(total_);
  const bool complete =
      total_ != 0 && std::none_of(parts_.begin(), end, [](const ByteVec& p) { return p.empty(); });
  if (!complete) return std::nullopt;
  ByteVec message;
  message.reserve(octets_);
  std::for_each(parts_.begin(), end, [&](const ByteVec& part) { append(message, part); });
  clear();
  return message;
}

}  // namespace godwit::ike::v1
