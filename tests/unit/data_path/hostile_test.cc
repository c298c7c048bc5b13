// H20: whatever arrives as ESP and is not what the gateway just sent is dropped, counted under
// exactly one reason, and neither reaches the device nor moves anything it has no right to move.
#include <random>

#include "tests/unit/data_path/fixture.h"

using namespace godwit;
using test::kElsewhere;
using test::kGateway;
using test::to_laptop;
using test::World;

namespace {

const std::vector<crypto::EspSuite> kSuites = {test::gcm(), test::cbc(crypto::HashAlg::kSha256)};

// Sends one wrong datagram from elsewhere and looks at what it changed. An authentic one counts as
// a sign of life; no other does.
void refused(World& w, const ByteVec& datagram, Drop reason, bool authentic = false) {
  const Counters before = w.path.counters();
  const session::TrafficFacts was = w.path.facts();
  CHECK(w.receive({datagram}, kElsewhere, Instant{77s}).empty());
  const session::TrafficFacts is = w.path.facts();
  CHECK(w.path.counters().of(reason) == before.of(reason) + 1);
  CHECK(w.path.counters().total() == before.total() + 1);
  CHECK(is.bytes_in == was.bytes_in);
  CHECK(is.packets_in == was.packets_in + (authentic ? 1 : 0));
  CHECK(is.last_inbound == (authentic ? Instant{77s} : was.last_inbound));
  if (!authentic) CHECK(is.heard_from == was.heard_from);
}

// A tunnel that has received packet number 5000 from its gateway.
struct Tunnel : World {
  explicit Tunnel(const crypto::EspSuite& suite) {
    install(1, suite);
    first = peer().seal(5000, to_laptop());
    REQUIRE(receive({first}).size() == 1);
  }
  test::EspPeer& peer() { return to_us.at(1); }
  // The attack left the tunnel as it was: the next genuine packet arrives.
  void still_works(std::uint32_t sequence = 5001) {
    CHECK(receive({peer().seal(sequence, to_laptop(99))}) == std::vector<ByteVec>{to_laptop(99)});
  }
  ByteVec first;
};

template <class Attack>
void for_every_suite(Attack&& attack) {
  for (const crypto::EspSuite& suite : kSuites) {
    Tunnel t(suite);
    attack(t);
    t.still_works();
  }
}

}  // namespace

TEST_CASE("H20: a packet replayed a hundred thousand times") {
  Tunnel t(test::gcm());
  const std::vector<ByteVec> copies(1000, t.first);
  for (int i = 0; i < 100; ++i) {
    if (!t.receive(copies, kElsewhere, Instant{77s}).empty()) FAIL("a copy was delivered");
  }
  CHECK(t.path.counters().of(Drop::kReplay) == 100'000);
  CHECK(t.path.counters().total() == 100'000);
  CHECK(t.path.facts().heard_from == kGateway);
  CHECK(t.path.facts().last_inbound == Instant{1s});
  t.still_works();
}

TEST_CASE("H20: a replayed packet") {
  for_every_suite([](Tunnel& t) { refused(t, t.first, Drop::kReplay); });
}

TEST_CASE("H20: a packet older than the window") {
  for_every_suite([](Tunnel& t) {
    refused(t, t.peer().seal(5000 - limits::kReplayWindow, to_laptop()), Drop::kReplay);
  });
}

TEST_CASE("H20: sequence number zero") {
  for_every_suite([](Tunnel& t) { refused(t, t.peer().seal(0, to_laptop()), Drop::kReplay); });
}

TEST_CASE("H20: a forged sequence number 2^31 ahead") {
  for_every_suite([](Tunnel& t) {
    ByteVec forged = t.peer().seal(5002, to_laptop());
    store_be(MutBytes(forged).subspan(4), std::uint32_t{5002 + (1u << 31)});
    refused(t, forged, Drop::kBadTag);
  });
}

TEST_CASE("H20: every bit flipped") {
  for_every_suite([](Tunnel& t) {
    const ByteVec good = t.peer().seal(5002, to_laptop());
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      ByteVec bad = good;
      bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (0x80u >> (bit % 8)));
      const auto sequence = load_be<std::uint32_t>(Bytes(bad).subspan(4));
      CAPTURE(bit);
      if (bit < 32) {
        refused(t, bad, Drop::kUnknownSpi);
      } else if (sequence == 5000 || sequence <= 5000 - limits::kReplayWindow) {
        refused(t, bad, Drop::kReplay);
      } else {
        refused(t, bad, Drop::kBadTag);
      }
    }
    CHECK(t.receive({good}) == std::vector<ByteVec>{to_laptop()});
  });
}

