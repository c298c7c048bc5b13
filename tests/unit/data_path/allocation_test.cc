// The packet path must not allocate once it is warm: every operator new of this program is counted.
#include <cstdlib>
#include <new>

#include "tests/unit/data_path/fixture.h"

namespace {
std::size_t g_allocations = 0;
}  // namespace

// Inlined, g++ -O1 takes the pair of malloc and free for a mismatch of new and free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++g_allocations;
  if (void* out = std::malloc(size == 0 ? 1 : size)) return out;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* pointer) noexcept { std::free(pointer); }
[[gnu::noinline]] void operator delete(void* pointer, std::size_t) noexcept { std::free(pointer); }

using namespace godwit;

namespace {

// UDP between port 1701 of either, all of it a header and zeros.
ByteVec l2tp(const IpAddress& from, const IpAddress& to) {
  ByteVec udp = {0x06, 0xa5, 0x06, 0xa5, 0, 38, 0x12, 0x34};
  udp.resize(38);
  return test::ip_packet({from, to, 17, 0, true, udp});
}

}  // namespace

TEST_CASE("a warm data path allocates nothing in transport mode either") {
  for (const crypto::EspSuite& suite : {test::gcm(), test::cbc(crypto::HashAlg::kSha256)}) {
    test::World w;
    const esp::Selectors ends = {{*Prefix::make(test::kLaptop, 32)},
                                 {*Prefix::make(test::kGateway.address, 32)}};
    const UdpFlow flow{{test::kLaptop, 1701}, {test::kGateway.address, 1701}};
    w.install(1, suite, ends, flow);
    const ByteVec datagram = l2tp(test::kGateway.address, test::kLaptop);
    std::uint32_t sequence = 0;
    for (int turn = 0; turn < 3; ++turn) {
      std::deque<test::Buffer> buffers;
      std::vector<esp::Packet> in;
      std::vector<esp::Packet> out;
      for (int i = 0; i < 512; ++i) {
        const bool bad = i % 8 == 0;
        ByteVec payload = to_vec(Bytes(datagram).subspan(20));
        if (bad) payload[0] = 0;  // another port
        in.push_back(
            buffers.emplace_back(w.to_us.at(1).seal(++sequence, payload, {.next_header = 17}))
                .packet);
        ByteVec packet = l2tp(test::kLaptop, test::kGateway.address);
        if (bad) packet[22] = 0;
        out.push_back(buffers.emplace_back(packet).packet);
      }
      const std::vector<Endpoint> from(in.size(), test::kGateway);
      const std::uint64_t dropped = w.path.counters().total();
      const std::size_t before = g_allocations;
      w.path.inbound(in, from, Instant{1s});
      w.path.outbound(out, Instant{1s}, w.replies);
      const std::size_t made = g_allocations - before;
      CHECK(w.path.counters().total() == dropped + 128);
      if (turn > 0) CHECK(made == 0);
    }
  }
}

TEST_CASE("a warm data path allocates nothing") {
  for (const crypto::EspSuite& suite : {test::gcm(), test::cbc(crypto::HashAlg::kSha256)}) {
    test::World w;
    w.install(1, suite);
    std::uint32_t sequence = 0;
    for (int turn = 0; turn < 3; ++turn) {
      std::deque<test::Buffer> buffers;
      std::vector<esp::Packet> in;
      std::vector<esp::Packet> out;
      for (int i = 0; i < 512; ++i) {
        // Every eighth packet is refused somewhere on its way.
        const bool bad = i % 8 == 0;
        ByteVec datagram = w.to_us.at(1).seal(++sequence, test::to_laptop());
        if (bad) datagram.back() ^= 1;
        in.push_back(buffers.emplace_back(datagram).packet);
        out.push_back(buffers.emplace_back(bad ? test::to_laptop() : test::to_office()).packet);
      }
      const std::vector<Endpoint> from(in.size(), test::kGateway);
      const std::uint64_t dropped = w.path.counters().total();
      const std::size_t before = g_allocations;
      w.path.inbound(in, from, Instant{1s});
      w.path.outbound(out, Instant{1s}, w.replies);
      const std::size_t made = g_allocations - before;
      CHECK(w.path.counters().total() == dropped + 128);
      if (turn > 0) CHECK(made == 0);
    }
  }
}
