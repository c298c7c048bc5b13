// Whole messages: plaintext, encrypted, authenticated (RFC 2409 appendix B, 5.5, 5.7).
#include <algorithm>

#include "core/crypto/cbc.h"
#include "tests/sim/gateway.h"

namespace godwit::sim {
ByteVec Gateway::plain(const Ike& sa, ike::Exchange exchange, MessageId id,
                       const ike::ChainBuilder& honest, Instant now) {
  const ike::ChainBuilder chain = edited(honest);
  ike::Header header;
  header.initiator = sa.in.initiator;
  header.responder = sa.in.responder;
  header.exchange = exchange;
  header.message_id = id;
  header.first = chain.first();
  note(false, sa, header, chain.first(), chain.octets(), now);
  return ike::encode_message(header, chain);
}

ike::ChainBuilder Gateway::edited(const ike::ChainBuilder& chain) const {
  const auto payloads = ike::decode_payloads(chain.first(), chain.octets(), true);
  if (!config_.edit || !payloads) return chain;
  PayloadList list;
  for (const ike::Payload& p : payloads->all()) list.emplace_back(p.type, to_vec(p.body));
  config_.edit(list);
  ike::ChainBuilder out;
  for (const auto& [type, body] : list) out.add(type, body);
  return out;
}

ByteVec Gateway::seal(const Ike& sa, ike::Exchange exchange, MessageId id,
                      const ike::ChainBuilder& chain, ByteVec& iv, Instant now) {
  ike::Header header;
  header.initiator = sa.in.initiator;
  header.responder = sa.in.responder;
  header.exchange = exchange;
  header.message_id = id;
  header.first = chain.first();
  header.flags = ike::kFlagEncrypted;
  note(false, sa, header, chain.first(), chain.octets(), now);
  ByteVec body = to_vec(chain.octets());
  const std::size_t block = sa.in.suite.cipher.block();
  body.resize((body.size() + block - 1) / block * block);
  crypto::cbc_encrypt(sa.keys.cipher.expose(), iv, body);
  // The last ciphertext block is the IV of the next message, whoever sends it.
  iv = to_vec(Bytes(body).last(block));
  return ike::encode_message(header, body);
}

ike::ChainBuilder Gateway::authenticated(const Ike& sa, std::initializer_list<Bytes> prefix,
                                         Rest rest) {
  if (config_.edit) config_.edit(rest);
  ike::ChainBuilder chain;
  chain.add(ike::PayloadType::kHash, ByteVec(crypto::hash_size(sa.in.suite.hash)));
  for (const auto& [type, body] : rest) chain.add(type, body);
  ByteVec covered;
  for (const Bytes piece : prefix) append(covered, piece);
  append(covered, chain.behind(0));
  const ByteVec hash = sa.keys.authenticate({covered});
  std::ranges::copy(hash, chain.body(0).begin());
  return chain;
}

std::optional<Gateway::Opened> Gateway::open(const Ike& sa, const ike::Header& header,
                                             Bytes message, Bytes iv) {
  const Bytes body = message.subspan(ike::kHeaderSize);
  const std::size_t block = sa.in.suite.cipher.block();
  if (!header.encrypted() || body.empty() || body.size() % block != 0) return std::nullopt;
  if (sa.keys.cipher.empty()) return std::nullopt;
  Opened opened;
  opened.next_iv = to_vec(body.last(block));
  opened.plain = to_vec(body);
  crypto::cbc_decrypt(sa.keys.cipher.expose(), iv, opened.plain);
  auto payloads = ike::decode_payloads(header.first, opened.plain, true);
  if (!payloads) return std::nullopt;
  opened.payloads = std::move(*payloads);
  return opened;
}

bool Gateway::hash_holds(const Ike& sa, const Opened& opened, std::initializer_list<Bytes> prefix) {
  const auto& all = opened.payloads.all();
  if (all.empty() || all.front().type != ike::PayloadType::kHash) return false;
  ByteVec covered;
  for (const Bytes piece : prefix) append(covered, piece);
  append(covered, opened.payloads.behind(all.front()));
  return equal(sa.keys.authenticate({covered}), all.front().body);
}

bool Gateway::send_authentic(ike::Exchange exchange, const Rest& rest, Instant now, Outbox& out) {
  if (ikes_.empty() || ikes_.back()->stage < Ike::Stage::kWaitUser) return false;
  const Ike& sa = *ikes_.back();
  const MessageId id = fresh_id();
  ByteVec iv = phase2_iv(sa.keys.hash, sa.iv, id);
  const auto chain = authenticated(sa, {message_id_octets(id)}, rest);
  emit(sa, seal(sa, exchange, id, chain, iv, now), out);
  return true;
}

}  // namespace godwit::sim