TEST_CASE("H20: truncated to 0..60 octets, and every other length") {
  for_every_suite([](Tunnel& t) {
    const ByteVec good = t.peer().seal(5002, to_laptop());
    for (std::size_t size = 0; size < good.size(); ++size) {
      const ByteVec cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
      CAPTURE(size);
      // Too short to have been a packet, or not whole blocks; else the ICV tells.
      const Counters before = t.path.counters();
      CHECK(t.receive({cut}, kElsewhere, Instant{77s}).empty());
      const Counters& after = t.path.counters();
      CHECK(after.total() == before.total() + 1);
      CHECK(after.of(Drop::kEspTooShort) + after.of(Drop::kBadTag) ==
            before.of(Drop::kEspTooShort) + before.of(Drop::kBadTag) + 1);
      if (size < 26) CHECK(after.of(Drop::kEspTooShort) == before.of(Drop::kEspTooShort) + 1);
    }
    CHECK(t.path.facts().last_inbound == Instant{1s});
    CHECK(t.path.facts().heard_from == kGateway);
  });
}

TEST_CASE("H20: lengthened") {
  for_every_suite([](Tunnel& t) {
    ByteVec longer = t.peer().seal(5002, to_laptop());
    longer.resize(longer.size() + 16);
    refused(t, longer, Drop::kBadTag);
  });
}

TEST_CASE("H20: an SPI of no SA") {
  for_every_suite([](Tunnel& t) {
    for (const std::uint32_t spi : {0u, 1u, 0x1002u, 0x2001u, 0xffffffffu}) {
      ByteVec datagram = t.peer().seal(5002, to_laptop());
      store_be(MutBytes(datagram), spi);
      refused(t, datagram, Drop::kUnknownSpi);
    }
  });
}

TEST_CASE("H20: the right SPI under another key") {
  for (const crypto::EspSuite& suite : kSuites) {
    Tunnel t(suite);
    test::EspPeer stranger(suite, EspSpi{0x1001}, 99);
    refused(t, stranger.seal(5002, to_laptop()), Drop::kBadTag);
    t.still_works();
  }
}

TEST_CASE("H20: our own packet reflected") {
  for_every_suite([](Tunnel& t) {
    ByteVec ours = t.send({test::to_office()}).at(0);
    refused(t, ours, Drop::kUnknownSpi);
    store_be(MutBytes(ours), std::uint32_t{0x1001});
    refused(t, ours, Drop::kReplay);  // number 1 is far behind the window
    store_be(MutBytes(ours).subspan(4), std::uint32_t{5003});
    refused(t, ours, Drop::kBadTag);
  });
}

TEST_CASE("H20: next header 0") {
  for_every_suite([](Tunnel& t) {
    refused(t, t.peer().seal(5002, to_laptop(), {.next_header = 0}), Drop::kBadNextHeader, true);
    t.still_works(5003);
  });
}

TEST_CASE("H20: next header 59, a dummy packet (RFC 4303 2.6)") {
  for_every_suite([](Tunnel& t) {
    refused(t, t.peer().seal(5002, to_laptop(), {.next_header = 59}), Drop::kDummy, true);
  });
}

TEST_CASE("H20: next header 255") {
  for_every_suite([](Tunnel& t) {
    refused(t, t.peer().seal(5002, to_laptop(), {.next_header = 255}), Drop::kBadNextHeader, true);
  });
}

TEST_CASE("H20: every other next header") {
  Tunnel t(test::gcm());
  std::uint32_t sequence = 5002;
  for (unsigned next = 0; next < 256; ++next) {
    if (next == 4 || next == 41 || next == 59) continue;
    refused(
        t, t.peer().seal(sequence++, to_laptop(), {.next_header = static_cast<std::uint8_t>(next)}),
        Drop::kBadNextHeader, true);
  }
}

