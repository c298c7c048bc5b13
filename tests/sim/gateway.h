// A small IKEv1 responder on core/ike/wire and core/crypto with its own state machine, written from
// the RFCs: the second opinion against which the client is tried. It is not robust and not fast; it
// remembers everything it read and wrote in the clear, so that a test can look.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/instant.h"
#include "core/crypto/dh.h"
#include "core/esp/sa.h"
#include "core/ike/wire/encode.h"
#include "core/ike/wire/message.h"
#include "core/ike/wire/vendor_id.h"
#include "tests/sim/gateway_config.h"
#include "tests/sim/gateway_keys.h"
#include "tests/sim/seeded_rng.h"

namespace godwit::sim {

inline constexpr std::uint16_t kIkePort = 500;
inline constexpr std::uint16_t kNattPort = 4500;

// A datagram of the gateway; on 4500 the non-ESP marker is already in front.
struct Outgoing {
  std::uint16_t from_port = kIkePort;
  Endpoint to;
  ByteVec bytes;
};
using Outbox = std::vector<Outgoing>;

// A message as the gateway read or wrote it, decrypted. Messages it did not accept are not here.
struct Letter {
  bool heard = false;  // from the client
  Instant at;
  std::uint16_t port = 0;  // ours
  Endpoint peer;
  ike::Header header;
  std::vector<std::pair<ike::PayloadType, ByteVec>> payloads;

  std::string types() const;  // "SA VID VID"
  std::string to_string() const;
  // The body of the `index`-th payload of a type; empty when there is none.
  Bytes body(ike::PayloadType type, std::size_t index = 0) const;
  std::size_t count(ike::PayloadType type) const;
};

// A request of ours that waits for its answer, resent byte for byte.
struct Pending {
  enum class Kind : std::uint8_t { kAggressive, kXauth, kXauthStatus, kDpd, kQuick };
  Kind kind;
  MessageId id;
  ByteVec message;
  int sent = 1;
  Instant next;
};

// One Quick Mode under way.
struct Quick {
  bool ours = false;  // we are its initiator
  ByteVec iv;
  ByteVec nonce_i, nonce_r;
  std::optional<crypto::DhKeyPair> dh;
  SecretBytes g_xy;
  crypto::EspSuite suite;
  EspSpi spi_in, spi_out;
  ike::Proposal proposal;  // as agreed
  ike::IdPayload id_i, id_r;
  std::optional<UdpFlow> transport;  // seen from us
  bool installed = false;
};

struct Child {
  esp::InboundSa in;
  esp::OutboundSa out;
  Instant born;
  Duration lifetime;
  bool used = false;  // something authentic came in on it
  bool rekeying = false;
};

struct Ike {
  enum class Stage : std::uint8_t { kWaitKe, kWaitAuth, kWaitUser, kReady };

  Stage stage = Stage::kWaitKe;
  bool aggressive = false;
  Phase1Inputs in;
  std::uint16_t auth = ike::kAuthPsk;
  std::optional<Natt> natt;
  std::optional<crypto::DhKeyPair> dh;
  IkeKeys keys;
  ByteVec iv;  // of phase 1; after it, the block from which phase 2 starts (RFC 2409 appendix B)
  ByteVec sent_own, sent_theirs;  // the NAT-D payloads that we sent
  ByteVec client_id;
  ByteVec own_id;
  Endpoint peer;
  std::uint16_t port = kIkePort;
  bool client_natted = false;
  bool we_are_natted = false;
  bool client_dpd = false;
  Instant born;

