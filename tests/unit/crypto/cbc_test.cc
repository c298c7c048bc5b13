#include "core/crypto/cbc.h"

#include <doctest/doctest.h>

#include "tests/unit/crypto/support.h"

namespace godwit::crypto {

using test::hex;
using test::text;

namespace {

struct Case {
  std::string_view source;
  std::string_view key;
  std::string_view iv;
  ByteVec plain;
  std::string_view cipher;
};

void check(const Case& c) {
  CAPTURE(c.source);
  ByteVec data = c.plain;
  cbc_encrypt(hex(c.key), hex(c.iv), data);
  CHECK(data == hex(c.cipher));
  cbc_decrypt(hex(c.key), hex(c.iv), data);
  CHECK(data == c.plain);
}

}  // namespace

TEST_CASE("AES-CBC: RFC 3602 section 4, cases 1 to 4") {
  check({"case 1", "06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41",
         text("Single block msg"), "e353779c1079aeb82708942dbe77181a"});
  check({"case 2", "c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
         hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
         "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"});
  check({"case 3", "6c3ea0477630ce21a2ce334aa746c2cd", "c782dc4c098c66cbd9cd27d825682c81",
         text("This is a 48-byte message (exactly 3 AES blocks)"),
         "d0a02b3836451753d493665d33f0e8862dea54cdb293abc7506939276772f8d5"
         "021c19216bad525c8579695d83ba2684"});
  check({"case 4", "56e47a38c5598974bc46903dba290349", "8ce82eefbea0da3c44699ed7db51b7d9",
         hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
             "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"),
         "c30e32ffedc0774e6aff6af0869f71aa0f3af07a9a31a9c684db207eb0ef8e4e"
         "35907aa632c3ffdf868bb7b29d3d46ad83ce9f9a102ee99d49a53e87f4c3da55"});
}

TEST_CASE("AES-CBC: longer keys, NIST SP 800-38A F.2.3 and F.2.5") {
  const ByteVec plain =
      hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
          "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
  check({"F.2.3, 192 bits", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
         "000102030405060708090a0b0c0d0e0f", plain,
         "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
         "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"});
  check({"F.2.5, 256 bits", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
         "000102030405060708090a0b0c0d0e0f", plain,
         "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
         "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"});
}

// SP 800-67 gives three blocks one by one, which under an IV of zeros are CBC of one block each.
TEST_CASE("3DES-CBC: NIST SP 800-67 appendix B, and a chain of OpenSSL's test suite") {
  const std::string_view key = "0123456789abcdef23456789abcdef01456789abcdef0123";
  const std::string_view zero = "0000000000000000";
  check({"block 1", key, zero, text("The qufc"), "a826fd8ce53b855f"});
  check({"block 2", key, zero, text("k brown "), "cce21c8112256fe6"});
  check({"block 3", key, zero, text("fox jump"), "68d5c05dd9b6b900"});
  check({"DES-EDE3-CBC", "0123456789abcdeff1e0d3c2b5a49786fedcba9876543210", "fedcba9876543210",
         hex("37363534333231204e6f77206973207468652074696d6520666f722000000000"),
         "3fe301c962ac01d02213763c1cbd4cdc799657c064ecf5d41c673812cfde9675"});
}

TEST_CASE("AES-CBC: nothing is encrypted to nothing, and the IV is left alone") {
  const ByteVec key = hex("06a9214036b8a15b512e03d534120006");
  ByteVec iv = hex("3dafba429d9eb430b422da802c9fac41");
  const ByteVec before = iv;
  ByteVec none;
  cbc_encrypt(key, iv, none);
  CHECK(none.empty());
  ByteVec block(16);
  cbc_encrypt(key, iv, block);
  CHECK(iv == before);
}

}  // namespace godwit::crypto
