// NAT-D payloads (RFC 3947 3.2): ours, several from a gateway with several addresses, and those
// under numbers that are not theirs.
#include <algorithm>

#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

// One edit for both modes: it sees the gateway's only message with NAT-D payloads as they are.
WorldConfig edited(bool aggressive_mode, std::function<void(PayloadList&)> edit) {
  WorldConfig config;
  config.profile.aggressive = aggressive_mode;
  config.gateway.edit = [edit](PayloadList& list) {
    if (std::ranges::any_of(list, [](const auto& p) { return p.first == PayloadType::kNatD; })) {
      edit(list);
    }
  };
  return config;
}

auto last_nat_d(PayloadList& list) {
  return std::prev(std::find_if(list.rbegin(), list.rend(), [](const auto& p) {
                     return p.first == PayloadType::kNatD;
                   }).base());
}

// Addresses of the gateway that are not the one its message came from.
void add_others(PayloadList& list, std::size_t count) {
  const ByteVec other(last_nat_d(list)->second.size(), 0x5a);
  for (std::size_t i = 0; i < count; ++i) {
    list.insert(last_nat_d(list), {PayloadType::kNatD, other});
  }
}

void renumber(PayloadList& list, PayloadType type) {
  for (auto& [number, body] : list) {
    if (number == PayloadType::kNatD) number = type;
  }
}

const session::NatFound* connect(Run& w) {
  REQUIRE(w.connect());
  CHECK(w.ping());
  REQUIRE(w.event<session::NatFound>());
  return w.event<session::NatFound>();
}

TEST_CASE("ours: one for the gateway, then one for ourselves (NATT-03, NATT-04, NATT-05)") {
  for (const bool aggressive_mode : {false, true}) {
    WorldConfig config;
    config.profile.aggressive = aggressive_mode;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    const auto letter = std::ranges::find_if(w.gateway().letters(), [](const Letter& l) {
      return l.heard && l.count(PayloadType::kNatD) != 0;
    });
    REQUIRE(letter != w.gateway().letters().end());
    REQUIRE(letter->count(PayloadType::kNatD) == 2);
    const Ike& sa = *w.gateway().ike();
    const auto hash = [&sa](const Endpoint& endpoint) {
      return nat_d(sa.in.suite.hash, sa.in.initiator, sa.in.responder, endpoint);
    };
    CHECK(equal(letter->body(PayloadType::kNatD, 0), hash(w.gateway_endpoint(false))));
    CHECK(equal(letter->body(PayloadType::kNatD, 1), hash(w.local().ike)));
  }
}

TEST_CASE("a gateway with up to eight addresses is plain when any is the source (NATT-05)") {
  for (const bool aggressive_mode : {false, true}) {
    for (std::size_t others = 0; others <= 8; ++others) {
      Run w(edited(aggressive_mode, [others](PayloadList& list) { add_others(list, others); }));
      CAPTURE(w.ladder());
      CAPTURE(others);
      const session::NatFound* found = connect(w);
      CHECK(found->we_are_behind);
      CHECK(found->gateway_is_behind == (others == 8));  // the ninth is not looked at
    }
  }
}

TEST_CASE("a gateway none of whose addresses is the source is behind a NAT (NATT-06)") {
  for (const bool aggressive_mode : {false, true}) {
    for (const bool natted : {false, true}) {
      WorldConfig config = edited(aggressive_mode, [](PayloadList& list) {
        add_others(list, 4);
        list.erase(last_nat_d(list));
      });
      config.client_natted = natted;
      Run w(config);
      CAPTURE(w.ladder());
      const session::NatFound* found = connect(w);
      CHECK(found->we_are_behind == natted);
      CHECK(found->gateway_is_behind);
    }
  }
}

TEST_CASE("too many NAT-D payloads, and a single one, count as a NAT (NATT-08)") {
  for (const bool aggressive_mode : {false, true}) {
    for (const std::size_t others : {0u, 20u, 48u}) {
      WorldConfig config = edited(aggressive_mode, [others](PayloadList& list) {
        if (others == 0) list.erase(last_nat_d(list));
        if (others != 0) add_others(list, others);
      });
      config.client_natted = false;
      Run w(config);
      CAPTURE(w.ladder());
      CAPTURE(others);
      CHECK(connect(w)->gateway_is_behind);
    }
  }
}

TEST_CASE("the drafts' number from a gateway that says RFC 3947 (NATT-24)") {
  for (const bool aggressive_mode : {false, true}) {
    SUBCASE("instead of the RFC's: taken for it") {
      Run w(edited(aggressive_mode,
                   [](PayloadList& list) { renumber(list, PayloadType::kNatDDraft); }));
      CAPTURE(w.ladder());
      const session::NatFound* found = connect(w);
      CHECK(found->we_are_behind);
      CHECK_FALSE(found->gateway_is_behind);
    }
    SUBCASE("beside the RFC's: not looked at") {
      WorldConfig config = edited(aggressive_mode, [](PayloadList& list) {
        const ByteVec other(last_nat_d(list)->second.size(), 0x5a);
        const auto first =
            std::ranges::find_if(list, [](const auto& p) { return p.first == PayloadType::kNatD; });
        list.insert(first, 2, {PayloadType::kNatDDraft, other});
      });
      config.client_natted = false;
      config.gateway_natted = true;
      Run w(config);
      CAPTURE(w.ladder());
      const session::NatFound* found = connect(w);
      CHECK_FALSE(found->we_are_behind);
      CHECK(found->gateway_is_behind);
    }
  }
}

TEST_CASE("numbers 15 and 16 are GDOI's and never NAT-D (NATT-25)") {
  for (const bool aggressive_mode : {false, true}) {
    for (const std::uint8_t number : {std::uint8_t{15}, std::uint8_t{16}}) {
      Run w(edited(aggressive_mode,
                   [number](PayloadList& list) { renumber(list, PayloadType{number}); }));
      CAPTURE(w.ladder());
      CAPTURE(number);
      CHECK_FALSE(w.connect());
      CHECK(w.event<session::NatFound>() == nullptr);
      CHECK(w.session().counters().of(Drop::kBadPayloadType) > 0);
    }
  }
}

}  // namespace
}  // namespace godwit::sim
