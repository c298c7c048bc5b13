// RFC 2409 appendix B: how a message is padded and encrypted, and what is opened again.
#include "core/ike/v1/isakmp_sa.h"

#include <doctest/doctest.h>

#include "core/crypto/cbc.h"
#include "core/ike/v1/phase1.h"
#include "core/ike/v1/quick_mode.h"
#include "tests/unit/v1/support.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::v1;

namespace {

constexpr auto kAlg = crypto::HashAlg::kSha256;

IsakmpSa make_sa() {
  const ByteVec psk(8, 0x31), nonce(16, 0x32), g_xy(256, 0x33);
  const Cookie initiator{0x1122334455667788};
  const Cookie responder{0x99aabbccddeeff00};
  return IsakmpSa(initiator, responder,
                  derive_phase1_keys(kAlg, {256}, skeyid_psk(kAlg, psk, nonce, nonce), g_xy,
                                     initiator, responder));
}

ChainBuilder chain_of(std::size_t body) {
  ChainBuilder chain;
  chain.add(PayloadType::kHash, ByteVec(body, 0x5a));
  return chain;
}

// What a peer would have encrypted: any octets, whole blocks or not.
ByteVec encrypted(const IsakmpSa& sa, ByteVec plain, Iv iv) {
  crypto::cbc_encrypt(sa.keys().cipher_key.expose(), iv, plain);
  Header header = sa.header(Exchange::kQuick, MessageId{7});
  header.first = PayloadType::kHash;
  return encode_message(header, plain);
}

}  // namespace

TEST_CASE("IKE1-13: padding is zeros up to a block, and the length counts it") {
  const IsakmpSa sa = make_sa();
  for (std::size_t body = 1; body <= 48; ++body) {
    CAPTURE(body);
    const ChainBuilder chain = chain_of(body);
    const Iv first{1, 2, 3};
    Iv iv = first;
    const ByteVec message = sa.seal(sa.header(Exchange::kQuick, MessageId{7}), chain, iv);
    const auto header = decode_header(message);  // it compares the lengths
    REQUIRE(header);
    CHECK(header->length == message.size());
    ByteVec plain = to_vec(Bytes(message).subspan(kHeaderSize));
    REQUIRE(plain.size() % 16 == 0);
    REQUIRE(plain.size() < chain.octets().size() + 16);
    // IKE1-12: the next IV is the last block of what was encrypted.
    CHECK(equal(Bytes(plain).last(16), iv));
    crypto::cbc_decrypt(sa.keys().cipher_key.expose(), first, plain);
    CHECK(equal(Bytes(plain).first(chain.octets().size()), chain.octets()));
    for (std::size_t i = chain.octets().size(); i < plain.size(); ++i) CHECK(plain[i] == 0);
  }
}

TEST_CASE("IKE1-13: what the padding holds is not looked at, and half a block is no message") {
  const IsakmpSa sa = make_sa();
  const Iv iv{9};
  ByteVec plain = to_vec(chain_of(20).octets());
  for (std::uint8_t octet = 1; plain.size() < 32; ++octet) plain.push_back(octet);
  const ByteVec message = encrypted(sa, plain, iv);
  const auto header = decode_header(message);
  REQUIRE(header);
  const auto opened = sa.open(*header, message, iv);
  REQUIRE(opened);
  CHECK(opened->payloads.padding() == 8);
  CHECK(equal(opened->next_iv, Bytes(message).last(16)));

  for (std::size_t size = 0; size <= 33; ++size) {
    ByteVec cut = message;
    cut.resize(kHeaderSize + size);
    store_be(MutBytes(cut).subspan(24), static_cast<std::uint32_t>(cut.size()));
    const auto whole = decode_header(cut);
    REQUIRE(whole);
    const auto result = sa.open(*whole, cut, iv);
    if (size % 16 == 0 && size != 0) continue;
    REQUIRE_FALSE(result);
    CHECK(result.error() == Drop::kBadCiphertext);
  }
}

TEST_CASE(
    "QM-02: each message ID has an IV of its own, and the last block of phase 1 is its root") {
  IsakmpSa sa = make_sa();
  Iv block{};
  block.fill(0x77);
  sa.set_last_phase1_block(block);
  for (const std::uint32_t id : std::initializer_list<std::uint32_t>{1, 0x01020304, 0xffff'ffff}) {
    ByteVec input(block.begin(), block.end());
    input.resize(20);
    store_be(MutBytes(input).subspan(16), id);
    CHECK(equal(sa.iv_for(MessageId{id}), crypto::hash(kAlg, {input}).bytes().first(16)));
  }
}

TEST_CASE("ISK-11: a cookie of ours is never 0") {
  // Eight octets of zeros, then others.
  class ZerosFirst final : public Rng {
   public:
    void fill_public(MutBytes out) override {
      for (std::uint8_t& octet : out) octet = drawn_++ < 16 ? 0 : 0xa5;
    }
    void fill_secret(MutBytes out) override { fill_public(out); }

   private:
    int drawn_ = 0;
  };
  ZerosFirst rng;
  Phase1Config config;
  config.suites = {{{256}, kAlg, crypto::DhGroup::kEcp256}};
  CHECK(Phase1(std::move(config), rng).initiator() == Cookie{0xa5a5a5a5a5a5a5a5});
}

TEST_CASE("QM-08: an SPI of ours is 256 or above") {
  class Script final : public Rng {
   public:
    void fill_public(MutBytes out) override {
      constexpr std::uint32_t kDraws[] = {0, 1, 255, 256, 0xc0de0001};
      store_be(out, kDraws[next_++]);
    }
    void fill_secret(MutBytes out) override { fill_public(out); }

   private:
    std::size_t next_ = 0;
  };
  Script rng;
  const EspSpi first = fresh_spi(rng);
  const EspSpi second = fresh_spi(rng);
  // Whatever the order of the octets of a draw, what is too small was drawn again.
  CHECK(first.value() >= 256);
  CHECK(second.value() >= 256);
  CHECK(first != second);
}
