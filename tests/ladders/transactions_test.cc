// What a gateway may start by itself between phase 1 and Quick Mode, and the identities with which
// we come.
#include <set>

#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using ike::Attribute;
using ike::CfgAttr;
using ike::CfgPayload;
using ike::CfgType;
using ike::Exchange;
using ike::Notify;
using ike::PayloadType;

constexpr std::uint16_t n(CfgAttr type) { return static_cast<std::uint16_t>(type); }

bool send(World& w, Exchange exchange, PayloadType type, const ByteVec& body) {
  return w.gateway_does([&](Gateway& g, Instant now, Outbox& out) {
    return g.send_authentic(exchange, {{type, body}}, now, out);
  });
}

bool send_notify(World& w, Notify type) {
  ike::NotifyPayload notify;
  notify.type = type;
  return send(w, Exchange::kInformational, PayloadType::kNotify, ike::encode_notify(notify));
}

// The last attributes of a kind that the gateway read.
std::optional<CfgPayload> last_read(World& w, CfgType type) {
  std::optional<CfgPayload> found;
  for (const Letter& letter : w.gateway().letters()) {
    if (!letter.heard || letter.header.exchange != Exchange::kTransaction) continue;
    const auto cfg = ike::decode_cfg(letter.body(PayloadType::kAttributes));
    if (cfg && cfg->type == type) found = *cfg;
  }
  return found;
}

// The Transaction Exchanges in which the client has sent something.
std::size_t transactions_sent(const World& w) {
  std::set<std::uint32_t> ids;
  for (const Sent& sent : w.sent()) {
    if (!sent.is_ike()) continue;
    const auto header = ike::decode_header(sent.message());
    if (header && header->exchange == Exchange::kTransaction)
      ids.insert(header->message_id.value());
  }
  return ids.size();
}

TEST_CASE("MC-14: a gateway that pushes its configuration is acknowledged and believed") {
  WorldConfig config;
  config.gateway.silent_from = Step::kModeConfig;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.status().stage == session::Stage::kModeConfig; }, 10s));
  REQUIRE(transactions_sent(w) == 1);  // our own request, without an answer
  // <-- HDR*, HASH, ATTR(SET: ADDRESS, DNS)
  const CfgPayload set{CfgType::kSet,
                       77,
                       {Attribute::octets(n(CfgAttr::kIp4Address), ByteVec{10, 9, 0, 44}),
                        Attribute::octets(n(CfgAttr::kIp4Dns), ByteVec{10, 1, 0, 53})}};
  REQUIRE(send(w, Exchange::kTransaction, PayloadType::kAttributes, ike::encode_cfg(set)));
  REQUIRE(w.run_until([&] { return w.event<session::AddressAssigned>() != nullptr; }, 5s));
  const auto* assigned = w.event<session::AddressAssigned>();
  CHECK(assigned->addresses.front().address() == IpAddress::v4(0x0a09002c));
  CHECK(w.status().stage == session::Stage::kQuickMode);
  // HDR*, HASH, ATTR(ACK: ADDRESS, DNS) --> in the exchange of the SET
  CHECK(transactions_sent(w) == 2);
}

TEST_CASE("XA-04: a form of every field goes back with every field") {
  auto config = with_xauth();
  const CfgAttr asked[] = {CfgAttr::kXauthUserName, CfgAttr::kXauthPasscode, CfgAttr::kXauthNextPin,
                           CfgAttr::kXauthDomain, CfgAttr::kXauthAnswer};
  config.gateway.edit = [&](PayloadList& payloads) {
    for (auto& [type, body] : payloads) {
      if (type != PayloadType::kAttributes) continue;
      auto cfg = ike::decode_cfg(body);
      if (!cfg || cfg->type != CfgType::kRequest) continue;
      cfg->attributes.clear();
      for (const CfgAttr attr : asked) cfg->attributes.push_back(Attribute::octets(n(attr), {}));
      body = ike::encode_cfg(*cfg);
    }
  };
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return last_read(w, CfgType::kReply).has_value(); }, 10s));
  CHECK(w.forms() == 1);
  const auto reply = last_read(w, CfgType::kReply);
  CHECK(reply->attributes.size() == std::size(asked));
  for (const CfgAttr attr : asked) {
    CAPTURE(n(attr));
    const std::string& wanted =
        attr == CfgAttr::kXauthUserName ? config.user.name : config.user.password;
    REQUIRE(reply->find(attr));
    CHECK(reply->find(attr)->value == ByteVec(wanted.begin(), wanted.end()));
  }
}

TEST_CASE("an authentic error while the user is asked ends the attempt with its cause") {
  auto config = with_xauth();
  config.user.kind = User::Kind::kSilent;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.forms() == 1; }, 10s));
  session::EndCause cause{};
  SUBCASE("the user is refused") {
    REQUIRE(send_notify(w, Notify::kAuthenticationFailed));
    cause = session::EndCause::kUserRejected;
  }
  SUBCASE("we are refused") {
    REQUIRE(send_notify(w, Notify::kInvalidIdInformation));
    cause = session::EndCause::kWeAreRefused;
  }
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 5s));
  CHECK(cause_is(w, cause));
}

