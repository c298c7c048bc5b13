// Transport mode for L2TP (RFC 3947 5.1, 5.2; RFC 3948 3.1.2; RFC 3193).
#include "tests/ladders/hostile.h"
#include "tests/sim/l2tp.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;

WorldConfig l2tp() {
  WorldConfig config;
  config.profile.l2tp = true;
  config.profile.mode_config = config::ConfigMode::kOff;
  config.profile.use_dns = false;
  config.gateway.l2tp = true;
  return config;
}

std::vector<const Letter*> quick_letters(Run& w) {
  std::vector<const Letter*> found;
  for (const Letter& letter : w.gateway().letters()) {
    if (letter.header.exchange == ike::Exchange::kQuick) found.push_back(&letter);
  }
  return found;
}

std::vector<std::uint64_t> modes(const Letter& quick) {
  const auto sa = ike::decode_sa(quick.body(PayloadType::kSa));
  REQUIRE(sa);
  std::vector<std::uint64_t> found;
  for (const auto& transform : sa->proposals.at(0).transforms) {
    for (const auto& attribute : transform.attributes) {
      if (attribute.type != static_cast<std::uint16_t>(ike::Phase2Attr::kEncapsulation)) continue;
      found.push_back(attribute.number().value_or(0));
    }
  }
  return found;
}

std::string original(const Letter& letter, PayloadType type, std::size_t index) {
  const auto address = ike::decode_nat_oa(letter.body(type, index));
  return address ? address->to_string() : "none";
}

std::string id_text(const Letter& letter, std::size_t index) {
  const auto id = ike::decode_id(letter.body(PayloadType::kId, index));
  if (!id) return "none";
  return id->to_string() + " " + std::to_string(id->protocol) + "/" + std::to_string(id->port);
}

// A datagram of L2TP every 50 ms for a while: how many had no echo.
std::size_t lost(Run& w, Duration span) {
  std::vector<std::uint16_t> numbers;
  for (Duration at{}; at < span; at += 50ms) {
    numbers.push_back(w.send_ping());
    w.run_for(50ms);
  }
  w.run_for(2s);
  std::size_t count = 0;
  for (const std::uint16_t number : numbers) count += w.ping_answered(number) ? 0u : 1u;
  return count;
}

// RFC 3947 5.2, examples 1 and 2, and the cases without either NAT: what each side sends.
TEST_CASE("NATT-17: both original addresses, each as its sender knows it") {
  struct Row {
    bool client_natted, gateway_natted;
    const char *iaddr, *seen_client, *seen_gateway, *raddr;
  };
  const Row rows[] = {
      {true, false, "192.168.7.20", "198.51.100.7", "203.0.113.1", "203.0.113.1"},
      {true, true, "192.168.7.20", "198.51.100.7", "203.0.113.1", "10.99.0.1"},
      {false, true, "198.51.100.20", "198.51.100.20", "203.0.113.1", "10.99.0.1"},
      {false, false, "198.51.100.20", "198.51.100.20", "203.0.113.1", "203.0.113.1"}};
  for (const Row& row : rows) {
    WorldConfig config = l2tp();
    config.client_natted = row.client_natted;
    config.gateway_natted = row.gateway_natted;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(1s);
    const auto quick = quick_letters(w);
    REQUIRE(quick.size() == 3);
    CHECK(quick[0]->types() == "HASH SA NONCE ID ID NAT-OA NAT-OA");
    CHECK(quick[1]->types() == "HASH SA NONCE ID ID NAT-OA NAT-OA");
    CHECK(quick[2]->types() == "HASH");
    CHECK(original(*quick[0], PayloadType::kNatOa, 0) == row.iaddr);
    CHECK(original(*quick[0], PayloadType::kNatOa, 1) == row.seen_gateway);
    CHECK(original(*quick[1], PayloadType::kNatOa, 0) == row.seen_client);
    CHECK(original(*quick[1], PayloadType::kNatOa, 1) == row.raddr);
    CHECK(id_text(*quick[0], 0) == std::string(row.iaddr) + " 17/1701");
    CHECK(id_text(*quick[0], 1) == std::string(row.seen_gateway) + " 17/1701");
    CHECK(id_text(*quick[1], 0) == std::string(row.seen_client) + " 17/1701");
    CHECK(id_text(*quick[1], 1) == std::string(row.raddr) + " 17/1701");
    const auto* installed = w.event<session::SaInstalled>();
    REQUIRE(installed);
    CHECK(installed->seen_as->to_string() == row.seen_client);
    CHECK(installed->gateway_as->to_string() == row.raddr);
    // The checksums that each side makes are right where they arrive (l2tp_words looks).
    CHECK(w.ping());
    CHECK(w.ping_from_office());
  }
}

