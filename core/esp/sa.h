// Security associations of ESP (RFC 4303), in tunnel mode or, for one UDP flow, in transport mode:
// sealing and opening batches of packets.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/base/counters.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/base/strong.h"
#include "core/crypto/esp_crypto.h"
#include "core/esp/packet.h"
#include "core/esp/replay_window.h"
#include "core/net/address.h"
#include "core/net/udp_flow.h"

namespace godwit::esp {

// What may travel through a pair of SAs (RFC 4301 4.4.1), seen from us: local is the inner address
// of the laptop, remote the networks behind the gateway.
struct Selectors {
  std::vector<Prefix> local;
  std::vector<Prefix> remote;
  bool allows(const IpAddress& local_address, const IpAddress& remote_address) const;
};

struct SaParameters {
  EspSpi spi;  // inbound: chosen by us; outbound: by the peer
  crypto::EspSuite suite;
  SecretBytes keymat;  // suite.keymat_size() octets
  Secret<16> iv_key;   // random; outbound CBC only
  Selectors selectors;
  std::optional<UdpFlow> transport{};  // transport mode: what alone may pass; within the selectors
};

class OutboundSa {
 public:
  explicit OutboundSa(SaParameters parameters,
                      const crypto::EspCrypto& crypto = crypto::EspCrypto::portable());

  EspSpi spi() const { return spi_; }
  const Selectors& selectors() const { return selectors_; }
  const crypto::EspSuite& suite() const { return suite_; }
  std::string_view backend() const { return protector_->backend(); }
  std::uint64_t packets() const { return sequence_; }
  std::uint64_t bytes() const { return bytes_; }               // of inner packets
  bool exhausted() const { return sequence_ == 0xffff'ffff; }  // without ESN (ESP-01)

  // Octets that seal() adds around an inner packet of `inner` octets.
  std::size_t overhead(std::size_t inner) const;
  // The largest inner packet whose ESP packet fits in `payload` octets of UDP.
  std::size_t inner_max(std::size_t payload) const;

  // Turns inner packets into ESP packets in place, with consecutive sequence numbers and the outer
  // TOS set (RFC 6040). Each needs limits::kHeadRoom in front and limits::kTailRoom behind. Packets
  // that cannot be sealed get size 0 and are counted in `counters`. In transport mode the IP header
  // stays behind.
  void seal(std::span<Packet*> batch, Counters& counters);

 private:
  friend struct SaTestAccess;  // tests start near the last sequence number

  // What the payload is: 4, 41, or 17 when only the UDP datagram is left in `packet`.
  Result<std::uint8_t, Drop> next_header_of(Packet& packet) const;
  // Writes everything around the inner packet but IV and ICV.
  void wrap(Packet& packet, std::uint8_t next_header);

  EspSpi spi_;
  crypto::EspSuite suite_;
  crypto::EspLayout layout_;
  Selectors selectors_;
  std::optional<UdpFlow> transport_;
  std::unique_ptr<crypto::EspProtector> protector_;
  std::uint64_t sequence_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<crypto::EspPacket> scratch_;
};

class InboundSa {
 public:
  explicit InboundSa(SaParameters parameters,
                     const crypto::EspCrypto& crypto = crypto::EspCrypto::portable());

  EspSpi spi() const { return spi_; }
  const Selectors& selectors() const { return selectors_; }
  const crypto::EspSuite& suite() const { return suite_; }
  std::uint64_t packets() const { return packets_; }  // authenticated
  std::uint64_t bytes() const { return bytes_; }

  // Turns ESP packets of this SA into inner packets in place. Window looks, ICV is verified, and
  // only then the window moves; then padding, next header (4 or 41; 17 in transport mode), inner
  // length, selectors and ECN are checked. In transport mode each needs limits::kHeadRoom in front,
  // for its new IP header. A dropped packet gets size 0 and is counted. Returns how many packets
  // were authenticated (a dummy packet counts), and in `newest` the index of the one with the
  // highest sequence number that advanced the window (batch.size() when none did).
  std::size_t open(std::span<Packet*> batch, Counters& counters, std::size_t& newest);

 private:
  // The sequence number of a packet that is worth verifying.
  Result<std::uint32_t, Drop> look(Bytes packet) const;
  // Cuts a packet whose payload is plain down to its inner packet, and says whether to deliver it.
  Result<void, Drop> unwrap(Packet& packet) const;

  EspSpi spi_;
  crypto::EspSuite suite_;
  crypto::EspLayout layout_;
  Selectors selectors_;
  std::optional<UdpFlow> transport_;
  std::unique_ptr<crypto::EspProtector> protector_;
  ReplayWindow window_;
  std::uint64_t packets_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<crypto::EspPacket> scratch_;
  std::vector<std::size_t> origin_;  // of scratch_ in the batch
};

}  // namespace godwit::esp
