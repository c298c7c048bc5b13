#include "core/crypto/esp_protector.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "core/crypto/cbc.h"
#include "core/crypto/hash.h"
#include "tests/unit/crypto/support.h"

namespace godwit::crypto {

using test::hex;
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
  for (const HashAlg alg : {HashAlg::kMd5, HashAlg::kSha1, HashAlg::kSha256}) {
    out.push_back({EspCipher::k3desCbc, 192, alg});
  }
  out.push_back({EspCipher::kAesCbc, 256, HashAlg::kSha256, true});
  return out;
}

std::string label(const EspSuite& suite) {
  std::string out = suite.cipher == EspCipher::kAesGcm16  ? "gcm"
                    : suite.cipher == EspCipher::k3desCbc ? "3des"
                                                          : "cbc";
  out += std::to_string(suite.key_bits);
  if (suite.integrity) out += "-" + std::string(name(*suite.integrity));
  return out;
}

SecretBytes counting(std::size_t size) {
  SecretBytes out(size);
  for (std::size_t i = 0; i < size; ++i) out.fill()[i] = static_cast<std::uint8_t>(i);
  return out;
}

Secret<16> iv_key() {
  Secret<16> out;
  for (std::size_t i = 0; i < 16; ++i) out.fill()[i] = static_cast<std::uint8_t>(0xf0 + i);
  return out;
}

std::unique_ptr<EspProtector> protector(const EspSuite& suite) {
  return make_esp_protector(suite, counting(suite.keymat_size()), iv_key());
}

// A packet ready for seal(): header, room for the IV, `body` octets of payload and trailer, room
// for the ICV.
ByteVec unsealed(const EspSuite& suite, Bytes body, std::uint32_t sequence) {
  ByteVec out = hex("c0ffee01");
  out.resize(8);
  store_be(MutBytes(out).subspan(4), sequence);
  out.resize(8 + suite.iv_size());
  append(out, body);
  out.resize(out.size() + suite.icv_size());
  return out;
}

Bytes body_of(const EspSuite& suite, Bytes packet) {
  const std::size_t before = 8 + suite.iv_size();
  return packet.subspan(before, packet.size() - before - suite.icv_size());
}

void seal_one(EspProtector& p, MutBytes packet, std::uint64_t sequence) {
  EspPacket one{packet, sequence, false};
  p.seal({&one, 1});
}

bool open_one(EspProtector& p, MutBytes packet) {
  EspPacket one{packet, 0, false};
  p.open({&one, 1});
  return one.ok;
}

// Payload of `size` octets and the trailer of RFC 4303 2.4 up to whole blocks.
ByteVec padded(const EspSuite& suite, std::size_t size, SeededRng& rng) {
  ByteVec out(size);
  rng.fill_public(out);
  std::uint8_t pad = 0;
  while ((out.size() + 2) % suite.block() != 0) out.push_back(++pad);
  out.push_back(pad);
  out.push_back(4);
  return out;
}

}  // namespace