TEST_CASE("NATT-16, QM-13: only mode 4 is offered, 61444 with its payloads to peers of a draft") {
  for (const Natt natt : {Natt::kRfc3947, Natt::kDraft03, Natt::kDraft02n, Natt::kDraft02}) {
    WorldConfig config = l2tp();
    config.gateway.natt = {natt};
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    const bool rfc = natt == Natt::kRfc3947;
    const auto quick = quick_letters(w);
    REQUIRE(quick.size() >= 2);
    for (const std::uint64_t mode : modes(*quick[0])) CHECK(mode == (rfc ? 4u : 61444u));
    CHECK(quick[0]->count(PayloadType::kNatOa) == (rfc ? 2 : 0));
    CHECK(quick[0]->count(PayloadType::kNatOaDraft) == (rfc ? 0 : 1));
    if (!rfc) {  // the sender's own address alone (draft 5.2)
      CHECK(original(*quick[0], PayloadType::kNatOaDraft, 0) == "192.168.7.20");
      CHECK(w.event<session::SaInstalled>()->gateway_as->to_string() == "203.0.113.1");
      CHECK_FALSE(w.event<session::SaInstalled>()->seen_as);
    }
    CHECK(w.ping());
    CHECK(w.ping_from_office());
  }
}

TEST_CASE("transport mode in both modes of phase 1, with each suite and PFS") {
  WorldConfig config = l2tp();
  SUBCASE("aggressive") { config.profile.aggressive = true; }
  SUBCASE("aes-cbc") { config.gateway.esp = {config.profile.esp[1]}; }
  SUBCASE("PFS") { config.profile.pfs = config.gateway.pfs = crypto::DhGroup::kEcp256; }
  SUBCASE("XAuth") { config = with_xauth(config); }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(lost(w, 2s) == 0);
  CHECK(w.ping_from_office());
  CHECK_FALSE(w.event<session::AddressAssigned>());
}

TEST_CASE("a gateway that sends no NAT-OA, a broken one, or leaves the port open") {
  WorldConfig config = l2tp();
  bool has_original = false;
  SUBCASE("none") { config.gateway.nat_oa = false; }
  SUBCASE("broken") { config.gateway.lies.nat_oa_broken = true; }
  SUBCASE("any port") {
    config.gateway.l2tp_any_port = true;
    has_original = true;
  }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.event<session::SaInstalled>()->gateway_as.has_value() == has_original);
  CHECK(w.ping());
  CHECK(w.ping_from_office());
}

TEST_CASE("QM-09: an answer about something else than UDP port 1701 of one host is refused") {
  WorldConfig config = l2tp();
  SUBCASE("port") { config.gateway.lies.l2tp_other_port = true; }
  SUBCASE("network") { config.gateway.lies.l2tp_network = true; }
  SUBCASE("protocol") { config.gateway.lies.l2tp_other_protocol = true; }
  Run w(config);
  CAPTURE(w.ladder());
  const auto cause = end_of_connect(w);
  CHECK(cause == session::EndCause::kSelectorsRefused);
  CHECK(w.data_path().facts().pair_count == 0);
}

TEST_CASE("QM-13: an answer in another mode is refused, in either direction") {
  for (const bool transport : {false, true}) {
    for (const int number : {1, 2, 3, 4, 61443, 61444}) {
      const auto mode = static_cast<std::uint16_t>(number);
      if (mode == (transport ? 4 : 3)) continue;
      WorldConfig config = transport ? l2tp() : WorldConfig{};
      config.gateway.edit = replacing_sa(ike::Protocol::kEsp, [=](ike::SaPayload& sa) {
        for (ike::Attribute& a : sa.proposals[0].transforms[0].attributes) {
          if (a.type != static_cast<std::uint16_t>(ike::Phase2Attr::kEncapsulation)) continue;
          a = ike::Attribute::number16(a.type, mode);
        }
      });
      Run w(config);
      CAPTURE(w.ladder());
      CAPTURE(mode);
      CHECK(end_of_connect(w) == session::EndCause::kPhase2Refused);
    }
  }
}

TEST_CASE("NATT-17: NAT-OA in tunnel mode is ignored") {
  WorldConfig config;
  config.gateway.edit = [](PayloadList& list) {
    if (list[0].first != PayloadType::kSa || list.size() < 4) return;
    if (list.back().first != PayloadType::kId) return;
    list.emplace_back(PayloadType::kNatOa, ByteVec{1, 0, 0, 0, 8, 8, 8, 8});
    list.emplace_back(PayloadType::kNatOa, ByteVec{9});
  };
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.ping());
  CHECK_FALSE(w.event<session::SaInstalled>()->seen_as);
}

