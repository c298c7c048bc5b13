// UDP through the engines: order, sources, TOS, errors, deadlines.
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

#include <cstring>

#include "platform/clock.h"
#include "platform/event.h"
#include "platform/sockaddr.h"
#include "platform/udp.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

const IpAddress kLoopback = IpAddress::v4(0x7f000001);

std::array<std::uint8_t, 4> number_octets(std::uint32_t number) {
  std::array<std::uint8_t, 4> out{};
  store_be(MutBytes(out), number);
  return out;
}

// Sends numbers from socket 0 to socket 1, which sends them back; both on `address`.
void echo(Engine& engine, const IpAddress& address, std::uint32_t count) {
  const auto a = must(UdpSocket::open(address, 0, 0));
  const auto b = must(UdpSocket::open(address, 0, 0));
  must(engine.add_udp(0, a.fd()));
  must(engine.add_udp(1, b.fd()));
  std::uint32_t sent = 0;
  std::uint32_t returned = 0;
  std::uint32_t wrong = 0;
  TestSink sink;
  sink.udp = [&](std::uint32_t socket, std::span<Datagram> datagrams) {
    for (const Datagram& datagram : datagrams) {
      const std::uint32_t number = load_be<std::uint32_t>(datagram.buffer.packet());
      const Endpoint& source = socket == 1 ? a.local() : b.local();
      const auto tos = static_cast<std::uint8_t>(number & 3);
      if (datagram.from != source || datagram.tos != tos || datagram.buffer.size != 4 ||
          datagram.buffer.head_room() < limits::kHeadRoom ||
          datagram.buffer.tail_room() < limits::kTailRoom) {
        ++wrong;
      }
      if (socket == 1) {
        engine.send(1, datagram.buffer, datagram.from, tos);  // the same buffer goes back
      } else {
        if (number != returned) ++wrong;
        ++returned;
      }
    }
  };
  while (returned < count) {
    while (sent < count && sent - returned < 200) {
      REQUIRE(
          engine.send_copy(0, number_octets(sent), b.local(), static_cast<std::uint8_t>(sent & 3)));
      ++sent;
    }
    must(engine.turn(std::nullopt, sink));
  }
  CHECK(wrong == 0);
  CHECK(returned == count);
  CHECK(engine.statistics().udp_sent == 2 * count);
  CHECK(engine.statistics().udp_received == 2 * count);
  CHECK(engine.statistics().send_dropped == 0);
  CHECK(engine.statistics().no_buffer == 0);
  engine.remove_udp(0);
  engine.remove_udp(1);
}

}  // namespace

TEST_CASE("ten thousand datagrams come back in order, with their TOS and source") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    echo(*engine, kLoopback, 10'000);
  }
}

TEST_CASE("IPv6 sockets tell source and traffic class") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    echo(*engine, *IpAddress::parse("::1"), 300);
  }
}

TEST_CASE("buffers that the sink does not pass on come back") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto a = must(UdpSocket::open(kLoopback, 0, 0));
    must(engine->add_udp(0, a.fd()));
    std::uint32_t seen = 0;
    TestSink sink;
    sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) {
      seen += static_cast<std::uint32_t>(datagrams.size());
    };
    for (std::uint32_t sent = 0; sent < 5000;) {
      for (int i = 0; i < 50; ++i) REQUIRE(engine->send_copy(0, number_octets(sent++), a.local()));
      while (seen < sent) must(engine->turn(std::nullopt, sink));
    }
    CHECK(seen == 5000);
    // All but those that wait in the kernel for packets can be had.
    std::vector<Buffer> taken;
    while (auto buffer = engine->allocate()) taken.push_back(*buffer);
    CHECK(taken.size() >= 600);
    for (const Buffer& buffer : taken) engine->release(buffer);
  }
}

