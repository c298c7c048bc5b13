// Floods and oddities: what anybody (A05, A15, B13, H01, H02) and what an authentic gateway may
// send by the ten thousand (H19, B19). The answers are few, the memory stays, the pings do not
// notice.
#include <malloc.h>

#include <array>

#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using ike::PayloadType;
using session::LocalPort;

constexpr int kFlood = 10'000;
constexpr int kBurst = 100;  // of the flood, every 100 ms

// Heap in use. Sanitizers have an allocator of their own, of which this says nothing.
std::size_t heap() { return mallinfo2().uordblks; }

// A world that remembers nothing by itself, so that what grows is the client.
WorldConfig forgetful() {
  WorldConfig config;
  config.record = false;
  config.profile.dpd_delay = 0s;
  return config;
}

struct Flood {
  std::size_t answers = 0;  // IKE datagrams of the client
  std::size_t pings = 0;
  std::size_t lost = 0;
  std::size_t grown = 0;  // octets of heap, from the first tenth of the flood to its end
  Duration length{};
};

// kFlood messages of the gateway while the laptop pings every 50 ms.
Flood run_flood(World& w, const std::function<bool(Gateway&, Instant, Outbox&)>& send) {
  Flood flood;
  const Instant begin = w.now();
  w.tap = [&](Flight& flight) {
    const Bytes octets(flight.bytes);
    const bool ike = flight.to == w.gateway_endpoint(true) && octets.size() > 4 &&
                     load_be<std::uint32_t>(octets) == 0;
    flood.answers += ike ? 1u : 0u;
    return true;
  };
  std::vector<std::uint16_t> numbers;
  numbers.reserve(kFlood);
  std::size_t before = 0;
  for (int sent = 0; sent < kFlood; sent += kBurst) {
    if (sent == kFlood / 10) before = heap();
    for (int i = 0; i < kBurst; ++i) CHECK(w.gateway_does(send));
    for (int i = 0; i < 2; ++i) {
      numbers.push_back(w.send_ping());
      w.run_for(50ms);
    }
  }
  flood.grown = heap() - std::min(before, heap());
  flood.length = w.now() - begin;
  w.run_for(2s);
  flood.pings = numbers.size();
  for (const std::uint16_t number : numbers) flood.lost += w.ping_answered(number) ? 0u : 1u;
  w.tap = nullptr;
  return flood;
}

void check_flood(World& w, const Flood& flood) {
  const auto seconds = static_cast<std::size_t>(flood.length / 1s);
  CAPTURE(flood.answers);
  CAPTURE(flood.lost);
  CAPTURE(flood.grown);
  // At most 10 a second, and each answer may be repeated to a copy.
  CHECK(flood.answers <= 10 * (seconds + 2) * 2);
  CHECK(flood.lost * 100 <= flood.pings);
  CHECK(flood.grown <= 256 * 1024);
  CHECK(w.session().counters().of(Drop::kRateLimited) > 0);
  CHECK(w.up());
  w.run_for(60s);
  CHECK(w.ping());
  CHECK(w.ping_from_office());
  CHECK(w.data_path().facts().pair_count <= 3);
}

TEST_CASE("H19: ten thousand R-U-THERE") {
  Run w(forgetful());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  std::uint32_t sequence = 1000;
  check_flood(w, run_flood(w, [&](Gateway& g, Instant now, Outbox& out) {
                ike::NotifyPayload query;
                query.type = ike::Notify::kDpdRUThere;
                query.spi = cookie_octets(g.ike()->in.initiator);
                append(query.spi, cookie_octets(g.ike()->in.responder));
                query.data.resize(4);
                store_be<std::uint32_t>(query.data, ++sequence);
                return g.send_authentic(ike::Exchange::kInformational,
                                        {{PayloadType::kNotify, ike::encode_notify(query)}}, now,
                                        out);
              }));
}

TEST_CASE("H19, A13: ten thousand Deletes, of SPIs of nobody and one of them twice") {
  Run w(forgetful());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  SeededRng rng(19);
  const Flood flood = run_flood(w, [&](Gateway& g, Instant now, Outbox& out) {
    ike::DeletePayload payload;
    payload.protocol = ike::Protocol::kEsp;
    payload.spis = {random_octets(rng, 4)};
    payload.spis.push_back(payload.spis.front());
    return g.send_authentic(ike::Exchange::kInformational,
                            {{PayloadType::kDelete, ike::encode_delete(payload)}}, now, out);
  });
  CHECK(flood.answers == 0);
  CHECK(flood.lost == 0);
  CHECK(flood.grown <= 256 * 1024);
  CHECK(w.up());
}

