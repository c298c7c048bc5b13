#include "core/crypto/hash.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/crypto/hmac_vectors.h"
#include "tests/unit/crypto/support.h"

namespace godwit::crypto {

using test::hex;
using test::text;

TEST_CASE("the self test passes") { CHECK(self_test()); }

TEST_CASE("hash: published digests of abc and of nothing") {
  struct Case {
    HashAlg alg;
    std::string_view of_abc;  // RFC 1321 A.5, FIPS 180-4
    std::string_view of_nothing;
  };
  const Case cases[] = {
      {HashAlg::kMd5, "900150983cd24fb0d6963f7d28e17f72", "d41d8cd98f00b204e9800998ecf8427e"},
      {HashAlg::kSha1, "a9993e364706816aba3e25717850c26c9cd0d89d",
       "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {HashAlg::kSha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {HashAlg::kSha384,
       "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
       "8086072ba1e7cc2358baeca134c825a7",
       "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
       "274edebfe76f65fbd51ad2f14898b95b"},
      {HashAlg::kSha512,
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
       "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
       "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
  };
  const ByteVec abc = text("abc");
  for (const Case& c : cases) {
    CAPTURE(name(c.alg));
    CHECK(hash(c.alg, {abc}).bytes().size() == hash_size(c.alg));
    CHECK(equal(hash(c.alg, {abc}), hex(c.of_abc)));
    CHECK(equal(hash(c.alg, {}), hex(c.of_nothing)));
    CHECK(equal(hash(c.alg, {Bytes(abc).first(1), Bytes(), Bytes(abc).subspan(1)}), hex(c.of_abc)));
  }
}

TEST_CASE("HMAC: the cases of RFC 2202, 4231 and 4868") {
  for (const test::HmacCase& c : test::kHmacCases) {
    CAPTURE(c.source);
    CAPTURE(name(c.alg));
    const ByteVec key = hex(c.key);
    const ByteVec data = hex(c.data);
    const ByteVec mac = hex(c.mac);
    const SecretBytes secret = prf(c.alg, key, {data});
    CHECK(secret.size() == hash_size(c.alg));
    CHECK(equal(secret.expose().first(mac.size()), mac));
    // In pieces, wherever the cut is.
    for (std::size_t at = 0; at <= data.size(); at += 7) {
      const Digest pieces =
          prf_public(c.alg, key, {Bytes(data).first(at), Bytes(data).subspan(at)});
      CHECK(equal(pieces, secret.expose()));
    }
  }
}

TEST_CASE("HMAC: an empty key and an empty message") {
  CHECK(equal(prf_public(HashAlg::kSha256, {}, {}),
              hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")));
  CHECK(equal(prf_public(HashAlg::kSha1, {}, {}), hex("fbdb1d1b18aa6c08324b7d64b71fb76370690e1d")));
}

TEST_CASE("suites: sizes are what the RFCs say") {
  const EspSuite gcm{EspCipher::kAesGcm16, 256, std::nullopt};
  CHECK(gcm.keymat_size() == 36);  // RFC 4106 8.1
  CHECK(gcm.iv_size() == 8);
  CHECK(gcm.icv_size() == 16);
  CHECK(gcm.block() == 4);
  const EspSuite sha1{EspCipher::kAesCbc, 128, HashAlg::kSha1};
  CHECK(sha1.keymat_size() == 36);
  CHECK(sha1.icv_size() == 12);  // RFC 2404
  CHECK(sha1.iv_size() == 16);
  CHECK(sha1.block() == 16);
  CHECK(EspSuite{EspCipher::kAesCbc, 192, HashAlg::kSha256}.keymat_size() == 24 + 32);
  CHECK(EspSuite{EspCipher::kAesCbc, 256, HashAlg::kSha256}.icv_size() == 16);  // RFC 4868 2.3
  CHECK(EspSuite{EspCipher::kAesCbc, 256, HashAlg::kSha384}.icv_size() == 24);
  CHECK(EspSuite{EspCipher::kAesCbc, 256, HashAlg::kSha512}.icv_size() == 32);
  CHECK(EspSuite{EspCipher::kAesCbc, 256, HashAlg::kMd5}.icv_size() == 12);  // RFC 2403
  CHECK(EspSuite{EspCipher::kAesCbc, 256, HashAlg::kSha256, true}.icv_size() == 12);
  const EspSuite old{EspCipher::k3desCbc, 192, HashAlg::kMd5};  // RFC 2451
  CHECK(old.keymat_size() == 24 + 16);
  CHECK(old.iv_size() == 8);
  CHECK(old.block() == 8);
  // ESP-22: far below 2^32 blocks of 64 bits, and not so soon with 128.
  CHECK(old.octets_to_rekey() / 8 < 1ull << 27);
  CHECK(old.packets_to_rekey() < 1u << 20);
  CHECK(sha1.octets_to_rekey() / 16 < 1ull << 32);
  CHECK(sha1.packets_to_rekey() < 0xffff'ffffu);
  CHECK(gcm.octets_to_rekey() == ~0ull);
}

}  // namespace godwit::crypto
