// Main Mode and Aggressive Mode as RFC 2409 5.4 draws them, with RFC 3947 4's ports.
#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

bool has_vendor(const Letter& letter, ike::Vendor vendor) {
  for (std::size_t i = 0; i < letter.count(PayloadType::kVendorId); ++i) {
    if (ike::recognise_vendor(letter.body(PayloadType::kVendorId, i)) == vendor) return true;
  }
  return false;
}

TEST_CASE("main mode") {
  Run w;
  w.start();
  CAPTURE(w.ladder());

  // HDR, SA, VID.. -->
  auto flight = w.deliver_to_gateway();
  REQUIRE(flight);
  CHECK(flight->to == w.gateway_endpoint(false));
  CHECK(w.sent().back().flight.from == w.local().ike);
  CHECK_FALSE(flight->from == w.local().ike);  // the NAPT gave it another port
  CHECK(w.last_heard().body(PayloadType::kSa).size() > 0);
  CHECK(has_vendor(w.last_heard(), ike::Vendor::kNattRfc3947));
  CHECK(has_vendor(w.last_heard(), ike::Vendor::kNattDraft02));
  CHECK(has_vendor(w.last_heard(), ike::Vendor::kNattDraft02n));
  CHECK(has_vendor(w.last_heard(), ike::Vendor::kNattDraft03));
  CHECK(has_vendor(w.last_heard(), ike::Vendor::kDpd));
  CHECK(w.last_heard().payloads.front().first == PayloadType::kSa);  // IKE1-01

  // <-- HDR, SA, VID..
  REQUIRE(w.deliver_to_client());
  // HDR, KE, Ni, NAT-D, NAT-D -->
  flight = w.deliver_to_gateway();
  REQUIRE(flight);
  CHECK(flight->to == w.gateway_endpoint(false));
  const Letter third = w.last_heard();
  CHECK_FALSE(third.header.encrypted());
  CHECK(third.count(PayloadType::kKe) == 1);
  CHECK(third.body(PayloadType::kNonce).size() == 32);
  REQUIRE(third.count(PayloadType::kNatD) == 2);
  // RFC 3947 3.2: the destination first, then our own address as we see it.
  const auto hash = w.gateway().ike()->in.suite.hash;
  const Cookie i = third.header.initiator, r = third.header.responder;
  CHECK(equal(third.body(PayloadType::kNatD, 0), nat_d(hash, i, r, w.gateway_endpoint(false))));
  CHECK(equal(third.body(PayloadType::kNatD, 1), nat_d(hash, i, r, w.local().ike)));

  // <-- HDR, KE, Nr, NAT-D, NAT-D
  REQUIRE(w.deliver_to_client());
  // HDR*, IDii, HASH_I --> from and to 4500, behind the non-ESP marker
  flight = w.deliver_to_gateway();
  REQUIRE(flight);
  CHECK(flight->to == w.gateway_endpoint(true));
  CHECK(w.sent().back().flight.from == w.local().natt);
  CHECK(load_be<std::uint32_t>(Bytes(flight->bytes)) == 0);
  CHECK(load_be<std::uint32_t>(Bytes(flight->bytes).subspan(4)) != 0);
  CHECK(w.last_heard().header.encrypted());
  CHECK(w.last_heard().types() == "ID HASH");
  const auto id = ike::decode_id(w.last_heard().body(PayloadType::kId));
  REQUIRE(id);
  CHECK(id->port == 0);  // NATT-14

  // <-- HDR*, IDir, HASH_R
  flight = w.deliver_to_client();
  REQUIRE(flight);
  CHECK(flight->from == w.gateway_endpoint(true));
  REQUIRE(w.run_until([&] { return w.event<session::GatewayAuthenticated>() != nullptr; }, 1s));
  CHECK(w.event<session::NatFound>()->we_are_behind);
  CHECK_FALSE(w.event<session::NatFound>()->gateway_is_behind);
  CHECK(w.event<session::Floated>()->gateway == w.gateway_endpoint(true));

  REQUIRE(w.run_until([&] { return w.up(); }, 5s));
  CHECK(w.ping());
  CHECK(w.ping_from_office());
  // Nothing goes to or from port 500 after the float (NATT-09).
  bool floated = false;
  for (const Sent& sent : w.sent()) {
    if (sent.flight.from == w.local().natt) floated = true;
    CHECK(floated == (sent.flight.to == w.gateway_endpoint(true)));
  }
}

TEST_CASE("aggressive mode") {
  Run w(aggressive());
  w.start();
  CAPTURE(w.ladder());

  // HDR, SA, KE, Ni, IDii, VID.. -->
  auto flight = w.deliver_to_gateway();
  REQUIRE(flight);
  CHECK(flight->to == w.gateway_endpoint(false));
  CHECK(w.last_heard().header.exchange == ike::Exchange::kAggressive);
  CHECK(w.last_heard().types().starts_with("SA KE"));
  CHECK(w.last_heard().count(PayloadType::kId) == 1);
  CHECK(w.last_heard().count(PayloadType::kNatD) == 0);
  CHECK(w.last_heard().count(PayloadType::kNotify) == 0);  // IKE1-29

  // <-- HDR, SA, KE, Nr, IDir, HASH_R, VID.., NAT-D, NAT-D
  REQUIRE(w.deliver_to_client());
  // HDR*, HASH_I, NAT-D, NAT-D --> on 4500 (NATT-10)
  flight = w.deliver_to_gateway();
  REQUIRE(flight);
  CHECK(flight->to == w.gateway_endpoint(true));
  CHECK(load_be<std::uint32_t>(Bytes(flight->bytes)) == 0);
  CHECK(w.last_heard().header.encrypted());
  CHECK(w.last_heard().count(PayloadType::kHash) == 1);
  CHECK(w.last_heard().count(PayloadType::kNatD) == 2);
  REQUIRE(w.run_until([&] { return w.up(); }, 5s));
  CHECK(w.ping());
  CHECK(w.ping_from_office());
}

