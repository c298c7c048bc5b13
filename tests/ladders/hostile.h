// What the tests of hostile inputs share: datagrams that anyone can send, and how to tell that one
// did nothing.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "tests/ladders/support.h"

namespace godwit::sim {

inline const Endpoint kStranger{*IpAddress::parse("192.0.2.66"), 500};

// What of a Status an intruder must not change. Ages and the drop counters are left out.
inline std::string fingerprint(World& w) {
  const session::Status s = w.status();
  std::string text = std::to_string(static_cast<int>(s.stage)) + s.local.to_string() +
                     s.gateway.to_string() + (s.floated ? "f" : "-") + s.gateway_identity;
  text += std::to_string(static_cast<int>(s.natt)) + (s.nat.we_are_behind ? "w" : "-") +
          (s.nat.gateway_is_behind ? "g" : "-");
  if (s.inbound) text += std::to_string(s.inbound->value());
  if (s.outbound) text += std::to_string(s.outbound->value());
  if (s.heard_ago) text += std::to_string(s.heard_ago->count());
  text += std::to_string(s.keepalives_sent) + "/" + std::to_string(s.rekeys) + "/" +
          std::to_string(s.retransmissions);
  text += w.data_path().peer() ? w.data_path().peer()->to_string() : "none";
  const session::TrafficFacts facts = w.data_path().facts();
  text += std::to_string(facts.packets_in) + "/" + std::to_string(facts.pair_count);
  if (facts.last_inbound) text += std::to_string(facts.last_inbound->time_since_epoch().count());
  if (facts.heard_from) text += facts.heard_from->to_string();
  return text;
}

// One hostile datagram. False: it did something. `counted`: whether a counter must have moved.
inline bool harmless(World& w, session::LocalPort port, const Endpoint& from, Bytes datagram,
                     bool counted = true) {
  const std::string before = fingerprint(w);
  const std::size_t sent = w.sent().size();
  const std::size_t delivered = w.delivered().size();
  const std::uint64_t drops = w.total_drops();
  w.inject(port, from, datagram);
  return fingerprint(w) == before && w.sent().size() == sent && w.delivered().size() == delivered &&
         (!counted || w.total_drops() > drops);
}

inline ByteVec marked(Bytes message) {
  ByteVec out(4);
  append(out, message);
  return out;
}

inline ByteVec random_octets(SeededRng& rng, std::size_t size) {
  ByteVec out(size);
  rng.fill_public(out);
  return out;
}

inline ByteVec message_of(const ike::Header& like, ike::Exchange exchange, std::uint8_t flags,
                          std::uint32_t id, Bytes body, ike::PayloadType first) {
  ike::Header header = like;
  header.exchange = exchange;
  header.flags = flags;
  header.message_id = MessageId{id};
  header.first = first;
  return ike::encode_message(header, body);
}

inline ByteVec notify_message(const ike::Header& like, ike::Notify type) {
  ike::NotifyPayload notify;
  notify.type = type;
  ike::ChainBuilder chain;
  chain.add(ike::PayloadType::kNotify, ike::encode_notify(notify));
  return message_of(like, ike::Exchange::kInformational, 0, 0x1234, chain.octets(),
                    ike::PayloadType::kNotify);
}

inline ByteVec delete_message(const ike::Header& like) {
  ike::DeletePayload payload;
  ByteVec cookies = cookie_octets(like.initiator);
  append(cookies, cookie_octets(like.responder));
  payload.spis = {cookies};
  ike::ChainBuilder chain;
  chain.add(ike::PayloadType::kDelete, ike::encode_delete(payload));
  return message_of(like, ike::Exchange::kInformational, 0, 0x1235, chain.octets(),
                    ike::PayloadType::kDelete);
}

// The cookies that an on-path observer has seen by now.
inline ike::Header observed(World& w) {
  ike::Header header;
  for (const Sent& sent : w.sent()) {
    if (!sent.is_ike()) continue;
    if (const auto seen = ike::decode_header(sent.message())) header = *seen;
  }
  if (w.gateway().ike()) header.responder = w.gateway().ike()->in.responder;
  return header;
}

inline session::LocalPort port_of(World& w, const Flight& flight) {
  return flight.to.port == w.local().natt.port ? session::LocalPort::kNatt
                                               : session::LocalPort::kIke;
}

inline bool is_encrypted(World& w, const Flight& flight) {
  Bytes message(flight.bytes);
  if (port_of(w, flight) == session::LocalPort::kNatt) message = message.subspan(4);
  const auto header = ike::decode_header(message);
  return header && header->encrypted();
}

// What an authentic gateway may do to the first payload of one type in each of its messages.
inline auto replacing(ike::PayloadType type, std::function<void(ByteVec&)> change) {
  return [type, change](PayloadList& list) {
    const auto it = std::ranges::find(list, type, &PayloadList::value_type::first);
    if (it != list.end()) change(it->second);
  };
}

// The same with the SA payload of one protocol.
inline auto replacing_sa(ike::Protocol protocol, std::function<void(ike::SaPayload&)> change) {
  return replacing(ike::PayloadType::kSa, [protocol, change](ByteVec& body) {
    auto sa = ike::decode_sa(body);
    if (!sa || sa->proposals.front().protocol != protocol) return;
    change(*sa);
    body = ike::encode_sa(*sa);
  });
}

// The cause with which a connect ended, nothing when the tunnel came up or 90 s were not enough.
inline std::optional<session::EndCause> end_of_connect(World& w) {
  if (w.connect(90s) || !w.finished()) return std::nullopt;
  return w.finished()->cause;
}

// What is no valid message at all leads to silence, or to a verdict on the gateway.
inline bool ended_unanswered(std::optional<session::EndCause> cause) {
  using enum session::EndCause;
  return cause == kNoAnswer || cause == kNoAnswerAfterFloat || cause == kProtocol;
}

// Datagrams of one exchange that the client has sent, repetitions included.
inline std::size_t sent_of(const World& w, ike::Exchange exchange) {
  return static_cast<std::size_t>(std::ranges::count_if(w.sent(), [&](const Sent& sent) {
    const auto header = ike::decode_header(sent.message());
    return sent.is_ike() && header && header->exchange == exchange;
  }));
}

inline bool sent_encrypted(const World& w) {
  return std::ranges::any_of(w.sent(), [](const Sent& sent) {
    const auto header = ike::decode_header(sent.message());
    return sent.is_ike() && header && header->encrypted();
  });
}

}  // namespace godwit::sim
