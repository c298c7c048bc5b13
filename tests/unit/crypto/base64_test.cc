// Base64 by the test vectors of RFC 4648 10, and a certificate as PEM.
#include "core/crypto/base64.h"

#include <doctest/doctest.h>

using namespace godwit;

namespace {

std::string decoded(std::string_view text) {
  const auto octets = crypto::base64_decode(text);
  return octets ? std::string(octets->expose().begin(), octets->expose().end()) : "refused";
}

}  // namespace

TEST_CASE("base64 is read, whatever blanks are in it") {
  CHECK(decoded("") == "");
  CHECK(decoded("Zg==") == "f");
  CHECK(decoded("Zm8=") == "fo");
  CHECK(decoded("Zm9v") == "foo");
  CHECK(decoded("Zm9vYg==") == "foob");
  CHECK(decoded("Zm9vYmE=") == "fooba");
  CHECK(decoded("\n\t Zm9v\r\n  YmFy\n") == "foobar");
  CHECK(decoded("Zm9v*") == "refused");
  CHECK(decoded("Zg=") == "refused");
  CHECK(decoded("=") == "refused");
}

TEST_CASE("a certificate becomes PEM with lines of 64 characters") {
  const ByteVec der(50, 0);
  CHECK(crypto::certificate_pem(der) == "-----BEGIN CERTIFICATE-----\n" + std::string(64, 'A') +
                                            "\nAAA=\n-----END CERTIFICATE-----\n");
}
