// One-time passwords: the vectors of RFC 6238 appendix B, secrets as people write them, and that
// none leaves twice.
#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>

#include "client/one_time.h"
#include "client/totp.h"
#include "tests/unit/client/temp_dir.h"

using namespace godwit;
using namespace godwit::client;
using namespace std::chrono_literals;

namespace {

Bytes octets(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string text_of(const SecretBytes& secret) {
  return {secret.expose().begin(), secret.expose().end()};
}

std::string said(const std::string& written) {
  const auto key = read_totp_key(octets(written), "FILE");
  return key ? "right" : key.error().what;
}

TotpKey key_of(const std::string& secret, TotpHash hash) {
  TotpKey key;
  key.secret = SecretBytes::copy_of(octets(secret));
  key.hash = hash;
  key.digits = 8;
  return key;
}

config::SecretSource command(const std::string& path) {
  return {config::SecretSource::Kind::kCommand, path};
}

}  // namespace

TEST_CASE("RFC 6238 appendix B: the published codes") {
  const std::string twenty = "12345678901234567890";
  const TotpKey sha1 = key_of(twenty, TotpHash::kSha1);
  const TotpKey sha256 = key_of(twenty + "123456789012", TotpHash::kSha256);
  const TotpKey sha512 = key_of(twenty + twenty + twenty + "1234", TotpHash::kSha512);
  struct Row {
    std::chrono::seconds time;
    const char* sha1;
    const char* sha256;
    const char* sha512;
  };
  for (const Row& row : {Row{59s, "94287082", "46119246", "90693936"},
                         Row{1111111109s, "07081804", "68084774", "25091201"},
                         Row{1111111111s, "14050471", "67062674", "99943326"},
                         Row{1234567890s, "89005924", "91819424", "93441116"},
                         Row{2000000000s, "69279037", "90698825", "38618901"},
                         Row{20000000000s, "65353130", "77737706", "47863826"}}) {
    CHECK(text_of(sha1.code(sha1.step_of(row.time))) == row.sha1);
    CHECK(text_of(sha256.code(sha256.step_of(row.time))) == row.sha256);
    CHECK(text_of(sha512.code(sha512.step_of(row.time))) == row.sha512);
  }
}

TEST_CASE("a secret in base32, with blanks, hyphens, small letters and padding") {
  const std::string expected = "12345678901234567890";
  for (const char* written :
       {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq\n",
        "GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ====",
        "otpauth://totp/Office:joe?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ%3D%3D&issuer=Office"}) {
    CAPTURE(written);
    const auto key = read_totp_key(octets(written), "FILE");
    REQUIRE(key);
    CHECK(text_of(key->secret) == expected);
    CHECK(key->digits == 6);
    CHECK(key->period == 30s);
  }
  const auto key = read_totp_key(
      octets("otpauth://totp/a?digits=8&algorithm=SHA512&period=60&secret=GEZDGNBVGY3TQOJQ"),
      "FILE");
  REQUIRE(key);
  CHECK(key->digits == 8);
  CHECK(key->hash == TotpHash::kSha512);
  CHECK(key->period == 60s);
}

TEST_CASE("what is no secret for one-time passwords says why, and never repeats it") {
  const std::string secret = "secret=GEZDGNBVGY3TQOJQ";
  CHECK(said("hunter2!") == "FILE holds a secret that is not base32");
  CHECK(said("GEZD===GNBV") == "FILE holds a secret that is not base32");
  CHECK(said("GEZDGNBV") == "FILE holds a secret of less than 80 bits, or none");
  CHECK(said("otpauth://hotp/a?" + secret) ==
        "FILE holds a URI of another kind than "
        "otpauth://totp/");
  CHECK(said("otpauth://totp/a") == "FILE holds a secret of less than 80 bits, or none");
  CHECK(said("otpauth://totp/a?secret") == "FILE holds a secret of less than 80 bits, or none");
  for (const char* digits : {"5", "9", "", "x", "99999999999"}) {
    CHECK(said("otpauth://totp/a?" + secret + "&digits=" + digits) ==
          "FILE asks for other than 6 to 8 digits");
  }
  for (const char* period : {"0", "4", "301", "-30"}) {
    CHECK(said("otpauth://totp/a?" + secret + "&period=" + period) ==
          "FILE asks for a period that is not 5 to 300 seconds");
  }
  CHECK(said("otpauth://totp/a?" + secret + "&algorithm=MD5") ==
        "FILE asks for an algorithm other than SHA1, SHA256 and SHA512");
}

TEST_CASE("the code of a time step leaves once; the next one is waited for and told of") {
  auto key = read_totp_key(octets("otpauth://totp/a?period=5&secret=GEZDGNBVGY3TQOJQ"), "FILE");
  REQUIRE(key);
  std::string told;
  OneTimePasswords passwords({config::SecretSource::Kind::kTotp, "/x"}, std::move(*key),
                             [&](const std::string& text) { told = text; });
  CHECK(passwords.is_automatic());
  const int cancel = eventfd(0, EFD_CLOEXEC);
  const auto first = passwords.next("p", cancel);
  const auto second = passwords.next("p", cancel);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(text_of(*first) != text_of(*second));
  CHECK(told.find("the next one comes in") != std::string::npos);
  const std::uint64_t one = 1;
  REQUIRE(write(cancel, &one, sizeof one) == sizeof one);
  const auto third = passwords.next("p", cancel);
  REQUIRE_FALSE(third);
  CHECK(third.error().code == ExitCode::kInterrupted);
  close(cancel);
}

TEST_CASE("a program that repeats itself is asked until it gives another one-time password") {
  const TempDir dir;
  const std::string count = dir.path() + "/count";
  const auto program = dir.file(
      "otp", "#!/bin/sh\necho >> " + count + "\nn=$(wc -l < " + count + ")\necho $((n / 3))\n",
      0700);
  int told = 0;
  OneTimePasswords passwords(command(program), {}, [&](const std::string&) { ++told; });
  const int cancel = eventfd(0, EFD_CLOEXEC);
  const auto first = passwords.next("p", cancel);
  const auto second = passwords.next("p", cancel);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(text_of(*first) == "0");
  CHECK(text_of(*second) == "1");
  CHECK(told == 1);
  close(cancel);
}
