#include "core/session/outbound_path.h"

#include <algorithm>

#include "core/net/ip_packet.h"

namespace godwit::session {
namespace {

// RFC 4443 2.4 (f) and RFC 1812 4.3.2.8: ICMP errors are limited in rate.
constexpr Duration kReplyInterval = 10ms;
constexpr Duration kNewsInterval = 1s;

}  // namespace

void OutboundPath::install(esp::SaParameters&& parameters, EspSpi inbound, bool hold) {
  if (sas_.size() == limits::kInboundSasMax) sas_.erase(sas_.begin());
  sas_.emplace_back(new Sa{esp::OutboundSa(std::move(parameters), crypto_), inbound, !hold});
}

void OutboundPath::use(EspSpi spi) {
  for (const std::unique_ptr<Sa>& sa : sas_) {
    if (sa->sa.spi() == spi) sa->sends = true;
  }
}

void OutboundPath::remove(EspSpi spi, EspSpi inbound) {
  std::erase_if(sas_, [&](const std::unique_ptr<Sa>& sa) {
    return sa->sa.spi() == spi && sa->inbound == inbound;
  });
}

void OutboundPath::drop(esp::Packet& packet, Drop reason) {
  packet.size = 0;
  counters_.drop(reason);
}

OutboundPath::Sa* OutboundPath::sa_for(const IpAddress& local, const IpAddress& remote) const {
  const auto found = std::find_if(sas_.rbegin(), sas_.rend(), [&](const auto& sa) {
    return sa->sends && sa->sa.selectors().allows(local, remote);
  });
  return found == sas_.rend() ? nullptr : found->get();
}

OutboundPath::Sa* OutboundPath::route(esp::Packet& packet, Instant now,
                                      std::vector<ByteVec>& replies) {
  const auto refuse = [&](Drop reason) -> Sa* {
    drop(packet, reason);
    return nullptr;
  };
  const auto parsed = parse_ip(packet.bytes());
  if (!parsed) return refuse(parsed.error());
  const IpPacket& view = *parsed;
  packet.size = view.total_size;
  if (sas_.empty()) return refuse(Drop::kNoSa);
  Sa* const sa = sa_for(view.source, view.destination);
  if (sa == nullptr) return refuse(Drop::kOutsideSelectors);

  if (view.total_size > mtu_) {
    if (now < next_reply_) return refuse(Drop::kTooBig);
    // The destination answers: the one address that this machine surely routes into the tunnel, so
    // no reverse path filter minds.
    ByteVec reply = make_packet_too_big(packet.bytes(), view, view.destination, mtu_);
    if (!reply.empty()) {
      replies.push_back(std::move(reply));
      next_reply_ = now + kReplyInterval;
    }
    return refuse(Drop::kTooBig);
  }
  clamp_mss(packet.bytes(), view, mtu_);
  packet.outer_tos = copy_dscp_ ? view.tos & kDscpMask : 0;
  return sa;
}

void OutboundPath::seal_run(Sa& sa, Instant now) {
  const std::uint64_t packets = sa.sa.packets();
  const std::uint64_t bytes = sa.sa.bytes();
  sa.sa.seal(scratch_, counters_);
  scratch_.clear();
  if (sa.sa.packets() == packets) return;
  packets_ += sa.sa.packets() - packets;
  bytes_ += sa.sa.bytes() - bytes;
  last_ = now;
  if (sa.mark.passed(sa.sa.bytes()) || now >= next_news_) {
    news_ = true;
    next_news_ = now + kNewsInterval;
  }
}

void OutboundPath::seal(std::span<esp::Packet> batch, Instant now, std::vector<ByteVec>& replies) {
  scratch_.clear();
  Sa* current = nullptr;
  for (esp::Packet& packet : batch) {
    Sa* const sa = route(packet, now, replies);
    if (sa == nullptr) continue;
    if (sa != current && current != nullptr) seal_run(*current, now);
    current = sa;
    scratch_.push_back(&packet);
  }
  if (current != nullptr) seal_run(*current, now);
}

OutboundFacts OutboundPath::facts() const {
  OutboundFacts out;
  OutboundFacts::Sa* current = nullptr;
  for (const std::unique_ptr<Sa>& sa : sas_) {
    OutboundFacts::Sa& fact = out.sas[out.sa_count++];
    fact = {sa->inbound, sa->sa.spi(), sa->sa.packets(), sa->sa.bytes(), false};
    if (sa->sends) current = &fact;
  }
  if (current != nullptr) current->current = true;
  out.last = last_;
  out.packets = packets_;
  out.bytes = bytes_;
  return out;
}

std::string_view OutboundPath::backend() const {
  return sas_.empty() ? std::string_view{} : sas_.back()->sa.backend();
}

}  // namespace godwit::session
