// Phase 1 as initiator, with or without XAuth to follow (RFC 2409 5, RFC 3947). With a signature
// CERT and SIG stand where the picture has HASH (authentication.h):
//
//   Main Mode                                   Aggressive Mode
//   --> SA, VID...                          1   --> SA, KE, Ni, IDii, VID...
//   <-- SA, VID...                          2   <-- SA, KE, Nr, IDir, HASH_R, NAT-D..., VID...
//   --> KE, Ni, NAT-D, NAT-D                3   --> HASH_I, NAT-D, NAT-D*   (encrypted, on port
//   4500)
//   <-- KE, Nr, NAT-D...                    4
//   --> IDii, HASH_I*  (on port 4500)       5
//   <-- IDir, HASH_R*                       6
//
// A machine: messages and results of Diffie-Hellman jobs go in, a Phase1Step comes out. What is not
// authenticated never ends it: an answer that cannot work is left aside as a hint, and the genuine
// one may still come.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "core/base/counters.h"
#include "core/base/rng.h"
#include "core/crypto/job.h"
#include "core/ike/v1/authentication.h"
#include "core/ike/v1/isakmp_sa.h"
#include "core/ike/v1/nat_detection.h"
#include "core/ike/v1/proposal.h"
#include "core/ike/v1/quirks.h"
#include "core/ike/wire/message.h"
#include "core/ike/wire/payloads.h"

namespace godwit::ike::v1 {

enum class FailureKind : std::uint8_t {
  kProposalRefused,
  kGatewayAuthFailed,  // HASH_R is wrong, or what the gateway encrypts cannot be read: another key
  kWeAreRefused,
  kGatewayIdentity,
  kGatewayCertificate,      // Failure::certificate says why
  kGatewayCertificateName,  // it does not name the gateway, or not the ID that the gateway showed
  kCannotSign,              // our own key refused
  kNoNatTraversal,
  kBadKeyExchange,
  kRedirected,  // to another gateway, without proof
  kNoAnswer,
};

struct Failure {
  FailureKind kind{};
  std::uint16_t notify = 0;
  std::optional<crypto::CertificateFault> certificate;
  std::string_view unspoken_natt;  // with kNoNatTraversal: what the peer speaks instead
};

struct Phase1Config {
  bool aggressive = false;
  bool xauth = false;
  bool mode_config = false;
  bool fragmentation = false;            // says that we read fragments
  std::vector<crypto::IkeSuite> suites;  // Aggressive Mode: all with the same group
  Duration lifetime = 24h;
  Credentials credentials;
  IdPayload own_id;
  bool nat_traversal = true;  // false: says nothing of it, and stays on the first ports
  bool force_natt = false;
  bool initial_contact = false;
  std::optional<Quirks> quirks;  // nothing: those of the gateway's maker
};

struct Phase1Outcome {
  IsakmpSa sa;
  Phase1Choice choice;
  PeerVendors vendors;
  NatFindings nat;
  IdPayload peer_id;
  std::string peer_subject;  // of its certificate, for people, not escaped; empty without one
};

// One call's context and effects.
struct Phase1Step {
  Instant now{};
  Rng& rng;
  Counters& counters;
  Endpoint own;   // where the message was received, and where the answer leaves from
  Endpoint peer;  // where it came from

  bool accepted = false;  // the message moved the state: what it answers need not be resent
  std::optional<ByteVec> send;
  bool floats = false;      // `send` and all that follows use the NAT-traversal ports
  bool final_send = false;  // nothing answers `send`
  std::optional<crypto::Job> job;
  std::optional<Failure> hint;     // unauthenticated: shortens the wait, ends nothing
  std::optional<Failure> failure;  // authentic, or beyond doubt: ends phase 1
  bool needs_force = false;        // Main Mode found no NAT: start again with force_natt
  bool answered = false;           // choice() and vendors() are new
  bool nat_found = false;          // nat() is new
  std::optional<ShownCertificate> shown;
  std::optional<Phase1Outcome> outcome;

  void drop(Drop reason) { counters.drop(reason); }
};

inline std::string subject_shown(const Phase1Step& st) {
  return st.shown ? st.shown->subject : std::string();
}

class Phase1 {
 public:
  Phase1(Phase1Config config, Rng& rng);

  Cookie initiator() const { return initiator_; }
  Cookie responder() const { return responder_; }  // 0 until message 2
  bool aggressive() const { return config_.aggressive; }
  bool authenticating() const;  // keys exist: the peer has to prove itself now

