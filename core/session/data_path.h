// Both ways of a packet in the hands of one owner, as the simulation and the tests have it; the
// client's packet path gives each way to a thread of its own where it can.
#pragma once

#include "core/session/actions.h"
#include "core/session/inbound_path.h"
#include "core/session/outbound_path.h"

namespace godwit::session {

class DataPath {
 public:
  explicit DataPath(const crypto::EspCrypto& crypto = crypto::EspCrypto::portable())
      : in_(crypto), out_(crypto) {}

  void install(InstallSa&& sas) {
    const EspSpi inbound = sas.inbound.spi;
    in_.install(std::move(sas.inbound), sas.outbound.spi);
    out_.install(std::move(sas.outbound), inbound, sas.hold_outbound);
  }
  void use(const UseSa& sa) { out_.use(sa.outbound); }
  void remove(const RemoveSa& sas) {
    in_.remove(sas.inbound, sas.outbound);
    out_.remove(sas.outbound, sas.inbound);
  }
  void set_peer(const Endpoint& peer) { out_.set_peer(peer); }
  void set_mtu(std::size_t mtu) {
    in_.set_mtu(mtu);
    out_.set_mtu(mtu);
  }

  const std::optional<Endpoint>& peer() const { return out_.peer(); }

  // See OutboundPath::seal and InboundPath::open.
  void outbound(std::span<esp::Packet> batch, Instant now, std::vector<ByteVec>& replies) {
    out_.seal(batch, now, replies);
  }
  void inbound(std::span<esp::Packet> batch, std::span<const Endpoint> from, Instant now) {
    in_.open(batch, from, now);
  }

  TrafficFacts facts() const { return join(in_.facts(), out_.facts()); }
  Counters counters() const {
    Counters both = in_.counters();
    both.add(out_.counters());
    return both;
  }
  std::string_view backend() const { return out_.backend(); }
  InboundPath& inbound_path() { return in_; }
  OutboundPath& outbound_path() { return out_; }

 private:
  InboundPath in_;
  OutboundPath out_;
};

}  // namespace godwit::session
