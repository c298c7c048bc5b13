// ESP as an IP protocol of its own through the engines: the same batches as UDP.
#include "core/net/udp_encap.h"
#include "platform/udp.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {

TEST_CASE("a raw socket of ESP: what it sends comes back behind an IP header, with its TOS") {
  REQUIRE_ROOT();
  for (const EngineKind& kind : kEngines) {
    CAPTURE(kind.label);
    const Namespace space;
    const auto engine = make_engine_or_skip(kind);
    if (!engine) continue;
    const auto esp = must(RawEspSocket::open(true, 0));
    must(engine->add_udp(2, esp.fd()));
    const IpAddress loopback = IpAddress::v4(0x7f000001);
    constexpr std::uint32_t kCount = 300;
    std::uint32_t sent = 0;
    std::uint32_t back = 0;
    std::uint32_t wrong = 0;
    TestSink sink;
    sink.udp = [&](std::uint32_t socket, std::span<Datagram> datagrams) {
      for (const Datagram& datagram : datagrams) {
        const auto packet = esp_behind_ipv4(datagram.buffer.packet());
        const bool good = packet && packet->size() == 64 && socket == 2 &&
                          load_be<std::uint32_t>(*packet) == back &&
                          datagram.from == Endpoint{loopback, 0} && datagram.tos == (back & 3) &&
                          datagram.buffer.tail_room() >= limits::kTailRoom;
        if (!good) ++wrong;
        ++back;
      }
    };
    while (back < kCount) {
      while (sent < kCount && sent - back < 64) {
        ByteVec octets(64);
        store_be(octets, sent);
        REQUIRE(engine->send_copy(2, octets, {loopback, 0}, static_cast<std::uint8_t>(sent & 3)));
        ++sent;
      }
      must(engine->turn(std::nullopt, sink));
    }
    CHECK(wrong == 0);
    engine->remove_udp(2);
  }
}

}  // namespace godwit::platform::test