  std::string user;
  int xauth_tries = 0;
  std::size_t xauth_round = 0;
  std::optional<MessageId> xauth_exchange;
  std::uint16_t xauth_identifier = 0;
  bool xauth_ok = false;
  bool close_after_ack = false;
  std::optional<IpAddress> address;
  std::optional<IpAddress> address6;
  std::map<MessageId, ByteVec> transaction_ivs;
  std::map<MessageId, Quick> quicks;
  std::vector<Pending> pending;
  std::uint32_t dpd_sequence = 0;
  // What we answered to what, so that a copy gets the same octets and moves nothing (ISK-23).
  std::deque<std::pair<ByteVec, std::vector<ByteVec>>> answered;
  std::vector<ByteVec> replies;  // to the message being handled
  ByteVec last_reply;
  bool client_reads_fragments = false;
  std::map<std::uint8_t, ByteVec> fragments;  // of the message that is arriving

  bool encapsulated() const { return port != kIkePort || client_natted || we_are_natted; }
};

class Gateway {
 public:
  Gateway(GatewayConfig config, std::uint64_t seed);

  void on_datagram(Bytes datagram, std::uint16_t to_port, const Endpoint& from, Instant now,
                   Outbox& out);
  void on_deadline(Instant now, Outbox& out);
  std::optional<Instant> next_deadline() const;

  // What a gateway starts by itself. False: there is no tunnel to do it with.
  bool send_inner(Bytes packet, Outbox& out);
  // What no honest gateway does: sends an inner packet that the selectors do not allow.
  bool send_unchecked(Bytes packet, Outbox& out);
  // An authentic message of any kind under a message ID of its own, whatever the state.
  using Rest = PayloadList;
  bool send_authentic(ike::Exchange exchange, const Rest& rest, Instant now, Outbox& out);
  bool start_dpd(Instant now, Outbox& out);
  bool start_rekey(Instant now, Outbox& out);
  bool delete_esp(Instant now, Outbox& out);  // the oldest pair
  bool delete_ike(Instant now, Outbox& out);
  void reboot();  // forgets everything without a word

  GatewayConfig& config() { return config_; }
  const GatewayConfig& config() const { return config_; }
  const Ike* ike() const { return ikes_.empty() ? nullptr : ikes_.back().get(); }
  std::size_t ike_count() const { return ikes_.size(); }
  std::size_t child_count() const { return children_.size(); }
  const std::optional<Endpoint>& esp_peer() const { return esp_peer_; }
  const std::vector<Letter>& letters() const { return letters_; }
  const std::vector<ByteVec>& received() const { return received_; }  // inner packets
  const Counters& esp_counters() const { return esp_counters_; }
  const std::vector<ByteVec>& esp_sent() const { return esp_sent_; }  // as they left, for replays
  // What the office sent into the tunnel since the last call.
  std::vector<ByteVec> take_inner_sent() { return std::exchange(inner_sent_, {}); }
  std::uint64_t keepalives() const { return keepalives_; }
  std::uint64_t dpd_answers() const { return dpd_answers_; }
  std::uint64_t quick_modes() const { return quick_modes_; }
  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t fragments_read() const { return fragments_read_; }

 private:
  using Letters = std::vector<Letter>;

  // gateway.cc: the way in and out.
  void on_message(Bytes message, std::uint16_t port, const Endpoint& from, Instant now,
                  Outbox& out);
  bool dispatch(Ike& sa, const ike::Header& header, Bytes message, Instant now, Outbox& out);
  Ike* find(const ike::Header& header);
  bool resend_if_known(Ike& sa, Bytes message, const Endpoint& from, std::uint16_t port,
                       Outbox& out);
  void follow(Ike& sa, const Endpoint& from, std::uint16_t port);
  void close(Ike& sa);
  bool silent(Step step) const;
  void emit(const Ike& sa, Bytes message, Outbox& out);
  void emit_datagram(const Ike& sa, Bytes message, Outbox& out);
  // gateway_fragments.cc
  void emit_fragments(const Ike& sa, Bytes message, Outbox& out);
  ByteVec assemble(Ike& sa, Bytes message);  // empty: more to come
  void reply(Ike& sa, ByteVec message, Outbox& out);
  // For an answer that is resent until the initiator goes on; its loss would leave the initiator
  // done and us waiting (Aggressive 2, Quick 2).
  void insist(Ike& sa, Pending::Kind kind, MessageId id, Instant now);
  void give_up(Ike& sa, const Pending& pending);
  void request(Ike& sa, Pending::Kind kind, MessageId id, ByteVec message, Instant now,
               Outbox& out);
  void answered(Ike& sa, Pending::Kind kind);
  void answered(Ike& sa, MessageId id);
  void resend(Ike& sa, Instant now, Outbox& out);
  void note(bool heard, const Ike& sa, const ike::Header& header, ike::PayloadType first,
            Bytes chain, Instant now);
  MessageId fresh_id();

