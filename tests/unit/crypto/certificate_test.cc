// Certificates and the signatures of IKEv1, with files made by certificates/make.
#include "core/crypto/certificate.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "core/crypto/hash.h"
#include "core/crypto/pkcs7.h"
#include "core/crypto/signature.h"
#include "tests/support/source_dir.h"
#include "tests/unit/crypto/support.h"

namespace godwit::crypto {
namespace {

constexpr std::int64_t kNow = 1796083200;  // 1 December 2026
constexpr std::int64_t k2025 = 1750000000;
constexpr std::int64_t k2027 = 1810000000;

class FixedRng : public Rng {
 public:
  void fill_public(MutBytes out) override { fill(out); }
  void fill_secret(MutBytes out) override { fill(out); }

 private:
  void fill(MutBytes out) {
    for (std::uint8_t& octet : out) octet = next_++;
  }
  std::uint8_t next_ = 1;
};

ByteVec file(const std::string& name) {
  std::ifstream in(test::source_dir() + "/tests/unit/crypto/certificates/" + name,
                   std::ios::binary);
  REQUIRE(in);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return {text.begin(), text.end()};
}

ByteVec der(const std::string& name) {
  const auto found = read_certificates(file(name + ".pem"));
  REQUIRE(found.size() == 1);
  return found.front();
}

Trust trust(const std::string& authority = "ca") {
  Trust out;
  out.authorities = {der(authority)};
  return out;
}

std::shared_ptr<const PrivateKey> key(const std::string& name) {
  auto parsed = PrivateKey::parse(file(name + ".key"), {});
  REQUIRE(parsed);
  return *parsed;
}

std::optional<CertificateFault> fault(const std::vector<std::string>& names, const Trust& trusted,
                                      std::int64_t now = kNow) {
  std::vector<ByteVec> octets;
  for (const std::string& name : names) octets.push_back(der(name));
  const std::vector<Bytes> chain(octets.begin(), octets.end());
  const auto verified = PeerCertificate::verify(chain, trusted, now);
  return verified ? std::nullopt : std::optional(verified.error());
}

std::unique_ptr<PeerCertificate> good(const std::string& name) {
  const ByteVec octets = der(name);
  auto verified = PeerCertificate::verify(std::vector<Bytes>{octets}, trust(), kNow);
  REQUIRE(verified);
  return std::move(*verified);
}

TEST_CASE("the signer is found among certificates in any order, or there is none") {
  const ByteVec hash(32, 0x5a);
  FixedRng rng;
  const ByteVec signature = key("p256")->sign(hash, rng);
  const ByteVec authority = der("ca");
  const ByteVec own = der("p256");
  const ByteVec other = der("rsa");
  const ByteVec garbage(40, 7);
  const auto found = [&](const std::vector<Bytes>& chain, Bytes over) {
    return find_signer(chain, SignatureMethod::kEcdsa256, over, signature);
  };
  CHECK(found({own, authority}, hash) == 0u);
  CHECK(found({garbage, authority, other, own}, hash) == 3u);
  CHECK_FALSE(found({garbage, authority, other}, hash));
  CHECK_FALSE(found({}, hash));
  CHECK_FALSE(found({own}, ByteVec(32, 0x5b)));
}

TEST_CASE("a path to an authority of ours, or none (IKE1-27)") {
  for (const char* name : {"rsa", "p256", "p384", "p521", "repudiate"}) {
    CHECK_FALSE(fault({name}, trust()));
    CHECK(fault({name}, trust("other-ca")) == CertificateFault::kUntrusted);
    CHECK(fault({name}, Trust{}) == CertificateFault::kUntrusted);
  }
  CHECK_FALSE(fault({"under", "between"}, trust()));
  CHECK_FALSE(fault({"under", "rsa", "between"}, trust()));  // what does not belong is left out
  CHECK(fault({"under"}, trust()) == CertificateFault::kUntrusted);
  // An end entity is no authority, whatever it has signed.
  CHECK(fault({"p256", "rsa"}, trust("other-ca")) == CertificateFault::kUntrusted);
}

TEST_CASE("time is what the caller says it is") {
  CHECK_FALSE(fault({"rsa"}, trust(), kNow));
  CHECK(fault({"rsa"}, trust(), k2025) == CertificateFault::kNotYetValid);
  CHECK(fault({"rsa"}, trust(), k2027) == CertificateFault::kExpired);
}

TEST_CASE("weak, misused and unknown (IKE1-27)") {
  CHECK(fault({"sha1"}, trust()) == CertificateFault::kWeak);
  CHECK(fault({"short-key"}, trust()) == CertificateFault::kWeak);
  CHECK(fault({"encipher"}, trust()) == CertificateFault::kWrongUse);
  CHECK(read_certificates(file("unknown-critical.pem")).empty());
  CHECK(PeerCertificate::verify({}, trust(), kNow).error() == CertificateFault::kAbsent);
}

TEST_CASE("revocation lists (IKE1-28)") {
  Trust trusted = trust();
  CHECK_FALSE(fault({"revoked"}, trusted));  // nobody has said so
  trusted.revocation_lists = read_revocation_lists(file("ca.crl"));
  REQUIRE(trusted.revocation_lists.size() == 1);
  CHECK(fault({"revoked"}, trusted) == CertificateFault::kRevoked);
  CHECK_FALSE(fault({"rsa"}, trusted));
  // It has a successor since the 15th: an old list says nothing about today.
  CHECK(fault({"rsa"}, trusted, kNow + 20 * 86400) == CertificateFault::kListExpired);
  CHECK(read_revocation_lists(file("ca.pem")).empty());
}

TEST_CASE("how much a path needs revocation lists (IKE1-28)") {
  Trust trusted = trust();
  const auto under = [&](Revocation policy, const std::vector<std::string>& chain) {
    trusted.revocation = policy;
    return fault(chain, trusted);
  };
  using enum Revocation;
  // Without any list.
  CHECK_FALSE(under(kRelaxed, {"published"}));
  CHECK_FALSE(under(kOff, {"published"}));
  CHECK_FALSE(under(kIfUri, {"rsa"}));
  CHECK(under(kIfUri, {"published"}) == CertificateFault::kListMissing);
  CHECK(under(kStrict, {"rsa"}) == CertificateFault::kListMissing);
  // With that of the authority: the certificate between has none.
  trusted.revocation_lists = read_revocation_lists(file("ca.crl"));
  CHECK_FALSE(under(kIfUri, {"published"}));
  CHECK_FALSE(under(kStrict, {"rsa"}));
  CHECK(under(kStrict, {"under", "between"}) == CertificateFault::kListMissing);
  CHECK_FALSE(under(kRelaxed, {"under", "between"}));
  for (const auto policy : {kRelaxed, kIfUri, kStrict}) {
    CHECK(under(policy, {"revoked"}) == CertificateFault::kRevoked);
  }
  CHECK_FALSE(under(kOff, {"revoked"}));
  // A list that somebody else signed in the authority's name is none.
  trusted.revocation_lists.front().back() ^= 1;
  CHECK(under(kStrict, {"rsa"}) == CertificateFault::kUntrusted);
  CHECK(under(kRelaxed, {"rsa"}) == CertificateFault::kUntrusted);
  // An authority that is the gateway's own certificate has nobody above who could revoke it.
  trusted.authorities = {der("alone")};
  trusted.revocation_lists.clear();
  CHECK_FALSE(under(kStrict, {"alone"}));
}

TEST_CASE("a pinned key: alone it is enough, with an authority it is one condition more") {
  CHECK_FALSE(pin_of(ByteVec(40, 7)));
  CHECK(pin_of(der("rsa")) != pin_of(der("p256")));
  Trust trusted;
  trusted.pins = {*pin_of(der("rsa")), *pin_of(der("alone"))};
  CHECK_FALSE(fault({"alone"}, trusted));
  CHECK_FALSE(fault({"rsa"}, trusted));
  CHECK(fault({"p256"}, trusted) == CertificateFault::kNotPinned);
  // It is the peer's own key that counts, not one further up.
  CHECK(fault({"p256", "rsa"}, trusted) == CertificateFault::kNotPinned);
  CHECK(fault({"rsa"}, trusted, k2027) == CertificateFault::kExpired);
  CHECK(fault({"rsa"}, trusted, k2025) == CertificateFault::kNotYetValid);
  trusted.pins.push_back(*pin_of(der("encipher")));
  trusted.pins.push_back(*pin_of(der("short-key")));
  CHECK(fault({"encipher"}, trusted) == CertificateFault::kWrongUse);
  CHECK(fault({"short-key"}, trusted) == CertificateFault::kWeak);
  trusted.authorities = {der("ca")};
  CHECK_FALSE(fault({"rsa"}, trusted));
  CHECK(fault({"alone"}, trusted) == CertificateFault::kUntrusted);
  CHECK(fault({"p256"}, trusted) == CertificateFault::kNotPinned);
}

TEST_CASE("names are in subjectAltName, whole, and never in the CN (IKE1-22, 23, 24)") {
  const auto peer = good("p256");
  CHECK(peer->has_dns_name("gw.example"));
  CHECK(peer->has_dns_name("GW.Example"));
  CHECK_FALSE(peer->has_dns_name("w.example"));
  CHECK_FALSE(peer->has_dns_name("gw.example.org"));
  CHECK_FALSE(peer->has_dns_name("p256"));  // the CN
  CHECK_FALSE(peer->has_dns_name("a.wild.example"));
  CHECK_FALSE(peer->has_dns_name("admin@example.org"));
  CHECK(peer->has_mail_address("admin@EXAMPLE.org"));
  CHECK_FALSE(peer->has_mail_address("gw.example"));
  CHECK(peer->has_address(ByteVec{192, 0, 2, 1}));
  CHECK_FALSE(peer->has_address(ByteVec{192, 0, 2, 2}));
  CHECK_FALSE(peer->has_address({}));
  ByteVec subject = subject_of(der("p256"));
  CHECK(peer->has_subject(subject));
  subject.push_back(0);
  CHECK_FALSE(peer->has_subject(subject));
  CHECK_FALSE(peer->has_subject(Bytes(subject).first(4)));
  CHECK(peer->subject_text() == "CN=p256");
}

TEST_CASE("every method signs, and nothing else verifies (IKE1-16, 18)") {
  FixedRng rng;
  const struct {
    const char* name;
    SignatureMethod method;
    std::size_t size;
  } kCases[] = {{"rsa", SignatureMethod::kRsa, 256},
                {"p256", SignatureMethod::kEcdsa256, 64},
                {"p384", SignatureMethod::kEcdsa384, 96},
                {"p521", SignatureMethod::kEcdsa521, 132}};
  for (const auto& c : kCases) {
    CAPTURE(c.name);
    const auto secret = key(c.name);
    CHECK(secret->method() == c.method);
    CHECK(secret->belongs_to(der(c.name)));
    CHECK_FALSE(secret->belongs_to(der("sha1")));
    const HashAlg alg = hash_of(c.method).value_or(HashAlg::kSha1);
    const Digest digest = hash(alg, {ByteVec{1, 2, 3}});
    const ByteVec signature = secret->sign(digest, rng);
    REQUIRE(signature.size() == c.size);
    const auto peer = good(c.name);
    CHECK(peer->verify_signature(c.method, digest, signature));
    for (const auto& other : kCases) {
      if (other.method == c.method) continue;
      CHECK_FALSE(peer->verify_signature(other.method, digest, signature));
    }
    for (const std::size_t at : {std::size_t{0}, c.size / 2, c.size - 1}) {
      ByteVec bad = signature;
      bad[at] ^= 1;
      CHECK_FALSE(peer->verify_signature(c.method, digest, bad));
    }
    CHECK_FALSE(peer->verify_signature(c.method, digest, Bytes(signature).first(c.size - 1)));
    CHECK_FALSE(peer->verify_signature(c.method, digest, {}));
    ByteVec longer = signature;
    longer.push_back(0);
    CHECK_FALSE(peer->verify_signature(c.method, digest, longer));
    // IKE1-17: a hash of another length is another hash.
    CHECK_FALSE(peer->verify_signature(c.method, digest.bytes().first(digest.bytes().size() - 1),
                                       signature));
  }
}

TEST_CASE("RSA: another content of the block is another signature (H11, A18)") {
  FixedRng rng;
  const auto secret = key("rsa");
  const auto peer = good("rsa");
  const ByteVec hash(20, 0x5a);
  const auto forged = [&](ByteVec content) {
    const ByteVec signature = secret->sign(content, rng);
    REQUIRE(signature.size() == 256);
    return peer->verify_signature(SignatureMethod::kRsa, hash, signature);
  };
  CHECK(forged(hash));
  ByteVec with_digest_info = test::hex("3021300906052b0e03021a05000414");
  append(with_digest_info, hash);
  CHECK_FALSE(forged(with_digest_info));
  for (std::size_t size = 1; size < 20; ++size) CHECK_FALSE(forged(ByteVec(size, 0x5a)));
  for (std::size_t more = 1; more < 60; ++more) {
    ByteVec behind = hash;
    behind.resize(20 + more);
    CHECK_FALSE(forged(behind));
    ByteVec before(more);
    append(before, hash);
    CHECK_FALSE(forged(before));
  }
}

TEST_CASE("ECDSA: r and s outside of 1..n-1, and DER (H11, A17)") {
  FixedRng rng;
  const auto peer = good("p256");
  const ByteVec hash(32, 0x5a);
  const ByteVec signature = key("p256")->sign(hash, rng);
  const ByteVec zero(32);
  const ByteVec n = test::hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  ByteVec n1 = n;
  ++n1.back();
  const Bytes r = Bytes(signature).first(32);
  const Bytes s = Bytes(signature).last(32);
  const auto verifies = [&](Bytes a, Bytes b) {
    ByteVec both = to_vec(a);
    append(both, b);
    return peer->verify_signature(SignatureMethod::kEcdsa256, hash, both);
  };
  REQUIRE(verifies(r, s));
  CHECK_FALSE(verifies(s, r));
  for (const ByteVec& bad : {zero, n, n1}) {
    CHECK_FALSE(verifies(bad, s));
    CHECK_FALSE(verifies(r, bad));
    CHECK_FALSE(verifies(bad, bad));
  }
  ByteVec der_coded{0x30, 0x44, 0x02, 0x20};
  append(der_coded, r);
  append(der_coded, ByteVec{0x02, 0x20});
  append(der_coded, s);
  CHECK_FALSE(peer->verify_signature(SignatureMethod::kEcdsa256, hash, der_coded));
}

TEST_CASE("private keys") {
  CHECK(PrivateKey::parse(file("rsa-locked.key"), {}).error() == KeyFault::kPassphrase);
  const ByteVec wrong{'n', 'o'};
  CHECK(PrivateKey::parse(file("rsa-locked.key"), wrong).error() == KeyFault::kPassphrase);
  const ByteVec right{'s', 'e', 's', 'a', 'm', 'e'};
  REQUIRE(PrivateKey::parse(file("rsa-locked.key"), right));
  CHECK((*PrivateKey::parse(file("rsa-locked.key"), right))->belongs_to(der("rsa")));
  CHECK(PrivateKey::parse(file("ca.pem"), {}).error() == KeyFault::kMalformed);
  CHECK(PrivateKey::parse({}, {}).error() == KeyFault::kMalformed);
}

TEST_CASE("certificates in PKCS #7 (RFC 4945 3.3.4), whole, cut and damaged") {
  const ByteVec wrapped = file("rsa.p7b");
  const auto inside = certificates_of_pkcs7(wrapped);
  REQUIRE(inside.size() == 2);
  CHECK(equal(inside[0], der("ca")));
  CHECK(equal(inside[1], der("rsa")));
  CHECK(certificates_of_pkcs7(der("rsa")).empty());
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    CHECK(certificates_of_pkcs7(Bytes(wrapped).first(i)).empty());
    ByteVec bad = wrapped;
    bad[i] ^= 0x21;
    for (const Bytes one : certificates_of_pkcs7(bad)) {
      CHECK(one.data() >= bad.data());
      CHECK(one.data() + one.size() <= bad.data() + bad.size());
    }
  }
}

TEST_CASE("damage to an extension does not hide where lists are published") {
  const ByteVec octets = der("published");
  Trust trusted;
  trusted.revocation = Revocation::kIfUri;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    ByteVec bad = octets;
    bad[i] ^= 0x21;
    trusted.authorities = {der("ca")};
    CHECK_FALSE(PeerCertificate::verify(std::vector<Bytes>{bad}, trusted, kNow));
  }
}

TEST_CASE("damaged certificates never verify as something else") {
  const ByteVec octets = der("p256");
  for (std::size_t i = 0; i < octets.size(); ++i) {
    ByteVec bad = octets;
    bad[i] ^= 0x21;
    CHECK_FALSE(PeerCertificate::verify(std::vector<Bytes>{bad}, trust(), kNow));
    CHECK_FALSE(PeerCertificate::verify(std::vector<Bytes>{Bytes(octets).first(i)}, trust(), kNow));
  }
}

}  // namespace
}  // namespace godwit::crypto