// The first message of a Quick Mode of the gateway, whose second one nobody reads.
Gateway::Rest quick1(World& w, SeededRng& rng) {
  ike::Transform transform;
  transform.id = ike::kEspAesGcm16;
  const auto type = [](ike::Phase2Attr a) { return static_cast<std::uint16_t>(a); };
  transform.attributes = {
      ike::Attribute::number16(type(ike::Phase2Attr::kEncapsulation), ike::kEncapUdpTunnel),
      ike::Attribute::number16(type(ike::Phase2Attr::kKeyLength), 128)};
  ike::SaPayload sa;
  ByteVec spi = random_octets(rng, 4);
  spi[0] |= 1;
  sa.proposals = {{1, ike::Protocol::kEsp, spi, {transform}}};
  return {{PayloadType::kSa, ike::encode_sa(sa)},
          {PayloadType::kNonce, random_octets(rng, 24)},
          {PayloadType::kId, ike::encode_id(ike::IdPayload::subnet(Prefix{}))},
          {PayloadType::kId,
           ike::encode_id(ike::IdPayload::address(w.tunnel()->addresses.front().address()))}};
}

TEST_CASE("H19: ten thousand Quick Modes that the gateway begins and never ends") {
  Run w(forgetful());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  SeededRng rng(20);
  check_flood(w, run_flood(w, [&](Gateway& g, Instant now, Outbox& out) {
                return g.send_authentic(ike::Exchange::kQuick, quick1(w, rng), now, out);
              }));
}

// The first of them it would end; the others come from a gateway that forgot what it began.
TEST_CASE("H19: ten thousand Quick Modes that the gateway begins and ends") {
  Run w(forgetful());
  REQUIRE(w.connect());
  REQUIRE(w.ping());
  SeededRng rng(21);
  int begun = 0;
  Flood flood = run_flood(w, [&](Gateway& g, Instant now, Outbox& out) {
    if (begun++ < kFlood / 20) return g.start_rekey(now, out);
    return g.send_authentic(ike::Exchange::kQuick, quick1(w, rng), now, out);
  });
  flood.grown = 0;  // the gateway's own: it keeps what it began
  check_flood(w, flood);
  CHECK(w.gateway().quick_modes() > 1);
}

// Deleting the ESP SAs again and again makes the client negotiate again, but never in a tight loop.
TEST_CASE("B19: a gateway that deletes every pair of SAs as soon as it is there") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  for (int i = 0; i < 1200; ++i) {
    w.gateway_does([](Gateway& g, Instant now, Outbox& out) { return g.delete_esp(now, out); });
    w.run_for(50ms);
  }
  CHECK(w.up());
  CHECK(w.gateway().quick_modes() <= 62);  // one a second
  w.run_for(5s);
  CHECK(w.ping());
}

// Nothing listens for new exchanges: no answer, to whatever begins one.
TEST_CASE("B13, A15, H02: a hundred thousand first messages and strange cookies get no octet") {
  for (const bool up : {false, true}) {
    WorldConfig config;
    if (!up) config.gateway.silent_from = Step::kMessage1;
    Run w(config);
    if (up) REQUIRE(w.connect());
    if (!up) w.start();
    w.run_for(300ms);
    const std::string before = fingerprint(w);
    const std::size_t sent = w.sent().size();
    const std::uint64_t drops = w.total_drops();
    constexpr std::uint64_t kMessages = 50'000;
    SeededRng rng(15);
    ike::Header header;
    const ike::SaPayload offer{
        .proposals = {{1, ike::Protocol::kIsakmp, {}, {{1, ike::kTransformKeyIke, {}}}}}};
    ike::ChainBuilder chain;
    chain.add(PayloadType::kSa, ike::encode_sa(offer));
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      header.initiator = Cookie{rng.next()};
      header.responder = Cookie{i % 2 == 0 ? 0 : rng.next()};
      header.exchange = i % 4 < 2 ? ike::Exchange::kMain : ike::Exchange::kAggressive;
      const ByteVec message = ike::encode_message(header, chain);
      const bool natt = i % 3 == 0;
      w.inject(natt ? LocalPort::kNatt : LocalPort::kIke, kStranger,
               natt ? marked(message) : message);
    }
    CHECK(w.sent().size() == sent);
    CHECK(w.total_drops() == drops + kMessages);
    CHECK(fingerprint(w) == before);
  }
}

