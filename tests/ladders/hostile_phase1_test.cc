// What a gateway, or somebody in its place, may answer in phase 1 (H08, H09, H10, H13) and what the
// real cases behind A08, A10, A16, A26, B07, B08, B09, B11, B16 were: a changed proposal, a public
// value that is none, nonces and identities of every size, payloads left out, our own messages.
#include <array>

#include "core/crypto/modp.h"
#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using ike::Attribute;
using ike::PayloadType;
using ike::Phase1Attr;
using session::EndCause;
using session::LocalPort;

using Numbers = std::initializer_list<std::uint16_t>;
using Change = std::function<void(ike::SaPayload&)>;

WorldConfig in_mode(bool aggressive_mode) {
  WorldConfig config;
  config.profile.aggressive = aggressive_mode;
  return config;
}

std::vector<Attribute>& attributes(ike::SaPayload& sa) {
  return sa.proposals[0].transforms[0].attributes;
}

Change setting(Phase1Attr type, std::uint16_t value) {
  return [=](ike::SaPayload& sa) {
    for (Attribute& attribute : attributes(sa)) {
      if (attribute.type != static_cast<std::uint16_t>(type)) continue;
      attribute = Attribute::number16(attribute.type, value);
    }
  };
}

// How a connect ends whose answered proposal was changed, in both modes.
void check_refused(const Change& change, EndCause expected = EndCause::kProposalRefused) {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = in_mode(aggressive_mode);
    config.gateway.edit = replacing_sa(ike::Protocol::kIsakmp, change);
    Run w(config);
    CAPTURE(w.ladder());
    CHECK(end_of_connect(w) == expected);
    CHECK_FALSE(sent_encrypted(w));
  }
}

TEST_CASE("H08, A26, B12: an attribute of the answered proposal that was not offered") {
  for (const std::uint16_t cipher : Numbers{0, 1, 3, 5, 6, 8, 65535}) {
    check_refused(setting(Phase1Attr::kEncryption, cipher));
  }
  for (const std::uint16_t bits : Numbers{0, 1, 64, 127, 128, 192, 257, 65535}) {
    check_refused(setting(Phase1Attr::kKeyLength, bits));
  }
  for (const std::uint16_t hash : Numbers{0, 1, 2, 3, 5, 6, 65535}) {
    check_refused(setting(Phase1Attr::kHash, hash));
  }
  for (const std::uint16_t group : Numbers{0, 1, 2, 5, 14, 1025}) {
    check_refused(setting(Phase1Attr::kGroup, group));
  }
}

TEST_CASE("H08, B09, B16: every authentication method but the one that was offered") {
  for (const std::uint16_t method :
       Numbers{0, 2, 3, 4, 5, 9, 64221, 65001, 65002, 65003, 65005, 65006, 65007, 65010}) {
    check_refused(setting(Phase1Attr::kAuth, method));
  }
}

TEST_CASE("H08: attributes left out, added or doubled") {
  for (std::size_t i = 0; i < 5; ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    check_refused([=](ike::SaPayload& sa) { attributes(sa).erase(attributes(sa).begin() + at); });
    check_refused([=](ike::SaPayload& sa) { attributes(sa).push_back(attributes(sa)[i]); });
    for (std::size_t other = 0; other < 5; ++other) {  // one stands where another should
      if (other == i) continue;
      check_refused([=](ike::SaPayload& sa) { attributes(sa)[i] = attributes(sa)[other]; });
    }
  }
  check_refused([](ike::SaPayload& sa) { attributes(sa).clear(); });
  for (const std::uint16_t type : Numbers{0, 5, 13, 15, 99, 16384, 32767}) {
    check_refused(
        [=](ike::SaPayload& sa) { attributes(sa).push_back(Attribute::number16(type, 1)); });
    check_refused([=](ike::SaPayload& sa) {
      attributes(sa).push_back(Attribute::octets(type, ByteVec(300, 0x41)));
    });
  }
}

