// Phase 1 with certificates, both ends in memory (RFC 2409 5.1, RFC 4754, hybrid authentication).
// The certificates are those of tests/unit/crypto/certificates.
#include <fstream>
#include <iterator>

#include "tests/ladders/hostile.h"
#include "tests/support/source_dir.h"

namespace godwit::sim {
namespace {

using config::Authentication;
using session::EndCause;

ByteVec file(const std::string& name) {
  std::ifstream in(test::source_dir() + "/tests/unit/crypto/certificates/" + name,
                   std::ios::binary);
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

TEST_CASE("a gateway sends its certificates in PKCS #7 (RFC 4945 3.3.4)") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = hybrid();
    config.profile.aggressive = aggressive_mode;
    config.gateway.edit = [](PayloadList& list) {
      for (auto& [type, body] : list) {
        if (type != ike::PayloadType::kCert) continue;
        body = {1};
        append(body, file("rsa.p7b"));
      }
    };
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.event<session::GatewayShows>()->subject == "CN=rsa");
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

TEST_CASE("who is asked for a certificate in hybrid mode sends an empty one (HY-03)") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = hybrid();
    config.profile.aggressive = aggressive_mode;
    config.gateway.wants_empty_certificate = true;
    config.gateway.edit = [](PayloadList& list) {
      const auto is_ke = [](const auto& payload) { return payload.first == ike::PayloadType::kKe; };
      if (std::ranges::none_of(list, is_ke)) return;
      list.emplace_back(ike::PayloadType::kCertRequest, ByteVec{4});
    };
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
  }
}

TEST_CASE("certificates and requests for them in any message (ISK-31), and more than enough") {
  auto config = with_certificates("p256");
  config.gateway.edit = [](PayloadList& list) {
    const auto is = [&](ike::PayloadType type) {
      return std::ranges::any_of(list, [&](const auto& payload) { return payload.first == type; });
    };
    const bool quick = is(ike::PayloadType::kSa) && is(ike::PayloadType::kNonce);
    if (quick || (!is(ike::PayloadType::kSa) && !is(ike::PayloadType::kKe))) return;
    for (int i = 0; i < 12; ++i) {
      list.emplace_back(ike::PayloadType::kCertRequest, ByteVec{4});
      list.emplace_back(ike::PayloadType::kCert, ByteVec{7, 1, 2, 3});
    }
  };
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
}

TEST_CASE("keys are replaced by a new phase 1 with certificates too") {
  auto config = with_certificates("p256");
  SUBCASE("both sign") {}
  SUBCASE("hybrid: XAuth follows each time") { config = hybrid(); }
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
    cause = EndCause::kCertificateAbsent;
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

// The gateway's certificate is its own, and names nobody.
WorldConfig self_signed() {
  auto config = hybrid();
  config.profile.remote_id.reset();
  config.gateway.signer = signer("alone");
  config.gateway.identity = ike::IdPayload::address(*IpAddress::parse("203.0.113.1"));
  config.signer.trust = {};
  return config;
}

TEST_CASE("a pinned key needs no authority and no name") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = self_signed();
    config.signer.trust.pins = {*crypto::pin_of(der_of("alone.pem"))};
    SUBCASE("hybrid") {}
    SUBCASE("both sign") {
      config.profile = with_certificates("rsa").profile;
      config.profile.remote_id.reset();
      config.signer.key = signer("rsa").key;
      config.signer.certificates = signer("rsa").certificates;
      config.gateway = with_certificates("rsa").gateway;
      config.gateway.signer.key = signer("alone").key;
      config.gateway.signer.certificates = {der_of("alone.pem")};
    }
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
    CHECK(w.event<session::GatewayShows>()->pin == *crypto::pin_of(der_of("alone.pem")));
  }
}

TEST_CASE("a certificate that is known beforehand need not be sent (RFC 4945 3.3.6)") {
  for (const bool aggressive_mode : {false, true}) {
    auto config = self_signed();
    config.signer.trust.peers = {der_of("p256.pem"), der_of("alone.pem")};
    for (const ByteVec& known : config.signer.trust.peers) {
      config.signer.trust.pins.push_back(*crypto::pin_of(known));
    }
    auto& sent = config.gateway.signer.certificates;
    SUBCASE("none is sent") { sent.clear(); }
    SUBCASE("another is sent") { sent = {der_of("rsa.pem")}; }
    SUBCASE("none of ours signed") {
      sent.clear();
      config.gateway.signer.key = signer("rsa").key;
      config.profile.aggressive = aggressive_mode;
      ends_before_xauth(config, EndCause::kCertificateAbsent);
      continue;
    }
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.event<session::GatewayShows>()->subject == "CN=alone");
  }
}

TEST_CASE("a gateway whose key is another than the pinned one, or that no list covers (IKE1-28)") {
  auto config = hybrid();
  auto& trust = config.signer.trust;
  auto cause = EndCause::kCertificateNotPinned;
  SUBCASE("no authority") {
    trust.authorities.clear();
    trust.pins = {*crypto::pin_of(der_of("alone.pem"))};
  }
  SUBCASE("an authority beside the pin") { trust.pins = {*crypto::pin_of(der_of("alone.pem"))}; }
  SUBCASE("the key is pinned, but the ID is another") {
    trust.pins = {*crypto::pin_of(der_of("rsa.pem"))};
    config.profile.remote_id->text = "other.example";
    cause = EndCause::kGatewayIdentity;
  }
  SUBCASE("strict, and no list") {
    trust.revocation = crypto::Revocation::kStrict;
    cause = EndCause::kCertificateNoList;
  }
  ends_before_xauth(config, cause);
}

TEST_CASE("strict revocation with a list of the authority") {
  auto config = hybrid();
  config.signer.trust.revocation = crypto::Revocation::kStrict;
  config.signer.trust.revocation_lists = crypto::read_revocation_lists(file("ca.crl"));
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
}

TEST_CASE("certificates of other encodings, damaged and too many (IKE1-26, ISK-31)") {
  auto config = hybrid();
  auto& sent = config.gateway.signer.certificates;
  sent.push_back(ByteVec(300, 0xff));
  sent.push_back({});
  // ISK-05: of more than eight the rest is left out.
  for (int i = 0; i < 20; ++i) sent.push_back(sent.front());
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