TEST_CASE("A05, H01: datagrams of every length to 300, and to 65,507") {
  for (const bool up : {false, true}) {
    Run w;
    CAPTURE(w.ladder());
    if (up) REQUIRE(w.connect());
    if (!up) {
      w.start();
      w.run_for(15ms);
    }
    SeededRng rng(5);
    std::vector<std::size_t> sizes = {1472, 1500, 9000, 32'768, 32'769, 65'507};
    for (std::size_t size = 0; size <= 300; ++size) sizes.push_back(size);
    int harm = 0;
    for (const std::size_t size : sizes) {
      ByteVec random = random_octets(rng, size);
      ByteVec zeros_first = random;
      std::fill_n(zeros_first.begin(), std::min<std::size_t>(size, 4), std::uint8_t{0});
      for (const ByteVec& datagram : {ByteVec(size), ByteVec(size, 0xff), random, zeros_first}) {
        for (const LocalPort port : {LocalPort::kIke, LocalPort::kNatt}) {
          harm += harmless(w, port, w.gateway_endpoint(true), datagram) ? 0 : 1;
          harm += harmless(w, port, kStranger, datagram) ? 0 : 1;
        }
      }
    }
    CHECK(harm == 0);
    REQUIRE(w.run_until([&] { return w.up(); }, 5s));
    CHECK(w.ping());
  }
}

// HASH(1) is looked at before anything else of an Informational.
TEST_CASE("B05: every bit of a Delete and of an R-U-THERE flipped") {
  for (const bool deletes : {false, true}) {
    Run w;
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(1s);
    Outbox out;
    if (deletes) {
      REQUIRE(w.gateway().delete_esp(w.now(), out));
    } else {
      REQUIRE(w.gateway().start_dpd(w.now(), out));
    }
    REQUIRE(out.size() == 1);
    const Endpoint from = w.gateway_endpoint(true);
    ByteVec message = out[0].bytes;
    int harm = 0;
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
      // The minor version and two flags say nothing that we act on, and no HASH covers them.
      const std::size_t octet = bit / 8 - std::min<std::size_t>(bit / 8, 4);
      if ((octet == 17 && bit % 8 < 4) || (octet == 19 && bit % 8 > 0 && bit % 8 < 3)) continue;
      message[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
      harm += harmless(w, LocalPort::kNatt, from, message) ? 0 : 1;
      message[bit / 8] = out[0].bytes[bit / 8];
    }
    CHECK(harm == 0);
    const std::size_t sent = w.sent().size();
    w.inject(LocalPort::kNatt, from, message);
    CHECK(w.data_path().facts().pair_count == (deletes ? 0 : 1));
    CHECK(w.sent().size() == sent + (deletes ? 0 : 1));
  }
}

TEST_CASE("B17: an authentic INITIAL-CONTACT closes nothing") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  ike::NotifyPayload contact;
  contact.type = ike::Notify::kInitialContact;
  contact.spi = cookie_octets(w.gateway().ike()->in.initiator);
  append(contact.spi, cookie_octets(w.gateway().ike()->in.responder));
  const std::size_t sent = w.sent().size();
  REQUIRE(w.gateway_does([&](Gateway& g, Instant now, Outbox& out) {
    return g.send_authentic(ike::Exchange::kInformational,
                            {{PayloadType::kNotify, ike::encode_notify(contact)}}, now, out);
  }));
  w.run_for(1s);
  CHECK(w.sent().size() == sent);
  CHECK(w.up());
  CHECK(w.ping());
  CHECK(w.ping_from_office());
}

TEST_CASE("A13: a Delete that names the same SPI twice, or both ends of a pair") {
  for (const bool both_ends : {false, true}) {
    Run w;
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(1s);
    ike::DeletePayload payload;
    payload.protocol = ike::Protocol::kEsp;
    payload.spis = {ByteVec(4), ByteVec(4)};
    store_be<std::uint32_t>(payload.spis[0], w.status().outbound->value());
    store_be<std::uint32_t>(payload.spis[1],
                            (both_ends ? w.status().inbound : w.status().outbound)->value());
    REQUIRE(w.gateway_does([&](Gateway& g, Instant now, Outbox& out) {
      return g.send_authentic(ike::Exchange::kInformational,
                              {{PayloadType::kDelete, ike::encode_delete(payload)},
                               {PayloadType::kDelete, ike::encode_delete(payload)}},
                              now, out);
    }));
    w.run_for(5s);
    CHECK(w.up());
    CHECK(w.ping());
    CHECK(w.data_path().facts().pair_count == 1);
    CHECK(w.gateway().quick_modes() == 2);
  }
}

}  // namespace
}  // namespace godwit::sim