TEST_CASE("H08: another number of transforms or proposals, another protocol or transform") {
  check_refused([](ike::SaPayload& sa) {
    auto& transforms = sa.proposals[0].transforms;
    transforms.push_back(transforms[0]);
  });
  check_refused([](ike::SaPayload& sa) { sa.proposals.push_back(sa.proposals[0]); });
  for (const std::uint8_t id : std::initializer_list<std::uint8_t>{0, 2, 12, 255}) {
    check_refused([=](ike::SaPayload& sa) { sa.proposals[0].transforms[0].id = id; });
  }
  check_refused([](ike::SaPayload& sa) {
    sa.proposals[0].protocol = ike::Protocol::kEsp;
    sa.proposals[0].spi = ByteVec(4, 0x11);
  });
}

// What a public value that is none leads to: no key is made from it, nothing encrypted leaves.
void check_bad_key(crypto::DhGroup group, const ByteVec& value) {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = in_mode(aggressive_mode);
    config.profile.ike[0].group = config.gateway.ike[0].group = group;
    config.gateway.edit = replacing(PayloadType::kKe, [&](ByteVec& body) { body = value; });
    Run w(config);
    CAPTURE(w.ladder());
    CHECK(end_of_connect(w) == EndCause::kBadKeyExchange);
    CHECK_FALSE(sent_encrypted(w));
  }
}

ByteVec with_last(ByteVec value, int offset) {
  value.back() = static_cast<std::uint8_t>(value.back() + offset);
  return value;
}