TEST_CASE("RFC 2407 4.6.3.1: a gateway that shortens the life of phase 1 gets a new one in time") {
  Run w;
  REQUIRE(w.connect());
  CAPTURE(w.ladder());
  const Ike* const sa = w.gateway().ike();
  REQUIRE(sa != nullptr);
  ike::NotifyPayload notify;
  notify.type = Notify::kResponderLifetime;
  notify.spi.resize(16);
  store_be(MutBytes(notify.spi).first(8), sa->in.initiator.value());
  store_be(MutBytes(notify.spi).last(8), sa->in.responder.value());
  notify.data = ike::encode_attributes(
      {Attribute::number16(static_cast<std::uint16_t>(ike::Phase1Attr::kLifeType),
                           ike::kLifeSeconds),
       Attribute::number32(static_cast<std::uint16_t>(ike::Phase1Attr::kLifeDuration), 1800)});
  REQUIRE(send(w, Exchange::kInformational, PayloadType::kNotify, ike::encode_notify(notify)));
  const auto messages = [&] {
    std::size_t count = 0;
    for (const Letter& letter : w.gateway().letters()) {
      count += letter.heard && letter.header.exchange == Exchange::kMain ? 1u : 0u;
    }
    return count;
  };
  const std::size_t before = messages();
  w.run_for(1800s);
  CHECK(messages() == before + 3);  // Main 1, 3, 5 of the one that takes its place
  CHECK_FALSE(w.finished());
  CHECK(w.ping());
}

TEST_CASE("RFC 2407 4.6.2: each kind of local identity is sent as what it is") {
  auto config = aggressive();
  ike::IdPayload expected;
  SUBCASE("a host name") {
    config.profile.local_id = {config::Identity::Type::kFqdn, "laptop.example"};
    expected.type = ike::IdType::kFqdn;
  }
  SUBCASE("a mail address") {
    config.profile.local_id = {config::Identity::Type::kUserFqdn, "alice@example.com"};
    expected.type = ike::IdType::kUserFqdn;
  }
  SUBCASE("a group") {
    config.profile.local_id = {config::Identity::Type::kKeyId, "sales"};
    expected.type = ike::IdType::kKeyId;
  }
  const std::string& text = config.profile.local_id.text;
  expected.data.assign(text.begin(), text.end());
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  // HDR, SA, KE, Ni, IDii -->
  const auto id = ike::decode_id(w.gateway().letters().front().body(PayloadType::kId));
  REQUIRE(id);
  CHECK(id->type == expected.type);
  CHECK(id->data == expected.data);
}

TEST_CASE("RFC 2407 4.6.3.3: INITIAL-CONTACT names the new SA, in the last message of phase 1") {
  bool main = true, wanted = true;
  SUBCASE("Main Mode") {}
  SUBCASE("Main Mode, not asked for") { wanted = false; }
  SUBCASE("Aggressive Mode") { main = false; }
  SUBCASE("Aggressive Mode, not asked for") { main = wanted = false; }
  WorldConfig config = main ? WorldConfig() : aggressive();
  config.profile.initial_contact = wanted;
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const Ike* const sa = w.gateway().ike();
  ByteVec cookies(16);
  store_be(MutBytes(cookies).first(8), sa->in.initiator.value());
  store_be(MutBytes(cookies).last(8), sa->in.responder.value());
  std::size_t found = 0;
  for (const Letter& letter : w.gateway().letters()) {
    const auto notify = ike::decode_notify(letter.body(PayloadType::kNotify));
    if (!letter.heard || !notify || notify->type != Notify::kInitialContact) continue;
    ++found;
    CHECK(letter.header.encrypted());
    CHECK(notify->spi == cookies);
  }
  CHECK(found == (wanted ? 1u : 0u));
}

TEST_CASE("a user name of the profile is sent without being asked for") {
  auto config = with_xauth();
  config.profile.user = "alice";
  config.user.name = "not alice";
  Run w(config);
  CAPTURE(w.ladder());
  CHECK(w.connect());
  CHECK(w.forms() == 1);  // for the password
}

TEST_CASE("MC-04: a request for our configuration is answered with nothing") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const std::size_t before = transactions_sent(w);
  const CfgPayload request{
      CfgType::kRequest, 9, {Attribute::octets(n(CfgAttr::kApplicationVersion), {})}};
  REQUIRE(send(w, Exchange::kTransaction, PayloadType::kAttributes, ike::encode_cfg(request)));
  w.run_for(1s);
  CHECK(transactions_sent(w) == before + 1);
  CHECK(w.ping());
}

}  // namespace
}  // namespace godwit::sim
