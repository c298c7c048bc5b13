#include "tests/sim/gateway.h"

#include <algorithm>

#include "core/net/udp_encap.h"

namespace godwit::sim {
namespace {

constexpr Duration kFirstResend = 2s;
constexpr int kSendsMax = 5;
constexpr std::size_t kAnsweredMax = 32;

Duration resend_gap(int sent) { return kFirstResend * (1 << (sent - 1)); }

}  // namespace

std::string Letter::types() const {
  std::string text;
  for (const auto& [type, body] : payloads) {
    if (!text.empty()) text += ' ';
    text += ike::name(type);
    const auto notify =
        type == ike::PayloadType::kNotify ? ike::decode_notify(body) : fail(Drop::kMissingPayload);
    if (notify) text += "(" + std::to_string(static_cast<unsigned>(notify->type)) + ")";
  }
  return text;
}

std::string Letter::to_string() const {
  std::string text = heard ? "gateway reads " : "gateway writes ";
  return text + types();
}

Bytes Letter::body(ike::PayloadType type, std::size_t index) const {
  for (const auto& [t, octets] : payloads) {
    if (t == type && index-- == 0) return octets;
  }
  return {};
}

std::size_t Letter::count(ike::PayloadType type) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(payloads, [type](const auto& p) { return p.first == type; }));
}

Gateway::Gateway(GatewayConfig config, std::uint64_t seed)
    : config_(std::move(config)), rng_(seed) {}

void Gateway::on_datagram(Bytes datagram, std::uint16_t to_port, const Endpoint& from, Instant now,
                          Outbox& out) {
  if (to_port != config_.natt_port) {
    on_message(datagram, kIkePort, from, now, out);
    return;
  }
  const Encap encap = classify_encap(datagram);
  if (const auto* esp = std::get_if<EncapEsp>(&encap)) {
    on_esp(esp->packet, from, now, out);
  } else if (const auto* ike_message = std::get_if<EncapIke>(&encap)) {
    on_message(ike_message->message, kNattPort, from, now, out);
  } else if (std::get<Drop>(encap) == Drop::kKeepalive) {
    ++keepalives_;
  } else {
    ++dropped_;
  }
}

void Gateway::on_message(Bytes message, std::uint16_t port, const Endpoint& from, Instant now,
                         Outbox& out) {
  const auto header = ike::decode_header(message);
  if (!header) {
    ++dropped_;
    return;
  }
  Ike* sa = find(*header);
  if (sa == nullptr) {
    if (header->responder == Cookie{}) {
      begin(*header, message, port, from, now, out);
    } else {
      ++dropped_;  // ISK-12: cookies of no SA get no answer
    }
    return;
  }
  if (header->first == ike::PayloadType::kFragment && config_.fragment_max != 0) {
    const ByteVec whole = assemble(*sa, message);
    if (!whole.empty()) on_message(whole, port, from, now, out);
    return;
  }
  if (resend_if_known(*sa, message, from, port, out)) return;
  const std::uint16_t old_port = sa->port;
  const Endpoint old_peer = sa->peer;
  // Answers go to where the message came from; believed only when the message turns out good.
  sa->port = port;
  sa->peer = from;
  sa->replies.clear();
  const Cookie responder = sa->in.responder;
  const bool good = dispatch(*sa, *header, message, now, out);
  const auto still = std::ranges::find_if(
      ikes_, [responder](const auto& i) { return i->in.responder == responder; });
  if (still == ikes_.end()) return;
  sa = still->get();
  if (!good) {
    ++dropped_;
    sa->port = old_port;
    sa->peer = old_peer;
    return;
  }
  last_heard_ = now;
  sa->answered.emplace_back(to_vec(message), std::move(sa->replies));
  sa->replies.clear();
  if (sa->answered.size() > kAnsweredMax) sa->answered.pop_front();
  follow(*sa, from, port);
}

