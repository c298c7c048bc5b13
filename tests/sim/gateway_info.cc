// Informational exchanges: HDR*, HASH, N or D with HASH = prf(SKEYID_a, M-ID | N or D) (RFC
// 2409 5.7), and dead peer detection with them (RFC 3706).
#include <algorithm>

#include "tests/sim/gateway.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

constexpr Duration kFragmentsGap = 100ms;
constexpr int kFragmentsAtOnce = 8;

ByteVec cookie_pair(const Ike& sa) {
  ByteVec out = cookie_octets(sa.in.initiator);
  append(out, cookie_octets(sa.in.responder));
  return out;
}

}  // namespace

void Gateway::inform(Ike& sa, PayloadType type, Bytes body, Instant now, Outbox& out) {
  const MessageId id = fresh_id();
  const auto chain = authenticated(sa, {message_id_octets(id)}, {{type, to_vec(body)}});
  ByteVec iv = phase2_iv(sa.keys.hash, sa.iv, id);
  emit(sa, seal(sa, ike::Exchange::kInformational, id, chain, iv, now), out);
}

void Gateway::inform_plain(const Ike& sa, PayloadType type, Bytes body, Instant now, Outbox& out) {
  ike::ChainBuilder chain;
  chain.add(type, body);
  emit(sa, plain(sa, ike::Exchange::kInformational, fresh_id(), chain, now), out);
}

// Of every shape that its payload can have: Cisco's is an ID of two octets, a number, a flag for
// the last one, and data. All under the cookies of the exchange.
void Gateway::send_fragments(const Ike& sa, Instant now, Outbox& out) {
  fragments_at_ = now + kFragmentsGap;
  for (int i = 0; i < kFragmentsAtOnce; ++i) {
    ByteVec body(rng_.below(rng_.one_in(4) ? 4 : 400));
    rng_.fill_public(body);
    ike::Header header;
    header.initiator = sa.in.initiator;
    header.responder = sa.in.responder;
    header.exchange = sa.aggressive ? ike::Exchange::kAggressive : ike::Exchange::kMain;
    ike::ChainBuilder chain;
    chain.add(PayloadType::kFragment, body);
    emit(sa, ike::encode_message(header, chain), out);
  }
}

ByteVec Gateway::dpd_body(const Ike& sa, ike::Notify type, std::uint32_t sequence) {
  ike::NotifyPayload notify;
  notify.type = type;
  notify.spi = cookie_pair(sa);
  notify.data.resize(4);
  store_be<std::uint32_t>(notify.data, sequence);
  return ike::encode_notify(notify);
}

bool Gateway::on_informational(Ike& sa, const ike::Header& header, Bytes message, Instant now,
                               Outbox& out) {
  if (sa.stage < Ike::Stage::kWaitUser) return false;
  const ByteVec iv = phase2_iv(sa.keys.hash, sa.iv, header.message_id);
  const auto opened = open(sa, header, message, iv);
  if (!opened || !hash_holds(sa, *opened, {message_id_octets(header.message_id)})) return false;
  if (silent(Step::kDpd)) return false;
  note(true, sa, header, header.first, opened->plain, now);
  bool good = true;
  std::vector<ike::DeletePayload> deletes;
  for (const ike::Payload& p : opened->payloads.all()) {
    if (p.type == PayloadType::kNotify) {
      const auto notify = ike::decode_notify(p.body);
      good = good && notify && on_notify(sa, *notify, now, out);
    } else if (p.type == PayloadType::kDelete) {
      const auto payload = ike::decode_delete(p.body);
      if (payload) deletes.push_back(*payload);
    }
  }
  for (const ike::DeletePayload& payload : deletes) on_delete(sa, payload);
  return good;
}