TEST_CASE("the gateway's ports may be any") {
  WorldConfig config;
  config.profile.gateway_port = 10500;
  config.profile.gateway_natt_port = 14500;
  SUBCASE("its own") {}
  SUBCASE("forwarded by a NAT in front of it") { config.gateway_natted = true; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.ping());
}

TEST_CASE("every suite meets the gateway's") {
  WorldConfig config;
  crypto::IkeSuite suite;
  suite.group = crypto::DhGroup::kEcp256;
  SUBCASE("sha1 and aes-256: the key has to be expanded") { suite.hash = crypto::HashAlg::kSha1; }
  SUBCASE("aes-192") { suite.cipher.key_bits = 192; }
  SUBCASE("sha384") { suite.hash = crypto::HashAlg::kSha384; }
  SUBCASE("sha512") { suite.hash = crypto::HashAlg::kSha512; }
  SUBCASE("modp2048") { suite.group = crypto::DhGroup::kModp2048; }
  SUBCASE("ecp384") { suite.group = crypto::DhGroup::kEcp384; }
  SUBCASE("ecp521") { suite.group = crypto::DhGroup::kEcp521; }
  SUBCASE("modp1024, aes-128, sha1") {
    suite = {{128}, crypto::HashAlg::kSha1, crypto::DhGroup::kModp1024};
  }
  SUBCASE("3des, md5, modp1024: blocks of 8 octets, and a key made of two prf outputs") {
    suite = {
        {192, crypto::IkeCipher::Alg::k3des}, crypto::HashAlg::kMd5, crypto::DhGroup::kModp1024};
  }
  SUBCASE("3des, sha512: a key cut from one prf output") {
    suite = {
        {192, crypto::IkeCipher::Alg::k3des}, crypto::HashAlg::kSha512, crypto::DhGroup::kEcp256};
  }
  config.profile.ike = config.gateway.ike = {suite};
  for (const bool aggressive : {false, true}) {
    config.profile.aggressive = aggressive;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
  }
}

const ByteVec kSonicWallId = {0x5b, 0x36, 0x2b, 0xc8, 0x20, 0xf6, 0x00, 0x07};

// SonicWall; strongSwan's accept_unencrypted_mainmode_messages.
TEST_CASE("a sixth message in the clear is taken from whom it is the habit of") {
  WorldConfig config;
  config.gateway.plain_main6 = true;
  bool works = true;
  SUBCASE("the vendor ID says so") { config.gateway.other_vendors = {kSonicWallId}; }
  SUBCASE("the profile says so") {
    config.profile.quirks = std::vector<std::string>{"plain-main-6"};
  }
  SUBCASE("nobody says so") { works = false; }
  SUBCASE("the profile says no") {
    config.gateway.other_vendors = {kSonicWallId};
    config.profile.quirks.emplace();
    works = false;
  }
  SUBCASE("what it proves is checked all the same") {
    config.gateway.other_vendors = {kSonicWallId};
    config.gateway.lies.wrong_hash_r = true;
    works = false;
  }
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  CHECK(w.run_until([&] { return w.up(); }, 20s) == works);
  if (!works) return;
  CHECK(w.ping());
  REQUIRE(w.status().quirks.size() == 1);
  CHECK(w.status().quirks[0] == "plain-main-6");
}

TEST_CASE("a gateway that names its maker is known by it") {
  WorldConfig config;
  SUBCASE("Main Mode") {}
  SUBCASE("Aggressive Mode") { config.profile.aggressive = true; }
  config.gateway.other_vendors = {{0x1d, 0x6e, 0x17, 0x8f, 0x6c, 0x2c, 0x0b, 0xe2, 0x84, 0x98, 0x54,
                                   0x65, 0x45, 0x0f, 0xe9, 0xd4}};
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.event<session::PeerAnswered>()->maker == "FortiGate");
  CHECK(w.status().maker == "FortiGate");
  CHECK(w.status().quirks.empty());
}

TEST_CASE("a suite of the middle of the offer") {
  WorldConfig config;
  config.profile.ike.insert(config.profile.ike.begin(),
                            {{128}, crypto::HashAlg::kSha512, crypto::DhGroup::kEcp256});
  config.profile.ike.push_back({{128}, crypto::HashAlg::kSha1, crypto::DhGroup::kEcp256});
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.event<session::PeerAnswered>()->suite == config.gateway.ike.front());
}

}  // namespace
}  // namespace godwit::sim
