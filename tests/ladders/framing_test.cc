// The frame around the payloads, and which payloads may stand where (RFC 2408 3.1, 4.2, 5; RFC 2409
// 5): what a gateway may do differently, and what is no message of its exchange.
#include <algorithm>
#include <array>
#include <set>

#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using ike::Exchange;
using ike::PayloadType;
using session::LocalPort;

constexpr std::size_t kExchangeAt = 18;  // in the ISAKMP header
constexpr std::size_t kFlagsAt = 19;

WorldConfig in_mode(bool aggressive_mode) {
  WorldConfig config;
  config.profile.aggressive = aggressive_mode;
  return config;
}

bool is_phase1(const PayloadList& list) {
  return std::ranges::none_of(list,
                              [](const auto& payload) {
                                return payload.first == PayloadType::kAttributes ||
                                       payload.first == PayloadType::kDelete;
                              }) &&
         std::ranges::count(list, PayloadType::kId, &PayloadList::value_type::first) < 2;
}

// ISK-13, ISK-14, IKE1-19: the genuine message still does its work behind each of the others.
TEST_CASE("an answer without a cookie, with ours, or of another exchange (ISK-13, 14; IKE1-19)") {
  for (const bool aggressive_mode : {false, true}) {
    Run w(in_mode(aggressive_mode));
    CAPTURE(w.ladder());
    int harm = 0;
    int injected = 0;
    w.tap = [&](Flight& flight) {
      if (!flight.to_client || w.status().floated) return true;
      const ByteVec genuine = flight.bytes;
      const auto hit = [&](const ByteVec& message) {
        harm += harmless(w, LocalPort::kIke, flight.from, message) ? 0 : 1;
        ++injected;
      };
      ByteVec other = genuine;
      store_be<std::uint64_t>(MutBytes(other).subspan(8), 0);
      hit(other);
      std::copy_n(genuine.begin(), 8, other.begin() + 8);
      hit(other);
      for (const auto exchange : {Exchange::kMain, Exchange::kAggressive}) {
        other = genuine;
        if (other[kExchangeAt] == static_cast<std::uint8_t>(exchange)) continue;
        other[kExchangeAt] = static_cast<std::uint8_t>(exchange);
        hit(other);
      }
      return true;
    };
    REQUIRE(w.connect(5s));
    CHECK(harm == 0);
    CHECK(injected >= 3);
    CHECK(w.status().retransmissions == 0);
  }
}

// Message 4 of Main Mode comes with the cookie of message 2, or not at all.
TEST_CASE("a responder cookie that changes half-way leaves the genuine one in force (ISK-13)") {
  Run w;
  CAPTURE(w.ladder());
  int answers = 0;
  bool done = false;
  w.tap = [&](Flight& flight) {
    if (!flight.to_client || ++answers != 2) return true;
    ByteVec other = flight.bytes;
    other[8] ^= 1;
    done = harmless(w, LocalPort::kIke, flight.from, other);
    return true;
  };
  REQUIRE(w.connect(5s));
  CHECK(done);
  CHECK(w.session().counters().of(Drop::kUnknownCookies) == 1);
  CHECK(w.status().retransmissions == 0);
}

TEST_CASE("phase 1: the SA payload comes first, the others in any order (IKE1-01, IKE1-37)") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = in_mode(aggressive_mode);
    bool usable = false;
    SUBCASE("from the last to the first, NAT-D as they are") {
      usable = true;
      config.gateway.edit = [](PayloadList& list) {
        if (!is_phase1(list)) return;
        const bool with_sa = list.front().first == PayloadType::kSa;
        const auto rest = list.begin() + (with_sa ? 1 : 0);
        std::reverse(rest, list.end());
        // RFC 3947 3.2: which of them is whose is in their order.
        const auto nat_d = std::stable_partition(
            rest, list.end(), [](const auto& p) { return p.first != PayloadType::kNatD; });
        std::reverse(nat_d, list.end());
      };
    }
    SUBCASE("a payload before SA") {
      config.gateway.edit = [](PayloadList& list) {
        if (is_phase1(list) && list.size() > 1 && list.front().first == PayloadType::kSa) {
          std::swap(list[0], list[1]);
        }
      };
    }
    Run w(config);
    CAPTURE(w.ladder());
    if (usable) {
      REQUIRE(w.connect());
      CHECK(w.ping());
      continue;
    }
    CHECK(ended_unanswered(end_of_connect(w)));
    CHECK_FALSE(sent_encrypted(w));
    CHECK(w.session().counters().of(Drop::kMalformed) > 0);
  }
}