TEST_CASE("the client rekeys in transport mode, and no datagram is lost") {
  WorldConfig config = l2tp();
  config.profile.esp_lifetime = 300s;
  SUBCASE("without PFS") {}
  SUBCASE("with PFS") { config.profile.pfs = config.gateway.pfs = crypto::DhGroup::kEcp256; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(lost(w, 700s) == 0);
  CHECK(w.gateway().quick_modes() >= 3);
  CHECK(w.ping_from_office());
}

TEST_CASE("QM-16: the gateway rekeys in transport mode with its own view of both ends") {
  WorldConfig config = l2tp();
  config.gateway.rekey_after = 100s;
  SUBCASE("client behind NAT") {}
  SUBCASE("both behind NAT") { config.gateway_natted = true; }
  SUBCASE("a draft") { config.gateway.natt = {Natt::kDraft03}; }
  SUBCASE("any port") { config.gateway.l2tp_any_port = true; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(lost(w, 350s) == 0);
  CHECK(w.gateway().quick_modes() == 4);
  REQUIRE(w.event<session::SaInstalled>());
  CHECK(w.event<session::SaInstalled>()->by_gateway);
  const bool draft = !config.gateway.natt.empty() && config.gateway.natt[0] != Natt::kRfc3947;
  const Letter* answer = nullptr;
  for (const Letter* letter : quick_letters(w)) {
    if (letter->heard && letter->count(PayloadType::kSa) != 0) answer = letter;
  }
  REQUIRE(answer);
  // The gateway is the initiator: its address as we know it comes first.
  if (draft) {
    CHECK(original(*answer, PayloadType::kNatOaDraft, 0) == "192.168.7.20");
  } else {
    CHECK(original(*answer, PayloadType::kNatOa, 0) == "203.0.113.1");
    CHECK(original(*answer, PayloadType::kNatOa, 1) == "192.168.7.20");
  }
}

TEST_CASE("QM-19: a rekey of the gateway for another port, a network or tunnel mode is refused") {
  WorldConfig config = l2tp();
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  SUBCASE("port") { w.gateway().config().lies.l2tp_other_port = true; }
  SUBCASE("network") { w.gateway().config().lies.l2tp_network = true; }
  SUBCASE("protocol") { w.gateway().config().lies.l2tp_other_protocol = true; }
  SUBCASE("tunnel mode") { w.gateway().config().l2tp = false; }
  CHECK(w.gateway_does([](Gateway& g, Instant t, Outbox& o) { return g.start_rekey(t, o); }));
  w.run_for(5s);
  CHECK(w.gateway().quick_modes() == 1);
  CHECK(w.data_path().facts().pair_count == 1);
}

TEST_CASE("what leaves is UDP from and to port 1701, or is counted") {
  Run w(l2tp());
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const IpAddress laptop = *IpAddress::parse("192.168.7.20");
  const IpAddress gateway = *IpAddress::parse("203.0.113.1");
  const ByteVec good = l2tp_packet(laptop, gateway, ByteVec(30, 0x42));
  CHECK(w.send_inner(good));
  const auto refused = [&](std::size_t at, std::uint8_t value) {
    ByteVec packet = good;
    packet[at] = value;
    const auto before = w.data_path().counters().of(Drop::kOutsideSelectors);
    CHECK_FALSE(w.send_inner(packet));
    CHECK(w.data_path().counters().of(Drop::kOutsideSelectors) == before + 1);
  };
  refused(9, 6);     // TCP
  refused(6, 0x20);  // a fragment
  refused(20, 7);    // another port of ours
  refused(22, 7);    // another port of the gateway's
  refused(19, 2);    // another host
  refused(15, 99);   // another address of ours
}

TEST_CASE("L2TP goes on from another network") {
  WorldConfig config = l2tp();
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  w.change_network(*IpAddress::parse("10.44.0.5"), *IpAddress::parse("198.51.100.99"));
  w.run_for(30s);
  CHECK(w.up());
  // The laptop keeps the address that its L2TP uses, whatever network it is in.
  CHECK(w.tunnel()->addresses.at(0).to_string() == "192.168.7.20/32");
  CHECK(w.ping(5s));
}

TEST_CASE("what the machine is asked for: one port of one host, no names") {
  Run w(l2tp());
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  const session::TunnelConfig& tunnel = *w.tunnel();
  CHECK(tunnel.udp_port == 1701);
  REQUIRE(tunnel.routes.size() == 1);
  CHECK(tunnel.routes[0].to_string() == "203.0.113.1/32");
  CHECK(tunnel.addresses.at(0).to_string() == "192.168.7.20/32");
  CHECK(tunnel.dns.empty());
  CHECK(tunnel.mtu == 1600);
}

TEST_CASE("L2TP connects and rekeys through faults") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    WorldConfig config = seeded(l2tp(), seed);
    config.faults = {60, 60, 60, 20, 20, 20};
    config.profile.esp_lifetime = 300s;
    config.gateway.rekey_after = seed % 2 == 0 ? Duration(120s) : Duration{};
    Run w(config);
    CAPTURE(w.ladder());
    if (!w.connect()) continue;
    w.run_for(400s);
    w.faults = {};
    w.run_for(30s);
    if (w.up()) CHECK(w.ping(10s));
  }
}

}  // namespace
}  // namespace godwit::sim