TEST_CASE("ESP: whole packets made with OpenSSL, 64-bit sequence 0x100000007") {
  struct Case {
    EspSuite suite;
    std::string_view packet;
  };
  const Case cases[] = {
      {{EspCipher::kAesGcm16, 128, std::nullopt},
       "c0ffee01000000070000000100000007f1bb3352dd05bc2630185df4bb794dc71cb6d560e441154d5fd20f2935"
       "a63d644e8d08b43b65781f1efb3d214515d724"},
      {{EspCipher::kAesGcm16, 192, std::nullopt},
       "c0ffee01000000070000000100000007666c80848a8fbfd0bbf641c6075cb000f3b0d7c0066c230b0839380ee0"
       "868d084e68464d952751185488785c685098f7"},
      {{EspCipher::kAesGcm16, 256, std::nullopt},
       "c0ffee010000000700000001000000075b90593986ede3b860c183d27fa0cc1114016a3f90d4357ccdbef676a1"
       "d55a07b11a3bc97216f8ed82c057aa81d0ef94"},
      {{EspCipher::kAesCbc, 128, HashAlg::kSha1},
       "c0ffee0100000007b1a9154b6998e2b985f302afc35cdd821922d212321920504c730afd6a6bea5976b35c5cc5"
       "781e5674e2e0097a278ed0a073a6961e549cf49e409c26"},
      {{EspCipher::kAesCbc, 192, HashAlg::kSha384},
       "c0ffee0100000007b1a9154b6998e2b985f302afc35cdd82aafcdcfa16fba628e3d52d44d24ee35c6a8cdb7a9e"
       "26b0272bb1e86bbf41c1179fa6c2662b56067e731a911a87271dda82f5e91b5e874456"},
      {{EspCipher::kAesCbc, 256, HashAlg::kSha256},
       "c0ffee0100000007b1a9154b6998e2b985f302afc35cdd8274cfbdabe2a916b4ed7ae24ee3a180fc83744e26e8"
       "ca179821010a82f2eb595afe58a75e266a434e40940953ce6e3b1f"},
      {{EspCipher::kAesCbc, 256, HashAlg::kSha512},
       "c0ffee0100000007b1a9154b6998e2b985f302afc35cdd8274cfbdabe2a916b4ed7ae24ee3a180fc83744e26e8"
       "ca179821010a82f2eb595a0e6b2f5338bc8381eb98a842f717615bd302ee61b9d7c430492c92aedaa6da9e"},
      {{EspCipher::kAesCbc, 128, HashAlg::kMd5},
       "c0ffee0100000007b1a9154b6998e2b985f302afc35cdd821922d212321920504c730afd6a6bea5976b35c5cc5"
       "781e5674e2e0097a278ed0e319f3c641aabf65a2ddd173"},
      {{EspCipher::k3desCbc, 192, HashAlg::kMd5},
       "c0ffee0100000007b1a9154b6998e2b9be5306308e45f649a975c9be1275966577773d6f7853f94c5239c852c8"
       "be22e61c36c14a4a2348d6f7eb11eb"},
      {{EspCipher::k3desCbc, 192, HashAlg::kSha1},
       "c0ffee0100000007b1a9154b6998e2b9be5306308e45f649a975c9be1275966577773d6f7853f94c5239c852c8"
       "be22e6e9504dcfae3b60efab7c3a1a"},
      {{EspCipher::kAesCbc, 256, HashAlg::kSha256, true},
       "c0ffee0100000007b1a9154b6998e2b985f302afc35cdd8274cfbdabe2a916b4ed7ae24ee3a180fc83744e26e8"
       "ca179821010a82f2eb595afe58a75e266a434e40940953"},
  };
  const ByteVec body = hex("4500001c0001000040017cde0a000001080808080800f7ff00000000 01020204");
  for (const Case& c : cases) {
    CAPTURE(label(c.suite));
    const auto p = protector(c.suite);
    CHECK(p->backend() == "mbedtls");
    ByteVec packet = unsealed(c.suite, body, 7);
    seal_one(*p, packet, 0x100000007u);
    CHECK(packet == hex(c.packet));
    CHECK(open_one(*p, packet));
    CHECK(equal(body_of(c.suite, packet), body));
  }
}

TEST_CASE("ESP: the DNS query of draft-mcgrew-gcm-test-01 section 4") {
  const EspSuite suite{EspCipher::kAesGcm16, 128, std::nullopt};
  const SecretBytes keymat = SecretBytes::copy_of(hex("feffe9928665731c6d6a8f9467308308 cafebabe"));
  const auto p = make_esp_protector(suite, keymat, iv_key());
  const ByteVec body =
      hex("4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100"
          "0001000000000000037369700963796265726369747902646b00000100010001");
  const ByteVec sealed =
      hex("0000a5f80000000a facedbaddecaf888"
          "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c"
          "3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1"
          "83b70d3aa8bc6ee4c309e9d85a41ad4a");
  ByteVec packet = sealed;
  CHECK(open_one(*p, packet));
  CHECK(equal(body_of(suite, packet), body));
  // The IV is the 64-bit sequence number, so this one yields the IV of the draft.
  seal_one(*p, packet, 0xfacedbaddecaf888u);
  CHECK(packet == sealed);
}

