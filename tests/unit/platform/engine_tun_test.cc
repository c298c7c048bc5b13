// The engines on a TUN device: the kernel's packets are read, ours reach a socket.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "platform/clock.h"
#include "platform/tun.h"
#include "platform/udp.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

constexpr std::uint16_t kFarPort = 7;
constexpr int kBurst = 1000;  // what these tests send without waiting

struct World {
  Netlink netlink = must(Netlink::open());
  Tun tun = must(Tun::open(""));

  World() {
    must(tun.set_mtu(netlink, 1400));
    must(netlink.set_queue_length(tun.index(), kBurst));
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
  must(engine.add_tun(world.tun.fd(), world.tun.offloads()));
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

struct StreamResult {
  std::size_t octets = 0;
  bool intact = false;
  std::uint64_t read_packets = 0, read_frames = 0;  // of the sender's device
  std::uint64_t written = 0, writes = 0;            // of the receiver's
};

// Two namespaces, each with a TUN device and an engine of its own.
class TwoEnds {
 public:
  explicit TwoEnds(const EngineKind& kind) {
    for (End* end : {&left_, &right_}) {
      const bool left = end == &left_;
      end->space = std::make_unique<Namespace>();
      end->engine = make_engine_or_skip(kind);
      if (!end->engine) return;
      auto netlink = must(Netlink::open());
      end->tun = std::make_unique<Tun>(must(Tun::open("")));
      must(end->tun->set_mtu(netlink, 1400));
      must(netlink.set_queue_length(end->tun->index(), kBurst));
      must(netlink.add_address(
          {end->tun->index(), *IpAddress::parse(left ? "10.7.0.1" : "10.7.0.2"), 32}));
      must(end->tun->set_up(netlink));
      Route route;
      route.destination = *Prefix::parse(left ? "10.7.0.2/32" : "10.7.0.1/32");
      route.index = end->tun->index();
      must(netlink.add_route(route));
      end->socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    }
  }
  ~TwoEnds() {
    for (End* end : {&left_, &right_}) {
      if (end->engine) end->engine->remove_tun();
    }
  }
  bool ready() const { return right_.engine != nullptr; }

  StreamResult stream(std::size_t octets) const;

 private:
  struct End {
    std::unique_ptr<Namespace> space;  // the right one goes first: it leads back to the left one
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Tun> tun;
    Fd socket;
  };
  End left_;
  End right_;
};

std::uint8_t pattern(std::size_t at) { return static_cast<std::uint8_t>(at * 2654435761u >> 13); }

StreamResult TwoEnds::stream(std::size_t octets) const {
  const auto address = [](const char* text, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    ::inet_pton(AF_INET, text, &out.sin_addr);
    return out;
  };
  const sockaddr_in to = address("10.7.0.2", 5001);
  REQUIRE(::bind(right_.socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  REQUIRE(::listen(right_.socket.get(), 1) == 0);
  std::atomic<bool> over = false;
  StreamResult out;
  std::thread sender([&] {
    if (::connect(left_.socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      return;
    }
    std::vector<std::uint8_t> block(65536);
    for (std::size_t at = 0; at < octets; at += block.size()) {
      for (std::size_t i = 0; i < block.size(); ++i) block[i] = pattern(at + i);
      if (::send(left_.socket.get(), block.data(), block.size(), MSG_NOSIGNAL) < 0) return;
    }
    ::shutdown(left_.socket.get(), SHUT_WR);
  });
  std::thread receiver([&] {
    const Fd stream(::accept(right_.socket.get(), nullptr, nullptr));
    std::vector<std::uint8_t> block(65536);
    out.intact = true;
    for (ssize_t got = 1; got > 0; out.octets += static_cast<std::size_t>(got)) {
      got = ::recv(stream.get(), block.data(), block.size(), 0);
      for (ssize_t i = 0; i < got; ++i) {
        const auto k = static_cast<std::size_t>(i);
        out.intact = out.intact && block[k] == pattern(out.octets + k);
      }
      if (got < 0) break;
    }
    over = true;
  });
  const std::array<const End*, 2> ends = {&left_, &right_};
  for (const End* end : ends) must(end->engine->add_tun(end->tun->fd(), end->tun->offloads()));
  const auto begin = boot_now();
  while (!over && boot_now() - begin < 60s) {
    for (const End* end : ends) {
      const End& other = end == &left_ ? right_ : left_;
      TestSink sink;
      sink.tun = [&](std::span<Buffer> packets) {
        for (const Buffer& packet : packets) other.engine->write_tun_copy(packet.packet());
      };
      must(end->engine->turn(boot_now() + 200us, sink));
    }
  }
  CHECK(over);
  ::shutdown(right_.socket.get(), SHUT_RDWR);
  ::shutdown(left_.socket.get(), SHUT_RDWR);
  sender.join();
  receiver.join();
  const EngineStatistics& read = left_.engine->statistics();
  const EngineStatistics& written = right_.engine->statistics();
  out.read_packets = read.tun_read;
  out.read_frames = read.tun_frames;
  out.written = written.tun_written;
  out.writes = written.tun_writes;
  CHECK(read.tun_refused + written.tun_write_failed == 0);
  return out;
}

}  // namespace

TEST_CASE("packets of the kernel go through the TUN device and come back, IPv4 and IPv6") {
  REQUIRE_ROOT();
  for (const char* rung : {"", "tcp", "header", "plain"}) {
    for (const EngineKind& kind : kEngines) {
      CAPTURE(kind.label);
      CAPTURE(std::string(rung));
      const Variable variable("GODWIT_TUN", rung);
      const Namespace space;
      const auto engine = make_engine_or_skip(kind);
      if (!engine) continue;
      World world;
      echo_through_tun(*engine, world, "10.7.0.1", "10.8.1.2");
      echo_through_tun(*engine, world, "fd07::1", "fd08::2");
      const EngineStatistics& seen = engine->statistics();
      CHECK(seen.tun_refused == 0);
      if (world.tun.offloads().udp) {
        // The kernel handed over, and took, many packets at a time.
        CHECK(seen.tun_frames < seen.tun_read / 4);
        CHECK(seen.tun_writes < seen.tun_written / 4);
      } else {
        CHECK(seen.tun_writes == seen.tun_written);
      }
    }
  }
}

TEST_CASE("a TUN device asks for no more than its rung") {
  REQUIRE_ROOT();
  const Namespace space;
  const std::pair<const char*, TunOffloads> rungs[] = {
      {"plain", {}}, {"header", {true, false, false}}, {"tcp", {true, true, false}}};
  for (const auto& [rung, offloads] : rungs) {
    const Variable variable("GODWIT_TUN", rung);
    CHECK(must(Tun::open("")).offloads() == offloads);
  }
}

// Moves packets between two TUN devices of two namespaces, as a wire would that loses nothing.
TEST_CASE("a stream of the kernel's TCP passes between two TUN devices, frames and all") {
  REQUIRE_ROOT();
  for (const char* rung : {"", "tcp", "header", "plain"}) {
    for (const EngineKind& kind : kEngines) {
      CAPTURE(kind.label);
      CAPTURE(std::string(rung));
      const Variable variable("GODWIT_TUN", rung);
      const TwoEnds ends(kind);
      if (!ends.ready()) continue;
      const StreamResult result = ends.stream(8 << 20);
      CHECK(result.octets == (8u << 20));
      CHECK(result.intact);
      if (std::string_view(rung).empty() || std::string_view(rung) == "tcp") {
        CHECK(result.read_frames < result.read_packets / 4);
        CHECK(result.writes < result.written / 4);
      }
    }
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
    must(engine->add_tun(world.tun.fd(), world.tun.offloads()));
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
      must(engine->add_tun(world.tun.fd(), world.tun.offloads()));
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
    must(engine->add_tun(world.tun.fd(), world.tun.offloads()));
    TestSink sink;
    must(engine->turn(boot_now() + 5ms, sink));
    REQUIRE(std::system(("ip link del " + world.tun.name()).c_str()) == 0);
    Result<void, SysError> result;
    while (result) result = engine->turn(std::nullopt, sink);
    CHECK(result.error().error == EBADFD);
  }
}

}  // namespace godwit::platform::test