// Each payload of which a message holds one, a second time: two of them have no meaning.
TEST_CASE("two of what there can be one of spoil their message (IKE1-38, ISK-20)") {
  for (const bool aggressive_mode : {false, true}) {
    for (const PayloadType victim :
         {PayloadType::kSa, PayloadType::kKe, PayloadType::kNonce, PayloadType::kId,
          PayloadType::kHash, PayloadType::kAttributes}) {
      WorldConfig config = with_xauth(in_mode(aggressive_mode));
      config.gateway.edit = [&](PayloadList& list) {
        const auto it = std::ranges::find(list, victim, &PayloadList::value_type::first);
        if (it == list.end()) return;
        const auto copy = *it;
        list.push_back(copy);
      };
      Run w(config);
      CAPTURE(w.ladder());
      CAPTURE(ike::name(victim));
      CHECK_FALSE(w.connect(95s));
      CHECK(w.session().counters().of(Drop::kDuplicatePayload) > 0);
      CHECK(w.session().counters().of(Drop::kBadHash) == 0);
    }
  }
}

// RFC 2408 3.9, 3.10: at any point of an exchange, and more of them than anyone has use for.
TEST_CASE("certificates and requests for them in every message of phase 1 (ISK-31, ISK-05)") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = in_mode(aggressive_mode);
    config.gateway.edit = [](PayloadList& list) {
      if (!is_phase1(list)) return;
      for (int i = 0; i < 12; ++i) {
        list.emplace_back(PayloadType::kCert, ByteVec{ike::kCertX509Signature, 0x30, 0x00});
        list.emplace_back(PayloadType::kCertRequest, ByteVec{ike::kCertX509Signature});
      }
    };
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(w.ping());
    for (const Drop reason : {Drop::kUnexpectedPayload, Drop::kDuplicatePayload}) {
      CHECK(w.session().counters().of(reason) == 0);
    }
  }
}

// RFC 2407 4.6.2, RFC 3947 4.
TEST_CASE("the protocol and port of the gateway's ID are those of IKE, or 0 (IKE1-20)") {
  struct Case {
    std::uint8_t protocol;
    std::uint16_t port;
    bool usable;
  };
  for (const Case& c : {Case{0, 0, true}, Case{17, 500, true}, Case{17, 0, true},
                        Case{17, 4500, true}, Case{0, 500, false}, Case{6, 0, false},
                        Case{6, 500, false}, Case{17, 1701, false}, Case{17, 65535, false}}) {
    for (const bool aggressive_mode : {false, true}) {
      WorldConfig config = in_mode(aggressive_mode);
      config.gateway.identity = {ike::IdType::kFqdn, c.protocol, c.port, ByteVec{'g', 'w'}};
      Run w(config);
      CAPTURE(w.ladder());
      CAPTURE(static_cast<int>(c.protocol));
      CAPTURE(c.port);
      const auto cause = end_of_connect(w);
      CHECK(cause ==
            (c.usable ? std::nullopt : std::optional(session::EndCause::kGatewayIdentity)));
    }
  }
}

