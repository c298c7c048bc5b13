// A data path with a gateway's end for every SA it has.
#pragma once

#include "core/session/data_path.h"

// The core's CHECK ends the process; in a test the word is doctest's.
#undef CHECK
#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <string_view>
#include <vector>

#include "tests/support/esp_peer.h"
#include "tests/support/packets.h"

namespace godwit::test {

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

inline const Endpoint kGateway = {ip("203.0.113.1"), 4500};
inline const Endpoint kElsewhere = {ip("203.0.113.66"), 6666};
inline const IpAddress kLaptop = ip("10.9.0.2");
inline const IpAddress kServer = ip("192.0.2.80");

inline ByteVec to_laptop(std::size_t upper = 30) {
  return ip_packet({kServer, kLaptop, 17, 0, true, ByteVec(upper, 0x31)});
}
inline ByteVec to_office(std::size_t upper = 30) {
  return ip_packet({kLaptop, kServer, 17, 0, true, ByteVec(upper, 0x32)});
}

inline esp::Selectors office() {
  return {{*Prefix::parse("10.9.0.2/32")}, {*Prefix::parse("192.0.2.0/24")}};
}

struct World {
  // Inbound and outbound SPI of the pair `n` are 0x1000 + n and 0x2000 + n.
  void install(std::uint32_t n, const crypto::EspSuite& suite = gcm(),
               const esp::Selectors& selectors = office(),
               const std::optional<UdpFlow>& transport = {}) {
    const auto seed = static_cast<std::uint8_t>(n);
    session::InstallSa sas{
        parameters(suite, EspSpi{0x1000 + n}, seed, selectors),
        parameters(suite, EspSpi{0x2000 + n}, static_cast<std::uint8_t>(seed + 100), selectors)};
    sas.inbound.transport = sas.outbound.transport = transport;
    path.install(std::move(sas));
    to_us.emplace(n, EspPeer(suite, EspSpi{0x1000 + n}, seed));
    from_us.emplace(n, EspPeer(suite, EspSpi{0x2000 + n}, static_cast<std::uint8_t>(seed + 100)));
  }

  // What the TUN device would get: the packets of one batch that were not dropped.
  std::vector<ByteVec> receive(const std::vector<ByteVec>& datagrams,
                               const Endpoint& from = kGateway, Instant now = Instant{1s}) {
    const std::vector<Endpoint> sources(datagrams.size(), from);
    return run(datagrams, [&](auto batch) { path.inbound(batch, sources, now); });
  }

  // What the socket would get.
  std::vector<ByteVec> send(const std::vector<ByteVec>& packets, Instant now = Instant{1s}) {
    replies.clear();
    return run(packets, [&](auto batch) { path.outbound(batch, now, replies); });
  }

  template <class Step>
  std::vector<ByteVec> run(const std::vector<ByteVec>& packets, Step&& step) {
    std::deque<Buffer> buffers;
    std::vector<esp::Packet> batch;
    for (const ByteVec& packet : packets) batch.push_back(buffers.emplace_back(packet).packet);
    step(std::span<esp::Packet>(batch));
    std::vector<ByteVec> out;
    for (const esp::Packet& packet : batch) {
      if (packet.size != 0) out.push_back(to_vec(packet.bytes()));
    }
    return out;
  }

  session::DataPath path;
  std::map<std::uint32_t, EspPeer> to_us;
  std::map<std::uint32_t, EspPeer> from_us;
  std::vector<ByteVec> replies;
};

}  // namespace godwit::test