  void start(Phase1Step& st);
  // `header` is decoded from `message` and carries our cookie.
  void on_message(const Header& header, Bytes message, Phase1Step& st);
  // An Informational Exchange with our cookies before phase 1 has ended.
  void on_informational(const Header& header, Bytes message, Phase1Step& st);
  void on_job(crypto::JobResult&& result, Phase1Step& st);

  const Phase1Choice& choice() const { return choice_; }
  const PeerVendors& vendors() const { return vendors_; }
  const NatFindings& nat() const { return nat_; }
  const Quirks& quirks() const { return quirks_; }

 private:
  struct Idle {};
  struct AwaitMain2 {};
  struct MainKeygen {};
  struct AwaitMain4 {};
  struct MainAgree {
    Endpoint own, peer;
  };
  struct MainSign {
    IsakmpSa sa;
  };
  struct AwaitMain6 {
    IsakmpSa sa;
    Iv iv{};
  };
  struct AggressiveKeygen {};
  struct AwaitAggressive2 {};
  struct AggressiveAgree {
    ByteVec message;  // whole: HASH_R runs over parts of it
    Endpoint own, peer;
  };
  struct AggressiveSign {
    Phase1Outcome outcome;
    Endpoint own, peer;
  };
  struct Done {};
  using State =
      std::variant<Idle, AwaitMain2, MainKeygen, AwaitMain4, MainAgree, MainSign, AwaitMain6,
                   AggressiveKeygen, AwaitAggressive2, AggressiveAgree, AggressiveSign, Done>;

  ByteVec plain_message(const ChainBuilder& chain) const;
  bool choose(const Payloads& payloads, Phase1Step& st);
  bool keep_peer_values(const Payloads& payloads, Phase1Step& st);
  IsakmpSa make_sa(const SecretBytes& g_xy) const;
  void add_initial_contact(ChainBuilder& chain) const;
  crypto::Digest own_hash(const IsakmpSa& sa) const;                  // HASH_I
  crypto::Digest peer_hash(const IsakmpSa& sa, Bytes id_body) const;  // HASH_R
  // The payloads that prove us: HASH, or CERT and SIG.
  void add_proof(ChainBuilder& chain, const IsakmpSa& sa, Bytes signature) const;
  static Failure failure_of(const AuthFailure& refused);

  void on_main2(const Header& header, Bytes message, Phase1Step& st);
  void send_main3(Phase1Step& st);
  void on_main4(Bytes body, PayloadType first, Phase1Step& st);
  void agree_main(const SecretBytes& g_xy, Phase1Step& st);
  void send_main5(IsakmpSa&& sa, Bytes signature, Phase1Step& st);
  Result<Opened, Drop> open_main6(const AwaitMain6& state, const Header& header,
                                  Bytes message) const;
  void on_main6(AwaitMain6& state, const Header& header, Bytes message, Phase1Step& st);
  void send_aggressive1(Phase1Step& st);
  void on_aggressive2(const Header& header, Bytes message, Phase1Step& st);
  void finish_aggressive(const SecretBytes& g_xy, AggressiveAgree&& state, Phase1Step& st);
  void send_aggressive3(Phase1Outcome&& outcome, const Endpoint& own, const Endpoint& peer,
                        Bytes signature, Phase1Step& st);
  void on_signed(crypto::Signature&& signature, Phase1Step& st);
  void on_agreed(Result<SecretBytes, crypto::DhError>&& g_xy, Phase1Step& st);

  Phase1Config config_;
  Cookie initiator_;
  Cookie responder_;
  ByteVec sa_body_;                  // SAi_b, exactly as sent
  ByteVec own_nonce_;                // Ni_b
  ByteVec peer_nonce_;               // Nr_b
  ByteVec peer_public_;              // g^xr
  ByteVec refused_answer_;           // the last message 2 of Aggressive Mode that proved nothing
  Failure refusal_;                  // and why
  bool certificate_wanted_ = false;  // the gateway has sent a CERTREQ
  crypto::DhKeyPair dh_;
  Phase1Choice choice_;
  PeerVendors vendors_;
  NatFindings nat_;
  Quirks quirks_;
  State state_;
};

// What an unauthenticated error notify during phase 1 hints at.
Failure read_phase1_notify(Notify type, bool authenticating);

}  // namespace godwit::ike::v1