// Nobody waits for CONNECTED: a pair is in place before message 3 leaves, and a new one is not sent
// under before something arrived on it or a second has passed.
TEST_CASE("a gateway that sets the Commit bit everywhere (ISK-30)") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config = with_xauth(in_mode(aggressive_mode));
    config.profile.esp_lifetime = 300s;
    Run w(config);
    CAPTURE(w.ladder());
    w.tap = [&](Flight& flight) {
      const std::size_t marker = port_of(w, flight) == LocalPort::kNatt ? 4 : 0;
      const Bytes octets(flight.bytes);
      if (!flight.to_client || octets.size() < marker + ike::kHeaderSize) return true;
      if (marker != 0 && load_be<std::uint32_t>(octets) != 0) return true;  // ESP
      flight.bytes[marker + kFlagsAt] |= ike::kFlagCommit;
      return true;
    };
    REQUIRE(w.connect(10s));
    CHECK(w.ping());
    w.run_for(300s);
    CHECK(w.status().rekeys >= 1);
    CHECK(w.ping());
    CHECK(w.status().retransmissions == 0);
    CHECK(w.session().counters().of(Drop::kBadFlags) == 0);
  }
}

ByteVec notify(std::uint16_t type, ike::Protocol protocol) {
  ike::NotifyPayload payload;
  payload.protocol = protocol;
  payload.type = ike::Notify{type};
  return ike::encode_notify(payload);
}

// RFC 2409 5.7, RFC 2408 5.7: two that answer each other's errors would never stop.
TEST_CASE("no Informational is answered, whatever it says, but R-U-THERE (ISK-27)") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  std::vector<Gateway::Rest> all;
  for (std::uint16_t type = 1; type <= 31; ++type) {
    all.push_back({{PayloadType::kNotify, notify(type, ike::Protocol::kIsakmp)}});
    all.push_back({{PayloadType::kNotify, notify(type, ike::Protocol::kEsp)}});
  }
  for (const std::uint16_t type : std::initializer_list<std::uint16_t>{
           0, 8192, 16383, 16384, 24576, 24577, 24578, 36137, 40000, 40500, 40501, 65535}) {
    all.push_back({{PayloadType::kNotify, notify(type, ike::Protocol::kIsakmp)}});
  }
  ike::DeletePayload of_nobody;
  of_nobody.protocol = ike::Protocol::kEsp;
  of_nobody.spis = {ByteVec{1, 2, 3, 4}};
  all.push_back({{PayloadType::kDelete, ike::encode_delete(of_nobody)}});
  all.push_back({{PayloadType::kDelete, ByteVec{1, 2, 3}}});
  all.push_back({{PayloadType::kNotify, ByteVec{}}});
  all.push_back({{PayloadType::kNonce, ByteVec(20)}});
  all.push_back({});
  const std::size_t before = w.sent().size();
  for (const Gateway::Rest& rest : all) {
    REQUIRE(w.gateway_does([&](Gateway& g, Instant now, Outbox& out) {
      return g.send_authentic(Exchange::kInformational, rest, now, out);
    }));
    w.run_for(50ms);
  }
  CHECK(w.sent().size() == before);
  CHECK(w.up());
  CHECK(w.ping());
}

// RFC 2409 4 and 5.5; IKE1-08 and RFC 6989 2.2: no exponent serves twice.
TEST_CASE("every exchange has cookies, a nonce and a public value of its own (ISK-11, IKE1-08)") {
  WorldConfig config;
  config.profile.pfs = config.gateway.pfs = crypto::DhGroup::kEcp256;
  config.profile.esp_lifetime = 300s;
  config.profile.ike_lifetime = 600s;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1200s);
  CHECK(w.ping());
  std::set<ByteVec> publics, nonces;
  std::set<std::uint64_t> cookies;
  std::size_t count = 0;
  for (const Letter& letter : w.gateway().letters()) {
    if (!letter.heard) continue;
    cookies.insert(letter.header.initiator.value());
    if (letter.count(PayloadType::kKe) == 0) continue;
    ++count;
    publics.insert(to_vec(letter.body(PayloadType::kKe)));
    nonces.insert(to_vec(letter.body(PayloadType::kNonce)));
  }
  CHECK(count >= 6);
  CHECK(publics.size() == count);
  CHECK(nonces.size() == count);
  CHECK(cookies.size() >= 3);
  CHECK_FALSE(cookies.contains(0));
}

}  // namespace
}  // namespace godwit::sim
