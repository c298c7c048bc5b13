// The way of a packet in: ESP becomes inner packets. It owns the inbound SAs, so it owns their
// replay windows. Single owner, no locks, no allocation per packet.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/base/counters.h"
#include "core/base/instant.h"
#include "core/esp/packet.h"
#include "core/esp/sa.h"
#include "core/session/traffic.h"

namespace godwit::session {

class InboundPath {
 public:
  // `crypto` is used by the thread that moves the packets, and by no other.
  explicit InboundPath(crypto::EspCrypto crypto) : crypto_(std::move(crypto)) {}

  // `outbound` names the SA of the other direction, of the same pair.
  void install(esp::SaParameters&& parameters, EspSpi outbound);
  void remove(EspSpi spi, EspSpi outbound);
  // Of the TUN device; TCP SYNs are clamped to it. Until then: 1400.
  void set_mtu(std::size_t mtu) { mtu_ = mtu; }

  // Opens ESP packets (from the SPI on, after classify_encap) in place, in order. After the call a
  // packet of size 0 was dropped and counted; the others are inner packets for the TUN device.
  // from.size() == batch.size().
  void open(std::span<esp::Packet> batch, std::span<const Endpoint> from, Instant now);

  // Counts what was dropped around the path: keepalives, runts.
  void count(Drop reason) { counters_.drop(reason); }

  InboundFacts facts() const;
  // See NewsMark; and when the peer was heard from another endpoint than before.
  bool take_news() { return std::exchange(news_, false); }
  const Counters& counters() const { return counters_; }

 private:
  struct Sa {
    esp::InboundSa sa;
    EspSpi outbound;
    NewsMark mark{};
  };
  Sa* sa_of(EspSpi spi) const;
  // Opens the run collected in scratch_ and empties it.
  void open_run(Sa& sa, std::span<esp::Packet> batch, std::span<const Endpoint> from, Instant now);
  void drop(esp::Packet& packet, Drop reason);

  crypto::EspCrypto crypto_;
  std::vector<std::unique_ptr<Sa>> sas_;  // newest last
  std::optional<Endpoint> heard_from_;
  std::size_t mtu_ = 1400;
  std::optional<Instant> last_;
  std::uint64_t packets_ = 0, bytes_ = 0;
  bool news_ = false;
  Counters counters_;
  std::vector<esp::Packet*> scratch_;
};

}  // namespace godwit::session
