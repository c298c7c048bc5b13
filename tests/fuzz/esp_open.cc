// ESP packets under known keys. The first octet says whether the rest is the packet itself, or the
// payload of a packet that a peer with our keys would have sealed.
#include <algorithm>
#include <cstring>

#include "core/crypto/esp_protector.h"
#include "core/net/ip_packet.h"
#include "core/session/data_path.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;

namespace {

constexpr std::uint32_t kSpi = 0x1000;

crypto::EspSuite suite_of(bool gcm) {
  return gcm ? crypto::EspSuite{crypto::EspCipher::kAesGcm16, 128, {}}
             : crypto::EspSuite{crypto::EspCipher::kAesCbc, 256, crypto::HashAlg::kSha256};
}

SecretBytes keymat(const crypto::EspSuite& suite) {
  return SecretBytes::copy_of(ByteVec(suite.keymat_size(), 0x33));
}

esp::Selectors selectors() {
  return {{*Prefix::parse("10.60.0.1/32")}, {*Prefix::parse("10.50.0.0/16")}};
}

void install(session::DataPath& path, const crypto::EspSuite& suite) {
  session::InstallSa sas;
  sas.inbound = {EspSpi{kSpi}, suite, keymat(suite), {}, selectors()};
  sas.outbound = {EspSpi{kSpi + 1}, suite, keymat(suite), {}, selectors()};
  path.install(std::move(sas));
}

// Seals `payload`, trailer included, as the peer would.
ByteVec sealed(const crypto::EspSuite& suite, Bytes payload) {
  const std::size_t size = payload.size() / suite.block() * suite.block();
  ByteVec packet(8 + suite.iv_size() + size + suite.icv_size());
  store_be(MutBytes(packet), kSpi);
  store_be(MutBytes(packet).subspan(4), std::uint32_t{1});
  if (size != 0) std::memcpy(packet.data() + 8 + suite.iv_size(), payload.data(), size);
  const auto protector = crypto::make_esp_protector(suite, keymat(suite), Secret<16>{});
  crypto::EspPacket job{packet, 1, false};
  protector->seal({&job, 1});
  return packet;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A peer seals at least one block: padding, pad length and next header are always there.
  if (size < 17 || size > 4096) return 0;
  const crypto::EspSuite suite = suite_of((data[0] & 1) != 0);
  session::DataPath path;
  install(path, suite);
  const Bytes rest(data + 1, size - 1);
  const ByteVec wire = (data[0] & 2) != 0 ? to_vec(rest) : sealed(suite, rest);

  ByteVec storage(limits::kHeadRoom + wire.size() + limits::kTailRoom);
  std::copy(wire.begin(), wire.end(), storage.begin() + limits::kHeadRoom);
  esp::Packet packet{storage, limits::kHeadRoom, wire.size(), data[0]};
  const Endpoint from{*IpAddress::parse("203.0.113.2"), 4500};
  path.inbound({&packet, 1}, {&from, 1}, Instant{std::chrono::seconds(1)});

  // Every input is either one inner packet within the selectors or one counter.
  FUZZ_REQUIRE((packet.size == 0) == (path.counters().total() == 1));
  if (packet.size == 0) return 0;
  const auto inner = parse_ip(packet.bytes());
  FUZZ_REQUIRE(inner && inner->total_size == packet.size);
  FUZZ_REQUIRE(selectors().allows(inner->destination, inner->source));
  return 0;
}
