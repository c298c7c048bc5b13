#include "core/ike/v1/proposal.h"

#include <doctest/doctest.h>

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::v1;
using crypto::DhGroup;
using crypto::EspCipher;
using crypto::EspSuite;
using crypto::HashAlg;
using crypto::IkeSuite;

namespace {

const std::vector<IkeSuite> kSuites = {{{256}, HashAlg::kSha256, DhGroup::kModp2048},
                                       {{128}, HashAlg::kSha1, DhGroup::kModp1024}};

constexpr std::uint16_t n(Phase1Attr attr) { return static_cast<std::uint16_t>(attr); }
constexpr std::uint16_t n(Phase2Attr attr) { return static_cast<std::uint16_t>(attr); }

// The answer of a gateway that takes the `index`-th transform of an offer.
SaPayload pick(const SaPayload& offer, std::size_t index) {
  SaPayload answer = offer;
  auto& transforms = answer.proposals[0].transforms;
  transforms = {transforms[index]};
  return answer;
}

Phase2Offer esp_offer() {
  Phase2Offer offer;
  offer.spi = EspSpi{0xc0de0001};
  offer.suites = {{EspCipher::kAesGcm16, 128, {}}, {EspCipher::kAesCbc, 256, HashAlg::kSha256}};
  offer.lifetime = 3600s;
  return offer;
}

SaPayload esp_answer(const Phase2Offer& offer, std::size_t index) {
  SaPayload answer = pick(offer_phase2(offer), index);
  answer.proposals[0].spi = {0x11, 0x22, 0x33, 0x44};
  return answer;
}

}  // namespace

TEST_CASE("Phase 1 offers carry their attributes in the conventional order") {
  const SaPayload sa = offer_phase1(kSuites, kAuthPsk, 24h);
  REQUIRE(sa.proposals.size() == 1);
  REQUIRE(sa.proposals[0].transforms.size() == 2);
  std::vector<std::uint16_t> types;
  for (const Attribute& attribute : sa.proposals[0].transforms[0].attributes) {
    types.push_back(attribute.type);
  }
  const std::vector<std::uint16_t> expected = {
      n(Phase1Attr::kEncryption),  n(Phase1Attr::kKeyLength), n(Phase1Attr::kHash),
      n(Phase1Attr::kAuth),        n(Phase1Attr::kGroup),     n(Phase1Attr::kLifeType),
      n(Phase1Attr::kLifeDuration)};
  CHECK(types == expected);
  // 86400 s do not fit into a basic attribute (RFC 2408 3.3).
  CHECK(sa.proposals[0].transforms[0].attributes.back().number() == 86400u);
  CHECK_FALSE(sa.proposals[0].transforms[0].attributes.back().basic);
}

TEST_CASE("IKE1-02, 03, 04, 05: one proposal of KEY_IKE, every value that fits is basic") {
  const std::vector<IkeSuite> suites = {{{128}, HashAlg::kSha1, DhGroup::kModp1024},
                                        {{192}, HashAlg::kSha384, DhGroup::kEcp256},
                                        {{256}, HashAlg::kSha512, DhGroup::kModp4096}};
  const SaPayload sa = offer_phase1(suites, kAuthXauthInitPsk, 8h);
  CHECK(sa.doi == 1);
  CHECK(sa.situation == 1);
  REQUIRE(sa.proposals.size() == 1);
  CHECK(sa.proposals[0].protocol == Protocol::kIsakmp);
  CHECK(sa.proposals[0].spi.empty());
  REQUIRE(sa.proposals[0].transforms.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const Transform& transform = sa.proposals[0].transforms[i];
    CHECK(transform.id == 1);
    CHECK(transform.number == i + 1);
    REQUIRE(transform.attributes.size() == 7);
    for (const Attribute& attribute : transform.attributes) CHECK(attribute.basic);
    CHECK(transform.attributes[1].number() == suites[i].cipher.key_bits);
    CHECK(transform.attributes[3].number() == 65001u);
    CHECK(transform.attributes[4].number() == static_cast<std::uint16_t>(suites[i].group));
  }
}

TEST_CASE("ISK-18: an answer is accepted when it is one of the offers") {
  const SaPayload offer = offer_phase1(kSuites, kAuthPsk, 24h);
  for (std::size_t i = 0; i < kSuites.size(); ++i) {
    SaPayload answer = pick(offer, i);
    answer.proposals[0].transforms[0].number = 1;  // ISK-21: numbers may differ
    const auto choice = match_phase1(answer, kSuites, kAuthPsk, 24h);
    REQUIRE(choice);
    CHECK(choice->suite == kSuites[i]);
    CHECK(choice->lifetime == 24h);
  }
}