TEST_CASE("ESP: the packets of RFC 3602 section 4, cases 5 to 8") {
  struct Case {
    std::string_view key;
    std::string_view head;  // SPI, sequence number, IV
    std::string_view plain;
    std::string_view cipher;
  };
  const Case cases[] = {
      {"90d382b4 10eeba7a d938c46c ec1a82bf",
       "00004321 00000001 e96e8c08 ab465763 fd098d45 dd3ff893",
       "08000ebd a70a0000 8e9c083d b95b0700 08090a0b 0c0d0e0f 10111213 14151617"
       "18191a1b 1c1d1e1f 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637"
       "01020304 05060708 090a0b0c 0d0e0e01",
       "f663c25d 325c18c6 a9453e19 4e120849 a4870b66 cc6b9965 330013b4 898dc856"
       "a4699e52 3a55db08 0b59ec3a 8e4b7e52 775b07d1 db34ed9c 538ab50c 551b874a"
       "a269add0 47ad2d59 13ac19b7 cfbad4a6"},
      {"90d382b4 10eeba7a d938c46c ec1a82bf",
       "00004321 00000008 69d08df7 d203329d b093fc49 24e5bd80",
       "0800b5e8 a80a0500 a69c083d 0b660e00 77777777 77777777 77777777 01020201",
       "f5199588 1ec4e0c4 488987ce 742e8109 689bb379 d2d750c0 d915dca3 46a89f75"},
      {"01234567 89abcdef 01234567 89abcdef",
       "00008765 00000002 f4e76524 4f6407ad f13dc138 0f673f37",
       "45000054 09040000 4001f988 c0a87b03 c0a87bc8 08009f76 a90a0100 b49c083d"
       "02a20400 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 20212223"
       "24252627 28292a2b 2c2d2e2f 30313233 34353637 01020304 05060708 090a0a04",
       "773b5241 a4c44922 5e4f3ce5 ed611b0c 237ca96c f74a9301 3c1b0ea1 a0cf70f8"
       "e4ecaec7 8ac53aad 7a0f022b 859243c6 47752e94 a859352b 8a4d4d2d ecd136e5"
       "c177f132 ad3fbfb2 201ac990 4c74ee0a 109e0ca1 e4dfe9d5 a100b842 f1c22f0d"},
      {"01234567 89abcdef 01234567 89abcdef",
       "00008765 00000005 85d47224 b5f3dd5d 2101d4ea 8dffab22",
       "45000044 090c0000 4001f990 c0a87b03 c0a87bc8 0800d63c aa0a0200 c69c083d"
       "a3de0300 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
       "ffffffff 01020304 05060708 090a0a04",
       "15b92683 819596a8 047232cc 00f7048f e45318e1 1f8a0f62 ede3c3fc 61203bb5"
       "0f980a08 c9843fd3 a1b06d5c 07ff9639 b7eb7dfb 3512e5de 435e7207 ed971ef3"
       "d2726d9b 5ef6affc 6d17a0de cbb13892"},
  };
  // The RFC's packets have no ICV, so one is added under a key of our own.
  const EspSuite suite{EspCipher::kAesCbc, 128, HashAlg::kSha256};
  const ByteVec mac_key(32, 0x5a);
  for (const Case& c : cases) {
    CAPTURE(c.head);
    ByteVec keymat = hex(c.key);
    append(keymat, mac_key);
    const auto p = make_esp_protector(suite, SecretBytes::copy_of(keymat), iv_key());
    ByteVec packet = hex(c.head);
    append(packet, hex(c.cipher));
    append(packet, prf_public(HashAlg::kSha256, mac_key, {packet}).bytes().first(16));
    CHECK(open_one(*p, packet));
    CHECK(equal(body_of(suite, packet), hex(c.plain)));
  }
}

TEST_CASE("ESP: every suite carries every payload length from 0 to 300") {
  for (const EspSuite& suite : all_suites()) {
    CAPTURE(label(suite));
    SeededRng rng(1);
    const auto sender = protector(suite);
    const auto receiver = protector(suite);
    for (std::size_t size = 0; size <= 300; ++size) {
      const ByteVec body = padded(suite, size, rng);
      const auto sequence = static_cast<std::uint32_t>(size + 1);
      ByteVec packet = unsealed(suite, body, sequence);
      seal_one(*sender, packet, sequence);
      REQUIRE(!equal(body_of(suite, packet), body));
      REQUIRE(equal(Bytes(packet).first(8), Bytes(unsealed(suite, body, sequence)).first(8)));
      REQUIRE(open_one(*receiver, packet));
      REQUIRE(equal(body_of(suite, packet), body));
    }
  }
}

TEST_CASE("ESP: one flipped bit anywhere is noticed") {
  for (const EspSuite& suite : all_suites()) {
    CAPTURE(label(suite));
    SeededRng rng(2);
    const auto p = protector(suite);
    ByteVec sealed = unsealed(suite, padded(suite, 29, rng), 3);
    seal_one(*p, sealed, 3);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      CAPTURE(bit);
      ByteVec packet = sealed;
      packet[bit / 8] = static_cast<std::uint8_t>(packet[bit / 8] ^ (1u << (bit % 8)));
      const ByteVec sent = packet;
      REQUIRE_FALSE(open_one(*p, packet));
      // With HMAC the comparison comes first, so nothing was decrypted.
      if (suite.integrity) REQUIRE(packet == sent);
    }
    CHECK(open_one(*p, sealed));
  }
}

