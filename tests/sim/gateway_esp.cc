// The gateway's side of the ESP tunnel, and the office host behind it, which answers pings.
#include <algorithm>
#include <array>

#include "core/net/checksum.h"
#include "core/net/ip_packet.h"
#include "tests/sim/gateway.h"
#include "tests/sim/l2tp.h"

namespace godwit::sim {
namespace {

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kEchoRequest = 8;

}  // namespace

ByteVec echo_reply(Bytes packet) {
  const auto view = parse_ip(packet);
  if (!view || !view->source.is_v4() || view->protocol != kIcmp || view->fragment) return {};
  ByteVec out = to_vec(packet.first(view->total_size));
  MutBytes icmp = MutBytes(out).subspan(view->header_size);
  if (icmp.size() < 8 || icmp[0] != kEchoRequest) return {};
  // RFC 792: the addresses change places (which leaves the header checksum as it is), type 0.
  std::swap_ranges(out.begin() + 12, out.begin() + 16, out.begin() + 16);
  icmp[0] = 0;
  store_be<std::uint16_t>(icmp.subspan(2), 0);
  store_be<std::uint16_t>(icmp.subspan(2), checksum(icmp));
  return out;
}

void Gateway::on_esp(Bytes packet, const Endpoint& from, Instant now, Outbox& out) {
  if (silent(Step::kDpd)) return;
  std::erase_if(children_, [this](const auto& c) {
    return config_.esp_kilobytes != 0 &&
           std::max(c->in.bytes(), c->out.bytes()) >= config_.esp_kilobytes * 1024;
  });
  const EspSpi spi{load_be<std::uint32_t>(packet)};
  const auto child =
      std::ranges::find_if(children_, [spi](const auto& c) { return c->in.spi() == spi; });
  if (child == children_.end()) {
    esp_counters_.drop(Drop::kUnknownSpi);
    return;
  }
  ByteVec storage(limits::kHeadRoom);
  append(storage, packet);
  esp::Packet live{storage, limits::kHeadRoom, packet.size(), 0};
  std::array<esp::Packet*, 1> batch{&live};
  std::size_t newest = batch.size();
  const std::size_t authentic = (*child)->in.open(batch, esp_counters_, newest);
  if (authentic == 0) return;
  (*child)->used = true;
  last_heard_ = now;
  // RFC 3947 7: only a packet that advanced the window moves the client.
  if (newest != batch.size() && config_.follows_esp) {
    esp_peer_ = from;
    if (!ikes_.empty() && ikes_.back()->stage == Ike::Stage::kReady) {
      ikes_.back()->peer = from;
    }
  }
  if (live.size != 0) deliver(to_vec(live.bytes()), out);
}

void Gateway::deliver(ByteVec inner, Outbox& out) {
  ByteVec answer;
  if (config_.echo_ping) answer = config_.l2tp ? l2tp_echo(inner) : echo_reply(inner);
  if (config_.record) received_.push_back(std::move(inner));
  if (!answer.empty()) send_inner(answer, out);
}

bool Gateway::send_inner(Bytes packet, Outbox& out) {
  if (children_.empty() || !esp_peer_ || silent(Step::kDpd)) return false;
  const auto view = parse_ip(packet);
  if (!view) return false;
  // The newest pair that the client is known to use, and the newest of all before any was used.
  Child* child = nullptr;
  for (const auto& candidate : children_) {
    if (!candidate->out.selectors().allows(view->source, view->destination)) continue;
    if (child == nullptr || candidate->used || !child->used) child = candidate.get();
  }
  return child != nullptr && seal_and_send(child->out, packet, out);
}

bool Gateway::send_unchecked(Bytes packet, Outbox& out) {
  return !children_.empty() && esp_peer_ && seal_and_send(children_.back()->out, packet, out);
}

bool Gateway::seal_and_send(esp::OutboundSa& sa, Bytes packet, Outbox& out) {
  ByteVec storage(limits::kHeadRoom + packet.size() + limits::kTailRoom);
  std::ranges::copy(packet, storage.begin() + limits::kHeadRoom);
  esp::Packet live{storage, limits::kHeadRoom, packet.size(), 0};
  std::array<esp::Packet*, 1> batch{&live};
  sa.seal(batch, esp_counters_);
  if (live.size == 0) return false;
  inner_sent_.push_back(to_vec(packet));
  if (config_.record) esp_sent_.push_back(to_vec(live.bytes()));
  out.push_back({config_.natt_port, *esp_peer_, to_vec(live.bytes())});
  return true;
}

}  // namespace godwit::sim
