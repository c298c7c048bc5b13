// The way of a packet: inner packets out as ESP, ESP in as inner packets. It owns the SAs, so it
// owns sequence numbers and replay windows. Single owner, no locks, no allocation per packet.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/base/counters.h"
#include "core/base/instant.h"
#include "core/base/result.h"
#include "core/esp/packet.h"
#include "core/esp/sa.h"
#include "core/net/address.h"
#include "core/session/actions.h"

namespace godwit::session {

// What the session has to know about the traffic; pulled by the client once a turn.
struct TrafficFacts {
  struct Pair {
    EspSpi inbound;
    EspSpi outbound;
    std::uint64_t packets_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t bytes_out = 0;
    bool current = false;  // the newest pair that outbound traffic may use
  };
  std::array<Pair, limits::kInboundSasMax> pairs{};
  std::size_t pair_count = 0;
  std::optional<Instant> last_inbound;   // authenticated ESP only (ENC-07)
  std::optional<Instant> last_outbound;  // anything sent from the NAT-traversal port as ESP
  // Where the last authenticated packet that advanced a replay window came from (RFC 3947 7).
  std::optional<Endpoint> heard_from;
  std::uint64_t packets_in = 0, bytes_in = 0;  // of the tunnel's whole life
  std::uint64_t packets_out = 0, bytes_out = 0;
};

class DataPath {
 public:
  // `crypto` protects the packets of both directions, so one thread moves both.
  explicit DataPath(crypto::EspCrypto crypto = crypto::EspCrypto::portable())
      : crypto_(std::move(crypto)) {}

  void install(InstallSa&& sas);
  void use(const UseSa& sa);
  void remove(const RemoveSa& sas);
  void set_peer(const Endpoint& peer) { peer_ = peer; }
  // Of the TUN device; TCP SYNs are clamped to it both ways. Until then: 1400.
  void set_mtu(std::size_t mtu) { mtu_ = mtu; }
  void clear();

  const std::optional<Endpoint>& peer() const { return peer_; }

  // Seals inner packets in place, in order. After the call a packet of size 0 was dropped and
  // counted; the others are ESP packets for peer(). A packet above the MTU is dropped and answered
  // with an ICMP too-big, appended to `replies` (at most one per call and per 10 ms: no storms).
  void outbound(std::span<esp::Packet> batch, Instant now, std::vector<ByteVec>& replies);

  // Opens ESP packets (from the SPI on, after classify_encap) in place, in order. After the call a
  // packet of size 0 was dropped and counted; the others are inner packets for the TUN device.
  // from.size() == batch.size().
  void inbound(std::span<esp::Packet> batch, std::span<const Endpoint> from, Instant now);

  // Counts what was dropped around the data path: keepalives, runts, refused sends.
  void count(Drop reason) { counters_.drop(reason); }

  TrafficFacts facts() const;
  const Counters& counters() const { return counters_; }
  std::string_view backend() const;  // of the current pair; "" without one

 private:
  struct Pair {
    esp::InboundSa in;
    esp::OutboundSa out;
    bool sends = true;
  };
  // The newest pair that lets these addresses through, nullptr without one.
  Pair* pair_for(const IpAddress& local, const IpAddress& remote) const;
  Pair* pair_of(EspSpi inbound) const;
  // What outbound() finds before sealing: the pair to use, or why there is none.
  Result<Pair*, Drop> route(esp::Packet& packet, Instant now, std::vector<ByteVec>& replies);
  // Both work on the run collected in scratch_ and empty it.
  void seal_run(Pair& pair, Instant now);
  void open_run(Pair& pair, std::span<esp::Packet> batch, std::span<const Endpoint> from,
                Instant now);
  void drop(esp::Packet& packet, Drop reason);

  crypto::EspCrypto crypto_;
  std::vector<std::unique_ptr<Pair>> pairs_;  // newest last
  std::optional<Endpoint> peer_;
  std::optional<Endpoint> heard_from_;
  std::size_t mtu_ = 1400;
  std::optional<Instant> last_inbound_;
  std::optional<Instant> last_outbound_;
  Instant next_reply_{};  // no ICMP too-big before
  std::uint64_t packets_in_ = 0, bytes_in_ = 0, packets_out_ = 0, bytes_out_ = 0;
  Counters counters_;
  std::vector<esp::Packet*> scratch_;
};

}  // namespace godwit::session