TEST_CASE("ISK-19, H08: a changed, added or missing attribute is refused") {
  const SaPayload offer = offer_phase1(kSuites, kAuthPsk, 24h);
  const auto refused = [&](auto change) {
    SaPayload answer = pick(offer, 0);
    change(answer.proposals[0].transforms[0].attributes);
    const auto choice = match_phase1(answer, kSuites, kAuthPsk, 24h);
    return !choice && choice.error() == Refusal::kNotOffered;
  };
  for (std::size_t i = 0; i < 5; ++i) {  // lifetimes are behind these
    CHECK(refused([&](auto& list) { list[i].value[1] ^= 3; }));
    CHECK(refused([&](auto& list) { list.erase(list.begin() + static_cast<std::ptrdiff_t>(i)); }));
  }
  CHECK(refused([](auto& list) { list.push_back(Attribute::number16(13, 1)); }));  // a PRF
  // The auth method is the profile's alone (IKE1-19).
  const auto xauth = match_phase1(pick(offer, 0), kSuites, kAuthXauthInitPsk, 24h);
  CHECK_FALSE(xauth);
}

TEST_CASE("ISK-19: a value may come back in the other encoding (RFC 2409 appendix A)") {
  SaPayload answer = pick(offer_phase1(kSuites, kAuthPsk, 3600s), 0);
  for (Attribute& attribute : answer.proposals[0].transforms[0].attributes) {
    attribute =
        Attribute::number32(attribute.type, static_cast<std::uint32_t>(*attribute.number()));
  }
  const auto choice = match_phase1(answer, kSuites, kAuthPsk, 3600s);
  REQUIRE(choice);
  CHECK(choice->suite == kSuites[0]);
  CHECK(choice->lifetime == 3600s);
}

TEST_CASE("ISK-20, H08: two transforms, two proposals or none are refused") {
  const SaPayload offer = offer_phase1(kSuites, kAuthPsk, 24h);
  CHECK_FALSE(match_phase1(offer, kSuites, kAuthPsk, 24h));
  SaPayload two = pick(offer, 0);
  two.proposals.push_back(two.proposals[0]);
  CHECK_FALSE(match_phase1(two, kSuites, kAuthPsk, 24h));
  SaPayload esp = pick(offer, 0);
  esp.proposals[0].protocol = Protocol::kEsp;
  CHECK_FALSE(match_phase1(esp, kSuites, kAuthPsk, 24h));
}