TEST_CASE("a datagram larger than the MTU is reported, the next one passes") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    auto netlink = must(Netlink::open());
    must(netlink.set_mtu(must(netlink.index_of("lo")), 1400));
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto a = must(UdpSocket::open(kLoopback, 0, 0));
    must(engine->add_udp(0, a.fd()));
    std::vector<std::pair<int, std::size_t>> errors;
    std::size_t received = 0;
    TestSink sink;
    sink.send_error = [&](std::uint32_t socket, int error, std::size_t size) {
      CHECK(socket == 0);
      errors.emplace_back(error, size);
    };
    sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) {
      received = datagrams[0].buffer.size;
    };
    REQUIRE(engine->send_copy(0, ByteVec(2000), a.local()));
    REQUIRE(engine->send_copy(0, ByteVec(1200), a.local()));
    while (received == 0) must(engine->turn(std::nullopt, sink));
    CHECK(received == 1200);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0] == std::pair<int, std::size_t>(EMSGSIZE, 2000));
    CHECK(engine->statistics().send_failed == 1);
  }
}

TEST_CASE("a datagram larger than a buffer is dropped whole") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto a = must(UdpSocket::open(kLoopback, 0, 0));
    must(engine->add_udp(0, a.fd()));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(a.local().port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const ByteVec large(20'000);
    const ByteVec small(9000);
    for (const ByteVec* data : {&large, &small}) {
      REQUIRE(::sendto(a.fd(), data->data(), data->size(), 0, reinterpret_cast<sockaddr*>(&to),
                       sizeof to) == static_cast<ssize_t>(data->size()));
    }
    std::vector<std::size_t> sizes;
    TestSink sink;
    sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) {
      for (const Datagram& datagram : datagrams) sizes.push_back(datagram.buffer.size);
    };
    while (sizes.empty()) must(engine->turn(std::nullopt, sink));
    CHECK(sizes == std::vector<std::size_t>{9000});
    CHECK(engine->statistics().truncated == 1);
    CHECK_FALSE(engine->send_copy(0, ByteVec(kBufferSize), a.local()));
  }
}

TEST_CASE("a deadline wakes the engine, a passed one does not wait") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    TestSink sink;
    const Instant start = boot_now();
    must(engine->turn(start - 1s, sink));
    must(engine->turn(start, sink));
    // An earlier deadline after a later one, and a later one after an earlier one.
    for (const auto delay : {std::chrono::milliseconds(3'600'000), 20ms, 5ms, 30ms}) {
      const Instant until = boot_now() + delay;
      if (delay > 1s) {
        const auto doorbell = must(Event::open());
        must(engine->watch(1, doorbell.fd()));
        doorbell.notify();
        must(engine->turn(until, sink));  // arms it, and the bell ends the wait
        engine->unwatch(1);
        continue;
      }
      std::uint64_t turns = 0;
      while (boot_now() < until) {
        must(engine->turn(until, sink));
        ++turns;
      }
      // It slept instead of spinning.
      CHECK(turns <= 5);
    }
  }
}

TEST_CASE("a doorbell is heard until it is cleared") {
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto doorbell = must(Event::open());
    must(engine->watch(7, doorbell.fd()));
    int heard = 0;
    TestSink sink;
    sink.readable = [&](std::uint32_t id) {
      CHECK(id == 7);
      if (++heard == 3) CHECK(doorbell.clear());
    };
    doorbell.notify();
    while (heard < 3) must(engine->turn(std::nullopt, sink));
    CHECK_FALSE(doorbell.clear());
    must(engine->turn(boot_now() + 5ms, sink));
    must(engine->turn(boot_now() + 5ms, sink));
    CHECK(heard == 3);
    // A callback may unwatch what it was called for.
    sink.readable = [&](std::uint32_t id) {
      ++heard;
      engine->unwatch(id);
    };
    doorbell.notify();
    while (heard < 4) must(engine->turn(std::nullopt, sink));
    must(engine->turn(boot_now() + 5ms, sink));
    CHECK(heard == 4);
  }
}

