#include "core/ike/v1/isakmp_sa.h"

#include <cstring>

#include "core/crypto/cbc.h"

namespace godwit::ike::v1 {

Header IsakmpSa::header(Exchange exchange, MessageId id) const {
  Header header;
  header.initiator = initiator_;
  header.responder = responder_;
  header.exchange = exchange;
  header.flags = kFlagEncrypted;
  header.message_id = id;
  return header;
}

ByteVec IsakmpSa::seal(const Header& header, const ChainBuilder& chain, Iv& iv) const {
  const std::size_t block = keys_.cipher.block();
  ByteVec body = to_vec(chain.octets());
  body.resize((body.size() + block - 1) / block * block);  // RFC 2409 appendix B: zero padding
  crypto::cbc_encrypt(keys_.cipher_key.expose(), Bytes(iv).first(block), body);
  std::memcpy(iv.data(), body.data() + body.size() - block, block);
  Header full = header;
  full.first = chain.first();
  return encode_message(full, body);
}

Result<Opened, Drop> IsakmpSa::open(const Header& header, Bytes message, const Iv& iv) const {
  const std::size_t block = keys_.cipher.block();
  if (!header.encrypted()) return fail(Drop::kNotEncrypted);
  const Bytes body = message.subspan(kHeaderSize);
  if (body.empty() || body.size() % block != 0) return fail(Drop::kBadCiphertext);
  Opened opened;
  opened.header = header;
  opened.plain = to_vec(body);
  std::memcpy(opened.next_iv.data(), body.data() + body.size() - block, block);
  crypto::cbc_decrypt(keys_.cipher_key.expose(), Bytes(iv).first(block), opened.plain);
  opened.payloads = GODWIT_TRY(decode_payloads(header.first, opened.plain, true));
  return opened;
}

crypto::Digest IsakmpSa::message_hash(MessageId id, Bytes before_rest, Bytes rest) const {
  std::array<std::uint8_t, 4> id_octets{};
  store_be(id_octets, id.value());
  return crypto::prf_public(keys_.alg, keys_.skeyid_a.expose(), {id_octets, before_rest, rest});
}

ByteVec IsakmpSa::seal_hashed(Exchange exchange, MessageId id, const ChainBuilder& rest,
                              Iv& iv) const {
  ChainBuilder chain;
  chain.add(PayloadType::kHash, message_hash(id, {}, rest.octets()));
  chain.add_chain(rest);
  return seal(header(exchange, id), chain, iv);
}

bool IsakmpSa::verify_hash(const Opened& opened, Bytes before_rest) const {
  const std::vector<Payload>& all = opened.payloads.all();
  if (all.empty() || all.front().type != PayloadType::kHash) return false;
  const crypto::Digest expected =
      message_hash(opened.header.message_id, before_rest, opened.payloads.behind(all.front()));
  return equal_ct(expected, all.front().body);
}

}  // namespace godwit::ike::v1
