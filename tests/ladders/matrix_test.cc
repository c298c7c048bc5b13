// State by message: what an authentic gateway may send at the wrong time. The machines of ike/v1
// are tried pair by pair in tests/unit/v1; here the whole session gets every message in every stage
// and goes on as if nothing had come.
#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

struct Odd {
  const char* name;
  ike::Exchange exchange;
  Gateway::Rest rest;
};

ByteVec cfg(ike::CfgType type, std::vector<ike::Attribute> attributes) {
  return ike::encode_cfg({type, 7, std::move(attributes)});
}

ByteVec notify(std::uint16_t type, ByteVec data = {}) {
  ike::NotifyPayload payload;
  payload.type = static_cast<ike::Notify>(type);
  payload.data = std::move(data);
  return ike::encode_notify(payload);
}

ByteVec delete_esp(std::uint32_t spi) {
  ike::DeletePayload payload;
  payload.protocol = ike::Protocol::kEsp;
  payload.spis = {ByteVec(4)};
  store_be<std::uint32_t>(payload.spis[0], spi);
  return ike::encode_delete(payload);
}

std::vector<Odd> odd_messages() {
  using ike::Exchange;
  const auto address = ike::Attribute::octets(1, ByteVec{10, 9, 0, 66});
  const auto status =
      ike::Attribute::number16(static_cast<std::uint16_t>(ike::CfgAttr::kXauthStatus), 1);
  return {
      {"an ACK of nothing",
       Exchange::kTransaction,
       {{PayloadType::kAttributes, cfg(ike::CfgType::kAck, {})}}},
      {"a REPLY to nothing",
       Exchange::kTransaction,
       {{PayloadType::kAttributes, cfg(ike::CfgType::kReply, {address})}}},
      {"a REPLY with a status",
       Exchange::kTransaction,
       {{PayloadType::kAttributes, cfg(ike::CfgType::kReply, {status})}}},
      {"no attributes", Exchange::kTransaction, {{PayloadType::kNonce, ByteVec(20, 1)}}},
      {"Quick Mode without SA", Exchange::kQuick, {{PayloadType::kNonce, ByteVec(20, 1)}}},
      {"HASH(3) of no Quick Mode", Exchange::kQuick, {}},
      {"an unknown status", Exchange::kInformational, {{PayloadType::kNotify, notify(40000)}}},
      {"a DPD answer to nothing",
       Exchange::kInformational,
       {{PayloadType::kNotify, notify(36137, ByteVec(4))}}},
      {"a DPD query without cookies",
       Exchange::kInformational,
       {{PayloadType::kNotify, notify(36136, ByteVec(4))}}},
      {"CONNECTED", Exchange::kInformational, {{PayloadType::kNotify, notify(16384)}}},
      {"a Delete of another's SPI",
       Exchange::kInformational,
       {{PayloadType::kDelete, delete_esp(0x12345678)}}},
      {"a Delete of SPI 0", Exchange::kInformational, {{PayloadType::kDelete, delete_esp(0)}}},
      {"an Informational without content", Exchange::kInformational, {}},
  };
}

TEST_CASE("matrix, B01: every authentic message at every moment") {
  const auto odd = odd_messages();
  for (std::size_t which = 0; which < odd.size(); ++which) {
    for (const bool aggressive_mode : {false, true}) {
      auto config = with_xauth();
      config.profile.aggressive = aggressive_mode;
      Run w(config);
      CAPTURE(w.ladder());
      const char* name = odd[which].name;
      CAPTURE(name);
      w.start();
      std::size_t sent = 0;
      const auto send = [&] {
        sent += w.gateway_does([&](Gateway& g, Instant now, Outbox& out) {
          return g.send_authentic(odd[which].exchange, odd[which].rest, now, out);
        })
                    ? 1u
                    : 0u;
      };
      // At each step of the connect, and after the user was asked; bounded, because each message
      // makes a step of its own.
      for (int i = 0; i < 200 && !w.up() && !w.finished(); ++i) {
        if (i % 2 == 0) send();
        REQUIRE(w.step());
      }
      REQUIRE(w.run_until([&] { return w.up() || w.finished(); }, 90s));
      REQUIRE(w.up());
      CHECK(sent > 3);
      send();
      w.run_for(2s);
      CHECK(w.up());
      CHECK(w.ping());
      CHECK(w.forms() == 1);
      CHECK(w.tunnel()->addresses.front().address() == IpAddress::v4(0x0a090002));
      CHECK(w.gateway().quick_modes() == 1);
    }
  }
}

// Nobody but the gateway ends a session, and no call at the wrong time does.
TEST_CASE("matrix: every call at every moment") {
  for (int steps = 0; steps < 40; ++steps) {
    Run w(with_xauth());
    CAPTURE(w.ladder());
    CAPTURE(steps);
    w.start();
    for (int i = 0; i < steps && !w.up(); ++i) w.step();
    session::Actions out;
    const std::uint64_t drops = w.total_drops();
    session::JobDone stray{JobId{0xffff'0000},
                           Result<SecretBytes, crypto::DhError>(SecretBytes(32))};
    w.session().on_job(std::move(stray), w.now(), out);
    w.session().on_user(session::UserAnswer{0xffff'0000, {}}, w.now(), out);
    w.session().on_user(session::UserCannotAnswer{0xffff'0000}, w.now(), out);
    CHECK(out.empty());
    CHECK(w.total_drops() == drops + 3);
    REQUIRE(w.run_until([&] { return w.up() || w.finished(); }, 90s));
    CHECK(w.up());
    CHECK(w.ping());
    if (w.forms() > 0 && steps > 38) CHECK(w.forms() == 1);
  }
}

TEST_CASE("matrix: the machine refuses the tunnel") {
  Run w;
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.tunnel().has_value(); }, 5s));
  w.user(session::MachineRefused{});
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 10s));
  CHECK(cause_is(w, session::EndCause::kCannotApply));
}

TEST_CASE("matrix: nothing happens after the end") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  w.user(session::UserDisconnects{});
  REQUIRE(w.run_until([&] { return w.finished().has_value(); }, 10s));
  const std::size_t sent = w.sent().size();
  session::Actions out;
  w.session().on_user(session::UserDisconnects{}, w.now(), out);
  w.session().on_deadline(w.now() + 1h, out);
  w.session().on_traffic(w.data_path().facts(), w.now(), out);
  CHECK(out.empty());
  CHECK_FALSE(w.session().next_deadline());
  CHECK(w.sent().size() == sent);
}

}  // namespace
}  // namespace godwit::sim
