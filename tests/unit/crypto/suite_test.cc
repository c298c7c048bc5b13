// Names and sizes of the algorithms, as `show` and `status` print them.
#include "core/crypto/suite.h"

#include <doctest/doctest.h>

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
