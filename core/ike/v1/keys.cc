#include "core/ike/v1/keys.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace godwit::ike::v1 {
namespace {

template <std::size_t N, std::unsigned_integral T>
std::array<std::uint8_t, N> octets(T value) {
  std::array<std::uint8_t, N> out{};
  store_be(out, value);
  return out;
}

std::array<std::uint8_t, 8> octets(Cookie cookie) { return octets<8>(cookie.value()); }

// Appendix B: a key longer than the prf's output is K1 | K2 | ... with K1 = prf(SKEYID_e, 0).
SecretBytes expand_cipher_key(crypto::HashAlg alg, const SecretBytes& skeyid_e, std::size_t size) {
  SecretBytes key(size);
  if (skeyid_e.size() >= size) {
    std::memcpy(key.fill().data(), skeyid_e.expose().data(), size);
    return key;
  }
  const std::uint8_t zero = 0;
  SecretBytes block = crypto::prf(alg, skeyid_e.expose(), {Bytes(&zero, 1)});
  std::size_t done = 0;
  while (true) {
    const std::size_t part = std::min(block.size(), size - done);
    std::memcpy(key.fill().data() + done, block.expose().data(), part);
    done += part;
    if (done == size) return key;
    block = crypto::prf(alg, skeyid_e.expose(), {block.expose()});
  }
}

Iv first_block(const crypto::Digest& digest) {
  Iv iv{};
  CHECK(digest.bytes().size() >= iv.size());
  std::memcpy(iv.data(), digest.bytes().data(), iv.size());
  return iv;
}

}  // namespace

SecretBytes skeyid_psk(crypto::HashAlg alg, Bytes psk, Bytes ni, Bytes nr) {
  return crypto::prf(alg, psk, {ni, nr});
}

SecretBytes skeyid_sig(crypto::HashAlg alg, Bytes ni, Bytes nr, Bytes g_xy) {
  ByteVec nonces = to_vec(ni);
  append(nonces, nr);
  return crypto::prf(alg, nonces, {g_xy});
}

Phase1Keys derive_phase1_keys(crypto::HashAlg alg, crypto::IkeCipher cipher, SecretBytes&& skeyid,
                              Bytes g_xy, Cookie initiator, Cookie responder) {
  const auto cky_i = octets(initiator);
  const auto cky_r = octets(responder);
  const std::uint8_t number[3] = {0, 1, 2};
  Phase1Keys keys;
  keys.alg = alg;
  keys.cipher = cipher;
  keys.skeyid = std::move(skeyid);
  const Bytes root = keys.skeyid.expose();
  keys.skeyid_d = crypto::prf(alg, root, {g_xy, cky_i, cky_r, Bytes(&number[0], 1)});
  keys.skeyid_a =
      crypto::prf(alg, root, {keys.skeyid_d.expose(), g_xy, cky_i, cky_r, Bytes(&number[1], 1)});
  keys.skeyid_e =
      crypto::prf(alg, root, {keys.skeyid_a.expose(), g_xy, cky_i, cky_r, Bytes(&number[2], 1)});
  keys.cipher_key = expand_cipher_key(alg, keys.skeyid_e, cipher.key_size());
  return keys;
}

Iv phase1_iv(crypto::HashAlg alg, Bytes g_xi, Bytes g_xr) {
  return first_block(crypto::hash(alg, {g_xi, g_xr}));
}

Iv phase2_iv(const Phase1Keys& keys, const Iv& last_phase1_block, MessageId id) {
  const Bytes block = Bytes(last_phase1_block).first(keys.cipher.block());
  return first_block(crypto::hash(keys.alg, {block, octets<4>(id.value())}));
}

crypto::Digest phase1_hash(const Phase1Keys& keys, crypto::HashAlg alg, Bytes g_own, Bytes g_other,
                           Cookie own, Cookie other, Bytes sa_i_body, Bytes id_body) {
  return crypto::prf_public(alg, keys.skeyid.expose(),
                            {g_own, g_other, octets(own), octets(other), sa_i_body, id_body});
}

SecretBytes phase2_keymat(const Phase1Keys& keys, Bytes g_qm_xy, std::uint8_t protocol, EspSpi spi,
                          Bytes ni, Bytes nr, std::size_t size) {
  const auto spi_octets = octets<4>(spi.value());
  const Bytes protocol_octet(&protocol, 1);
  SecretBytes keymat(size);
  SecretBytes block;  // K0 is empty
  std::size_t done = 0;
  while (done < size) {
    block = crypto::prf(keys.alg, keys.skeyid_d.expose(),
                        {block.expose(), g_qm_xy, protocol_octet, spi_octets, ni, nr});
    const std::size_t part = std::min(block.size(), size - done);
    std::memcpy(keymat.fill().data() + done, block.expose().data(), part);
    done += part;
  }
  return keymat;
}

}  // namespace godwit::ike::v1