bool Gateway::dispatch(Ike& sa, const ike::Header& header, Bytes message, Instant now,
                       Outbox& out) {
  switch (header.exchange) {
    case ike::Exchange::kMain:
      if (sa.aggressive) return false;
      if (sa.stage == Ike::Stage::kWaitKe) return on_main3(sa, header, message, now, out);
      if (sa.stage == Ike::Stage::kWaitAuth) return on_main5(sa, header, message, now, out);
      return false;
    case ike::Exchange::kAggressive:
      if (!sa.aggressive || sa.stage != Ike::Stage::kWaitAuth) return false;
      return on_aggressive3(sa, header, message, now, out);
    case ike::Exchange::kInformational:
      return on_informational(sa, header, message, now, out);
    case ike::Exchange::kTransaction:
      if (sa.stage < Ike::Stage::kWaitUser) return false;
      return on_transaction(sa, header, message, now, out);
    case ike::Exchange::kQuick:
      // XA-01: no Quick Mode before the user is known.
      if (sa.stage != Ike::Stage::kReady) return false;
      return on_quick(sa, header, message, now, out);
  }
  return false;
}

Ike* Gateway::find(const ike::Header& header) {
  for (const auto& sa : ikes_) {
    if (sa->in.initiator != header.initiator) continue;
    // The first message has no responder cookie; a copy of it finds the SA it began.
    if (header.responder == sa->in.responder || header.responder == Cookie{}) return sa.get();
  }
  return nullptr;
}

bool Gateway::resend_if_known(Ike& sa, Bytes message, const Endpoint& from, std::uint16_t port,
                              Outbox& out) {
  for (const auto& [question, answers] : sa.answered) {
    if (!equal(question, message)) continue;
    const Endpoint peer = std::exchange(sa.peer, from);
    const std::uint16_t old_port = std::exchange(sa.port, port);
    for (const ByteVec& answer : answers) emit(sa, answer, out);
    sa.peer = peer;
    sa.port = old_port;
    return true;
  }
  return false;
}

// RFC 3947 7: the side that is not behind NAT sends to where the last authentic packet came from.
void Gateway::follow(Ike& sa, const Endpoint& from, std::uint16_t port) {
  sa.peer = from;
  sa.port = port;
  if (sa.stage == Ike::Stage::kReady && port == kNattPort && &sa == ikes_.back().get()) {
    esp_peer_ = from;
  }
}

void Gateway::close(Ike& sa) {
  std::erase_if(ikes_, [&sa](const auto& i) { return i.get() == &sa; });
}

bool Gateway::silent(Step step) const {
  return config_.silent_from != Step::kNever && step >= config_.silent_from;
}

void Gateway::emit(const Ike& sa, Bytes message, Outbox& out) {
  const bool long_one = config_.fragment_max != 0 && message.size() > config_.fragment_max;
  if (long_one && sa.client_reads_fragments) return emit_fragments(sa, message, out);
  emit_datagram(sa, message, out);
}

void Gateway::emit_datagram(const Ike& sa, Bytes message, Outbox& out) {
  ByteVec bytes;
  if (sa.port == kNattPort) bytes.resize(kNonEspMarker);
  append(bytes, message);
  const std::uint16_t port = sa.port == kNattPort ? config_.natt_port : config_.own.port;
  out.push_back({port, sa.peer, std::move(bytes)});
  if (config_.lies.answers_twice) out.push_back(out.back());
}

void Gateway::reply(Ike& sa, ByteVec message, Outbox& out) {
  const bool older = config_.lies.replayed_reply && !sa.last_reply.empty();
  emit(sa, older ? sa.last_reply : message, out);
  sa.last_reply = message;
  sa.replies.push_back(std::move(message));
}

void Gateway::request(Ike& sa, Pending::Kind kind, MessageId id, ByteVec message, Instant now,
                      Outbox& out) {
  emit(sa, message, out);
  sa.pending.push_back({kind, id, std::move(message), 1, now + resend_gap(1)});
}

void Gateway::answered(Ike& sa, Pending::Kind kind) {
  std::erase_if(sa.pending, [kind](const Pending& p) { return p.kind == kind; });
}

void Gateway::answered(Ike& sa, MessageId id) {
  std::erase_if(sa.pending, [id](const Pending& p) { return p.id == id; });
}

