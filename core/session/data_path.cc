#include "core/session/data_path.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/net/ip_packet.h"

namespace godwit::session {
namespace {

// RFC 4443 2.4 (f) and RFC 1812 4.3.2.8: ICMP errors are limited in rate.
constexpr Duration kReplyInterval = 10ms;

}  // namespace

void DataPath::install(InstallSa&& sas) {
  if (pairs_.size() == limits::kInboundSasMax) pairs_.erase(pairs_.begin());
  pairs_.emplace_back(new Pair{esp::InboundSa(std::move(sas.inbound), crypto_),
                               esp::OutboundSa(std::move(sas.outbound), crypto_),
                               !sas.hold_outbound});
}

void DataPath::use(const UseSa& sa) {
  for (const std::unique_ptr<Pair>& pair : pairs_) {
    if (pair->out.spi() == sa.outbound) pair->sends = true;
  }
}

void DataPath::remove(const RemoveSa& sas) {
  std::erase_if(pairs_, [&](const std::unique_ptr<Pair>& pair) {
    return pair->in.spi() == sas.inbound && pair->out.spi() == sas.outbound;
  });
}

void DataPath::clear() {
  pairs_.clear();
  peer_.reset();
  heard_from_.reset();
  last_inbound_.reset();
  last_outbound_.reset();
}

void DataPath::drop(esp::Packet& packet, Drop reason) {
  packet.size = 0;
  counters_.drop(reason);
}

DataPath::Pair* DataPath::pair_for(const IpAddress& local, const IpAddress& remote) const {
  const auto found = std::find_if(pairs_.rbegin(), pairs_.rend(), [&](const auto& pair) {
    return pair->sends && pair->out.selectors().allows(local, remote);
  });
  return found == pairs_.rend() ? nullptr : found->get();
}

DataPath::Pair* DataPath::pair_of(EspSpi inbound) const {
  const auto found = std::find_if(pairs_.rbegin(), pairs_.rend(),
                                  [&](const auto& pair) { return pair->in.spi() == inbound; });
  return found == pairs_.rend() ? nullptr : found->get();
}

Result<DataPath::Pair*, Drop> DataPath::route(esp::Packet& packet, Instant now,
                                              std::vector<ByteVec>& replies) {
  const IpPacket view = GODWIT_TRY(parse_ip(packet.bytes()));
  packet.size = view.total_size;
  if (pairs_.empty()) return fail(Drop::kNoSa);
  Pair* const pair = pair_for(view.source, view.destination);
  if (pair == nullptr) return fail(Drop::kOutsideSelectors);

  if (view.total_size > mtu_) {
    if (now < next_reply_) return fail(Drop::kTooBig);
    // The destination answers: the one address that this machine surely routes into the tunnel, so
    // no reverse path filter minds.
    ByteVec reply = make_packet_too_big(packet.bytes(), view, view.destination, mtu_);
    if (!reply.empty()) {
      replies.push_back(std::move(reply));
      next_reply_ = now + kReplyInterval;
    }
    return fail(Drop::kTooBig);
  }
  clamp_mss(packet.bytes(), view, mtu_);
  return pair;
}

void DataPath::seal_run(Pair& pair, Instant now) {
  const std::uint64_t packets = pair.out.packets();
  const std::uint64_t bytes = pair.out.bytes();
  pair.out.seal(scratch_, counters_);
  scratch_.clear();
  if (pair.out.packets() == packets) return;
  packets_out_ += pair.out.packets() - packets;
  bytes_out_ += pair.out.bytes() - bytes;
  last_outbound_ = now;
}

void DataPath::outbound(std::span<esp::Packet> batch, Instant now, std::vector<ByteVec>& replies) {
  scratch_.clear();
  Pair* current = nullptr;
  for (esp::Packet& packet : batch) {
    const Result<Pair*, Drop> pair = route(packet, now, replies);
    if (!pair) {
      drop(packet, pair.error());
      continue;
    }
    if (*pair != current && !scratch_.empty()) seal_run(*current, now);
    current = *pair;
    scratch_.push_back(&packet);
  }
  if (!scratch_.empty()) seal_run(*current, now);
}

void DataPath::open_run(Pair& pair, std::span<esp::Packet> batch, std::span<const Endpoint> from,
                        Instant now) {
  const std::uint64_t packets = pair.in.packets();
  const std::uint64_t bytes = pair.in.bytes();
  std::size_t newest = 0;
  const std::size_t authentic = pair.in.open(scratch_, counters_, newest);
  packets_in_ += pair.in.packets() - packets;
  bytes_in_ += pair.in.bytes() - bytes;
  if (authentic > 0) last_inbound_ = now;
  // RFC 3947 7: only a packet that is authentic and new tells where the peer is now; a delayed or
  // replayed one would lead us astray.
  if (newest < scratch_.size()) {
    heard_from_ = from[static_cast<std::size_t>(scratch_[newest] - batch.data())];
  }

  for (esp::Packet* packet : scratch_) {
    if (packet->size == 0) continue;
    if (const auto view = parse_ip(packet->bytes())) clamp_mss(packet->bytes(), *view, mtu_);
  }
  scratch_.clear();
}

void DataPath::inbound(std::span<esp::Packet> batch, std::span<const Endpoint> from, Instant now) {
  CHECK(from.size() == batch.size());
  scratch_.clear();
  Pair* current = nullptr;
  for (esp::Packet& packet : batch) {
    if (packet.size < limits::kEspHeader) {
      drop(packet, Drop::kEspTooShort);
      continue;
    }
    const EspSpi spi{load_be<std::uint32_t>(packet.bytes())};
    Pair* const pair = current != nullptr && current->in.spi() == spi ? current : pair_of(spi);
    if (pair == nullptr) {
      drop(packet, Drop::kUnknownSpi);
      continue;
    }
    if (pair != current && !scratch_.empty()) open_run(*current, batch, from, now);
    current = pair;
    scratch_.push_back(&packet);
  }
  if (!scratch_.empty()) open_run(*current, batch, from, now);
}

TrafficFacts DataPath::facts() const {
  TrafficFacts out;
  TrafficFacts::Pair* current = nullptr;
  for (const std::unique_ptr<Pair>& pair : pairs_) {
    TrafficFacts::Pair& fact = out.pairs[out.pair_count++];
    fact.inbound = pair->in.spi();
    fact.outbound = pair->out.spi();
    fact.packets_in = pair->in.packets();
    fact.bytes_in = pair->in.bytes();
    fact.packets_out = pair->out.packets();
    fact.bytes_out = pair->out.bytes();
    if (pair->sends) current = &fact;
  }
  if (current != nullptr) current->current = true;
  out.last_inbound = last_inbound_;
  out.last_outbound = last_outbound_;
  out.heard_from = heard_from_;
  out.packets_in = packets_in_;
  out.bytes_in = bytes_in_;
  out.packets_out = packets_out_;
  out.bytes_out = bytes_out_;
  return out;
}

std::string_view DataPath::backend() const {
  return pairs_.empty() ? std::string_view{} : pairs_.back()->out.backend();
}

}  // namespace godwit::session
