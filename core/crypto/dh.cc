#include "core/crypto/dh.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "core/base/check.h"
#include "core/crypto/hash.h"
#include "core/crypto/mbedtls_owned.h"
#include "core/crypto/modp.h"

namespace godwit::crypto {

namespace {

// RFC 3526 8 asks for twice the strength of the group: at most 480 bits up to group 16, 620 above.
std::size_t modp_exponent_size(DhGroup group) { return dh_public_size(group) > 512 ? 80 : 64; }
constexpr int kGenerator = 2;

constexpr std::size_t kPointMax = 1 + 2 * 66;
constexpr std::uint8_t kUncompressed = 0x04;  // SEC 1 2.3.3: absent on the wire, wanted by mbedTLS

std::optional<mbedtls_ecp_group_id> curve_of(DhGroup group) {
  switch (group) {
    case DhGroup::kEcp256:
      return MBEDTLS_ECP_DP_SECP256R1;
    case DhGroup::kEcp384:
      return MBEDTLS_ECP_DP_SECP384R1;
    case DhGroup::kEcp521:
      return MBEDTLS_ECP_DP_SECP521R1;
    default:
      return std::nullopt;
  }
}

int read(Mpi& out, Bytes octets) {
  return mbedtls_mpi_read_binary(out.get(), octets.data(), octets.size());
}

// mbedTLS blinds the point of a scalar multiplication with random factors. They need be unknown to
// an attacker, not fresh: a DRBG seeded from the exponent and the point gives both halves of an
// exchange different ones, and keeps this room deterministic.
class Blinding {
 public:
  Blinding(Bytes exponent, Bytes point) {
    constexpr std::string_view kUse = "godwit ecp blinding";
    std::array<std::uint8_t, kUse.size()> use{};
    std::copy(kUse.begin(), kUse.end(), use.begin());
    const SecretBytes seed = prf(HashAlg::kSha256, exponent, {use, point});
    CHECK(mbedtls_hmac_drbg_seed_buf(drbg_.get(), md_info(HashAlg::kSha256), seed.expose().data(),
                                     seed.size()) == 0);
  }

  void* context() { return drbg_.get(); }
  static int fill(void* context, unsigned char* out, std::size_t size) {
    return mbedtls_hmac_drbg_random(context, out, size);
  }