bool Gateway::on_notify(Ike& sa, const ike::NotifyPayload& notify, Instant now, Outbox& out) {
  if (notify.type == ike::Notify::kDpdRUThere) {
    if (!config_.dpd || notify.data.size() != 4 || notify.spi != cookie_pair(sa)) return false;
    ++dpd_answers_;
    const ByteVec body =
        dpd_body(sa, ike::Notify::kDpdRUThereAck, load_be<std::uint32_t>(notify.data));
    inform(sa, PayloadType::kNotify, body, now, out);
    return true;
  }
  if (notify.type == ike::Notify::kDpdRUThereAck) {
    const bool mine =
        notify.data.size() == 4 && load_be<std::uint32_t>(notify.data) == sa.dpd_sequence;
    if (mine) answered(sa, Pending::Kind::kDpd);
    return mine;
  }
  return true;
}

void Gateway::on_delete(Ike& sa, const ike::DeletePayload& payload) {
  for (const ByteVec& spi : payload.spis) {
    if (payload.protocol == ike::Protocol::kIsakmp && spi == cookie_pair(sa)) {
      const bool last = ikes_.size() == 1;
      close(sa);
      if (last) children_.clear();
      return;
    }
    if (payload.protocol == ike::Protocol::kEsp && spi.size() == 4) {
      // A Delete names the SPIs of its sender's inbound SAs: our outbound ones.
      const EspSpi theirs{load_be<std::uint32_t>(spi)};
      std::erase_if(children_, [theirs](const auto& c) { return c->out.spi() == theirs; });
    }
  }
}

bool Gateway::start_dpd(Instant now, Outbox& out) {
  if (ikes_.empty() || ikes_.back()->stage != Ike::Stage::kReady) return false;
  Ike& sa = *ikes_.back();
  const auto is_dpd = [](const Pending& p) { return p.kind == Pending::Kind::kDpd; };
  if (std::ranges::any_of(sa.pending, is_dpd)) return false;
  // RFC 3706 5.2: the first number is random with the high bit clear.
  if (sa.dpd_sequence == 0) sa.dpd_sequence = rng_.public_number<std::uint32_t>() & 0x7fff'ffff;
  ++sa.dpd_sequence;
  const MessageId id = fresh_id();
  const ByteVec body = dpd_body(sa, ike::Notify::kDpdRUThere, sa.dpd_sequence);
  if (config_.lies.plaintext_dpd) inform_plain(sa, PayloadType::kNotify, body, now, out);
  const auto chain = authenticated(sa, {message_id_octets(id)}, {{PayloadType::kNotify, body}});
  ByteVec iv = phase2_iv(sa.keys.hash, sa.iv, id);
  ByteVec message = seal(sa, ike::Exchange::kInformational, id, chain, iv, now);
  request(sa, Pending::Kind::kDpd, id, std::move(message), now, out);
  return true;
}

bool Gateway::delete_esp(Instant now, Outbox& out) {
  if (ikes_.empty() || children_.empty() || ikes_.back()->stage == Ike::Stage::kWaitKe)
    return false;
  ike::DeletePayload payload;
  payload.protocol = ike::Protocol::kEsp;
  payload.spis.emplace_back(4);
  store_be<std::uint32_t>(payload.spis.back(), children_.front()->in.spi().value());
  inform(*ikes_.back(), PayloadType::kDelete, ike::encode_delete(payload), now, out);
  children_.erase(children_.begin());
  return true;
}

bool Gateway::delete_ike(Instant now, Outbox& out) {
  if (ikes_.empty() || ikes_.back()->stage == Ike::Stage::kWaitKe) return false;  // no keys yet
  Ike& sa = *ikes_.back();
  ike::DeletePayload payload;
  payload.protocol = ike::Protocol::kIsakmp;
  payload.spis = {cookie_pair(sa)};
  inform(sa, PayloadType::kDelete, ike::encode_delete(payload), now, out);
  const bool last = ikes_.size() == 1;
  close(sa);
  if (last) children_.clear();
  return true;
}

}  // namespace godwit::sim
