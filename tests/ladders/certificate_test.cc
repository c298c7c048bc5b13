// Phase 1 with certificates, both ends in memory (RFC 2409 5.1, RFC 4754, hybrid authentication).
// The certificates are those of tests/unit/crypto/certificates.
#include <fstream>
#include <iterator>

#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using config::Authentication;
using session::EndCause;

ByteVec file(const std::string& name) {
  std::ifstream in(GODWIT_SOURCE_DIR "/tests/unit/crypto/certificates/" + name, std::ios::binary);
  REQUIRE(in);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return {text.begin(), text.end()};
}

ByteVec der_of(const std::string& name) { return crypto::read_certificates(file(name)).front(); }

Signer signer(const std::string& name) {
  Signer out;
  out.key = *crypto::PrivateKey::parse(file(name + ".key"), {});
  out.certificates = crypto::read_certificates(file(name + ".pem"));
  out.trust.authorities = crypto::read_certificates(file("ca.pem"));
  return out;
}

// The gateway's certificate names gw.example, as the profile's remote-id does.
WorldConfig with_certificates(const std::string& name) {
  WorldConfig config;
  config.profile.auth = Authentication::kCertificate;
  config.profile.local_id = {};  // the subject of the certificate
  config.profile.remote_id = {config::Identity::Type::kFqdn, "gw.example"};
  config.signer = signer(name);
  config.gateway.signer = signer(name);
  config.gateway.identity.type = ike::IdType::kFqdn;
  const std::string id = "gw.example";
  config.gateway.identity.data = {id.begin(), id.end()};
  return config;
}

WorldConfig hybrid() {
  auto config = with_xauth(with_certificates("rsa"));
  config.profile.auth = Authentication::kHybrid;
  config.profile.local_id = {config::Identity::Type::kFqdn, "laptop.example"};
  config.gateway.hybrid = true;
  config.signer.key.reset();
  config.signer.certificates.clear();
  return config;
}

TEST_CASE("both sides sign, in both modes, by every method (IKE1-16, 18, 19, 25)") {
  for (const char* name : {"rsa", "p256", "p384", "p521"}) {
    for (const bool aggressive_mode : {false, true}) {
      auto config = with_certificates(name);
      config.profile.aggressive = aggressive_mode;
      Run w(config);
      CAPTURE(name);
      CAPTURE(w.ladder());
      REQUIRE(w.connect());
      CHECK(w.ping());
      CHECK(w.status().gateway_identity == "gw.example");
      const auto shown = w.event<session::GatewayShows>();
      REQUIRE(shown);
      CHECK(shown->subject == "CN=" + std::string(name));
    }
  }
}

TEST_CASE("a gateway sends its certificates in any order (RFC 4945 3.3.10.3)") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = with_certificates("p256");
    config.profile.aggressive = aggressive_mode;
    auto& sent = config.gateway.signer.certificates;
    SUBCASE("its own behind its authority's") { sent.insert(sent.begin(), der_of("ca.pem")); }
    SUBCASE("its own behind what is no certificate") { sent.insert(sent.begin(), ByteVec(40, 7)); }
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.event<session::GatewayShows>()->subject == "CN=p256");
  }
}

TEST_CASE("a signature and then XAuth; hybrid: the gateway's signature and XAuth alone (HY-06)") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = hybrid();
    SUBCASE("hybrid") {}
    SUBCASE("xauth-cert") { config = with_xauth(with_certificates("rsa")); }
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
    CHECK(w.event<session::UserAccepted>());
  }
}

TEST_CASE("keys are replaced by a new phase 1 with certificates too") {
  auto config = with_certificates("p256");
  config.profile.ike_lifetime = 600s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const Cookie first = w.gateway().ike()->in.initiator;
  w.run_for(700s);
  CHECK(w.gateway().ike()->in.initiator != first);
  CHECK(w.up());
  CHECK(w.ping());
}

// The password of hybrid mode must leave only when the gateway is known.
void ends_before_xauth(const WorldConfig& config, EndCause cause) {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig tried = config;
    tried.profile.aggressive = aggressive_mode;
    Run w(tried);
    CAPTURE(w.ladder());
    CHECK(end_of_connect(w) == cause);
    CHECK(sent_of(w, ike::Exchange::kTransaction) == 0);
    CHECK_FALSE(w.event<session::GatewayAuthenticated>());
  }
}

TEST_CASE("a gateway that is not to be believed (IKE1-17, 22, 27, 28; HY-06)") {
  auto config = hybrid();
  auto cause = EndCause::kGatewayAuthFailed;
  SUBCASE("signs another hash") { config.gateway.lies.wrong_hash_r = true; }
  SUBCASE("a bit of the signature is turned") { config.gateway.lies.wrong_signature = true; }
  SUBCASE("signs with a key that is not the certificate's") {
    config.gateway.signer.certificates = {crypto::read_certificates(file("repudiate.pem")).front()};
  }
  SUBCASE("another authority") {
    config.signer.trust.authorities = crypto::read_certificates(file("other-ca.pem"));
    cause = EndCause::kCertificateUntrusted;
  }
  SUBCASE("no certificate at all") {
    config.gateway.signer.certificates.clear();
    cause = EndCause::kCertificateUnusable;
  }
  SUBCASE("expired") {
    config.boot_time += 365 * 24h;
    cause = EndCause::kCertificateExpired;
  }
  SUBCASE("this machine's clock is wrong") {
    config.boot_time = 0s;
    cause = EndCause::kCertificateTooYoung;
  }
  SUBCASE("shows an ID that is not in the certificate") {
    config.profile.remote_id.reset();
    config.profile.gateway = "gw.example";
    config.gateway.identity.data.push_back('x');
    cause = EndCause::kCertificateName;
  }
  SUBCASE("the certificate names another gateway") {
    config.profile.remote_id.reset();
    cause = EndCause::kCertificateName;
  }
  SUBCASE("shows another ID than the profile wants") {
    config.profile.remote_id->text = "other.example";
    cause = EndCause::kGatewayIdentity;
  }
  ends_before_xauth(config, cause);
}

TEST_CASE("certificates of other encodings, damaged and too many (IKE1-26, ISK-31)") {
  auto config = hybrid();
  auto& sent = config.gateway.signer.certificates;
  sent.push_back(ByteVec(300, 0xff));
  sent.push_back({});
  for (int i = 0; i < 5; ++i) sent.push_back(sent.front());
  SUBCASE("main") {}
  SUBCASE("aggressive") { config.profile.aggressive = true; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.ping());
}

TEST_CASE("a client whose certificate the gateway does not believe") {
  auto config = with_certificates("p256");
  config.gateway.signer.trust.authorities = crypto::read_certificates(file("other-ca.pem"));
  config.gateway.notify_bad_auth = true;
  Run w(config);
  CAPTURE(w.ladder());
  const auto cause = end_of_connect(w);
  CHECK((cause == EndCause::kWeAreRefused || cause == EndCause::kNoAnswerAfterFloat));
}

}  // namespace
}  // namespace godwit::sim