TEST_CASE("datagrams of one size leave together, arrive one by one and in order") {
  REQUIRE_ROOT();
  for (const char* rung : {"", "plain"}) {
    for (const EngineKind& kind : kEngines) {
      CAPTURE(kind.label);
      const Variable variable("GODWIT_UDP", rung);
      const Namespace space;
      const auto engine = make_engine_or_skip(kind);
      if (!engine) continue;
      const auto a = must(UdpSocket::open(kLoopback, 0, 0));
      const auto b = must(UdpSocket::open(kLoopback, 0, 0));
      must(engine->add_udp(0, a.fd()));
      must(engine->add_udp(1, b.fd()));
      // Runs end with a shorter one, with a longer one, with another TOS and with 64 of one size.
      const auto size_of = [](std::uint32_t i) -> std::size_t {
        return i % 50 == 7 ? 500 : i % 90 == 11 ? 1200 : 1000;
      };
      const auto tos_of = [](std::uint32_t i) { return static_cast<std::uint8_t>(i / 300 % 4); };
      constexpr std::uint32_t kCount = 1000;
      std::uint32_t next = 0;
      std::uint32_t wrong = 0;
      TestSink sink;
      sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) {
        for (const Datagram& datagram : datagrams) {
          const Bytes octets = datagram.buffer.packet();
          if (octets.size() != size_of(next) || load_be<std::uint32_t>(octets) != next ||
              datagram.tos != tos_of(next)) {
            ++wrong;
          }
          ++next;
        }
      };
      ByteVec octets(2000, 0x33);
      std::uint32_t sent = 0;
      while (next < kCount) {
        while (sent < kCount && sent - next < 250) {
          store_be(MutBytes(octets), sent);
          REQUIRE(
              engine->send_copy(0, Bytes(octets).first(size_of(sent)), b.local(), tos_of(sent)));
          ++sent;
        }
        must(engine->turn(std::nullopt, sink));
      }
      CHECK(wrong == 0);
      const EngineStatistics& seen = engine->statistics();
      CHECK(seen.udp_sent == kCount);
      if (*rung == '\0') {
        CHECK(seen.udp_sends < kCount / 10);
      } else {
        CHECK(seen.udp_sends == kCount);
      }
    }
  }
}

TEST_CASE("joined datagrams come apart as they were sent, and each may be kept by itself") {
  REQUIRE_ROOT();
  for (const char* rung : {"", "send", "plain"}) {
    for (const EngineKind& kind : kEngines) {
      CAPTURE(kind.label);
      CAPTURE(rung);
      const Variable variable("GODWIT_UDP", rung);
      const Namespace space;
      const auto engine = make_engine_or_skip(kind);
      if (!engine) continue;
      const auto a = must(UdpSocket::open(kLoopback, 0, 0));
      const auto b = must(UdpSocket::open(kLoopback, 0, 0));
      const auto c = must(UdpSocket::open(kLoopback, 0, 0));
      must(engine->add_udp(0, a.fd(), Way::kOut));
      must(engine->add_udp(1, b.fd(), Way::kBoth, true));
      must(engine->add_udp(2, c.fd()));
      const auto size_of = [](std::uint32_t i) -> std::size_t {
        return i % 50 == 7 ? 500 : i % 90 == 11 ? 1200 : 1000;
      };
      constexpr std::uint32_t kCount = 3000;
      std::uint32_t next = 0;
      std::uint32_t returned = 0;
      std::uint32_t wrong = 0;
      TestSink sink;
      sink.udp = [&](std::uint32_t socket, std::span<Datagram> datagrams) {
        for (const Datagram& datagram : datagrams) {
          std::uint32_t& expected = socket == 1 ? next : returned;
          const Bytes octets = datagram.buffer.packet();
          if (octets.size() != size_of(expected) || load_be<std::uint32_t>(octets) != expected ||
              octets.back() != static_cast<std::uint8_t>(expected)) {
            ++wrong;
          }
          ++expected;
          // On from the buffer it is in, while its neighbours go their own ways.
          if (socket == 1) engine->send(1, datagram.buffer, c.local(), 0);
        }
      };
      ByteVec octets(2000, 0x33);
      std::uint32_t sent = 0;
      while (returned < kCount) {
        while (sent < kCount && sent - returned < 200) {
          const MutBytes datagram = MutBytes(octets).first(size_of(sent));
          store_be(datagram, sent);
          datagram.back() = static_cast<std::uint8_t>(sent);
          REQUIRE(engine->send_copy(0, datagram, b.local()));
          ++sent;
        }
        must(engine->turn(std::nullopt, sink));
      }
      CHECK(wrong == 0);
      CHECK(next == kCount);
      const bool joins = *rung == '\0';
      CHECK(engine->offloads(1).udp_joins == joins);
      CHECK_FALSE(engine->offloads(2).udp_joins);
      CHECK(engine->statistics().udp_received == 2 * kCount);
      if (joins) {
        CHECK(engine->statistics().udp_receives < kCount + kCount / 5);
      } else {
        CHECK(engine->statistics().udp_receives == 2 * kCount);
      }
      CHECK(engine->statistics().truncated == 0);
    }
  }
}

