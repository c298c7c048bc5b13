#include "core/session/inbound_path.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/net/ip_packet.h"

namespace godwit::session {

void InboundPath::install(esp::SaParameters&& parameters, EspSpi outbound) {
  if (sas_.size() == limits::kInboundSasMax) sas_.erase(sas_.begin());
  sas_.emplace_back(new Sa{esp::InboundSa(std::move(parameters), crypto_), outbound});
}

void InboundPath::remove(EspSpi spi, EspSpi outbound) {
  std::erase_if(sas_, [&](const std::unique_ptr<Sa>& sa) {
    return sa->sa.spi() == spi && sa->outbound == outbound;
  });
}

void InboundPath::drop(esp::Packet& packet, Drop reason) {
  packet.size = 0;
  counters_.drop(reason);
}

InboundPath::Sa* InboundPath::sa_of(EspSpi spi) const {
  const auto found =
      std::find_if(sas_.rbegin(), sas_.rend(), [&](const auto& sa) { return sa->sa.spi() == spi; });
  return found == sas_.rend() ? nullptr : found->get();
}

void InboundPath::open_run(Sa& sa, std::span<esp::Packet> batch, std::span<const Endpoint> from,
                           Instant now) {
  const std::uint64_t packets = sa.sa.packets();
  const std::uint64_t bytes = sa.sa.bytes();
  std::size_t newest = 0;
  const std::size_t authentic = sa.sa.open(scratch_, counters_, newest);
  packets_ += sa.sa.packets() - packets;
  bytes_ += sa.sa.bytes() - bytes;
  if (authentic > 0) {
    last_ = now;
    // A dummy packet has no octets to count, but it may be the first one all the same.
    const bool grown = sa.mark.passed(sa.sa.bytes());
    if (grown || packets == 0) news_ = true;
  }
  // RFC 3947 7: only a packet that is authentic and new tells where the peer is now; a delayed or
  // replayed one would lead us astray.
  if (newest < scratch_.size()) {
    const Endpoint& source = from[static_cast<std::size_t>(scratch_[newest] - batch.data())];
    if (heard_from_ != source) news_ = true;
    heard_from_ = source;
  }

  for (esp::Packet* packet : scratch_) {
    if (packet->size != 0) clamp_mss(packet->bytes(), mtu_);
  }
  scratch_.clear();
}

void InboundPath::open(std::span<esp::Packet> batch, std::span<const Endpoint> from, Instant now) {
  CHECK(from.size() == batch.size());
  scratch_.clear();
  Sa* current = nullptr;
  for (esp::Packet& packet : batch) {
    if (packet.size < limits::kEspHeader) {
      drop(packet, Drop::kEspTooShort);
      continue;
    }
    const EspSpi spi{load_be<std::uint32_t>(packet.bytes())};
    Sa* const sa = current != nullptr && current->sa.spi() == spi ? current : sa_of(spi);
    if (sa == nullptr) {
      drop(packet, Drop::kUnknownSpi);
      continue;
    }
    if (sa != current && !scratch_.empty()) open_run(*current, batch, from, now);
    current = sa;
    scratch_.push_back(&packet);
  }
  if (!scratch_.empty()) open_run(*current, batch, from, now);
}

InboundFacts InboundPath::facts() const {
  InboundFacts out;
  for (const std::unique_ptr<Sa>& sa : sas_) {
    out.sas[out.sa_count++] = {sa->sa.spi(), sa->sa.packets(), sa->sa.bytes()};
  }
  out.last = last_;
  out.heard_from = heard_from_;
  out.packets = packets_;
  out.bytes = bytes_;
  return out;
}

}  // namespace godwit::session