  // gateway_seal.cc: encryption and HASH of whole messages.
  ByteVec plain(const Ike& sa, ike::Exchange exchange, MessageId id, const ike::ChainBuilder& chain,
                Instant now);
  ByteVec seal(const Ike& sa, ike::Exchange exchange, MessageId id, const ike::ChainBuilder& chain,
               ByteVec& iv, Instant now);
  // A chain HASH | rest, the HASH being prf(SKEYID_a, prefix | rest).
  ike::ChainBuilder authenticated(const Ike& sa, std::initializer_list<Bytes> prefix, Rest rest);
  ike::ChainBuilder edited(const ike::ChainBuilder& chain) const;
  struct Opened {
    ByteVec plain;
    ByteVec next_iv;
    ike::Payloads payloads;
  };
  std::optional<Opened> open(const Ike& sa, const ike::Header& header, Bytes message, Bytes iv);
  bool hash_holds(const Ike& sa, const Opened& opened, std::initializer_list<Bytes> prefix);

  // gateway_phase1.cc
  void begin(const ike::Header& header, Bytes message, std::uint16_t port, const Endpoint& from,
             Instant now, Outbox& out);
  void refuse_plain(const Ike& sa, ike::Notify type, Instant now, Outbox& out);
  bool choose(Ike& sa, const ike::SaPayload& offer, ike::SaPayload& answer);
  void read_vendors(Ike& sa, const ike::Payloads& payloads);
  void add_vendors(const Ike& sa, ike::ChainBuilder& chain);
  void add_nat_d(Ike& sa, ike::ChainBuilder& chain);
  void read_nat_d(Ike& sa, const ike::Payloads& payloads);
  bool take_key(Ike& sa, const ike::Payloads& payloads);
  void begin_main(Ike& sa, const ike::SaPayload& answer, Instant now, Outbox& out);
  bool begin_aggressive(Ike& sa, const ike::SaPayload& answer, const ike::Payloads& payloads,
                        Instant now, Outbox& out);
  bool on_main3(Ike& sa, const ike::Header& header, Bytes message, Instant now, Outbox& out);
  bool on_main5(Ike& sa, const ike::Header& header, Bytes message, Instant now, Outbox& out);
  bool on_aggressive3(Ike& sa, const ike::Header& header, Bytes message, Instant now, Outbox& out);
  void authenticated_now(Ike& sa, Instant now, Outbox& out);
  // gateway_proof.cc: HASH, or CERT and SIG, of both sides.
  std::uint16_t wanted_auth() const;
  std::optional<Bytes> psk_octets() const;
  crypto::HashAlg proof_hash(const Ike& sa) const;
  void add_proof(const Ike& sa, ike::ChainBuilder& chain);
  bool client_proved(const Ike& sa, const ike::Payloads& payloads, Bytes id) const;