TEST_CASE("H09, A08, A09: a KE of 0, 1, p-1, p, p+1, of another size, above the prime") {
  constexpr auto kGroup = crypto::DhGroup::kModp2048;
  const ByteVec prime = to_vec(crypto::modp_prime(kGroup));  // it ends in 0xff
  ByteVec above = prime;
  std::ranges::fill(above, std::uint8_t{0xff});
  ByteVec next = with_last(prime, 1);  // p + 1, once the carry has run
  for (std::size_t i = next.size() - 1; next[i] == 0 && i > 0; --i) ++next[i - 1];
  const std::size_t size = prime.size();
  for (const ByteVec& value : {ByteVec(size), with_last(ByteVec(size), 1), with_last(prime, -1),
                               prime, next, above, ByteVec(), ByteVec(1, 2), ByteVec(size - 1, 2),
                               ByteVec(size + 1, 2), ByteVec(size * 2, 2), ByteVec(16'000, 2)}) {
    check_bad_key(kGroup, value);
  }
}

TEST_CASE("H09: a KE that is no point of the curve, the point at infinity, other sizes") {
  constexpr auto kGroup = crypto::DhGroup::kEcp256;
  SeededRng rng(9);
  const ByteVec point = crypto::dh_generate(kGroup, rng).public_value;
  ByteVec uncompressed = point;
  uncompressed.insert(uncompressed.begin(), 4);
  for (const ByteVec& value :
       {ByteVec(64), ByteVec(64, 0xff), with_last(point, 1), uncompressed, ByteVec(), ByteVec(1),
        ByteVec(63, 2), ByteVec(65, 2), ByteVec(point.begin(), point.begin() + 32)}) {
    check_bad_key(kGroup, value);
  }
}

TEST_CASE("H09: a KE of Quick Mode that is no point of the curve, or of another size") {
  for (const ByteVec& value : {ByteVec(64), ByteVec(64, 0xff), ByteVec(), ByteVec(63, 2)}) {
    WorldConfig config;
    config.profile.pfs = config.gateway.pfs = crypto::DhGroup::kEcp256;
    config.gateway.edit = [&](PayloadList& list) {
      if (list.front().first != PayloadType::kSa) return;  // of Main Mode
      for (auto& [type, body] : list) {
        if (type == PayloadType::kKe) body = value;
      }
    };
    Run w(config);
    CAPTURE(w.ladder());
    CHECK(end_of_connect(w) == EndCause::kBadKeyExchange);
    CHECK(w.data_path().facts().pair_count == 0);
  }
}

TEST_CASE("H10: nonces of 7, 8, 256 and 257 octets") {
  for (const bool aggressive_mode : {false, true}) {
    for (const std::size_t size : {7u, 8u, 256u, 257u}) {
      WorldConfig config = in_mode(aggressive_mode);
      config.gateway.nonce_size = size;
      Run w(config);
      CAPTURE(w.ladder());
      CAPTURE(size);
      if (size == 8 || size == 256) {
        REQUIRE(w.connect());
        CHECK(w.ping());
      } else {
        CHECK(ended_unanswered(end_of_connect(w)));
        CHECK_FALSE(sent_encrypted(w));
        CHECK(w.session().counters().of(Drop::kMalformed) > 0);
      }
    }
  }
}

TEST_CASE("H10: nonces of 7 and 257 octets in Quick Mode") {
  for (const std::size_t size : {0u, 7u, 257u}) {
    WorldConfig config;
    config.gateway.edit = [=](PayloadList& list) {
      if (list.size() > 2 && list[0].first == PayloadType::kSa &&
          list[1].first == PayloadType::kNonce) {
        list[1].second.assign(size, 0x33);
      }
    };
    Run w(config);
    CAPTURE(w.ladder());
    CHECK(end_of_connect(w) == EndCause::kPhase2Refused);
  }
}

const config::Identity kExpected{config::Identity::Type::kFqdn, "gw.office.example"};

std::optional<EndCause> end_with_identity(bool aggressive_mode, ike::IdPayload identity) {
  WorldConfig config = in_mode(aggressive_mode);
  config.profile.remote_id = kExpected;
  config.gateway.identity = std::move(identity);
  Run w(config);
  CAPTURE(w.ladder());
  return end_of_connect(w);
}

ByteVec text(std::string_view value) { return {value.begin(), value.end()}; }

TEST_CASE("H13, A16: an identity that is almost the profile's") {
  for (const bool aggressive_mode : {false, true}) {
    for (const std::string_view name : std::initializer_list<std::string_view>{
             "", "g", "gw.office.exampl", "gw.office.example.", "gw.office.example.evil",
             "xgw.office.example", "gw.office", ".gw.office.example", "gw.office.exampl\x80",
             "*.office.example", std::string_view("gw\0office.example", 17)}) {
      CHECK(end_with_identity(aggressive_mode, {ike::IdType::kFqdn, 0, 0, text(name)}) ==
            EndCause::kGatewayIdentity);
    }
    for (const auto type :
         {ike::IdType::kUserFqdn, ike::IdType::kKeyId, ike::IdType::kDerDn, ike::IdType::kDerGn}) {
      CHECK(end_with_identity(aggressive_mode, {type, 0, 0, text(kExpected.text)}) ==
            EndCause::kGatewayIdentity);
    }
    // RFC 4945 3.1.2: names compare without regard to case.
    CHECK_FALSE(
        end_with_identity(aggressive_mode, {ike::IdType::kFqdn, 0, 0, text("GW.Office.Example")}));
  }
}

TEST_CASE("H13, A10, A11: identities of 14 types and every size") {
  for (const bool aggressive_mode : {false, true}) {
    for (std::uint8_t type = 0; type < 14; ++type) {
      for (const std::size_t size : {1u, 2u, 3u, 4u, 8u, 16u, 32u, 20'000u}) {
        const ike::IdPayload identity{ike::IdType{type}, 0, 0, ByteVec(size, 0x41)};
        const bool sound = ike::decode_id(ike::encode_id(identity)).has_value();
        const auto cause = end_with_identity(aggressive_mode, identity);
        CAPTURE(static_cast<int>(type));
        CAPTURE(size);
        // One whose type and size contradict each other is as good as none.
        CHECK((sound ? cause == EndCause::kGatewayIdentity : ended_unanswered(cause)));
      }
    }
  }
}

TEST_CASE("A10, A23: an identity of 20,000 octets of noise is cut and escaped") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = in_mode(aggressive_mode);
    ByteVec noise(20'000);
    for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<std::uint8_t>(i);
    config.gateway.identity = {ike::IdType::kKeyId, 0, 0, noise};
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    const std::string shown = w.event<session::GatewayAuthenticated>()->identity;
    CHECK(shown.size() <= 256);
    CHECK(std::ranges::all_of(shown, [](char c) { return c >= ' ' && c <= '~'; }));
    CHECK(w.status().gateway_identity == shown);
  }
}

using Shape = std::vector<PayloadType>;

Shape shape_of(const PayloadList& list) {
  Shape shape;
  for (const auto& [type, body] : list) shape.push_back(type);
  return shape;
}

// The messages that a gateway composes in a connect, by their payloads.
std::vector<Shape> shapes_of_connect(WorldConfig config) {
  std::vector<Shape> shapes;
  config.gateway.edit = [&](PayloadList& list) { shapes.push_back(shape_of(list)); };
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  return shapes;
}

TEST_CASE("B07: each payload of each message of the gateway left out") {
  constexpr std::array kMandatory = {PayloadType::kSa,    PayloadType::kKe,
                                     PayloadType::kNonce, PayloadType::kId,
                                     PayloadType::kHash,  PayloadType::kAttributes};
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = with_xauth(in_mode(aggressive_mode));
    for (const Shape& victim : shapes_of_connect(config)) {
      for (std::size_t i = 0; i < victim.size(); ++i) {
        config.gateway.edit = [&](PayloadList& list) {
          if (shape_of(list) == victim) list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
        };
        Run w(config);
        CAPTURE(w.ladder());
        CAPTURE(ike::name(victim[i]));
        const bool up = w.connect(95s);
        CHECK((up || w.finished()));
        const bool mandatory = std::ranges::find(kMandatory, victim[i]) != kMandatory.end();
        CHECK_FALSE((up && mandatory));
      }
    }
  }
}

TEST_CASE("B08: every message of ours, reflected at every later moment") {
  for (const bool aggressive_mode : {false, true}) {
    Run w(with_xauth(in_mode(aggressive_mode)));
    CAPTURE(w.ladder());
    w.start();
    const auto reflect = [&] {
      const std::size_t count = w.sent().size();
      for (std::size_t i = 0; i < count; ++i) {
        if (!w.sent()[i].is_ike()) continue;
        const ByteVec message = to_vec(w.sent()[i].message());
        CHECK(harmless(w, LocalPort::kIke, w.gateway_endpoint(false), message));
        CHECK(harmless(w, LocalPort::kNatt, w.gateway_endpoint(true), marked(message)));
      }
    };
    while (!w.up() && !w.finished()) {
      REQUIRE(w.step());
      reflect();
    }
    REQUIRE(w.up());
    w.run_for(5s);
    reflect();
    CHECK(w.ping());
    CHECK(w.status().retransmissions == 0);
  }
}

// Cookies apart, nothing of what a peer sends comes back to it (BENIGNCERTAIN).
TEST_CASE("B11: no octet of the gateway's payloads is sent back") {
  const ByteVec mark = text("an octet string that nobody else sends");
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = with_xauth(in_mode(aggressive_mode));
    config.gateway.edit = [&](PayloadList& list) {
      if (list.front().first == PayloadType::kAttributes) {
        auto cfg = *ike::decode_cfg(list.front().second);
        cfg.attributes.push_back(Attribute::octets(0x7001, mark));
        list.front().second = ike::encode_cfg(cfg);
      } else if (list.front().first == PayloadType::kSa) {
        list.emplace_back(PayloadType::kVendorId, mark);
        ike::NotifyPayload notify;
        notify.type = ike::Notify::kInitialContact;
        notify.data = mark;
        list.emplace_back(PayloadType::kNotify, ike::encode_notify(notify));
      }
    };
    Run w(config);
    CAPTURE(w.ladder());
    CHECK(w.connect());
    w.run_for(1s);
    std::size_t heard = 0;
    for (const Letter& letter : w.gateway().letters()) {
      if (!letter.heard) continue;
      ++heard;
      for (const auto& [type, body] : letter.payloads) {
        CHECK(std::search(body.begin(), body.end(), mark.begin(), mark.end()) == body.end());
      }
    }
    CHECK(heard >= 5);
  }
}

}  // namespace
}  // namespace godwit::sim