TEST_CASE("IKE1-32, IKE1-33: an answer shortens the lifetime, never lengthens it") {
  const auto with_seconds = [](std::uint32_t seconds) {
    SaPayload answer = pick(offer_phase1(kSuites, kAuthPsk, 3600s), 0);
    answer.proposals[0].transforms[0].attributes.back() =
        Attribute::number32(n(Phase1Attr::kLifeDuration), seconds);
    return match_phase1(answer, kSuites, kAuthPsk, 3600s)->lifetime;
  };
  CHECK(with_seconds(1800) == 1800s);
  CHECK(with_seconds(7200) == 3600s);
  CHECK(with_seconds(0) == 60s);
  CHECK(with_seconds(0xffff'ffff) == 3600s);
}

TEST_CASE("IKE1-31: a unit stands in front of each duration, and none contradicts another") {
  constexpr std::uint16_t kType = n(Phase2Attr::kLifeType);
  constexpr std::uint16_t kDuration = n(Phase2Attr::kLifeDuration);
  const auto read = [](std::vector<Attribute> list) {
    return lifetimes_of(list, n(Phase2Attr::kLifeType), n(Phase2Attr::kLifeDuration));
  };
  const auto seconds = Attribute::number16(kType, kLifeSeconds);
  const auto kilobytes = Attribute::number16(kType, kLifeKilobytes);
  const auto hour = Attribute::number16(kDuration, 3600);
  const auto big = Attribute::number32(kDuration, 4'608'000);  // what Cisco's gateways say

  const auto both = read({seconds, hour, kilobytes, big});
  REQUIRE(both);
  CHECK(both->time == 3600s);
  CHECK(both->kilobytes == 4'608'000u);
  const auto none = read({Attribute::number16(n(Phase2Attr::kGroup), 14)});
  REQUIRE(none);
  CHECK_FALSE((none->time || none->kilobytes));
  CHECK(read({seconds, hour, seconds, hour})->time == 3600s);  // RFC 2407 4.5.2
  CHECK(read({kilobytes, big})->kilobytes == 4'608'000u);

  CHECK_FALSE(read({seconds, hour, seconds, big}));
  CHECK_FALSE(read({kilobytes, hour, kilobytes, big}));
  CHECK_FALSE(read({seconds}));
  CHECK_FALSE(read({hour}));
  CHECK_FALSE(read({hour, seconds}));
  CHECK_FALSE(read({seconds, kilobytes, hour}));
  CHECK_FALSE(read({Attribute::number16(kType, 3), hour}));
  CHECK_FALSE(read({seconds, Attribute::number16(n(Phase2Attr::kGroup), 14), hour}));
}

TEST_CASE("kilobytes: offered with the seconds, shortened by an answer, set by a gateway") {
  Phase2Offer offer = esp_offer();
  const auto answered = [&](std::uint64_t value) {
    SaPayload answer = esp_answer(offer, 0);
    auto& list = answer.proposals[0].transforms[0].attributes;
    if (offer.kilobytes != 0) list.resize(list.size() - 2);
    list.push_back(Attribute::number16(n(Phase2Attr::kLifeType), kLifeKilobytes));
    list.push_back(
        Attribute::number32(n(Phase2Attr::kLifeDuration), static_cast<std::uint32_t>(value)));
    const auto choice = match_phase2(answer, offer);
    REQUIRE(choice);
    return choice->kilobytes;
  };
  CHECK(match_phase2(esp_answer(offer, 0), offer)->kilobytes == 0);
  CHECK(answered(4'608'000) == 4'608'000);
  CHECK(answered(0) == kKilobytesMin);  // IKE1-32
  offer.kilobytes = 100'000;
  CHECK(match_phase2(esp_answer(offer, 0), offer)->kilobytes == 100'000);
  CHECK(answered(4'608'000) == 100'000);
  CHECK(answered(50'000) == 50'000);
  CHECK(answered(1) == kKilobytesMin);
  const SaPayload offered = offer_phase2(offer);
  const auto& list = offered.proposals[0].transforms[0].attributes;
  const auto lives = lifetimes_of(list, n(Phase2Attr::kLifeType), n(Phase2Attr::kLifeDuration));
  REQUIRE(lives);
  CHECK(lives->kilobytes == 100'000u);
  CHECK(lives->time == 3600s);
  SaPayload odd = esp_answer(offer, 0);
  odd.proposals[0].transforms[0].attributes.pop_back();
  CHECK_FALSE(match_phase2(odd, offer));

  // Phase 1: we offer none, and a gateway may set one.
  SaPayload answer = pick(offer_phase1(kSuites, kAuthPsk, 3600s), 0);
  CHECK(match_phase1(answer, kSuites, kAuthPsk, 3600s)->kilobytes == 0);
  auto& phase1 = answer.proposals[0].transforms[0].attributes;
  phase1.push_back(Attribute::number16(n(Phase1Attr::kLifeType), kLifeKilobytes));
  CHECK_FALSE(match_phase1(answer, kSuites, kAuthPsk, 3600s));
  phase1.push_back(Attribute::number16(n(Phase1Attr::kLifeDuration), 5000));
  CHECK(match_phase1(answer, kSuites, kAuthPsk, 3600s)->kilobytes == 5000);
}

TEST_CASE("QM-11: an authentication algorithm goes with CBC and never with GCM") {
  const SaPayload sa = offer_phase2(esp_offer());
  const auto has_auth = [](const Transform& transform) {
    for (const Attribute& attribute : transform.attributes) {
      if (attribute.type == n(Phase2Attr::kAuth)) return true;
    }
    return false;
  };
  CHECK_FALSE(has_auth(sa.proposals[0].transforms[0]));
  CHECK(has_auth(sa.proposals[0].transforms[1]));
  CHECK(sa.proposals[0].spi == ByteVec{0xc0, 0xde, 0x00, 0x01});
}

TEST_CASE("QM-07, QM-10, QM-12, QM-13: every transform of an offer has the same mode and group") {
  Phase2Offer offer = esp_offer();
  offer.suites.push_back({EspCipher::kAesCbc, 128, HashAlg::kSha1});
  for (const bool pfs : {false, true}) {
    if (pfs) offer.pfs = DhGroup::kEcp256;
    for (const std::uint16_t mode : {kEncapUdpTunnel, kEncapUdpTunnelDraft}) {
      offer.encapsulation = mode;
      const SaPayload sa = offer_phase2(offer);
      REQUIRE(sa.proposals.size() == 1);
      CHECK(sa.proposals[0].transforms.size() == 3);
      for (const Transform& transform : sa.proposals[0].transforms) {
        const auto value = [&](Phase2Attr type) -> std::optional<std::uint64_t> {
          for (const Attribute& a : transform.attributes) {
            if (a.type == n(type)) return a.number();
          }
          return std::nullopt;
        };
        CHECK(value(Phase2Attr::kEncapsulation) == mode);
        CHECK(value(Phase2Attr::kKeyLength).has_value());
        CHECK(value(Phase2Attr::kGroup) == (pfs ? std::optional<std::uint64_t>(19) : std::nullopt));
        CHECK_FALSE(value(Phase2Attr{11}));  // extended sequence numbers
      }
    }
  }
}

TEST_CASE("QM-12: extended sequence numbers are not offered, so an answer cannot have them") {
  const Phase2Offer offer = esp_offer();
  for (const std::uint16_t value : std::initializer_list<std::uint16_t>{0, 1, 2}) {
    SaPayload answer = esp_answer(offer, 0);
    answer.proposals[0].transforms[0].attributes.push_back(Attribute::number16(11, value));
    CHECK_FALSE(match_phase2(answer, offer));
  }
}

TEST_CASE("ISK-17: a transform that we do not know is passed over for one that we do") {
  Phase2Offer theirs = esp_offer();
  theirs.spi = EspSpi{0xabcd0001};
  SaPayload proposed = offer_phase2(theirs);
  auto& transforms = proposed.proposals[0].transforms;
  Transform strange = transforms[0];
  for (const std::uint8_t id : std::initializer_list<std::uint8_t>{0, 1, 3, 23, 249, 255}) {
    strange.id = id;
    transforms.insert(transforms.begin(), strange);
  }
  const auto accepted = accept_phase2(proposed, esp_offer());
  REQUIRE(accepted);
  CHECK(accepted->choice.suite == esp_offer().suites[0]);
  CHECK(accepted->answer.proposals[0].transforms.size() == 1);
}

TEST_CASE("Phase 2 answers: SPI, encapsulation and group must fit") {
  const Phase2Offer offer = esp_offer();
  const auto choice = match_phase2(esp_answer(offer, 1), offer);
  REQUIRE(choice);
  CHECK(choice->suite == offer.suites[1]);
  CHECK(choice->peer_spi == EspSpi{0x11223344});

  for (const ByteVec& spi : {ByteVec{0, 0, 0, 0}, ByteVec{0, 0, 0, 255}, ByteVec{1, 2, 3},
                             ByteVec{0xc0, 0xde, 0, 1}}) {  // QM-08, and our own SPI echoed
    SaPayload answer = esp_answer(offer, 0);
    answer.proposals[0].spi = spi;
    CHECK_FALSE(match_phase2(answer, offer));
  }
  SaPayload plain_tunnel = esp_answer(offer, 0);  // QM-13
  for (Attribute& attribute : plain_tunnel.proposals[0].transforms[0].attributes) {
    if (attribute.type == n(Phase2Attr::kEncapsulation)) {
      attribute = Attribute::number16(attribute.type, kEncapTunnel);
    }
  }
  CHECK_FALSE(match_phase2(plain_tunnel, offer));
  SaPayload with_group = esp_answer(offer, 0);
  with_group.proposals[0].transforms[0].attributes.push_back(
      Attribute::number16(n(Phase2Attr::kGroup), 14));
  CHECK_FALSE(match_phase2(with_group, offer));
  SaPayload no_length = esp_answer(offer, 0);  // QM-10
  std::erase_if(no_length.proposals[0].transforms[0].attributes, [](const Attribute& attribute) {
    return attribute.type == n(Phase2Attr::kKeyLength);
  });
  CHECK_FALSE(match_phase2(no_length, offer));
}

TEST_CASE("A gateway's proposal is answered with its own transform and our SPI") {
  Phase2Offer theirs = esp_offer();
  theirs.spi = EspSpi{0xabcd0001};
  theirs.suites = {{EspCipher::kAesCbc, 192, HashAlg::kSha512},
                   {EspCipher::kAesCbc, 256, HashAlg::kSha256}};
  theirs.lifetime = 1200s;
  const Phase2Offer ours = esp_offer();
  const auto accepted = accept_phase2(offer_phase2(theirs), ours);
  REQUIRE(accepted);
  CHECK(accepted->choice.suite == ours.suites[1]);
  CHECK(accepted->choice.peer_spi == theirs.spi);
  CHECK(accepted->choice.lifetime == 1200s);
  REQUIRE(accepted->answer.proposals.size() == 1);
  CHECK(accepted->answer.proposals[0].transforms[0].number == 2);
  CHECK(accepted->answer.proposals[0].spi == ByteVec{0xc0, 0xde, 0x00, 0x01});

  theirs.suites = {{EspCipher::kAesCbc, 128, HashAlg::kSha1}};
  CHECK_FALSE(accept_phase2(offer_phase2(theirs), ours));  // QM-19: never weaker than the policy
}

TEST_CASE("A proposal bundled with AH is not taken apart") {
  SaPayload proposed = offer_phase2([] {
    Phase2Offer theirs = esp_offer();
    theirs.spi = EspSpi{0xabcd0001};
    return theirs;
  }());
  Proposal ah;
  ah.protocol = Protocol::kAh;
  ah.spi = {1, 2, 3, 4};
  ah.transforms.emplace_back();
  proposed.proposals.push_back(ah);
  CHECK_FALSE(accept_phase2(proposed, esp_offer()));
}
