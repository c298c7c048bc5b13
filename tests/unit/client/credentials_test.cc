// Our certificate and key from PEM, PKCS#12 and a token (SoftHSM), as a profile names them. The
// files are those of tests/unit/crypto/certificates.
#include "client/credentials.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "client/pkcs12.h"
#include "client/token.h"
#include "core/crypto/hash.h"
#include "platform/rng.h"
#include "tests/support/source_dir.h"
#include "tests/unit/client/temp_dir.h"

using namespace godwit;
using namespace godwit::client;

namespace {

const std::string kFiles = test::source_dir() + "/tests/unit/crypto/certificates/";
const std::string kSoftHsm = "/usr/lib/softhsm/libsofthsm2.so";

std::string file(const std::string& name) {
  std::ifstream in(kFiles + name, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

ByteVec octets(const std::string& text) { return {text.begin(), text.end()}; }

ByteVec der(const std::string& name) { return crypto::read_certificates(octets(file(name)))[0]; }

config::Profile profile_of(const std::string& certificate, const std::string& key) {
  config::Profile p;
  p.name = "office";
  p.auth = config::Authentication::kCertificate;
  p.cert_file = certificate;
  p.key_file = key;
  p.ca_file = kFiles + "ca.pem";
  return p;
}

config::SecretSource from_file(const TempDir& dir, const std::string& secret) {
  return {config::SecretSource::Kind::kFile, dir.file("passphrase", secret + "\n")};
}

// What the credentials prove, or the sentence that refuses them.
std::string outcome(const config::Profile& profile) {
  const auto read = obtain_credentials(profile, -1);
  if (!read) {
    CHECK(read.error().code == ExitCode::kSecret);
    return read.error().what;
  }
  platform::SystemRng rng;
  const auto method = read->key->method();
  const auto alg = crypto::hash_of(method).value_or(crypto::HashAlg::kSha1);
  const crypto::Digest hash = crypto::hash(alg, {octets("HASH_I")});
  const ByteVec signature = read->key->sign(hash, rng);
  const std::vector<Bytes> own(read->certificates.begin(), read->certificates.end());
  const auto signer = crypto::find_signer(own, method, hash, signature);
  return signer == 0u ? "signs" : "does not sign";
}

// A token with the keys and certificates `rsa` and `p256`, until it goes out of scope.
class SoftToken {
 public:
  SoftToken() {
    const std::string folder = dir_.path() + "/tokens";
    std::filesystem::create_directory(folder);
    const auto conf =
        dir_.file("conf", "directories.tokendir = " + folder + "\nlog.level = ERROR\n");
    REQUIRE(setenv("SOFTHSM2_CONF", conf.c_str(), 1) == 0);
    run("softhsm2-util --init-token --free --label godwit --so-pin 12345678 --pin 4711");
    int id = 1;
    for (const char* name : {"rsa", "p256"}) {
      const auto write = fmt::format(
          "p11tool --provider {} --login --set-pin 4711 --write --label {} --id 0{} --load-",
          kSoftHsm, name, id++);
      run(write + "privkey " + kFiles + name + ".key pkcs11:token=godwit");
      run(write + "certificate " + kFiles + name + ".pem pkcs11:token=godwit");
    }
  }

 private:
  static void run(const std::string& command) {
    REQUIRE(std::system((command + " > /dev/null 2>&1 < /dev/null").c_str()) == 0);
  }
  TempDir dir_;
};

}  // namespace

TEST_CASE("a key's passphrase comes from where the profile says") {
  const TempDir dir;
  auto p = profile_of(kFiles + "rsa.pem", "");
  for (const char* name : {"rsa-locked.key", "rsa-pkcs8.key"}) {
    CAPTURE(name);
    p.key_file = dir.file("key", file(name));
    p.key_passphrase = from_file(dir, "sesame");
    CHECK(outcome(p) == "signs");
    p.key_passphrase = from_file(dir, "guess");
    CHECK(outcome(p) == "the passphrase does not open " + p.key_file);
  }
  p.key_file = dir.file("key", file("rsa-pkcs8.key").substr(0, 500));
  CHECK(outcome(p) == p.key_file + " holds no private key");
  // One that no passphrase locks asks for none.
  p.key_file = dir.file("key", file("rsa.key"));
  p.key_passphrase = {config::SecretSource::Kind::kFile, "/nonexistent"};
  CHECK(outcome(p) == "signs");
}

TEST_CASE("PKCS#12 files, locked with AES, 3DES and RC2") {
  const TempDir dir;
  for (const char* name : {"rsa-aes.p12", "rsa-3des.p12", "rsa-rc2.p12", "p256.p12"}) {
    CAPTURE(name);
    auto p = profile_of(dir.file("office.p12", file(name)), "");
    p.key_passphrase = from_file(dir, "sesame");
    CHECK(outcome(p) == "signs");
    p.key_passphrase = from_file(dir, "guess");
    CHECK(outcome(p) == "the passphrase does not open " + p.cert_file);
  }
  auto p = profile_of(dir.file("open.PFX", file("rsa-open.p12")), "");
  p.key_passphrase = {config::SecretSource::Kind::kFile, "/nonexistent"};
  CHECK(outcome(p) == "signs");
}

TEST_CASE("PKCS#12: only the key's own chain is sent, never the authority that signs itself") {
  const auto opened = open_pkcs12(octets(file("rsa-open.p12")), std::nullopt);
  REQUIRE(opened);
  const auto certificates = crypto::read_certificates(opened->certificates);
  REQUIRE(certificates.size() == 1);
  CHECK(certificates[0] == der("rsa.pem"));
}

TEST_CASE("PKCS#12: the authorities beside our certificate, when ca-file names the same file") {
  const TempDir dir;
  auto p = profile_of(dir.file("office.p12", file("rsa-aes.p12")), "");
  p.key_passphrase = from_file(dir, "sesame");
  p.ca_file = p.cert_file;
  const auto read = obtain_credentials(p, -1);
  REQUIRE(read);
  CHECK(read->trust.authorities == std::vector<ByteVec>{der("ca.pem")});
  p.cert_file = p.ca_file = dir.file("office.p12", file("p256.p12"));
  CHECK(outcome(p) == p.ca_file + " holds no certificate");
}

TEST_CASE("files with the name of PKCS#12 that are none, or hold no key") {
  const TempDir dir;
  auto p = profile_of(dir.file("office.p12", file("rsa.pem")), "");
  CHECK(outcome(p) == p.cert_file + " is no PKCS#12 file");
  p.key_passphrase = from_file(dir, "sesame");
  p.cert_file = dir.file("office.p12", file("keyless.p12"));
  CHECK(outcome(p) == p.cert_file + " holds no private key");
  p.cert_file = dir.file("office.p12", file("rsa-aes.p12"), 0644);
  CHECK(outcome(p).find("others may read") == 0);
  // Every damage is refused with a sentence.
  const std::string good = file("rsa-open.p12");
  for (std::size_t i = 0; i < good.size(); i += 7) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    (void)open_pkcs12(octets(bad), std::nullopt);
    CHECK_FALSE(open_pkcs12(octets(good.substr(0, i)), std::nullopt));
  }
}

TEST_CASE("the URI of a key is that of its certificate with another type") {
  CHECK(key_uri_of("pkcs11:token=a;id=%01;type=cert") == "pkcs11:token=a;id=%01;type=private");
  CHECK(key_uri_of("pkcs11:type=cert;token=a") == "pkcs11:token=a;type=private");
  CHECK(key_uri_of("pkcs11:type=cert") == "pkcs11:type=private");
  CHECK(key_uri_of("pkcs11:token=a") == "pkcs11:token=a;type=private");
  CHECK(key_uri_of("pkcs11:token=a;object-type=cert?x=y") == "pkcs11:token=a;type=private?x=y");
}

TEST_CASE("a key that stays on its token (SoftHSM)" *
          doctest::skip(!std::filesystem::exists(kSoftHsm))) {
  static const SoftToken token;  // the module looks for its tokens once in a process
  const TempDir dir;
  auto p = profile_of("pkcs11:token=godwit;object=rsa", "");
  p.pkcs11_module = kSoftHsm;
  p.key_passphrase = from_file(dir, "4711");
  SUBCASE("certificate and key, RSA") { CHECK(outcome(p) == "signs"); }
  SUBCASE("the certificate's type in the URI, ECDSA") {
    p.cert_file = "pkcs11:token=godwit;object=p256;type=cert";
    CHECK(outcome(p) == "signs");
  }
  SUBCASE("only the key is on the token") {
    p.cert_file = kFiles + "rsa.pem";
    p.key_file = "pkcs11:token=godwit;id=%01";
    CHECK(outcome(p) == "signs");
  }
  SUBCASE("another kind of key than the certificate's") {
    p.key_file = "pkcs11:token=godwit;id=%02;type=private";
    CHECK(outcome(p) == "the key " + p.key_file + " does not belong to the certificate");
  }
  SUBCASE("another key of the same kind signs nothing that anybody would believe") {
    p.cert_file = kFiles + "alone.pem";
    p.key_file = "pkcs11:token=godwit;id=%01;type=private";
    CHECK(outcome(p) == "does not sign");
  }
  SUBCASE("a PIN that is refused is not tried again") {
    p.key_passphrase = from_file(dir, "0815");
    CHECK(outcome(p) ==
          "the token refuses the PIN for pkcs11:token=godwit;object=rsa;type=private");
  }
  SUBCASE("no such token") {
    p.cert_file = "pkcs11:token=other;object=rsa";
    CHECK(outcome(p) == "no token here has the certificate pkcs11:token=other;object=rsa");
  }
  SUBCASE("no such key") {
    p.cert_file = kFiles + "rsa.pem";
    p.key_file = "pkcs11:token=godwit;object=none;type=private";
    CHECK(outcome(p) == "no token here has the private key " + p.key_file);
  }
}

TEST_CASE("modules that are none") {
  const TempDir dir;
  auto p = profile_of("pkcs11:token=godwit", "");
  p.pkcs11_module = dir.path() + "/none.so";
  CHECK(outcome(p) == "cannot use " + p.pkcs11_module + ": No such file or directory");
  p.pkcs11_module = dir.file("module.so", "nothing");
  CHECK(outcome(p).find("cannot reach tokens through " + p.pkcs11_module) == 0);
}

TEST_CASE("the gateway's own certificate instead of an authority") {
  const TempDir dir;
  auto p = profile_of(kFiles + "rsa.pem", dir.file("key", file("rsa.key")));
  p.ca_file.clear();
  CHECK(outcome(p) == " holds no certificate");
  p.gateway_cert_file = kFiles + "alone.pem";
  const auto read = obtain_credentials(p, -1);
  REQUIRE(read);
  CHECK(read->trust.authorities.empty());
  CHECK(read->trust.peers == std::vector<ByteVec>{der("alone.pem")});
  CHECK(read->trust.pins == std::vector<crypto::KeyPin>{*crypto::pin_of(der("alone.pem"))});
  p.gateway_cert_file = dir.file("nothing", "nothing\n");
  CHECK(outcome(p) == p.gateway_cert_file + " holds no certificate");
  p.gateway_cert_file = dir.file("empty", "");
  CHECK(outcome(p) == p.gateway_cert_file + " holds no certificate");
}
