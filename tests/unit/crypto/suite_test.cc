// Names and sizes of the algorithms, as `show` and `status` print them.
#include "core/crypto/suite.h"

#include <doctest/doctest.h>

#include <bit>
#include <optional>
#include <utility>

using namespace godwit::crypto;

TEST_CASE("hash algorithms have the names and sizes of their standards") {
  const std::pair<HashAlg, std::pair<std::string_view, std::size_t>> rows[] = {
      {HashAlg::kMd5, {"md5", 16}},       {HashAlg::kSha1, {"sha1", 20}},
      {HashAlg::kSha256, {"sha256", 32}}, {HashAlg::kSha384, {"sha384", 48}},
      {HashAlg::kSha512, {"sha512", 64}},
  };
  for (const auto& [alg, row] : rows) {
    CHECK(name(alg) == row.first);
    CHECK(hash_size(alg) == row.second);
  }
}

TEST_CASE("padding brings any length to whole blocks, and no block is too many") {
  const EspSuite suites[] = {{EspCipher::kAesGcm16, 128, std::nullopt},
                             {EspCipher::kAesCbc, 256, HashAlg::kSha256},
                             {EspCipher::k3desCbc, 192, HashAlg::kSha1}};
  for (const EspSuite& suite : suites) {
    const EspLayout layout(suite);
    CHECK(layout.iv == suite.iv_size());
    CHECK(layout.icv == suite.icv_size());
    CHECK(std::has_single_bit(layout.block));
    for (std::size_t octets = 0; octets < 100; ++octets) {
      CHECK(layout.is_whole(octets) == (octets % suite.block() == 0));
      CHECK(layout.padding(octets) < suite.block());
      CHECK((octets + layout.padding(octets)) % suite.block() == 0);
    }
  }
}
