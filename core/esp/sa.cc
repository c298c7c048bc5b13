// RFC 4303 2, with an inner IP packet as payload:
//  |               Security Parameters Index (SPI)                |
//  |                      Sequence Number                         |
//  |                    IV (8 or 16 octets)                       |
//  |                    Inner IP packet ...                       |
//  |        ... TFC padding, padding 1 2 3 ...  | Pad Len | Next  |
//  |                  ICV (12 to 32 octets)                       |
#include "core/esp/sa.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/reader.h"
#include "core/esp/transport.h"
#include "core/net/ip_packet.h"

namespace godwit::esp {
namespace {

constexpr std::uint8_t kNextIpv4 = 4;
constexpr std::uint8_t kNextUdp = 17;
constexpr std::uint8_t kNextIpv6 = 41;
constexpr std::uint8_t kNextNone = 59;

// Batches up to this size cost no allocation even the first time.
constexpr std::size_t kBatchReserve = 256;

std::size_t fixed_octets(const crypto::EspLayout& layout) {
  return limits::kEspHeader + layout.iv + layout.icv;
}

// Padding that brings payload and trailer to whole blocks (RFC 4303 2.4).
std::size_t padding(const crypto::EspLayout& layout, std::size_t inner) {
  return layout.padding(inner + limits::kEspTrailer);
}

// RFC 4303 2.4: padding is 1, 2, 3, ... Every octet is looked at, so the time says nothing about
// where it went wrong.
bool is_counting(Bytes padding) {
  unsigned difference = 0;
  unsigned expected = 1;
  for (const std::uint8_t octet : padding) difference |= octet ^ expected++;
  return difference == 0;
}

bool any_contains(const std::vector<Prefix>& prefixes, const IpAddress& address) {
  for (const Prefix& prefix : prefixes) {
    if (prefix.contains(address)) return true;
  }
  return false;
}

void drop(Packet& packet, Drop reason, Counters& counters) {
  packet.size = 0;
  counters.drop(reason);
}

}  // namespace

bool Selectors::allows(const IpAddress& local_address, const IpAddress& remote_address) const {
  return any_contains(local, local_address) && any_contains(remote, remote_address);
}

OutboundSa::OutboundSa(SaParameters parameters, const crypto::EspCrypto& crypto)
    : spi_(parameters.spi),
      suite_(parameters.suite),
      layout_(suite_),
      selectors_(std::move(parameters.selectors)),
      transport_(parameters.transport),
      protector_(crypto.make(parameters.suite, parameters.keymat, parameters.iv_key)) {
  scratch_.reserve(kBatchReserve);
}

std::size_t OutboundSa::overhead(std::size_t inner) const {
  return fixed_octets(layout_) + padding(layout_, inner) + limits::kEspTrailer;
}

std::size_t OutboundSa::inner_max(std::size_t payload) const {
  const std::size_t fixed = fixed_octets(layout_);
  if (payload < fixed) return 0;
  const std::size_t body = (payload - fixed) / layout_.block * layout_.block;
  return body > limits::kEspTrailer ? body - limits::kEspTrailer : 0;
}

Result<std::uint8_t, Drop> OutboundSa::next_header_of(Packet& packet) const {
  if (transport_) {
    GODWIT_TRY(cut_to_udp(packet, *transport_));
    return kNextUdp;
  }
  const Bytes inner = packet.bytes();
  const int version = inner.size() < 20 ? 0 : ip_version(inner);
  if (version != 4 && version != 6) return fail(Drop::kBadInner);
  return version == 4 ? kNextIpv4 : kNextIpv6;
}

void OutboundSa::wrap(Packet& packet, std::uint8_t next_header) {
  const std::size_t front = limits::kEspHeader + layout_.iv;
  const std::size_t pad = padding(layout_, packet.size);
  const std::size_t behind = pad + limits::kEspTrailer + layout_.icv;
  CHECK(packet.begin >= front);
  CHECK(packet.storage.size() - packet.begin - packet.size >= behind);

  const MutBytes trailer = packet.storage.subspan(packet.begin + packet.size, behind);
  for (std::size_t i = 0; i < pad; ++i) trailer[i] = static_cast<std::uint8_t>(i + 1);
  trailer[pad] = static_cast<std::uint8_t>(pad);
  trailer[pad + 1] = next_header;

  packet.begin -= front;
  packet.size += front + behind;
  const MutBytes header = packet.bytes().first(limits::kEspHeader);
  store_be(header, spi_.value());
  store_be(header.subspan(4), static_cast<std::uint32_t>(sequence_));
}

void OutboundSa::seal(std::span<Packet*> batch, Counters& counters) {
  scratch_.resize(batch.size());
  std::size_t count = 0;
  for (Packet* packet : batch) {
    const Bytes inner = packet->bytes();
    const auto next_header = next_header_of(*packet);
    if (!next_header) {
      drop(*packet, next_header.error(), counters);
      continue;
    }
    // RFC 4303 3.3.3: without ESN a sequence number must not cycle.
    if (exhausted()) {
      drop(*packet, Drop::kSequenceExhausted, counters);
      continue;
    }
    ++sequence_;  // so the first one is 1
    bytes_ += inner.size();
    packet->outer_tos =
        static_cast<std::uint8_t>((packet->outer_tos & kDscpMask) | outer_tos(ip_tos(inner)));
    wrap(*packet, *next_header);
    scratch_[count].bytes = packet->bytes();
    scratch_[count].sequence = sequence_;
    ++count;
  }
  if (count != 0) protector_->seal(std::span(scratch_).first(count));
}

InboundSa::InboundSa(SaParameters parameters, const crypto::EspCrypto& crypto)
    : spi_(parameters.spi),
      suite_(parameters.suite),
      layout_(suite_),
      selectors_(std::move(parameters.selectors)),
      transport_(parameters.transport),
      protector_(crypto.make(parameters.suite, parameters.keymat, parameters.iv_key)) {
  scratch_.reserve(kBatchReserve);
  origin_.reserve(kBatchReserve);
}

Result<std::uint32_t, Drop> InboundSa::look(Bytes packet) const {
  const std::size_t fixed = fixed_octets(layout_);
  if (packet.size() < fixed + limits::kEspTrailer) return fail(Drop::kEspTooShort);
  if (!layout_.is_whole(packet.size() - fixed)) return fail(Drop::kEspTooShort);
  const auto sequence = load_be<std::uint32_t>(packet.subspan(4, 4));
  // RFC 4303 3.4.3: the window is looked at first, as a forged copy is not worth a decryption.
  if (!window_.may_accept(sequence)) return fail(Drop::kReplay);
  return sequence;
}

Result<void, Drop> InboundSa::unwrap(Packet& packet) const {
  Reader reader(packet.bytes());
  GODWIT_TRY(reader.take(limits::kEspHeader + layout_.iv));
  GODWIT_TRY(reader.take_back(layout_.icv));
  const Bytes trailer = GODWIT_TRY(reader.take_back(limits::kEspTrailer));
  const auto padding = reader.take_back(trailer[0]);
  if (!padding || !is_counting(*padding)) return fail(Drop::kBadPadding);

  const std::uint8_t next_header = trailer[1];
  if (next_header == kNextNone) return fail(Drop::kDummy);
  if (transport_) {
    if (next_header != kNextUdp) return fail(Drop::kBadNextHeader);
    packet.begin += limits::kEspHeader + layout_.iv;
    packet.size = reader.rest().size();
    return make_ip_packet(packet, *transport_);
  }
  if (next_header != kNextIpv4 && next_header != kNextIpv6) return fail(Drop::kBadNextHeader);

  const auto view = parse_ip(reader.rest());
  if (!view) return fail(view.error());
  if (view->source.is_v4() != (next_header == kNextIpv4)) return fail(Drop::kBadInner);
  // RFC 4301 5.2, step 4: what came out of an SA must be what was agreed to travel in it.
  if (!selectors_.allows(view->destination, view->source)) return fail(Drop::kInnerAddress);

  packet.begin += limits::kEspHeader + layout_.iv;
  packet.size = view->total_size;  // RFC 4303 2.7: what follows is traffic-flow padding
  return decapsulate_ecn(packet.bytes(), packet.outer_tos);
}

std::size_t InboundSa::open(std::span<Packet*> batch, Counters& counters, std::size_t& newest) {
  scratch_.resize(batch.size());
  origin_.resize(batch.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto sequence = look(batch[i]->bytes());
    if (!sequence) {
      drop(*batch[i], sequence.error(), counters);
      continue;
    }
    scratch_[count].bytes = batch[i]->bytes();
    scratch_[count].sequence = *sequence;
    scratch_[count].ok = false;
    origin_[count++] = i;
  }
  if (count != 0) protector_->open(std::span(scratch_).first(count));

  newest = batch.size();
  std::size_t authentic = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t sequence = scratch_[i].sequence;
    Packet& packet = *batch[origin_[i]];
    if (!scratch_[i].ok) {
      drop(packet, Drop::kBadTag, counters);
      continue;
    }
    // A copy in the same batch passed the first look; the original has moved the window since.
    if (!window_.may_accept(sequence)) {
      drop(packet, Drop::kReplay, counters);
      continue;
    }
    if (sequence > window_.highest()) newest = origin_[i];
    window_.mark(sequence);
    ++authentic;
    if (const auto inner = unwrap(packet); !inner) {
      drop(packet, inner.error(), counters);
    } else {
      bytes_ += packet.size;
    }
  }
  packets_ += authentic;
  return authentic;
}

}  // namespace godwit::esp
