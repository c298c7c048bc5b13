// The way of a packet out: inner packets become ESP. It owns the outbound SAs, so it owns their
// sequence numbers. Single owner, no locks, no allocation per packet.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/counters.h"
#include "core/base/instant.h"
#include "core/base/result.h"
#include "core/esp/packet.h"
#include "core/esp/sa.h"
#include "core/session/traffic.h"

namespace godwit::session {

class OutboundPath {
 public:
  // `crypto` is used by the thread that moves the packets, and by no other.
  explicit OutboundPath(crypto::EspCrypto crypto) : crypto_(std::move(crypto)) {}

  // `inbound` names the SA of the other direction, of the same pair. A held SA waits for use().
  void install(esp::SaParameters&& parameters, EspSpi inbound, bool hold);
  void use(EspSpi spi);
  void remove(EspSpi spi, EspSpi inbound);
  void set_peer(const Endpoint& peer) { peer_ = peer; }
  // Of the TUN device; TCP SYNs are clamped to it. Until then: 1400.
  void set_mtu(std::size_t mtu) { mtu_ = mtu; }

  // RFC 2983: the class of traffic, which normally stays inside, goes with the outer packet too.
  void copy_dscp(bool copy) { copy_dscp_ = copy; }

  const std::optional<Endpoint>& peer() const { return peer_; }
  // The largest inner packet whose ESP packet has at most `octets`, with the newest SA; 0 without.
  std::size_t inner_max(std::size_t octets) const {
    return sas_.empty() ? 0 : sas_.back()->sa.inner_max(octets);
  }

  // Seals inner packets in place, in order. After the call a packet of size 0 was dropped and
  // counted; the others are ESP packets for peer(). A packet above the MTU is dropped and answered
  // with an ICMP too-big, appended to `replies` (at most one per call and per 10 ms: no storms).
  void seal(std::span<esp::Packet> batch, Instant now, std::vector<ByteVec>& replies);

  // Counts what was dropped around the path: refused sends.
  void count(Drop reason) { counters_.drop(reason); }

  OutboundFacts facts() const;
  // See NewsMark; and once in a second in which something left, for whoever waits for an answer.
  bool take_news() { return std::exchange(news_, false); }
  const Counters& counters() const { return counters_; }
  std::string_view backend() const;  // of the newest SA; "" without one

 private:
  struct Sa {
    esp::OutboundSa sa;
    EspSpi inbound;
    bool sends = true;
    NewsMark mark{};
  };
  // The newest SA that lets these addresses through, nullptr without one.
  Sa* sa_for(const IpAddress& local, const IpAddress& remote) const;
  // The SA to seal a packet with, or nullptr: then it was dropped.
  Sa* route(esp::Packet& packet, Instant now, std::vector<ByteVec>& replies);
  void seal_run(Sa& sa, Instant now);  // the run collected in scratch_, which it empties
  void drop(esp::Packet& packet, Drop reason);

  crypto::EspCrypto crypto_;
  std::vector<std::unique_ptr<Sa>> sas_;  // newest last
  std::optional<Endpoint> peer_;
  std::size_t mtu_ = 1400;
  bool copy_dscp_ = false;
  std::optional<Instant> last_;
  Instant next_reply_{};  // no ICMP too-big before
  std::uint64_t packets_ = 0, bytes_ = 0;
  bool news_ = false;
  Instant next_news_{};  // due with the next packet that leaves after this
  Counters counters_;
  std::vector<esp::Packet*> scratch_;
};

}  // namespace godwit::session