TEST_CASE(
    "a sender whose datagrams are never joined is read into small buffers, and none is lost") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Variable variable("GODWIT_UDP", "");
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto a = must(UdpSocket::open(kLoopback, 0, 0));
    const auto b = must(UdpSocket::open(kLoopback, 0, 0));
    must(engine->add_udp(0, b.fd(), Way::kIn, true));
    sockaddr_storage to{};
    const socklen_t size = to_sockaddr(b.local(), to);
    constexpr std::uint32_t kCount = 10000;
    std::uint32_t sent = 0;
    std::uint32_t next = 0;
    std::uint32_t wrong = 0;
    TestSink sink;
    sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) {
      for (const Datagram& datagram : datagrams) {
        if (load_be<std::uint32_t>(datagram.buffer.packet()) != next) ++wrong;
        ++next;
      }
    };
    bool joined = false;
    while (next < kCount) {
      while (sent < kCount && sent - next < 100) {
        const auto octets = number_octets(sent++);
        REQUIRE(::sendto(a.fd(), octets.data(), octets.size(), 0,
                         reinterpret_cast<const sockaddr*>(&to),
                         size) == static_cast<ssize_t>(octets.size()));
      }
      must(engine->turn(std::nullopt, sink));
      joined = joined || engine->offloads(0).udp_joins;
    }
    CHECK(wrong == 0);
    CHECK(joined);
    CHECK_FALSE(engine->offloads(0).udp_joins);
  }
}

TEST_CASE("what stands in a run with a datagram that is too big still leaves") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    auto netlink = must(Netlink::open());
    must(netlink.set_mtu(must(netlink.index_of("lo")), 1400));
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto a = must(UdpSocket::open(kLoopback, 0, 0));
    must(engine->add_udp(0, a.fd()));
    std::vector<std::size_t> errors;
    std::size_t received = 0;
    TestSink sink;
    sink.send_error = [&](std::uint32_t, int error, std::size_t size) {
      CHECK(error == EMSGSIZE);
      errors.push_back(size);
    };
    sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) { received += datagrams.size(); };
    for (int i = 0; i < 3; ++i) REQUIRE(engine->send_copy(0, ByteVec(2000), a.local()));
    for (int i = 0; i < 5; ++i) REQUIRE(engine->send_copy(0, ByteVec(1200), a.local()));
    while (received < 5) must(engine->turn(std::nullopt, sink));
    CHECK(errors == std::vector<std::size_t>{2000, 2000, 2000});
  }
}

TEST_CASE("where the kernel refuses to send joined, each leaves by itself, and that is told once") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Variable variable("GODWIT_UDP", "");
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto a = must(UdpSocket::open(kLoopback, 0, 0));
    const auto b = must(UdpSocket::open(kLoopback, 0, 0));
    const int yes = 1;  // UDP_SEGMENT wants checksums
    REQUIRE(::setsockopt(a.fd(), SOL_SOCKET, SO_NO_CHECK, &yes, sizeof yes) == 0);
    must(engine->add_udp(0, a.fd()));
    must(engine->add_udp(1, b.fd()));
    REQUIRE(engine->offloads(0).udp_runs);
    constexpr std::uint32_t kCount = 40;
    std::uint32_t next = 0;
    TestSink sink;
    sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) {
      for (const Datagram& datagram : datagrams) {
        CHECK(load_be<std::uint32_t>(datagram.buffer.packet()) == next++);
      }
    };
    for (std::uint32_t i = 0; i < kCount; ++i) {
      REQUIRE(engine->send_copy(0, number_octets(i), b.local()));
    }
    while (next < kCount) must(engine->turn(std::nullopt, sink));
    CHECK_FALSE(engine->offloads(0).udp_runs);
    CHECK(engine->offloads(1).udp_runs);
    REQUIRE(sink.rungs_left.size() == 1);
    CHECK(sink.rungs_left[0].error == EINVAL);
    CHECK(engine->statistics().udp_sent == kCount);
  }
}

