// Inner packets from this machine: parsing, MSS clamp, ICMP too-big, ECN, selection and sealing.
#include <cstring>

#include "core/net/ip_packet.h"
#include "core/session/data_path.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 9000) return 0;
  const std::size_t mtu = 576 + data[0] * 8u;
  const std::uint8_t tos = data[1];
  ByteVec storage(limits::kHeadRoom + size + limits::kTailRoom);
  std::memcpy(storage.data() + limits::kHeadRoom, data + 2, size - 2);
  const MutBytes packet = MutBytes(storage).subspan(limits::kHeadRoom, size - 2);
  if (const auto view = parse_ip(packet)) {
    FUZZ_REQUIRE(view->total_size <= packet.size() && view->header_size <= view->total_size);
    clamp_mss(packet, *view, mtu);
    const auto again = parse_ip(packet);
    FUZZ_REQUIRE(again && again->total_size == view->total_size);
    const ByteVec reply = make_packet_too_big(packet, *view, view->destination, mtu);
    if (!reply.empty()) {
      const auto icmp = parse_ip(reply);
      FUZZ_REQUIRE(icmp && icmp->destination == view->source);
    }
    static_cast<void>(decapsulate_ecn(packet, tos));
  }

  session::DataPath path;
  path.set_mtu(mtu);
  session::InstallSa sas;
  const crypto::EspSuite suite{crypto::EspCipher::kAesGcm16, 128, {}};
  sas.inbound = {
      EspSpi{256}, suite, SecretBytes(suite.keymat_size()), {}, {{Prefix{}}, {Prefix{}}}};
  sas.outbound = {
      EspSpi{257}, suite, SecretBytes(suite.keymat_size()), {}, {{Prefix{}}, {Prefix{}}}};
  path.install(std::move(sas));
  esp::Packet out{storage, limits::kHeadRoom, size - 2, 0};
  std::vector<ByteVec> replies;
  path.outbound({&out, 1}, Instant{std::chrono::seconds(1)}, replies);
  FUZZ_REQUIRE((out.size == 0) == (path.counters().total() == 1));
  return 0;
}
