// ESP packets under known keys. The first octet says whether the rest is the packet itself, or the
// payload of a packet that a peer with our keys would have sealed, and in which mode. The SAs are
// made once: packets of the peer take increasing sequence numbers, and the path that sees raw
// packets is made anew when one of them was authentic.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "core/crypto/esp_protector.h"
#include "core/net/ip_packet.h"
#include "core/session/data_path.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;

namespace {

constexpr std::size_t kInputMax = 4096;
constexpr std::uint32_t kSpi = 0x1000;
constexpr std::uint32_t kSequenceLast = 0xffff'0000;

// One of each block size.
const std::array<crypto::EspSuite, 3> kSuites{
    {{crypto::EspCipher::kAesCbc, 256, crypto::HashAlg::kSha256},
     {crypto::EspCipher::kAesGcm16, 128, {}},
     {crypto::EspCipher::k3desCbc, 192, crypto::HashAlg::kMd5}}};

SecretBytes keymat(const crypto::EspSuite& suite) {
  return SecretBytes::copy_of(ByteVec(suite.keymat_size(), 0x33));
}

esp::Selectors selectors() {
  return {{*Prefix::parse("10.60.0.1/32")}, {*Prefix::parse("10.50.0.0/16")}};
}

// Transport mode: one UDP flow within the selectors.
const UdpFlow kFlow{{*IpAddress::parse("10.60.0.1"), 1701}, {*IpAddress::parse("10.50.0.1"), 1701}};

// One suite and mode: our data path, and the peer that seals for it.
struct Tunnel {
  Tunnel(const crypto::EspSuite& which, bool transport)
      : suite(which), peer(crypto::make_esp_protector(suite, keymat(suite), Secret<16>{})) {
    if (transport) flow = kFlow;
    install();
  }

  void install() {
    path = std::make_unique<session::DataPath>();
    session::InstallSa sas;
    sas.inbound = {EspSpi{kSpi}, suite, keymat(suite), {}, selectors(), flow};
    sas.outbound = {EspSpi{kSpi + 1}, suite, keymat(suite), {}, selectors(), flow};
    path->install(std::move(sas));
    sequence = 0;
  }

  // Writes to `out` what the peer makes of `payload`, trailer included, and returns its size.
  std::size_t seal(Bytes payload, MutBytes out) {
    // Gaps of every size up to a window, so that the window jumps and wraps.
    sequence += 1u + payload[0] % 16u * 300u;
    if (sequence > kSequenceLast) {
      install();
      sequence = 1;
    }
    const std::size_t size = payload.size() / suite.block() * suite.block();
    const std::size_t total = limits::kEspHeader + suite.iv_size() + size + suite.icv_size();
    store_be(out, kSpi);
    store_be(out.subspan(4), sequence);
    std::memcpy(out.data() + limits::kEspHeader + suite.iv_size(), payload.data(), size);
    crypto::EspPacket job{out.first(total), sequence, false};
    peer->seal({&job, 1});
    return total;
  }

  crypto::EspSuite suite;
  std::optional<UdpFlow> flow;
  std::unique_ptr<crypto::EspProtector> peer;
  std::unique_ptr<session::DataPath> path;
  std::uint32_t sequence = 0;
};

struct Tunnels {
  // [transport][suite][raw]
  using Modes = std::array<std::array<Tunnel, 2>, 3>;
  static Modes modes(bool transport) {
    const auto both = [&](const crypto::EspSuite& suite) {
      return std::array<Tunnel, 2>{Tunnel(suite, transport), Tunnel(suite, transport)};
    };
    return {both(kSuites[0]), both(kSuites[1]), both(kSuites[2])};
  }
  std::array<Modes, 2> all{modes(false), modes(true)};
  esp::Selectors allowed = selectors();
  Endpoint from{*IpAddress::parse("203.0.113.2"), 4500};
};

using Arena = fuzz::Arena<kInputMax + 64>;

// Every input is either one inner packet within the selectors or one counter.
bool receive(Tunnels& tunnels, const Tunnel& tunnel, Arena& arena, Bytes wire, std::uint8_t tos) {
  session::DataPath& path = *tunnel.path;
  const std::uint64_t dropped = path.counters().total();
  arena.lay(wire);
  esp::Packet packet = arena.packet(tos, tunnel.flow.has_value());  // the IP header needs room
  path.inbound({&packet, 1}, {&tunnels.from, 1}, Instant{std::chrono::seconds(1)});
  FUZZ_REQUIRE(path.counters().total() == dropped + (packet.size == 0 ? 1 : 0));
  if (packet.size == 0) return false;
  FUZZ_REQUIRE(tunnel.flow || packet.size < wire.size());
  const auto inner = parse_ip(packet.bytes());
  FUZZ_REQUIRE(inner && inner->total_size == packet.size);
  FUZZ_REQUIRE(tunnels.allowed.allows(inner->destination, inner->source));
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A peer seals at least one block: padding, pad length and next header are always there.
  if (size < 17 || size > kInputMax) return 0;
  static auto& tunnels = *new Tunnels;
  static auto& arena = *new Arena;
  static std::array<std::uint8_t, kInputMax + 64> sealed;
  const bool raw = (data[0] & 2) != 0;
  const std::size_t suite = (data[0] & 1) != 0 ? 1 : (data[0] & 4) != 0 ? 2 : 0;
  const bool transport = (data[0] & 8) != 0;
  Tunnel& tunnel = tunnels.all[transport ? 1 : 0][suite][raw ? 1 : 0];
  const Bytes rest(data + 1, size - 1);
  if (raw) {
    const std::uint64_t before = tunnel.path->facts().packets_in;
    receive(tunnels, tunnel, arena, rest, data[0]);
    if (tunnel.path->facts().packets_in != before) tunnel.install();
    return 0;
  }
  const Bytes wire = Bytes(sealed).first(tunnel.seal(rest, sealed));
  const std::uint64_t before = tunnel.path->facts().packets_in;
  receive(tunnels, tunnel, arena, wire, data[0]);
  FUZZ_REQUIRE(tunnel.path->facts().packets_in == before + 1);  // the peer's packets are authentic
  // RFC 4303 3.4.3: a copy is never taken, whatever became of the original.
  const std::uint64_t replays = tunnel.path->counters().of(Drop::kReplay);
  FUZZ_REQUIRE(!receive(tunnels, tunnel, arena, wire, data[0]));
  FUZZ_REQUIRE(tunnel.path->counters().of(Drop::kReplay) == replays + 1);
  return 0;
}