TEST_CASE("a full send buffer delays datagrams, keeps their order and loses none") {
  REQUIRE_ROOT();
  const Variable variable("GODWIT_UDP", "plain");  // a run counts once, however many are in it
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    if (std::system("ip link add v0 type veth peer name v1 && ip addr add 10.9.0.1/24 dev v0 && "
                    "ip link set v0 up && ip link set v1 up") != 0) {
      MESSAGE("skipped: no veth");
      return;
    }
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    Fd capture(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(0x0800)));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(0x0800);
    at.sll_ifindex = static_cast<int>(::if_nametoindex("v1"));
    const int room = 4 << 20;  // the whole flood at once
    REQUIRE(::setsockopt(capture.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) == 0);
    REQUIRE(::bind(capture.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    // Room for a few datagrams; the unresolved neighbour keeps them charged to the socket.
    const auto a =
        must(UdpSocket::open(*IpAddress::parse("10.9.0.1"), 0, 0, {.buffer_size = 8192}));
    must(engine->add_udp(0, a.fd()));
    must(engine->watch(1, capture.get()));
    constexpr std::uint32_t kCount = 300;
    const Endpoint to{*IpAddress::parse("10.9.0.2"), 4500};
    for (std::uint32_t i = 0; i < kCount; ++i) REQUIRE(engine->send_copy(0, number_octets(i), to));
    std::uint32_t next = 0;
    std::uint32_t wrong = 0;
    TestSink sink;
    sink.readable = [&](std::uint32_t) {
      std::array<std::uint8_t, 2048> packet;
      ssize_t size = 0;
      while ((size = ::recv(capture.get(), packet.data(), packet.size(), 0)) > 0) {
        if (size < 32 || packet[9] != IPPROTO_UDP) continue;
        if (load_be<std::uint32_t>(Bytes(packet).subspan(28)) != next) ++wrong;
        ++next;
      }
    };
    must(engine->turn(boot_now(), sink));
    must(engine->turn(boot_now(), sink));
    CHECK(engine->statistics().udp_sent < kCount);
    CHECK(engine->statistics().send_waited > 0);
    REQUIRE(std::system(
                "ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:01 nud permanent dev v0") == 0);
    while (next < kCount) must(engine->turn(std::nullopt, sink));
    CHECK(wrong == 0);
    CHECK(engine->statistics().udp_sent == kCount);
    CHECK(engine->statistics().send_dropped == 0);
  }
}

TEST_CASE("a queue that is full drops and counts") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto a = must(UdpSocket::open(kLoopback, 0, 0));
    must(engine->add_udp(0, a.fd()));
    for (std::size_t i = 0; i < kSendQueueMax + 10; ++i) {
      engine->send_copy(0, number_octets(1), a.local());
    }
    CHECK(engine->statistics().send_dropped == 10);
    engine->send_copy(5, number_octets(1), a.local());  // no such socket
    engine->remove_udp(0);
    CHECK(engine->statistics().send_dropped == 11 + kSendQueueMax);
  }
}

// RFC 3948 2.1 and RFC 768: gateways may send a checksum of zero, which means none.
TEST_CASE("a datagram without a UDP checksum is heard, and ours have DF (ENC-03, ENC-15)") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto receiver = must(UdpSocket::open(kLoopback, 0, 0));
    must(engine->add_udp(0, receiver.fd()));
    int discover = 0;
    socklen_t size = sizeof discover;
    REQUIRE(::getsockopt(receiver.fd(), IPPROTO_IP, IP_MTU_DISCOVER, &discover, &size) == 0);
    CHECK(discover == IP_PMTUDISC_DO);

    const auto sender = must(UdpSocket::open(kLoopback, 0, 0));
    const int yes = 1;
    REQUIRE(::setsockopt(sender.fd(), SOL_SOCKET, SO_NO_CHECK, &yes, sizeof yes) == 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(receiver.local().port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::sendto(sender.fd(), "ESP", 3, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) ==
            3);
    std::uint32_t heard = 0;
    TestSink sink;
    sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) {
      for (const Datagram& datagram : datagrams) heard += datagram.buffer.size == 3 ? 1u : 0u;
    };
    for (int turns = 0; turns < 100 && heard == 0; ++turns) {
      must(engine->turn(boot_now() + 50ms, sink));
    }
    CHECK(heard == 1);
    engine->remove_udp(0);
  }
}

}  // namespace godwit::platform::test
