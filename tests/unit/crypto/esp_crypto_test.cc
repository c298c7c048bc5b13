#include "core/crypto/esp_crypto.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "tests/unit/crypto/support.h"

namespace godwit::crypto {

using test::SeededRng;

namespace {

std::vector<EspSuite> all_suites() {
  std::vector<EspSuite> out;
  for (const std::uint16_t bits : std::initializer_list<std::uint16_t>{128, 192, 256}) {
    out.push_back({EspCipher::kAesGcm16, bits, std::nullopt});
    for (const HashAlg alg :
         {HashAlg::kMd5, HashAlg::kSha1, HashAlg::kSha256, HashAlg::kSha384, HashAlg::kSha512}) {
      out.push_back({EspCipher::kAesCbc, bits, alg});
    }
  }
  return out;
}

bool is_multibuffer(const EspProtector& protector) {
  return protector.backend().starts_with("libipsec-mb");
}

// The same keys for both libraries.
struct Both {
  Both(const EspCrypto& crypto, const EspSuite& suite, SeededRng& rng) {
    SecretBytes keymat(suite.keymat_size());
    rng.fill_secret(keymat.fill());
    Secret<16> iv_key;
    rng.fill_secret(iv_key.fill());
    fast = crypto.make(suite, keymat, iv_key);
    sure = make_esp_protector(suite, keymat, iv_key);
  }
  std::unique_ptr<EspProtector> fast;
  std::unique_ptr<EspProtector> sure;
};

struct Batch {
  // Packets with a body of as many blocks each.
  Batch(const EspSuite& suite, const std::vector<std::size_t>& blocks, SeededRng& rng) {
    for (const std::size_t count : blocks) {
      octets.emplace_back(8 + suite.iv_size() + count * suite.block() + suite.icv_size());
      rng.fill_public(octets.back());
    }
  }
  std::vector<EspPacket> packets() {
    std::vector<EspPacket> out;
    for (ByteVec& packet : octets) out.push_back({packet, ++sequence, false});
    return out;
  }
  std::vector<ByteVec> octets;
  std::uint64_t sequence = 0x1'0000'0000u;
};

}  // namespace

TEST_CASE("libipsec-mb and mbedTLS make the same octets, for every suite and length") {
  const EspCrypto crypto = EspCrypto::fastest();
  SeededRng rng(7);
  for (const EspSuite& suite : all_suites()) {
    CAPTURE(suite.key_bits);
    CAPTURE(suite.integrity.has_value());
    const Both both(crypto, suite, rng);
    for (std::size_t blocks = 1; blocks * suite.block() <= 2048; ++blocks) {
      Batch fast(suite, {blocks}, rng);
      Batch sure = fast;
      auto a = fast.packets();
      auto b = sure.packets();
      both.fast->seal(a);
      both.sure->seal(b);
      REQUIRE(fast.octets == sure.octets);
      both.fast->open(b);
      both.sure->open(a);
      REQUIRE((a.front().ok && b.front().ok));
      REQUIRE(fast.octets == sure.octets);
    }
  }
}

TEST_CASE("libipsec-mb: batches of every size, packets of different lengths, damage in some") {
  const EspCrypto crypto = EspCrypto::fastest();
  SeededRng rng(8);
  for (const EspSuite& suite : all_suites()) {
    const Both both(crypto, suite, rng);
    for (std::size_t size = 1; size <= 130; size += size < 20 ? 1 : 11) {
      CAPTURE(size);
      std::vector<std::size_t> blocks(size);
      for (std::size_t& count : blocks) count = 1 + rng.next() % 90;
      Batch fast(suite, blocks, rng);
      Batch sure = fast;
      auto a = fast.packets();
      auto b = sure.packets();
      both.fast->seal(a);
      both.sure->seal(b);
      REQUIRE(fast.octets == sure.octets);
      std::vector<bool> damaged(size);
      for (std::size_t i = 0; i < size; ++i) {
        damaged[i] = rng.next() % 4 == 0;
        if (!damaged[i]) continue;
        const std::size_t bit = rng.next() % (8 * fast.octets[i].size());
        for (Batch* batch : {&fast, &sure}) {
          batch->octets[i][bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        }
      }
      both.fast->open(a);
      both.sure->open(b);
      for (std::size_t i = 0; i < size; ++i) {
        REQUIRE(a[i].ok == !damaged[i]);
        REQUIRE(b[i].ok == !damaged[i]);
        if (!damaged[i]) REQUIRE(fast.octets[i] == sure.octets[i]);
      }
    }
  }
}

TEST_CASE("libipsec-mb: what is cut short is refused beside packets that are whole") {
  const EspCrypto crypto = EspCrypto::fastest();
  SeededRng rng(9);
  for (const EspSuite& suite : all_suites()) {
    const Both both(crypto, suite, rng);
    Batch batch(suite, {5, 5, 5}, rng);
    auto packets = batch.packets();
    both.fast->seal(packets);
    const ByteVec whole = batch.octets[1];
    for (std::size_t size = 0; size < whole.size(); ++size) {
      ByteVec first = batch.octets[0];
      ByteVec cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      ByteVec last = batch.octets[2];
      std::vector<EspPacket> some = {{first, 0, false}, {cut, 0, true}, {last, 0, false}};
      both.fast->open(some);
      REQUIRE(some[0].ok);
      REQUIRE_FALSE(some[1].ok);
      REQUIRE(some[2].ok);
    }
  }
}

TEST_CASE("protectors that differ do not agree") {
  SeededRng rng(10);
  const EspSuite suite{EspCipher::kAesGcm16, 128, std::nullopt};
  const Both both(EspCrypto::portable(), suite, rng);
  CHECK(agree(suite, *both.fast, *both.sure));
  const Both other(EspCrypto::portable(), suite, rng);
  CHECK_FALSE(agree(suite, *both.fast, *other.sure));
}

TEST_CASE("libipsec-mb does the suites that it is used for, mbedTLS the rest") {
  SeededRng rng(11);
  const EspCrypto crypto = EspCrypto::fastest();
  const EspSuite md5{EspCipher::kAesCbc, 128, HashAlg::kMd5};
  CHECK_FALSE(is_multibuffer(*Both(crypto, md5, rng).fast));
  const EspSuite gcm{EspCipher::kAesGcm16, 128, std::nullopt};
  if (!is_multibuffer(*Both(crypto, gcm, rng).fast)) {
    MESSAGE("this build or this CPU has no libipsec-mb: mbedTLS was compared with itself");
    return;
  }
  for (const EspSuite& suite : all_suites()) {
    if (suite.integrity != HashAlg::kMd5) CHECK(is_multibuffer(*Both(crypto, suite, rng).fast));
  }
  CHECK_FALSE(is_multibuffer(*Both(EspCrypto::portable(), gcm, rng).fast));
}

}  // namespace godwit::crypto
