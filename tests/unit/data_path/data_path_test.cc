#include "core/net/ip_packet.h"
#include "tests/unit/data_path/fixture.h"

using namespace godwit;
using test::kElsewhere;
using test::kGateway;
using test::to_laptop;
using test::to_office;
using test::World;

TEST_CASE("without an SA nothing passes") {
  World w;
  CHECK(w.send({to_office()}).empty());
  CHECK(w.path.counters().of(Drop::kNoSa) == 1);
  CHECK(w.receive({ByteVec(60, 1)}).empty());
  CHECK(w.path.counters().of(Drop::kUnknownSpi) == 1);
  CHECK(w.path.counters().total() == 2);
  CHECK(w.path.backend().empty());
  CHECK(w.path.facts().pair_count == 0);
  CHECK_FALSE(w.path.facts().last_outbound);
}

TEST_CASE("packets travel both ways, in order, and are counted") {
  World w;
  w.install(1);
  w.path.set_peer(kGateway);
  const auto sent = w.send({to_office(1), to_office(2), to_office(3)}, Instant{5s});
  REQUIRE(sent.size() == 3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto opened = w.from_us.at(1).open(sent[i]);
    CHECK(opened.sequence == i + 1);
    CHECK(opened.inner == to_office(i + 1));
  }
  auto& gateway = w.to_us.at(1);
  const auto got = w.receive({gateway.seal(1, to_laptop(1)), gateway.seal(2, to_laptop(2))},
                             kGateway, Instant{6s});
  CHECK(got == std::vector<ByteVec>{to_laptop(1), to_laptop(2)});

  const session::TrafficFacts facts = w.path.facts();
  CHECK(facts.last_outbound == Instant{5s});
  CHECK(facts.last_inbound == Instant{6s});
  CHECK(facts.heard_from == kGateway);
  CHECK(facts.packets_out == 3);
  CHECK(facts.bytes_out == 20 * 3 + 6);
  CHECK(facts.packets_in == 2);
  CHECK(facts.bytes_in == 20 * 2 + 3);
  REQUIRE(facts.pair_count == 1);
  CHECK(facts.pairs[0].inbound == EspSpi{0x1001});
  CHECK(facts.pairs[0].outbound == EspSpi{0x2001});
  CHECK(facts.pairs[0].packets_out == 3);
  CHECK(facts.pairs[0].packets_in == 2);
  CHECK(facts.pairs[0].current);
  CHECK(w.path.peer() == kGateway);
  CHECK_FALSE(w.path.backend().empty());
  CHECK(w.path.counters().total() == 0);
}

TEST_CASE("outbound refuses what the selectors or IP do not allow") {
  World w;
  w.install(1);
  const ByteVec foreign = test::ip_packet({test::ip("10.9.0.3"), test::kServer});
  const ByteVec stray = test::ip_packet({test::kLaptop, test::ip("198.51.100.1")});
  const auto sent =
      w.send({to_office(1), foreign, ByteVec(40, 0xff), stray, ByteVec{}, to_office(2)});
  REQUIRE(sent.size() == 2);
  CHECK(w.from_us.at(1).open(sent[1]).inner == to_office(2));
  CHECK(w.path.counters().of(Drop::kOutsideSelectors) == 2);
  CHECK(w.path.counters().of(Drop::kBadInner) == 2);
  CHECK(w.path.counters().total() == 4);
}

TEST_CASE("rekey: the new pair sends, late packets on the old one still open") {
  World w;
  w.install(1);
  REQUIRE(w.send({to_office()}).size() == 1);
  w.install(2, test::cbc(crypto::HashAlg::kSha256));
  const auto sent = w.send({to_office(7)});
  REQUIRE(sent.size() == 1);
  CHECK(w.from_us.at(2).open(sent[0]).sequence == 1);

  auto& old_sa = w.to_us.at(1);
  auto& new_sa = w.to_us.at(2);
  const auto got = w.receive({old_sa.seal(1, to_laptop(1)), new_sa.seal(1, to_laptop(2)),
                              old_sa.seal(2, to_laptop(3)), old_sa.seal(2, to_laptop(9)),
                              new_sa.seal(2, to_laptop(4)), old_sa.seal(3, to_laptop(5))});
  CHECK(got ==
        std::vector<ByteVec>{to_laptop(1), to_laptop(2), to_laptop(3), to_laptop(4), to_laptop(5)});
  CHECK(w.path.counters().of(Drop::kReplay) == 1);

  session::TrafficFacts facts = w.path.facts();
  REQUIRE(facts.pair_count == 2);
  CHECK_FALSE(facts.pairs[0].current);
  CHECK(facts.pairs[0].packets_in == 3);
  CHECK(facts.pairs[1].current);
  CHECK(facts.pairs[1].packets_in == 2);

  w.path.remove({EspSpi{0x1001}, EspSpi{0x2002}});  // of two different pairs: nothing
  CHECK(w.path.facts().pair_count == 2);
  w.path.remove({EspSpi{0x1001}, EspSpi{0x2001}});
  facts = w.path.facts();
  REQUIRE(facts.pair_count == 1);
  CHECK(facts.pairs[0].inbound == EspSpi{0x1002});
  CHECK(facts.packets_in == 5);  // of the tunnel's whole life
  CHECK(w.receive({old_sa.seal(4, to_laptop())}).empty());
  CHECK(w.path.counters().of(Drop::kUnknownSpi) == 1);
}