  // gateway_config.cc: XAuth and Mode Config.
  void ask_user(Ike& sa, Instant now, Outbox& out);
  void push_config(Ike& sa, Instant now, Outbox& out);
  void say_status(Ike& sa, bool ok, Instant now, Outbox& out);
  bool on_transaction(Ike& sa, const ike::Header& header, Bytes message, Instant now, Outbox& out);
  bool is_right(const Ike& sa, const ike::CfgPayload& cfg) const;
  void on_credentials(Ike& sa, const ike::CfgPayload& cfg, Instant now, Outbox& out);
  ike::CfgPayload configure(Ike& sa, const ike::CfgPayload& asked);
  void configure6(Ike& sa, const ike::CfgPayload& asked, ike::CfgPayload& answer);
  std::uint32_t lease_of(const Ike& sa);

  // gateway_quick.cc
  bool on_quick(Ike& sa, const ike::Header& header, Bytes message, Instant now, Outbox& out);
  bool on_quick1(Ike& sa, const ike::Header& header, Bytes message, Instant now, Outbox& out);
  bool on_quick2(Ike& sa, Quick& quick, const ike::Header& header, Bytes message, Instant now,
                 Outbox& out);
  bool on_quick3(Ike& sa, Quick& quick, const ike::Header& header, Bytes message, Instant now);
  bool choose_esp(const Ike& sa, const ike::SaPayload& offer, bool has_key, Quick& quick);
  bool acceptable(const Ike& sa, const ike::IdPayload& client, const ike::IdPayload& ours) const;
  // gateway_transport.cc
  bool acceptable_l2tp(const ike::IdPayload& client, const ike::IdPayload& ours) const;
  // Both ends as we see them.
  UdpFlow l2tp_flow(const Ike& sa) const;
  void add_l2tp_ends(const Ike& sa, const Quick& quick, Rest& rest) const;
  void answer_quick(Ike& sa, Quick& quick, MessageId id, Instant now, Outbox& out);
  void install(Ike& sa, Quick& quick, Instant now);
  std::uint16_t encapsulation(const Ike& sa) const;
  ike::Proposal propose(const Ike& sa, const Quick& quick);
  EspSpi fresh_spi();

  // gateway_info.cc: notifies, deletes, DPD.
  bool on_informational(Ike& sa, const ike::Header& header, Bytes message, Instant now,
                        Outbox& out);
  bool on_notify(Ike& sa, const ike::NotifyPayload& notify, Instant now, Outbox& out);
  void on_delete(Ike& sa, const ike::DeletePayload& payload);
  void inform(Ike& sa, ike::PayloadType type, Bytes body, Instant now, Outbox& out);
  ByteVec dpd_body(const Ike& sa, ike::Notify type, std::uint32_t sequence);
  // The same without protection, which no honest gateway sends.
  void inform_plain(const Ike& sa, ike::PayloadType type, Bytes body, Instant now, Outbox& out);
  void send_fragments(const Ike& sa, Instant now, Outbox& out);

  // gateway_esp.cc
  bool seal_and_send(esp::OutboundSa& sa, Bytes packet, Outbox& out);
  void on_esp(Bytes packet, const Endpoint& from, Instant now, Outbox& out);
  void deliver(ByteVec inner, Outbox& out);

  GatewayConfig config_;
  SeededRng rng_;
  std::vector<std::unique_ptr<Ike>> ikes_;  // newest last
  std::vector<std::unique_ptr<Child>> children_;
  std::optional<Endpoint> esp_peer_;
  std::optional<Instant> last_heard_;
  Counters esp_counters_;
  Letters letters_;
  std::vector<ByteVec> received_;
  std::vector<ByteVec> esp_sent_;
  std::vector<ByteVec> inner_sent_;
  std::uint64_t keepalives_ = 0;
  std::uint64_t dpd_answers_ = 0;
  std::uint64_t quick_modes_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t fragments_read_ = 0;
  Instant fragments_at_;
  // The number of the address in each pool, by user and identity.
  std::map<std::pair<std::string, ByteVec>, std::uint32_t> leases_;
};

// The echo reply to an IPv4 ICMP echo request; empty for any other packet.
ByteVec echo_reply(Bytes packet);

}  // namespace godwit::sim
