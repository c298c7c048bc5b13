// Inner packets from this machine: parsing, MSS clamp, ICMP too-big, ECN, selection and sealing;
// and what was sealed opens to the packet it was. The pair of SAs is made once and sends to itself.
// The same packet also meets a pair in transport mode.
#include <algorithm>
#include <array>
#include <memory>

#include "core/esp/transport.h"
#include "core/net/checksum.h"
#include "core/net/ip_packet.h"
#include "core/session/data_path.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;

namespace {

constexpr std::size_t kInputMax = 9000;
constexpr std::uint32_t kSpi = 256;
constexpr std::uint64_t kPacketsMax = 0xffff'0000;

std::unique_ptr<session::DataPath> make_path() {
  auto path = std::make_unique<session::DataPath>();
  const crypto::EspSuite suite{crypto::EspCipher::kAesGcm16, 128, {}};
  const std::vector<Prefix> all{Prefix{}, *Prefix::parse("::/0")};
  session::InstallSa sas;
  sas.inbound = {EspSpi{kSpi}, suite, SecretBytes(suite.keymat_size()), {}, {all, all}};
  sas.outbound = {EspSpi{kSpi}, suite, SecretBytes(suite.keymat_size()), {}, {all, all}};
  path->install(std::move(sas));
  return path;
}

// The loopback of a flow: what it carries comes back as if the other end had sent it.
const UdpFlow kFlow{{*IpAddress::parse("10.60.0.1"), 1701}, {*IpAddress::parse("10.50.0.1"), 1701}};

using Arena = fuzz::Arena<kInputMax>;

// The functions by themselves, on a packet with nothing around it.
void touch(Arena& arena, Bytes content, std::size_t mtu, std::uint8_t tos) {
  const MutBytes packet = arena.lay(content);
  const auto view = parse_ip(packet);
  if (!view) return;
  FUZZ_REQUIRE(view->total_size <= packet.size() && view->header_size <= view->total_size);
  clamp_mss(packet, *view, mtu);
  const auto again = parse_ip(packet);
  FUZZ_REQUIRE(again && again->total_size == view->total_size);
  const ByteVec reply = make_packet_too_big(packet, *view, view->destination, mtu);
  if (!reply.empty()) {
    const auto icmp = parse_ip(reply);
    FUZZ_REQUIRE(icmp && icmp->destination == view->source && icmp->total_size == reply.size());
    FUZZ_REQUIRE(reply.size() <= 1280);  // RFC 4443 2.4 (c), RFC 1812 4.3.2.3: 576
  }
  static_cast<void>(decapsulate_ecn(packet, tos));
}

// A datagram leaves its IP header behind and gets another one, with a checksum that is right.
void transport(Arena& arena, Bytes content) {
  arena.lay(content);
  esp::Packet packet = arena.packet(0, true);
  if (!esp::cut_to_udp(packet, kFlow)) return;
  const auto sent = parse_ip(content);
  FUZZ_REQUIRE(sent && packet.size == sent->total_size - sent->header_size);
  FUZZ_REQUIRE(equal(packet.bytes(), content.subspan(sent->header_size, packet.size)));
  const bool summed = load_be<std::uint16_t>(Bytes(packet.bytes()).subspan(6)) != 0;
  if (!esp::make_ip_packet(packet, kFlow)) return;
  const auto made = parse_ip(packet.bytes());
  FUZZ_REQUIRE(made && made->total_size == packet.size && made->protocol == 17);
  FUZZ_REQUIRE(made->source == kFlow.remote.address && made->destination == kFlow.local.address);
  const Bytes datagram = Bytes(packet.bytes()).subspan(made->header_size);
  const auto pseudo = pseudo_header_sum(made->source, made->destination, 17,
                                        static_cast<std::uint32_t>(datagram.size()));
  FUZZ_REQUIRE(!summed || checksum(datagram, pseudo) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > kInputMax) return 0;
  static auto& arena = *new Arena;
  static std::unique_ptr<session::DataPath> path = make_path();
  static std::vector<ByteVec> replies;
  static Instant now{std::chrono::seconds(1)};
  const std::size_t mtu = 576 + data[0] * 8u;
  const Bytes content(data + 2, size - 2);
  touch(arena, content, mtu, data[1]);
  transport(arena, content);

  if (path->facts().packets_out > kPacketsMax) path = make_path();
  path->set_mtu(mtu);
  now += 20ms;  // beyond the limit of ICMP errors
  replies.clear();
  const std::uint64_t dropped = path->counters().total();
  arena.lay(content);
  esp::Packet out = arena.packet(0, true);
  path->outbound({&out, 1}, now, replies);
  FUZZ_REQUIRE(path->counters().total() == dropped + (out.size == 0 ? 1 : 0));
  FUZZ_REQUIRE(replies.size() <= (out.size == 0 ? 1u : 0u));
  if (out.size == 0) return 0;

  // The peer's way back: the same packet, but for the MSS that sealing may have clamped.
  const Endpoint from{};
  const auto sent = parse_ip(content);
  path->inbound({&out, 1}, {&from, 1}, now);
  FUZZ_REQUIRE(sent && out.size == sent->total_size && path->counters().total() == dropped);
  const auto head = static_cast<std::ptrdiff_t>(std::min<std::size_t>(sent->header_size, out.size));
  FUZZ_REQUIRE(std::equal(content.begin(), content.begin() + head, out.bytes().begin()));
  return 0;
}
