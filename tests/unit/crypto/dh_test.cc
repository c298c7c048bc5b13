#include "core/crypto/dh.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>

#include "core/crypto/hash.h"
#include "core/crypto/modp.h"
#include "tests/unit/crypto/support.h"

namespace godwit::crypto {

using test::hex;
using test::SeededRng;

namespace {

constexpr DhGroup kModpGroups[] = {DhGroup::kModp1024, DhGroup::kModp1536, DhGroup::kModp2048,
                                   DhGroup::kModp3072, DhGroup::kModp4096, DhGroup::kModp6144,
                                   DhGroup::kModp8192};
constexpr DhGroup kEcpGroups[] = {DhGroup::kEcp256, DhGroup::kEcp384, DhGroup::kEcp521};

// Every octet the same: the worst a broken source could do.
class ConstantRng final : public Rng {
 public:
  explicit ConstantRng(std::uint8_t octet) : octet_(octet) {}
  void fill_public(MutBytes out) override { std::fill(out.begin(), out.end(), octet_); }
  void fill_secret(MutBytes out) override { fill_public(out); }

 private:
  std::uint8_t octet_;
};

DhKeyPair with_exponent(DhGroup group, Bytes exponent) {
  DhKeyPair pair;
  pair.group = group;
  pair.exponent = SecretBytes::copy_of(exponent);
  return pair;
}

// `value` as the group's public octets.
ByteVec small(DhGroup group, std::uint8_t value) {
  ByteVec out(dh_public_size(group));
  out.back() = value;
  return out;
}

// The prime plus `offset`; both neighbours of a prime that ends in 0xff.
ByteVec near_prime(DhGroup group, int offset) {
  ByteVec out = to_vec(modp_prime(group));
  if (offset > 0) {  // 0xff..ff + 1 carries through the low 64 ones
    for (std::size_t i = out.size(); i-- > 0;) {
      if (++out[i] != 0) break;
    }
  } else {
    out.back() = static_cast<std::uint8_t>(out.back() + offset);
  }
  return out;
}

// A seed whose draw is zero yields the scalar 1, so this is the base point.
ByteVec base_point(DhGroup group) {
  ConstantRng zeros(0);
  return dh_generate(group, zeros).public_value;
}

DhError error_of(const DhKeyPair& ours, Bytes peer) {
  const auto result = dh_shared(ours, peer);
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

}  // namespace

TEST_CASE("MODP primes: SHA-256 computed from the RFC formula") {
  struct Case {
    DhGroup group;
    std::string_view sha256;
  };
  const Case cases[] = {
      {DhGroup::kModp1024, "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0"},
      {DhGroup::kModp1536, "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b"},
      {DhGroup::kModp2048, "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e"},
      {DhGroup::kModp3072, "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c"},
      {DhGroup::kModp4096, "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33"},
  };
  for (const Case& c : cases) {
    CAPTURE(name(c.group));
    CHECK(modp_prime(c.group).size() == dh_public_size(c.group));
    CHECK(equal(hash(HashAlg::kSha256, {modp_prime(c.group)}), hex(c.sha256)));
  }
  CHECK(modp_primes_intact());
  CHECK(modp_prime(DhGroup::kEcp256).empty());
}

TEST_CASE("groups: numbers, sizes and names") {
  for (const std::uint16_t number :
       std::initializer_list<std::uint16_t>{2, 5, 14, 15, 16, 17, 18}) {
    REQUIRE(dh_group(number).has_value());
    CHECK(dh_public_size(*dh_group(number)) == dh_shared_size(*dh_group(number)));
    CHECK(is_weak(*dh_group(number)) == (number < 14));
  }
  for (const std::uint16_t number : std::initializer_list<std::uint16_t>{19, 20, 21}) {
    REQUIRE(dh_group(number).has_value());
    CHECK(dh_public_size(*dh_group(number)) == 2 * dh_shared_size(*dh_group(number)));
    CHECK_FALSE(is_weak(*dh_group(number)));
  }
  for (const std::uint16_t number :
       std::initializer_list<std::uint16_t>{0, 1, 3, 4, 6, 13, 22, 25, 31, 65535}) {
    CHECK_FALSE(dh_group(number).has_value());
  }
  CHECK(name(DhGroup::kModp2048) == "modp2048");
  CHECK(name(DhGroup::kEcp256) == "ecp256");
  CHECK(dh_shared_size(DhGroup::kEcp521) == 66);
}

TEST_CASE("MODP: known exponents, computed with Python's pow()") {
  struct Case {
    DhGroup group;
    std::string_view a_public;  // SHA-256 of each value
    std::string_view b_public;
    std::string_view shared;
  };
  const Case cases[] = {
      {DhGroup::kModp1024, "8c3d7f5c45631e9527105b43cc298504a91ae08a3ea3a50dad24b8253f11e9c4",
       "23eb6274b0d4a9dc963d3e776acc1a17cf0b876a207cba9277ced3e6226f8aa5",
       "3d46ee4dd01cb5275b21bac23e1a4ce62ec460bc1c1dcc46615ad2edca488428"},
      {DhGroup::kModp1536, "0d8db558a3e57256cc03d2c131d91bb3d939899a735858f4bd92316542d301b2",
       "fabebd4f490020a05d1e906d2641b7592cb09851f01cb875aa09fe2313ee8fc4",
       "7e3f293c422587b87f5d7163f07bccb5c594ea8bf21a425dd6bc38f394d028bb"},
      {DhGroup::kModp2048, "4c6629659186a097e5d84d09b0aa4940de49137fc268ff7275c600d8b11f41a9",
       "981d379f00e953cac808d338c15e68046bab55f77a71d6bf686be6e93ce1e8cc",
       "64dd5a91baf00cd6fac42df1972654f5e3ae4a9fbda6f8c5233cfbb7d664af33"},
      {DhGroup::kModp3072, "8620f55fc8fb046b60d7b7db4999e1cf97bc54170f2763b5296692090a46db55",
       "c7cb77421b44c0515028d0c9314c1cf61da9931ecc583fd8258633098c9df13e",
       "67e758119dca173ea6dbc4cebdf07e171e8760f0ff67240957d014c6393e9c88"},
      {DhGroup::kModp4096, "161f658b36b8af16aaddcdc8e56dfd9dcbb953752c625ea34e7085d78b737071",
       "f50a1b60506c035c08422cfff34e7341de19eb4b3e444ee2f7857bf7e9a342e2",
       "3a7e17a7cc89d9261e892cbe773c8461c16205ea50e2d20a01b601cf81ff4958"},
      // Of 80 octets: the exponents grow with the group (RFC 3526 8).
      {DhGroup::kModp6144, "9367d9ab213ff739f9a7e90d0f3570a97cf2829f75627dcc5a03093648f9f90c",
       "43d2469cece95521cdc77e0bfd93e39c798eee1974b9cf3e5f83814884db8e1f",
       "1087586b731b96b33081c30665ed4eb1081c312aa7f11084b317a2f06ea64b95"},
      {DhGroup::kModp8192, "da17780eea6353d571dae9e9ecb6345c7684557b39eceb70b06f9655e623a810",
       "3c051236f4abe8b8d4fba16135e2bc55d9354517008dc1bf4f0aff9a58c7e3a8",
       "10d642790b7593b0da873c7bcd4e381741bd138201cc50b1543073b8bd50566d"},
  };
  // Exponents 0x8081..bf and 0xc0c1..ff, as a source of such octets yields them.
  class CountingRng final : public Rng {
   public:
    explicit CountingRng(std::uint8_t first) : next_(first) {}
    void fill_public(MutBytes out) override {
      for (std::uint8_t& octet : out) octet = next_++;
    }
    void fill_secret(MutBytes out) override { fill_public(out); }

   private:
    std::uint8_t next_;
  };
  for (const Case& c : cases) {
    CAPTURE(name(c.group));
    CountingRng from_80(0x80), from_c0(0xc0);
    const DhKeyPair a = dh_generate(c.group, from_80);
    const DhKeyPair b = dh_generate(c.group, from_c0);
    CHECK(equal(hash(HashAlg::kSha256, {a.public_value}), hex(c.a_public)));
    CHECK(equal(hash(HashAlg::kSha256, {b.public_value}), hex(c.b_public)));
    const auto shared = dh_shared(a, b.public_value);
    REQUIRE(shared.has_value());
    CHECK(equal(hash(HashAlg::kSha256, {shared->expose()}), hex(c.shared)));
  }
}

TEST_CASE("both ends agree in every group, and no two exchanges are alike") {
  SeededRng rng(7);
  for (const DhGroup group :
       {DhGroup::kModp1024, DhGroup::kModp1536, DhGroup::kModp2048, DhGroup::kModp3072,
        DhGroup::kModp4096, DhGroup::kEcp256, DhGroup::kEcp384, DhGroup::kEcp521}) {
    CAPTURE(name(group));
    std::set<ByteVec> secrets;
    for (int round = 0; round < 3; ++round) {
      const DhKeyPair a = dh_generate(group, rng);
      const DhKeyPair b = dh_generate(group, rng);
      CHECK(a.group == group);
      CHECK(a.public_value.size() == dh_public_size(group));
      CHECK(a.public_value != b.public_value);
      const auto ab = dh_shared(a, b.public_value);
      const auto ba = dh_shared(b, a.public_value);
      REQUIRE(ab.has_value());
      REQUIRE(ba.has_value());
      CHECK(ab->size() == dh_shared_size(group));
      CHECK(equal(ab->expose(), ba->expose()));
      secrets.insert(to_vec(ab->expose()));
    }
    CHECK(secrets.size() == 3);
  }
}

TEST_CASE("ECP: RFC 5903 section 8") {
  struct Case {
    DhGroup group;
    std::string_view i, gi, r, gr, shared;
  };
  const Case cases[] = {
      {DhGroup::kEcp256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
       "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
       "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
       "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
       "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
       "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
       "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
      {DhGroup::kEcp384,
       "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
       "e35b538041e649ee3faef896783ab194",
       "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6"
       "de3ac808acb4bdb4c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc23f"
       "65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
       "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942"
       "e0308312916b8ed2960e4bd55a7448fc",
       "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d"
       "0d1ac43a0336def96fda41d0774a3571dcfbec7aacf3196472169e838430367f"
       "66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
       "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
       "d603135569b9e9d09cf5d4a270f59746"},
      {DhGroup::kEcp521,
       "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a0"
       "95aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f68c27a57382d"
       "4a52",
       "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbe"
       "e1e3bf42e00b8e380aeae57c2d107564941885942af5a7f4601723c4195d176c"
       "ed3e017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4"
       "a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3"
       "926f9582",
       "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e"
       "9c677d600b343757a3bdbf2a3163e4c2f869cca7458aa4a4effc311f5cb15168"
       "5eb9",
       "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a21"
       "9b97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433ced2b6171640012d9"
       "460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d985207"
       "7b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd1"
       "7f0fc56a",
       "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04"
       "d1427e73ca4baa240a34786859810c06b3c715a3a8cc3151f2bee417996d19f3"
       "ddea"},
  };
  for (const Case& c : cases) {
    CAPTURE(name(c.group));
    const auto at_initiator = dh_shared(with_exponent(c.group, hex(c.i)), hex(c.gr));
    const auto at_responder = dh_shared(with_exponent(c.group, hex(c.r)), hex(c.gi));
    REQUIRE(at_initiator.has_value());
    REQUIRE(at_responder.has_value());
    CHECK(equal(at_initiator->expose(), hex(c.shared)));
    CHECK(equal(at_responder->expose(), hex(c.shared)));
  }
}

TEST_CASE("ECP: the scalar 1 yields the base point of SEC 2") {
  CHECK(base_point(DhGroup::kEcp256) ==
        hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"));
  CHECK(Bytes(base_point(DhGroup::kEcp521)).size() == 132);
}

TEST_CASE("a source of constant octets still gives valid exponents") {
  for (const std::uint8_t octet : std::initializer_list<std::uint8_t>{0x00, 0xff, 0x5a}) {
    for (const DhGroup group : {DhGroup::kModp1024, DhGroup::kEcp256, DhGroup::kEcp521}) {
      CAPTURE(name(group));
      ConstantRng constant(octet);
      SeededRng seeded(8);
      const DhKeyPair a = dh_generate(group, constant);
      const DhKeyPair b = dh_generate(group, seeded);
      const auto ab = dh_shared(a, b.public_value);
      const auto ba = dh_shared(b, a.public_value);
      REQUIRE(ab.has_value());
      REQUIRE(ba.has_value());
      CHECK(equal(ab->expose(), ba->expose()));
    }
  }
}

TEST_CASE("g^xy keeps its leading zeros: MODP, constructed") {
  for (const DhGroup group : kModpGroups) {
    CAPTURE(name(group));
    const auto shared = dh_shared(with_exponent(group, hex("03")), small(group, 4));
    REQUIRE(shared.has_value());
    CHECK(equal(shared->expose(), small(group, 64)));
  }
}

TEST_CASE("g^xy keeps its leading zeros: MODP, found by a seeded search") {
  SeededRng rng(9);
  const DhKeyPair a = dh_generate(DhGroup::kModp1024, rng);
  bool found = false;
  for (int i = 0; i < 4000 && !found; ++i) {
    const DhKeyPair b = dh_generate(DhGroup::kModp1024, rng);
    const auto ab = dh_shared(a, b.public_value);
    REQUIRE(ab.has_value());
    REQUIRE(ab->size() == 128);
    if (ab->expose()[0] != 0) continue;
    found = true;
    const auto ba = dh_shared(b, a.public_value);
    REQUIRE(ba.has_value());
    CHECK(equal(ab->expose(), ba->expose()));
  }
  CHECK(found);
}

TEST_CASE("g^xy keeps its leading zeros: ECP, multiples of the base point found with OpenSSL") {
  struct Case {
    DhGroup group;
    std::string_view scalar;
    std::string_view x;
  };
  const Case cases[] = {
      {DhGroup::kEcp256, "017b",
       "005543894af3d00ed7d740abdbd75c96b06877b787db5f70eea78b90a8d7c00a"},
      {DhGroup::kEcp384, "c5",
       "004d104b26ee5671f72c10c986841d3e65d285e2516161b7baa341b12631b9e3"
       "2b6f0d5896d8431c51d5d93a37cbc90e"},
      {DhGroup::kEcp521, "0111",
       "000060a88d8596a2c6597b2dc4e465dfd7e74a0bcb7b863f56f21c1414a5958b"
       "62a495996fd86b8e9e78a6712c7887e75dfce972a04e12cb9cf9e032ff2ac1afff19"},
  };
  for (const Case& c : cases) {
    CAPTURE(name(c.group));
    const auto shared = dh_shared(with_exponent(c.group, hex(c.scalar)), base_point(c.group));
    REQUIRE(shared.has_value());
    CHECK(equal(shared->expose(), hex(c.x)));
  }
}

TEST_CASE("a public value of another length is refused (H09, A08)") {
  SeededRng rng(10);
  for (const DhGroup group : {DhGroup::kModp1024, DhGroup::kModp2048, DhGroup::kEcp256,
                              DhGroup::kEcp384, DhGroup::kEcp521}) {
    CAPTURE(name(group));
    const DhKeyPair ours = dh_generate(group, rng);
    const DhKeyPair theirs = dh_generate(group, rng);
    const std::size_t n = dh_public_size(group);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, n / 2, n - 1, n + 1, 2 * n}) {
      CAPTURE(size);
      ByteVec value = theirs.public_value;
      value.resize(size);
      CHECK(error_of(ours, value) == DhError::kWrongSize);
    }
    ByteVec longer = theirs.public_value;  // the point with its SEC 1 prefix, or a padded integer
    longer.insert(longer.begin(), n > 132 || group == DhGroup::kModp1024 ? 0x00 : 0x04);
    CHECK(error_of(ours, longer) == DhError::kWrongSize);
  }
}

TEST_CASE("MODP: 0, 1, p-1, p and above are refused, their neighbours are not (H09, A09)") {
  SeededRng rng(11);
  for (const DhGroup group : kModpGroups) {
    CAPTURE(name(group));
    const DhKeyPair ours = dh_generate(group, rng);
    CHECK(error_of(ours, small(group, 0)) == DhError::kBadValue);
    CHECK(error_of(ours, small(group, 1)) == DhError::kBadValue);
    CHECK(error_of(ours, near_prime(group, -1)) == DhError::kBadValue);
    CHECK(error_of(ours, near_prime(group, 0)) == DhError::kBadValue);
    CHECK(error_of(ours, near_prime(group, 1)) == DhError::kBadValue);
    CHECK(error_of(ours, ByteVec(dh_public_size(group), 0xff)) == DhError::kBadValue);
    CHECK(dh_shared(ours, small(group, 2)).has_value());
    CHECK(dh_shared(ours, near_prime(group, -2)).has_value());
  }
}

TEST_CASE("ECP: what is not a point of the curve is refused (H09, A09)") {
  SeededRng rng(12);
  for (const DhGroup group : kEcpGroups) {
    CAPTURE(name(group));
    const DhKeyPair ours = dh_generate(group, rng);
    const ByteVec good = dh_generate(group, rng).public_value;
    CHECK(dh_shared(ours, good).has_value());
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 37) {
      CAPTURE(bit);
      ByteVec bad = good;
      bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
      CHECK(error_of(ours, bad) == DhError::kBadValue);
    }
    // (0, 0) is how some write the point at infinity; all ones exceed every prime.
    CHECK(error_of(ours, ByteVec(good.size())) == DhError::kBadValue);
    CHECK(error_of(ours, ByteVec(good.size(), 0xff)) == DhError::kBadValue);
    ByteVec swapped(good.begin() + static_cast<std::ptrdiff_t>(good.size() / 2), good.end());
    append(swapped, Bytes(good).first(good.size() / 2));
    CHECK(error_of(ours, swapped) == DhError::kBadValue);
  }
}

TEST_CASE("ECP: a coordinate above the prime is refused even when it reduces to a point") {
  SeededRng rng(13);
  const DhKeyPair ours = dh_generate(DhGroup::kEcp521, rng);
  ByteVec point = base_point(DhGroup::kEcp521);
  CHECK(dh_shared(ours, point).has_value());
  // p = 2^521 - 1, so x + p is x with bit 521 set, less one.
  point[0] = static_cast<std::uint8_t>(point[0] + 2);
  point[65] = static_cast<std::uint8_t>(point[65] - 1);
  CHECK(error_of(ours, point) == DhError::kBadValue);
}

TEST_CASE("ECP: an exponent outside [1, n-1] is a failure of ours") {
  const ByteVec peer = base_point(DhGroup::kEcp256);
  CHECK(error_of(with_exponent(DhGroup::kEcp256, ByteVec(32)), peer) == DhError::kFailed);
  CHECK(error_of(with_exponent(DhGroup::kEcp256, ByteVec(32, 0xff)), peer) == DhError::kFailed);
}

}  // namespace godwit::crypto
