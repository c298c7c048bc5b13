#include "tests/sim/gateway_keys.h"

#include <array>

namespace godwit::sim {
namespace {

// RFC 2409 appendix B: Ka = K1 | K2 | ..., K1 = prf(SKEYID_e, 0), Kn = prf(SKEYID_e, Kn-1), when
// the cipher wants more octets than SKEYID_e has.
SecretBytes cipher_key(crypto::HashAlg hash, const SecretBytes& skeyid_e, std::size_t size) {
  if (skeyid_e.size() >= size) return SecretBytes::copy_of(skeyid_e.expose().first(size));
  const std::array<std::uint8_t, 1> zero{0};
  ByteVec all;
  SecretBytes block = crypto::prf(hash, skeyid_e.expose(), {zero});
  append(all, block.expose());
  while (all.size() < size) {
    block = crypto::prf(hash, skeyid_e.expose(), {block.expose()});
    append(all, block.expose());
  }
  SecretBytes key = SecretBytes::copy_of(Bytes(all).first(size));
  wipe(all);
  return key;
}

}  // namespace

ByteVec cookie_octets(Cookie cookie) {
  ByteVec out(8);
  store_be<std::uint64_t>(out, cookie.value());
  return out;
}

ByteVec message_id_octets(MessageId id) {
  ByteVec out(4);
  store_be<std::uint32_t>(out, id.value());
  return out;
}

IkeKeys derive_keys(const Phase1Inputs& in, std::optional<Bytes> psk, Bytes g_xy) {
  const crypto::HashAlg hash = in.suite.hash;
  const ByteVec cky_i = cookie_octets(in.initiator);
  const ByteVec cky_r = cookie_octets(in.responder);
  const std::array<std::uint8_t, 1> zero{0};
  const std::array<std::uint8_t, 1> one{1};
  const std::array<std::uint8_t, 1> two{2};
  IkeKeys keys;
  keys.hash = hash;
  keys.proof = hash;
  ByteVec nonces = in.nonce_i;
  append(nonces, in.nonce_r);
  keys.skeyid = psk ? crypto::prf(hash, *psk, {nonces}) : crypto::prf(hash, nonces, {g_xy});
  const Bytes k = keys.skeyid.expose();
  keys.skeyid_d = crypto::prf(hash, k, {g_xy, cky_i, cky_r, zero});
  keys.skeyid_a = crypto::prf(hash, k, {keys.skeyid_d.expose(), g_xy, cky_i, cky_r, one});
  keys.skeyid_e = crypto::prf(hash, k, {keys.skeyid_a.expose(), g_xy, cky_i, cky_r, two});
  keys.cipher = cipher_key(hash, keys.skeyid_e, in.suite.cipher.key_size());
  return keys;
}

ByteVec IkeKeys::hash_i(const Phase1Inputs& in, Bytes id) const {
  const ByteVec cky_i = cookie_octets(in.initiator);
  const ByteVec cky_r = cookie_octets(in.responder);
  return to_vec(
      crypto::prf_public(proof, skeyid.expose(), {in.g_xi, in.g_xr, cky_i, cky_r, in.sa_i, id}));
}

ByteVec IkeKeys::hash_r(const Phase1Inputs& in, Bytes id) const {
  const ByteVec cky_i = cookie_octets(in.initiator);
  const ByteVec cky_r = cookie_octets(in.responder);
  return to_vec(
      crypto::prf_public(proof, skeyid.expose(), {in.g_xr, in.g_xi, cky_r, cky_i, in.sa_i, id}));
}

ByteVec IkeKeys::authenticate(std::initializer_list<Bytes> pieces) const {
  return to_vec(crypto::prf_public(hash, skeyid_a.expose(), pieces));
}

SecretBytes IkeKeys::keymat(Bytes g_qm, EspSpi spi, Bytes nonce_i, Bytes nonce_r,
                            std::size_t size) const {
  const std::array<std::uint8_t, 1> protocol{3};  // PROTO_IPSEC_ESP
  std::array<std::uint8_t, 4> spi_octets{};
  store_be<std::uint32_t>(spi_octets, spi.value());
  const Bytes key = skeyid_d.expose();
  ByteVec all;
  SecretBytes block;
  while (all.size() < size) {
    block = crypto::prf(hash, key, {block.expose(), g_qm, protocol, spi_octets, nonce_i, nonce_r});
    append(all, block.expose());
  }
  SecretBytes out = SecretBytes::copy_of(Bytes(all).first(size));
  wipe(all);
  return out;
}

ByteVec phase1_iv(const Phase1Inputs& in) {
  const crypto::Digest digest = crypto::hash(in.suite.hash, {in.g_xi, in.g_xr});
  return to_vec(digest.bytes().first(in.suite.cipher.block()));
}

ByteVec phase2_iv(crypto::HashAlg hash, Bytes last_phase1_block, MessageId id) {
  const crypto::Digest digest = crypto::hash(hash, {last_phase1_block, message_id_octets(id)});
  return to_vec(digest.bytes().first(last_phase1_block.size()));
}

ByteVec nat_d(crypto::HashAlg hash, Cookie initiator, Cookie responder, const Endpoint& endpoint) {
  std::array<std::uint8_t, 2> port{};
  store_be<std::uint16_t>(port, endpoint.port);
  return to_vec(crypto::hash(
      hash, {cookie_octets(initiator), cookie_octets(responder), endpoint.address.bytes(), port}));
}

}  // namespace godwit::sim
