// Quick Mode, both roles (RFC 2409 5.5), with identities and optional PFS, for tunnel mode and,
// with NAT-OA, for transport mode (RFC 3947 5.2):
//
//   initiator --> HASH(1), SA, Ni [, KE], IDci, IDcr [, NAT-OAi, NAT-OAr] *
//   responder <-- HASH(2), SA, Nr [, KE], IDci, IDcr [, NAT-OAi, NAT-OAr] *
//   initiator --> HASH(3) *
//
// Every message is authenticated before it is looked at, so what does not fit is final.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/base/counters.h"
#include "core/base/rng.h"
#include "core/crypto/job.h"
#include "core/ike/v1/isakmp_sa.h"
#include "core/ike/v1/proposal.h"
#include "core/ike/v1/transport_mode.h"
#include "core/ike/wire/payloads.h"

namespace godwit::ike::v1 {

// What one pair of ESP SAs is to carry and how it may be protected.
struct ChildPolicy {
  Phase2Offer offer;  // offer.spi: fresh for each exchange
  Prefix local;       // inner address of ours
  Prefix remote;      // network behind the gateway
  // Transport mode: all that the SAs carry. `local` and `remote` are its two addresses.
  std::optional<UdpFlow> transport{};
};

enum class QuickFailureKind : std::uint8_t { kProposalRefused, kSelectorsRefused, kBadKeyExchange };
struct QuickFailure {
  QuickFailureKind kind{};
  std::uint16_t notify = 0;
};

struct QuickOutcome {
  EspSpi inbound;
  EspSpi outbound;
  crypto::EspSuite suite;
  Duration lifetime{};
  std::uint64_t kilobytes = 0;  // 0: no limit
  SecretBytes keymat_in;
  SecretBytes keymat_out;
  Prefix local;
  Prefix remote;  // as offered, or the narrower network the gateway answered with
  std::optional<UdpFlow> transport;
  OriginalAddresses original;  // transport mode only
};

struct QuickStep {
  Instant now{};
  Rng& rng;
  Counters& counters;

  bool accepted = false;
  std::optional<ByteVec> send;
  bool final_send = false;  // nothing answers `send`
  std::optional<crypto::Job> job;
  std::optional<QuickFailure> failure;
  std::optional<QuickOutcome> outcome;
  bool confirmed = false;  // responder: the peer has the SAs that an earlier step's outcome named

  void drop(Drop reason) { counters.drop(reason); }
};

// Octets of an SPI that we choose: random, 256 or above (QM-08).
EspSpi fresh_spi(Rng& rng);

class QuickInitiator {
 public:
  QuickInitiator(const IsakmpSa& sa, ChildPolicy policy, MessageId id, Rng& rng);

  MessageId id() const { return id_; }
  const ChildPolicy& policy() const { return policy_; }
  void start(QuickStep& st);
  void on_message(const Header& header, Bytes message, QuickStep& st);
  void on_job(crypto::JobResult&& result, QuickStep& st);

 private:
  enum class State : std::uint8_t { kIdle, kKeygen, kAwait2, kAgree, kDone };

  void send_first(QuickStep& st);
  bool read_answer(const Opened& opened, QuickStep& st);
  bool read_ids(const Opened& opened, QuickStep& st);
  void finish(Bytes g_xy, QuickStep& st);

  const IsakmpSa& sa_;
  ChildPolicy policy_;
  MessageId id_;
  Iv iv_;
  ByteVec own_nonce_;
  ByteVec peer_nonce_;
  std::optional<crypto::DhKeyPair> dh_;
  ByteVec peer_public_;
  Phase2Choice choice_;
  Prefix remote_;
  OriginalAddresses original_;
  State state_ = State::kIdle;
};

class QuickResponder {
 public:
  // `policies`: what the session has; the proposed identities must be one of them (QM-16, QM-19).
  // The outcome comes with message 2, so that nothing the peer sends behind message 3 is lost; our
  // own packets wait for `confirmed`.
  QuickResponder(const IsakmpSa& sa, std::vector<ChildPolicy> policies, MessageId id, Rng& rng);

  MessageId id() const { return id_; }
  void on_message(const Header& header, Bytes message, QuickStep& st);
  void on_job(crypto::JobResult&& result, QuickStep& st);

 private:
  enum class State : std::uint8_t { kIdle, kKeygen, kAgree, kAwait3, kDone };

  void on_first(const Opened& opened, QuickStep& st);
  void send_second(Bytes g_xy, QuickStep& st);
  void on_third(const Opened& opened, QuickStep& st);

  const IsakmpSa& sa_;
  std::vector<ChildPolicy> policies_;
  const ChildPolicy* policy_ = nullptr;
  MessageId id_;
  Iv iv_;
  EspSpi spi_;
  ByteVec own_nonce_;
  ByteVec peer_nonce_;
  ByteVec ids_[2];  // IDci and IDcr, echoed octet for octet
  SaPayload answer_;
  Phase2Choice choice_;
  OriginalAddresses original_;
  std::optional<crypto::DhKeyPair> dh_;
  ByteVec peer_public_;
  State state_ = State::kIdle;
};

}  // namespace godwit::ike::v1