TEST_CASE("removing the newest pair makes the one before it current") {
  World w;
  w.install(1);
  w.install(2);
  w.path.remove({EspSpi{0x1002}, EspSpi{0x2002}});
  CHECK(w.path.facts().pairs[0].current);
  CHECK(w.from_us.at(1).open(w.send({to_office()}).at(0)).sequence == 1);
}

TEST_CASE("of more pairs than the limit the oldest goes") {
  World w;
  const auto count = static_cast<std::uint32_t>(limits::kInboundSasMax);
  for (std::uint32_t n = 1; n <= count + 2; ++n) w.install(n);
  const session::TrafficFacts facts = w.path.facts();
  REQUIRE(facts.pair_count == limits::kInboundSasMax);
  CHECK(facts.pairs[0].inbound == EspSpi{0x1003});
  CHECK(facts.pairs[count - 1].inbound == EspSpi{0x1000 + count + 2});
  CHECK(facts.pairs[count - 1].current);
}

TEST_CASE("pairs with different selectors take turns in one batch, order kept") {
  World w;
  w.install(1);
  w.install(2, test::gcm(), {{*Prefix::parse("10.9.0.2")}, {*Prefix::parse("198.51.100.0/24")}});
  const auto other = [](std::size_t size) {
    return test::ip_packet(
        {test::kLaptop, test::ip("198.51.100.9"), 17, 0, true, ByteVec(size, 0x33)});
  };
  const auto sent = w.send({to_office(1), other(2), other(3), to_office(4), other(5)});
  REQUIRE(sent.size() == 5);
  CHECK(w.from_us.at(1).open(sent[0]).inner == to_office(1));
  CHECK(w.from_us.at(2).open(sent[1]).inner == other(2));
  CHECK(w.from_us.at(2).open(sent[2]).inner == other(3));
  CHECK(w.from_us.at(1).open(sent[3]).inner == to_office(4));
  CHECK(w.from_us.at(1).open(sent[3]).spi == 0x2001);
  CHECK(w.from_us.at(2).open(sent[4]).sequence == 3);
}

TEST_CASE("RFC 3947 7: only an authentic packet that is new says where the peer is") {
  World w;
  w.install(1);
  auto& gateway = w.to_us.at(1);
  REQUIRE(w.receive({gateway.seal(10, to_laptop())}).size() == 1);
  const ByteVec late = gateway.seal(9, to_laptop());
  CHECK(w.receive({late}, kElsewhere, Instant{2s}).size() == 1);
  CHECK(w.path.facts().heard_from == kGateway);
  CHECK(w.path.facts().last_inbound == Instant{2s});
  CHECK(w.receive({gateway.seal(11, to_laptop())}, kElsewhere).size() == 1);
  CHECK(w.path.facts().heard_from == kElsewhere);

  // In a batch the highest number wins, wherever it stands among dropped ones.
  std::deque<test::Buffer> buffers;
  std::vector<esp::Packet> batch;
  const Endpoint third = {test::ip("203.0.113.3"), 3};
  for (const ByteVec& datagram : {ByteVec(50, 0xee), gateway.seal(12, to_laptop()), late,
                                  gateway.seal(14, to_laptop()), gateway.seal(13, to_laptop())}) {
    batch.push_back(buffers.emplace_back(datagram).packet);
  }
  const std::vector<Endpoint> from = {kElsewhere, kGateway, kElsewhere, third, kGateway};
  w.path.inbound(batch, from, Instant{3s});
  CHECK(w.path.facts().heard_from == third);
}