TEST_CASE("H20: pad length 255 in a packet without so much") {
  for_every_suite([](Tunnel& t) {
    refused(t, t.peer().seal(5002, to_laptop(), {.pad_length = std::uint8_t{255}}),
            Drop::kBadPadding, true);
  });
}

TEST_CASE("H20: a true padding of nearly 255 octets is no attack") {
  for_every_suite([](Tunnel& t) {
    CHECK(t.receive({t.peer().seal(5002, to_laptop(), {.extra_blocks = 14})}).size() == 1);
    CHECK(t.path.counters().total() == 0);
  });
}

TEST_CASE("H20: padding that does not count") {
  for_every_suite([](Tunnel& t) {
    refused(t, t.peer().seal(5002, to_laptop(), {.extra_blocks = 2, .zero_padding = true}),
            Drop::kBadPadding, true);
  });
}

TEST_CASE("H20: TFC padding is cut off and tells the device nothing (RFC 4303 2.7)") {
  for_every_suite([](Tunnel& t) {
    CHECK(t.receive({t.peer().seal(5002, to_laptop(), {.tfc = 777})}) ==
          std::vector<ByteVec>{to_laptop()});
    CHECK(t.path.counters().total() == 0);
  });
}

TEST_CASE("H20: a spoofed inner source") {
  for_every_suite([](Tunnel& t) {
    std::uint32_t sequence = 5010;
    for (const char* source : {"10.9.0.2", "127.0.0.1", "0.0.0.0", "192.0.3.1", "8.8.8.8"}) {
      refused(t, t.peer().seal(++sequence, test::ip_packet({test::ip(source), test::kLaptop})),
              Drop::kInnerAddress, true);
    }
  });
}

TEST_CASE("H20: an inner destination that is not ours") {
  for_every_suite([](Tunnel& t) {
    refused(t, t.peer().seal(5002, test::ip_packet({test::kServer, test::ip("10.9.0.3")})),
            Drop::kInnerAddress, true);
  });
}

TEST_CASE("H20: an inner IPv6 packet in an IPv4 SA") {
  for_every_suite([](Tunnel& t) {
    const ByteVec six = test::ip_packet({test::ip("2001:db8::1"), test::ip("2001:db8::2")});
    refused(t, t.peer().seal(5002, six, {.next_header = 41}), Drop::kInnerAddress, true);
    refused(t, t.peer().seal(5003, six, {.next_header = 4}), Drop::kBadInner, true);
    refused(t, t.peer().seal(5004, to_laptop(), {.next_header = 41}), Drop::kBadInner, true);
  });
}

TEST_CASE("H20: an inner total length above the packet") {
  for_every_suite([](Tunnel& t) {
    ByteVec lying = to_laptop();
    store_be(MutBytes(lying).subspan(2), static_cast<std::uint16_t>(lying.size() + 1));
    refused(t, t.peer().seal(5002, lying), Drop::kBadInner, true);
  });
}

TEST_CASE("H20: an inner packet of nothing, or of garbage") {
  for_every_suite([](Tunnel& t) {
    refused(t, t.peer().seal(5002, {}), Drop::kBadInner, true);
    refused(t, t.peer().seal(5003, ByteVec(60, 0xff)), Drop::kBadInner, true);
    refused(t, t.peer().seal(5004, ByteVec(60, 0x00)), Drop::kBadInner, true);
  });
}

TEST_CASE("H20: random datagrams") {
  for_every_suite([](Tunnel& t) {
    std::mt19937 random(20);
    for (int i = 0; i < 20'000; ++i) {
      ByteVec datagram(random() % 300);
      for (std::uint8_t& octet : datagram) octet = static_cast<std::uint8_t>(random());
      // Half of them under an SPI that exists.
      if (datagram.size() >= 4 && i % 2 == 0) store_be(MutBytes(datagram), std::uint32_t{0x1001});
      const std::uint64_t before = t.path.counters().total();
      if (!t.receive({datagram}, kElsewhere).empty()) FAIL("garbage was delivered");
      if (t.path.counters().total() != before + 1) FAIL("garbage was not counted once");
    }
    CHECK(t.path.facts().packets_in == 1);
    CHECK(t.path.facts().heard_from == kGateway);
  });
}