void Gateway::insist(Ike& sa, Pending::Kind kind, MessageId id, Instant now) {
  sa.pending.push_back({kind, id, sa.replies.back(), 1, now + resend_gap(1)});
}

void Gateway::resend(Ike& sa, Instant now, Outbox& out) {
  for (Pending& pending : sa.pending) {
    if (pending.next > now) continue;
    if (pending.sent < kSendsMax) emit(sa, pending.message, out);
    ++pending.sent;
    pending.next = now + resend_gap(pending.sent);
  }
}

// A client that answers no request is gone (RFC 3706 5.4); a Quick Mode that nobody goes on with is
// only forgotten.
void Gateway::give_up(Ike& sa, const Pending& pending) {
  if (pending.kind == Pending::Kind::kQuick) {
    const MessageId id = pending.id;
    sa.quicks.erase(id);
    answered(sa, id);
    return;
  }
  if (&sa == ikes_.back().get()) children_.clear();
  close(sa);
}

void Gateway::on_deadline(Instant now, Outbox& out) {
  for (std::size_t i = 0; i < ikes_.size();) {
    Ike& sa = *ikes_[i];
    resend(sa, now, out);
    const auto lost =
        std::ranges::find_if(sa.pending, [](const Pending& p) { return p.sent > kSendsMax; });
    if (lost == sa.pending.end()) {
      ++i;
    } else {
      give_up(sa, *lost);
    }
  }
  std::erase_if(children_, [now](const auto& c) { return c->born + c->lifetime <= now; });
  if (config_.lies.endless_fragments && !ikes_.empty() && now >= fragments_at_) {
    send_fragments(*ikes_.back(), now, out);
  }
  if (ikes_.empty() || silent(Step::kDpd)) return;
  const bool ready = ikes_.back()->stage == Ike::Stage::kReady;
  if (ready && config_.rekey_after > 0s && !children_.empty() && !children_.back()->rekeying &&
      now >= children_.back()->born + config_.rekey_after) {
    start_rekey(now, out);
  }
  if (config_.dpd_delay > 0s && last_heard_ && now >= *last_heard_ + config_.dpd_delay &&
      ikes_.back()->stage == Ike::Stage::kReady) {
    start_dpd(now, out);
  }
}

std::optional<Instant> Gateway::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& sa : ikes_) {
    for (const Pending& pending : sa->pending) next = earlier(next, pending.next);
  }
  for (const auto& child : children_) next = earlier(next, child->born + child->lifetime);
  if (config_.lies.endless_fragments && !ikes_.empty()) next = earlier(next, fragments_at_);
  if (ikes_.empty() || silent(Step::kDpd)) return next;
  const bool ready = ikes_.back()->stage == Ike::Stage::kReady;
  if (ready && config_.rekey_after > 0s && !children_.empty() && !children_.back()->rekeying) {
    next = earlier(next, children_.back()->born + config_.rekey_after);
  }
  const auto is_dpd = [](const Pending& p) { return p.kind == Pending::Kind::kDpd; };
  if (config_.dpd_delay > 0s && last_heard_ && ikes_.back()->stage == Ike::Stage::kReady &&
      std::ranges::none_of(ikes_.back()->pending, is_dpd)) {
    next = earlier(next, *last_heard_ + config_.dpd_delay);
  }
  return next;
}

void Gateway::reboot() {
  ikes_.clear();
  children_.clear();
  esp_peer_.reset();
  last_heard_.reset();
}

void Gateway::note(bool heard, const Ike& sa, const ike::Header& header, ike::PayloadType first,
                   Bytes chain, Instant now) {
  if (!config_.record) return;
  Letter letter{heard, now, sa.port, sa.peer, header, {}};
  if (const auto payloads = ike::decode_payloads(first, chain, header.encrypted())) {
    for (const ike::Payload& p : payloads->all()) {
      letter.payloads.emplace_back(p.type, to_vec(p.body));
    }
  }
  letters_.push_back(std::move(letter));
}

MessageId Gateway::fresh_id() {
  std::uint32_t id = 0;
  while (id == 0) id = rng_.public_number<std::uint32_t>();
  return MessageId{id};
}

}  // namespace godwit::sim