TEST_CASE("ESP: truncated packets and broken blocks are refused, whatever their ICV") {
  for (const EspSuite& suite : all_suites()) {
    CAPTURE(label(suite));
    SeededRng rng(3);
    const auto p = protector(suite);
    ByteVec sealed = unsealed(suite, padded(suite, 100, rng), 4);
    seal_one(*p, sealed, 4);
    for (std::size_t size = 0; size < sealed.size(); ++size) {
      CAPTURE(size);
      ByteVec packet(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size));
      REQUIRE_FALSE(open_one(*p, packet));
    }
    sealed.push_back(0);
    CHECK_FALSE(open_one(*p, sealed));
  }
}

TEST_CASE("ESP: a right ICV over a body that is no whole blocks is still refused") {
  const EspSuite suite{EspCipher::kAesCbc, 128, HashAlg::kSha1};
  const SecretBytes keymat = counting(suite.keymat_size());
  const auto p = protector(suite);
  for (const std::size_t body : {0u, 1u, 15u, 17u, 31u}) {
    CAPTURE(body);
    ByteVec packet(8 + 16 + body, 0x11);
    const Digest mac = prf_public(HashAlg::kSha1, keymat.expose().subspan(16), {packet});
    append(packet, mac.bytes().first(12));
    CHECK_FALSE(open_one(*p, packet));
  }
}

TEST_CASE("ESP: a batch of 64 equals 64 singles, and one bad packet spoils no other") {
  for (const EspSuite& suite : all_suites()) {
    CAPTURE(label(suite));
    SeededRng rng(4);
    std::vector<ByteVec> plain, alone, together;
    for (std::uint32_t i = 0; i < 64; ++i) {
      plain.push_back(unsealed(suite, padded(suite, i * 23 % 1400, rng), i + 1));
    }
    alone = together = plain;
    const auto one_by_one = protector(suite);
    const auto at_once = protector(suite);
    std::vector<EspPacket> batch;
    for (std::uint32_t i = 0; i < 64; ++i) {
      seal_one(*one_by_one, alone[i], i + 1);
      batch.push_back({together[i], i + 1, false});
    }
    at_once->seal(batch);
    CHECK(together == alone);

    together[10].back() ^= 1;
    for (EspPacket& packet : batch) packet.ok = packet.sequence == 11;  // open() must set each
    at_once->open(batch);
    for (std::size_t i = 0; i < 64; ++i) {
      CAPTURE(i);
      CHECK(batch[i].ok == (i != 10));
      if (i != 10) CHECK(equal(body_of(suite, together[i]), body_of(suite, plain[i])));
    }
    at_once->seal({});
    at_once->open({});
  }
}

TEST_CASE("ESP: a CBC IV is AES of the sequence number under the IV key, and no two are equal") {
  const EspSuite suite{EspCipher::kAesCbc, 256, HashAlg::kSha256};
  const auto p = protector(suite);
  const Secret<16> key = iv_key();
  std::vector<ByteVec> seen;
  for (const std::uint64_t sequence : {1ull, 2ull, 0xffffffffull, 0x100000001ull, 0x200000001ull}) {
    ByteVec packet = unsealed(suite, ByteVec(16), static_cast<std::uint32_t>(sequence));
    seal_one(*p, packet, sequence);
    ByteVec expected(16);
    store_be(MutBytes(expected).last(8), sequence);
    cbc_encrypt(key.expose(), ByteVec(16), expected);  // one block, zero IV: AES-ECB
    const ByteVec iv = to_vec(Bytes(packet).subspan(8, 16));
    CHECK(iv == expected);
    CHECK(std::find(seen.begin(), seen.end(), iv) == seen.end());
    seen.push_back(iv);
  }
}

TEST_CASE("ESP: another key, salt or integrity key opens nothing") {
  for (const EspSuite& suite : all_suites()) {
    CAPTURE(label(suite));
    const auto sender = protector(suite);
    for (const std::size_t octet : {std::size_t{0}, suite.key_size(), suite.keymat_size() - 1}) {
      if (suite.integrity && octet == 0) continue;  // HMAC cannot see a wrong encryption key
      CAPTURE(octet);
      SecretBytes keymat = counting(suite.keymat_size());
      keymat.fill()[octet] ^= 0x80;
      const auto receiver = make_esp_protector(suite, keymat, iv_key());
      ByteVec packet = unsealed(suite, ByteVec(32), 1);
      seal_one(*sender, packet, 1);
      CHECK_FALSE(open_one(*receiver, packet));
    }
  }
}

}  // namespace godwit::crypto