TEST_CASE("a packet above the MTU is answered, not sent") {
  World w;
  w.install(1);
  w.path.set_mtu(1000);
  const auto sent = w.send({to_office(980), to_office(981), to_office(1300)}, Instant{1s});
  CHECK(sent.size() == 1);
  CHECK(w.path.counters().of(Drop::kTooBig) == 2);
  CHECK(w.path.counters().total() == 2);
  REQUIRE(w.replies.size() == 1);  // one per call

  const ByteVec& reply = w.replies[0];
  const IpPacket view = parse_ip(reply).value();
  CHECK(view.source == test::kServer);
  CHECK(view.destination == test::kLaptop);
  CHECK(view.protocol == 1);
  CHECK(test::header_sum(reply) == 0xffff);
  CHECK(test::naive_sum(Bytes(reply).subspan(20)) == 0xffff);
  CHECK(reply[20] == 3);
  CHECK(reply[21] == 4);
  CHECK(load_be<std::uint16_t>(Bytes(reply).subspan(26)) == 1000);
  CHECK(equal(Bytes(reply).subspan(28), Bytes(to_office(981)).first(548)));

  w.send({to_office(1300)}, Instant{1s} + 9ms);
  CHECK(w.replies.empty());
  w.send({to_office(1300)}, Instant{1s} + 10ms);
  CHECK(w.replies.size() == 1);
}

TEST_CASE("an IPv6 packet above the MTU is answered with ICMPv6") {
  World w;
  w.install(1, test::gcm(), {{*Prefix::parse("2001:db8::2")}, {*Prefix::parse("::/0")}});
  w.path.set_mtu(1300);
  const IpAddress laptop = test::ip("2001:db8::2");
  const IpAddress server = test::ip("2001:db8:1::80");
  w.send({test::ip_packet({laptop, server, 17, 0, true, ByteVec(1300, 7)})});
  REQUIRE(w.replies.size() == 1);
  const ByteVec& reply = w.replies[0];
  CHECK(parse_ip(reply)->source == server);
  CHECK(parse_ip(reply)->destination == laptop);
  CHECK(test::upper_sum(reply, 40, 58) == 0xffff);
  CHECK(reply[40] == 2);
  CHECK(load_be<std::uint32_t>(Bytes(reply).subspan(44)) == 1300);
}

TEST_CASE("the MSS of a SYN is clamped both ways") {
  World w;
  w.install(1);
  w.path.set_mtu(1300);
  const ByteVec options = {2, 4, 0x05, 0xb4};
  const ByteVec out = test::tcp_packet({test::kLaptop, test::kServer}, 0x02, options);
  const ByteVec sent = w.from_us.at(1).open(w.send({out}).at(0)).inner;
  const ByteVec in = test::tcp_packet({test::kServer, test::kLaptop}, 0x12, options);
  const ByteVec got = w.receive({w.to_us.at(1).seal(1, in)}).at(0);
  for (const ByteVec& packet : {sent, got}) {
    CHECK(load_be<std::uint16_t>(Bytes(packet).subspan(42)) == 1260);
    CHECK(test::upper_sum(packet, 20, 6) == 0xffff);
  }
}

// RFC 3948 3.1.2: what is inside a tunnel is the end hosts' own. The payloads below are no sound
// UDP or TCP, and the last hop limit is no business of a tunnel's end either.
TEST_CASE("inner checksums and hop limits pass as they are (ENC-11, ESP-25)") {
  World w;
  w.install(1);
  auto& gateway = w.to_us.at(1);
  std::uint32_t sequence = 0;
  for (const std::uint8_t protocol : std::initializer_list<std::uint8_t>{6, 17, 50, 132}) {
    for (const std::uint8_t filling : std::initializer_list<std::uint8_t>{0, 0x10, 0xff}) {
      CAPTURE(static_cast<int>(protocol));
      CAPTURE(static_cast<int>(filling));
      ByteVec out =
          test::ip_packet({test::kLaptop, test::kServer, protocol, 0, true, ByteVec(40, filling)});
      ByteVec in =
          test::ip_packet({test::kServer, test::kLaptop, protocol, 0, true, ByteVec(40, filling)});
      for (ByteVec* packet : {&out, &in}) {
        if (protocol == 6) (*packet)[20 + 13] = 0x10;  // ACK: the MSS of a SYN is another matter
        (*packet)[8] = 1;
        store_be<std::uint16_t>(MutBytes(*packet).subspan(10), 0);
        store_be<std::uint16_t>(
            MutBytes(*packet).subspan(10),
            static_cast<std::uint16_t>(~test::naive_sum(Bytes(*packet).first(20))));
      }
      CHECK(w.from_us.at(1).open(w.send({out}).at(0)).inner == out);
      CHECK(w.receive({gateway.seal(++sequence, in)}).at(0) == in);
    }
  }
}