 private:
  HmacDrbg drbg_;
};

void generate_modp(DhKeyPair& pair, Rng& rng) {
  pair.exponent = SecretBytes(modp_exponent_size(pair.group));
  rng.fill_secret(pair.exponent.fill());
  // A fixed top bit makes the length of the exponent, and with it the time, no function of chance.
  pair.exponent.fill()[0] |= 0x80;

  Mpi p, x, g, y;
  CHECK(read(p, modp_prime(pair.group)) == 0 && read(x, pair.exponent.expose()) == 0);
  CHECK(mbedtls_mpi_lset(g.get(), kGenerator) == 0);
  CHECK(mbedtls_mpi_exp_mod(y.get(), g.get(), x.get(), p.get(), nullptr) == 0);
  CHECK(mbedtls_mpi_write_binary(y.get(), pair.public_value.data(), pair.public_value.size()) == 0);
}

// FIPS 186-5 A.2.1: 64 bits more than the order are reduced, so the scalar is in [1, n-1] without a
// loop and its bias is below 2^-64.
void draw_scalar(const EcGroup& curve, SecretBytes& scalar, Rng& rng) {
  SecretBytes wide(scalar.size() + 8);
  rng.fill_secret(wide.fill());
  Mpi c, last, d;
  CHECK(read(c, wide.expose()) == 0);
  CHECK(mbedtls_mpi_sub_int(last.get(), &curve.get()->N, 1) == 0);
  CHECK(mbedtls_mpi_mod_mpi(d.get(), c.get(), last.get()) == 0);
  CHECK(mbedtls_mpi_add_int(d.get(), d.get(), 1) == 0);
  CHECK(mbedtls_mpi_write_binary(d.get(), scalar.fill().data(), scalar.size()) == 0);
}

// Writes x|y, or says that the point is not one with coordinates.
bool write_point(const EcGroup& curve, const EcPoint& point, MutBytes xy) {
  std::array<std::uint8_t, kPointMax> encoded{};
  std::size_t size = 0;
  const int result = mbedtls_ecp_point_write_binary(
      curve.get(), point.get(), MBEDTLS_ECP_PF_UNCOMPRESSED, &size, encoded.data(), encoded.size());
  const bool good = result == 0 && size == xy.size() + 1;
  if (good) std::copy_n(encoded.begin() + 1, xy.size(), xy.begin());
  wipe(encoded);
  return good;
}

void generate_ecp(DhKeyPair& pair, mbedtls_ecp_group_id id, Rng& rng) {
  EcGroup curve;
  CHECK(mbedtls_ecp_group_load(curve.get(), id) == 0);
  pair.exponent = SecretBytes(dh_shared_size(pair.group));
  draw_scalar(curve, pair.exponent, rng);

  Mpi d;
  EcPoint q;
  CHECK(read(d, pair.exponent.expose()) == 0);
  Blinding blinding(pair.exponent.expose(), {});
  CHECK(mbedtls_ecp_mul(curve.get(), q.get(), d.get(), &curve->G, Blinding::fill,
                        blinding.context()) == 0);
  CHECK(write_point(curve, q, pair.public_value));
}

Result<SecretBytes, DhError> shared_modp(const DhKeyPair& ours, Bytes peer_public) {
  Mpi p, x, y, limit, shared;
  if (read(p, modp_prime(ours.group)) != 0 || read(x, ours.exponent.expose()) != 0 ||
      read(y, peer_public) != 0 || mbedtls_mpi_sub_int(limit.get(), p.get(), 2) != 0) {
    return fail(DhError::kFailed);
  }
  // RFC 6989 2.1: for a safe prime, 2 <= y <= p-2 leaves no small subgroup to be pushed into.
  if (mbedtls_mpi_cmp_int(y.get(), 2) < 0 || mbedtls_mpi_cmp_mpi(y.get(), limit.get()) > 0) {
    return fail(DhError::kBadValue);
  }
  // The exponent serves this one exchange, so blinding the base would hide nothing.
  if (mbedtls_mpi_exp_mod(shared.get(), y.get(), x.get(), p.get(), nullptr) != 0) {
    return fail(DhError::kFailed);
  }
  // RFC 2409 5: g^xy is a string as long as the modulus; mpi_write_binary pads on the left.
  SecretBytes out(dh_shared_size(ours.group));
  if (mbedtls_mpi_write_binary(shared.get(), out.fill().data(), out.size()) != 0) {
    return fail(DhError::kFailed);
  }
  return out;
}

Result<SecretBytes, DhError> shared_ecp(const DhKeyPair& ours, mbedtls_ecp_group_id id,
                                        Bytes peer_public) {
  EcGroup curve;
  Mpi d;
  if (mbedtls_ecp_group_load(curve.get(), id) != 0 || read(d, ours.exponent.expose()) != 0) {
    return fail(DhError::kFailed);
  }
  std::array<std::uint8_t, kPointMax> encoded{kUncompressed};
  std::copy(peer_public.begin(), peer_public.end(), encoded.begin() + 1);
  EcPoint peer, point;
  // RFC 6989 2.3: both coordinates below p and the curve's equation holds. The point at infinity
  // has no x|y, so it cannot be sent.
  if (mbedtls_ecp_point_read_binary(curve.get(), peer.get(), encoded.data(),
                                    peer_public.size() + 1) != 0 ||
      mbedtls_ecp_check_pubkey(curve.get(), peer.get()) != 0) {
    return fail(DhError::kBadValue);
  }
  Blinding blinding(ours.exponent.expose(), peer_public);
  if (mbedtls_ecp_mul(curve.get(), point.get(), d.get(), peer.get(), Blinding::fill,
                      blinding.context()) != 0) {
    return fail(DhError::kFailed);
  }
  SecretBytes xy(dh_public_size(ours.group));
  if (!write_point(curve, point, xy.fill())) return fail(DhError::kFailed);
  xy.truncate(dh_shared_size(ours.group));  // RFC 5903 7: the secret is x alone
  return xy;
}

}  // namespace

DhKeyPair dh_generate(DhGroup group, Rng& rng) {
  DhKeyPair pair;
  pair.group = group;
  pair.public_value.resize(dh_public_size(group));
  if (const auto id = curve_of(group)) {
    generate_ecp(pair, *id, rng);
  } else {
    generate_modp(pair, rng);
  }
  return pair;
}

Result<SecretBytes, DhError> dh_shared(const DhKeyPair& ours, Bytes peer_public) {
  if (peer_public.size() != dh_public_size(ours.group)) return fail(DhError::kWrongSize);
  if (const auto id = curve_of(ours.group)) return shared_ecp(ours, *id, peer_public);
  return shared_modp(ours, peer_public);
}

}  // namespace godwit::crypto
