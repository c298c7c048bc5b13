// The engines on a TUN device: the kernel's packets are read, ours reach a socket.
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "platform/clock.h"
#include "platform/tun.h"
#include "platform/udp.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

constexpr std::uint16_t kFarPort = 7;

struct World {
  Netlink netlink = must(Netlink::open());
  Tun tun = must(Tun::open(""));

  World() {
    must(tun.set_mtu(netlink, 1400));
    must(netlink.add_address({tun.index(), *IpAddress::parse("10.7.0.1"), 32}));
    must(netlink.add_address({tun.index(), *IpAddress::parse("fd07::1"), 128}));
    must(tun.set_up(netlink));
    for (const char* prefix : {"10.8.0.0/16", "fd08::/32"}) {
      Route route;
      route.destination = *Prefix::parse(prefix);
      route.index = tun.index();
      must(netlink.add_route(route));
    }
    // The kernel takes packets to a new IPv6 address a little after it has answered.
    while (!has_local_route(*Prefix::parse("fd07::1"))) {
    }
  }

  bool has_local_route(const Prefix& prefix) {
    const auto routes = must(netlink.routes());
    return std::any_of(routes.begin(), routes.end(), [&](const Route& route) {
      return route.table == 255 && route.destination == prefix;
    });
  }
};

// Turns a UDP packet to the echo port around. Swapping addresses and ports changes no checksum.
// False for what the kernel sends on its own, such as router solicitations.
bool turn_around(MutBytes packet) {
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t header = v4 ? 20 : 40;
  if (packet.size() < header + 8 || packet[v4 ? 9 : 6] != IPPROTO_UDP) return false;
  const MutBytes udp = packet.subspan(header);
  if (load_be<std::uint16_t>(udp.subspan(2)) != kFarPort) return false;
  const std::size_t size = v4 ? 4 : 16;
  std::uint8_t* const source = packet.data() + (v4 ? 12 : 8);
  std::swap_ranges(source, source + size, source + size);
  std::swap_ranges(udp.data(), udp.data() + 2, udp.data() + 2);
  return true;
}

void echo_through_tun(Engine& engine, World& world, const char* near, const char* far) {
  const auto socket = must(UdpSocket::open(*IpAddress::parse(near), 0, 0));
  const Endpoint to{*IpAddress::parse(far), kFarPort};
  const std::uint64_t failed_before = engine.statistics().tun_write_failed;
  must(engine.add_tun(world.tun.fd()));
  must(engine.add_udp(3, socket.fd()));
  constexpr std::uint32_t kCount = 2000;
  std::uint32_t sent = 0;
  std::uint32_t returned = 0;
  std::uint32_t wrong = 0;
  TestSink sink;
  sink.tun = [&](std::span<Buffer> packets) {
    if (packets.size() > kBatch) ++wrong;
    for (const Buffer& buffer : packets) {
      if (buffer.head_room() < limits::kHeadRoom || buffer.tail_room() < limits::kTailRoom) ++wrong;
      if (turn_around(buffer.packet())) engine.write_tun(buffer);
    }
  };
  sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) {
    for (const Datagram& datagram : datagrams) {
      if (datagram.from != to) ++wrong;
      if (load_be<std::uint32_t>(datagram.buffer.packet()) != returned++) ++wrong;
    }
  };
  std::array<std::uint8_t, 1000> payload{};
  while (returned < kCount) {
    while (sent < kCount && sent - returned < 100) {
      store_be(MutBytes(payload), sent++);
      REQUIRE(engine.send_copy(3, payload, to));
    }
    must(engine.turn(std::nullopt, sink));
  }
  CHECK(wrong == 0);
  CHECK(engine.statistics().tun_read >= kCount);
  CHECK(engine.statistics().tun_write_failed == failed_before);
  engine.remove_udp(3);
  engine.remove_tun();
}

}  // namespace

TEST_CASE("packets of the kernel go through the TUN device and come back, IPv4 and IPv6") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    World world;
    echo_through_tun(*engine, world, "10.7.0.1", "10.8.1.2");
    echo_through_tun(*engine, world, "fd07::1", "fd08::2");
  }
}

TEST_CASE("a packet that the caller composed reaches a socket") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    World world;
    const auto socket = must(UdpSocket::open(*IpAddress::parse("10.7.0.1"), 4000, 0));
    must(engine->add_tun(world.tun.fd()));
    must(engine->add_udp(0, socket.fd()));
    // 10.8.0.9:7 to 10.7.0.1:4000, four octets, UDP without a checksum.
    const std::array<std::uint8_t, 32> packet{0x45, 0,    0, 32, 0, 0,  0, 0, 64, 17, 0x66,
                                              0xb5, 10,   8, 0,  9, 10, 7, 0, 1,  0,  7,
                                              0x0f, 0xa0, 0, 12, 0, 0,  1, 2, 3,  4};
    std::vector<std::uint8_t> got;
    TestSink sink;
    sink.udp = [&](std::uint32_t, std::span<Datagram> datagrams) {
      got = to_vec(datagrams[0].buffer.packet());
      CHECK(datagrams[0].from == Endpoint{*IpAddress::parse("10.8.0.9"), 7});
    };
    CHECK(engine->write_tun_copy(packet));
    while (got.empty()) must(engine->turn(std::nullopt, sink));
    CHECK(got == std::vector<std::uint8_t>{1, 2, 3, 4});
    // What is no IP packet is refused by the kernel, counted, and hurts nothing else.
    CHECK(engine->write_tun_copy(std::array<std::uint8_t, 4>{0, 0, 0, 0}));
    while (engine->statistics().tun_write_failed == 0) must(engine->turn(boot_now(), sink));
    CHECK(engine->statistics().tun_written == 1);
  }
}

TEST_CASE("a TUN device that was removed from the engine goes away when it is closed") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    TestSink sink;
    std::string name;
    {
      World world;
      name = world.tun.name();
      must(engine->add_tun(world.tun.fd()));
      must(engine->turn(boot_now() + 5ms, sink));  // arms the read
      REQUIRE(engine->write_tun_copy(std::array<std::uint8_t, 4>{0, 0, 0, 0}));
      engine->remove_tun();
    }
    CHECK(::if_nametoindex(name.c_str()) == 0);
    // Another one can take its place.
    World world;
    echo_through_tun(*engine, world, "10.7.0.1", "10.8.1.2");
  }
}

TEST_CASE("a TUN device that somebody deleted ends the turn with an error") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    World world;
    must(engine->add_tun(world.tun.fd()));
    TestSink sink;
    must(engine->turn(boot_now() + 5ms, sink));
    REQUIRE(std::system(("ip link del " + world.tun.name()).c_str()) == 0);
    Result<void, SysError> result;
    while (result) result = engine->turn(std::nullopt, sink);
    CHECK(result.error().error == EBADFD);
  }
}

}  // namespace godwit::platform::test