TEST_CASE("the class of traffic stays inside, unless the profile copies it (RFC 2983)") {
  for (const bool copy : {false, true}) {
    World w;
    w.install(1);
    w.path.set_peer(kGateway);
    w.path.outbound_path().copy_dscp(copy);
    ByteVec packet = to_office();
    packet[1] = 0xb8 | 0x02;  // expedited forwarding, ECT(0)
    store_be<std::uint16_t>(MutBytes(packet).subspan(10), 0);
    store_be<std::uint16_t>(MutBytes(packet).subspan(10),
                            static_cast<std::uint16_t>(~test::naive_sum(Bytes(packet).first(20))));
    test::Buffer buffer(packet);
    w.path.outbound(std::span(&buffer.packet, 1), Instant{1s}, w.replies);
    REQUIRE(buffer.packet.size != 0);
    CHECK(buffer.packet.outer_tos == (copy ? 0xba : 0x02));
  }
}

TEST_CASE("what a path of some size can carry is known to the octet") {
  World w;
  CHECK(w.path.outbound_path().inner_max(1472) == 0);
  for (const crypto::EspSuite& suite : {test::gcm(), test::cbc(crypto::HashAlg::kSha256)}) {
    World with;
    with.install(1, suite);
    const std::size_t inner = with.path.outbound_path().inner_max(1000);
    const auto sealed = with.send({to_office(inner - 20)});
    REQUIRE(sealed.size() == 1);
    CHECK(sealed[0].size() <= 1000);
    CHECK(sealed[0].size() > 1000 - suite.block());
  }
}

TEST_CASE("what the session should know soon is news: first packets, another source, volume") {
  World w;
  w.install(1);
  w.path.set_peer(kGateway);
  session::InboundPath& in = w.path.inbound_path();
  session::OutboundPath& out = w.path.outbound_path();
  CHECK_FALSE(in.take_news());
  CHECK_FALSE(out.take_news());

  std::uint32_t sequence = 0;
  const auto receive = [&](const Endpoint& from = kGateway) {
    return w.receive({w.to_us.at(1).seal(++sequence, to_laptop())}, from);
  };
  REQUIRE(receive().size() == 1);
  CHECK(in.take_news());
  REQUIRE(w.send({to_office()}).size() == 1);
  CHECK(out.take_news());
  REQUIRE(receive().size() == 1);
  CHECK_FALSE(in.take_news());
  REQUIRE(w.send({to_office()}).size() == 1);
  CHECK_FALSE(out.take_news());

  const Endpoint moved = {kGateway.address, 4711};
  REQUIRE(receive(moved).size() == 1);
  CHECK(in.take_news());
  CHECK(w.path.facts().heard_from == moved);

  // 64 KiB, and then a sixteenth more each time.
  const std::size_t octets = to_office().size();
  std::size_t news = 0;
  for (std::size_t sent = 0; sent < 1024 * 1024; sent += octets) {
    REQUIRE(w.send({to_office()}).size() == 1);
    if (out.take_news()) ++news;
  }
  CHECK(news >= 8);
  CHECK(news <= 16);
}

TEST_CASE("whoever waits for answers learns within a second that something left") {
  World w;
  w.install(1);
  w.path.set_peer(kGateway);
  session::OutboundPath& out = w.path.outbound_path();
  const auto news_after_sending_at = [&](Instant now) {
    REQUIRE(w.send({to_office()}, now).size() == 1);
    return out.take_news();
  };
  CHECK(news_after_sending_at(Instant{10s}));
  CHECK_FALSE(news_after_sending_at(Instant{10'900ms}));
  CHECK(news_after_sending_at(Instant{11s}));
  CHECK_FALSE(news_after_sending_at(Instant{11'100ms}));
  CHECK(news_after_sending_at(Instant{600s}));
}

TEST_CASE("empty batches are fine") {
  World w;
  w.install(1);
  CHECK(w.send({}).empty());
  CHECK(w.receive({}).empty());
  CHECK(w.path.counters().total() == 0);
}
