// NIST CAVP key derivation vectors for IKEv1. They stand beside the repository, not in it; without
// them this program says so and ends with 77, which ctest shows as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/ike/v1/keys.h"
#include "tests/support/source_dir.h"
#include "tests/unit/crypto/support.h"

namespace godwit::ike::v1 {

namespace {

using crypto::HashAlg;

const std::string kArchive = test::source_dir() + "/../shared/vectors/ikev1.zip";
constexpr int kSkip = 77;

struct PipeCloser {
  void operator()(std::FILE* pipe) const { ::pclose(pipe); }
};

// One file of the archive; empty when it could not be read.
std::string member(const std::string& file) {
  const std::string command = "unzip -p '" + kArchive + "' " + file;
  std::unique_ptr<std::FILE, PipeCloser> pipe(::popen(command.c_str(), "r"));
  if (!pipe) return {};
  std::string out;
  std::array<char, 65536> chunk;
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe.get())) {
    out.append(chunk.data(), got);
  }
  return out;
}

using Fields = std::map<std::string, ByteVec>;

struct Case {
  HashAlg alg;
  Fields fields;
};

struct File {
  std::vector<Case> cases;
  int sha224 = 0;  // RFC 4868 and godwit have no SHA-224
};

std::optional<HashAlg> hash_named(const std::string& name) {
  if (name == "[SHA-1]") return HashAlg::kSha1;
  if (name == "[SHA-256]") return HashAlg::kSha256;
  if (name == "[SHA-384]") return HashAlg::kSha384;
  if (name == "[SHA-512]") return HashAlg::kSha512;
  return std::nullopt;
}

// Sections start with [SHA-n]; a case starts with COUNT and ends with SKEYID_e.
File parse(const std::string& content) {
  File out;
  std::optional<HashAlg> alg;
  Fields fields;
  std::istringstream lines(content);
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.starts_with("[SHA-")) {
      alg = hash_named(line);
      REQUIRE((alg.has_value() || line == "[SHA-224]"));
    }
    const std::size_t equals = line.find(" = ");
    if (line.empty() || line[0] == '[' || line[0] == '#' || equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals);
    if (key == "COUNT") {
      fields.clear();
      continue;
    }
    fields[key] = test::hex(std::string_view(line).substr(equals + 3));
    if (key != "SKEYID_e") continue;
    if (alg) {
      out.cases.push_back({*alg, fields});
    } else {
      ++out.sha224;
    }
  }
  return out;
}

// SKEYID_d, _a and _e of RFC 2409 5 from a SKEYID that was made somehow.
void check_chain(const Case& c, SecretBytes&& skeyid) {
  const Cookie initiator{load_be<std::uint64_t>(c.fields.at("CKY_I"))};
  const Cookie responder{load_be<std::uint64_t>(c.fields.at("CKY_R"))};
  const Phase1Keys keys =
      derive_phase1_keys(c.alg, {}, std::move(skeyid), c.fields.at("g^xy"), initiator, responder);
  CHECK(equal(keys.skeyid.expose(), c.fields.at("SKEYID")));
  CHECK(equal(keys.skeyid_d.expose(), c.fields.at("SKEYID_d")));
  CHECK(equal(keys.skeyid_a.expose(), c.fields.at("SKEYID_a")));
  CHECK(equal(keys.skeyid_e.expose(), c.fields.at("SKEYID_e")));
}

// Runs `make_skeyid` over a whole file; its 280 cases include 60 with SHA-224.
template <class MakeSkeyid>
void check_file(const std::string& name, MakeSkeyid make_skeyid) {
  const File file = parse(member(name));
  REQUIRE(file.cases.size() == 220);
  REQUIRE(file.sha224 == 60);
  int padded = 0;
  for (std::size_t i = 0; i < file.cases.size(); ++i) {
    CAPTURE(i);
    const Case& c = file.cases[i];
    if (c.fields.at("g^xy")[0] == 0) ++padded;
    check_chain(c, make_skeyid(c));
  }
  MESSAGE(name << ": " << file.cases.size() << " cases, " << padded
               << " with a leading zero in g^xy; " << file.sha224 << " SHA-224 cases left out");
  CHECK(padded > 0);
}

}  // namespace

TEST_CASE("pre-shared key") {
  check_file("ikev1_psk.rsp", [](const Case& c) {
    return skeyid_psk(c.alg, c.fields.at("pre-shared-key"), c.fields.at("Ni"), c.fields.at("Nr"));
  });
}

TEST_CASE("signatures") {
  check_file("ikev1_dsa.rsp", [](const Case& c) {
    return skeyid_sig(c.alg, c.fields.at("Ni"), c.fields.at("Nr"), c.fields.at("g^xy"));
  });
}

// Godwit does not authenticate by public-key encryption, but the chain after SKEYID is the same.
TEST_CASE("public-key encryption, from SKEYID on") {
  check_file("ikev1_pke.rsp",
             [](const Case& c) { return SecretBytes::copy_of(c.fields.at("SKEYID")); });
}

}  // namespace godwit::ike::v1

int main(int argc, char** argv) {
  using godwit::ike::v1::kArchive;
  using godwit::ike::v1::kSkip;
  if (!std::filesystem::exists(kArchive)) {
    std::puts("skipped: ../shared/vectors not here");
    return kSkip;
  }
  if (std::system("unzip -v >/dev/null 2>&1") != 0) {
    std::puts("skipped: unzip is not installed");
    return kSkip;
  }
  return doctest::Context(argc, argv).run();
}
