// What all exchanges under one pair of cookies share: where messages go, which were answered how,
// and which message IDs are taken.
#pragma once

#include <optional>

#include "core/ike/v1/fragmentation.h"
#include "core/ike/v1/message_ids.h"
#include "core/ike/v1/reply_cache.h"
#include "core/session/local_endpoints.h"
#include "core/session/step.h"

namespace godwit::session {

class IkeLink {
 public:
  // `natt_first`: the exchange starts on the NAT-traversal ports and never floats (NATT-11).
  IkeLink(LocalEndpoints local, Endpoint ike, Endpoint natt, bool natt_first)
      : local_(local), ike_(ike), natt_(natt), floated_(natt_first) {}

  bool floated() const { return floated_; }
  LocalPort port() const { return floated_ ? LocalPort::kNatt : LocalPort::kIke; }
  const Endpoint& own() const { return floated_ ? local_.natt : local_.ike; }
  const Endpoint& peer() const { return floated_ ? natt_ : ike_; }

  // Where ESP goes: with IKE, unless it has a port of its own, or none at all (0).
  Endpoint esp_peer() const { return {peer().address, esp_port_.value_or(peer().port)}; }
  void set_esp_port(std::optional<std::uint16_t> port) { esp_port_ = port; }

  void float_ports(Step& st);
  void move_local(const LocalEndpoints& local) { local_ = local; }
  void move_peer(const Endpoint& peer) { (floated_ ? natt_ : ike_) = peer; }
  void send(Bytes message, Step& st);
  // From now on messages whose IP packet would be larger than `octets` leave as fragments.
  void fragment_above(std::size_t octets, ike::Exchange phase1) {
    packet_max_ = octets;
    phase1_ = phase1;
  }
  // Octets of IKE messages so far, both ways.
  std::uint64_t octets() const { return octets_; }
  void count(std::size_t received) { octets_ += received; }
  bool is_reflection(Bytes message) const { return equal(message, last_sent_); }

  // A copy of a handled message: repeats the answer when there is one. True: nothing more to do.
  bool repeat(Bytes message, Step& st);

  ike::v1::MessageIds ids;
  ike::v1::ReplyCache replies;
  ike::v1::Reassembly reassembly;

 private:
  void send_datagram(Bytes message, Step& st);

  LocalEndpoints local_;
  Endpoint ike_;
  Endpoint natt_;
  bool floated_;
  std::optional<std::uint16_t> esp_port_;
  std::optional<std::size_t> packet_max_;
  ike::Exchange phase1_{};
  ByteVec last_sent_;
  std::uint64_t octets_ = 0;
};

}  // namespace godwit::session
