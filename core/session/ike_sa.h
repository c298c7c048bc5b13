// One ISAKMP SA's life, from its first message to its deletion: phase 1, XAuth and Mode Config,
// then Quick Modes, deletes and dead peer detection. It routes messages to those exchanges and
// keeps what they share; what their results mean for the tunnel is the session's business.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/config/profile.h"
#include "core/ike/v1/dpd.h"
#include "core/ike/v1/informational.h"
#include "core/ike/v1/phase1.h"
#include "core/ike/v1/retransmission.h"
#include "core/session/ike_link.h"
#include "core/session/quick_modes.h"
#include "core/session/step.h"
#include "core/session/transactions.h"

namespace godwit::session {

struct IkeSettings {
  ike::v1::Phase1Config phase1;
  Transactions::Settings transactions;
  LocalEndpoints local;
  Endpoint gateway_ike;
  Endpoint gateway_natt;
  std::optional<std::uint16_t> esp_port;  // of ESP that does not go with IKE (IkeLink)
  Duration dpd_delay{};
  int dpd_attempts = 5;
  config::Fragmentation fragmentation{};
  bool log_keys = false;
  std::size_t attempt = 1;  // of this connect; later ones are less patient
  bool natt_first = false;  // replaces an SA that has floated: starts on the NAT-traversal ports
};

NattVersion natt_version(ike::v1::Natt natt);

class IkeSa {
 public:
  IkeSa(IkeSettings settings, Step& st);

  void start(Step& st);
  bool owns(const ike::Header& header) const;
  void on_message(const ike::Header& header, Bytes message, LocalPort port, const Endpoint& from,
                  const std::vector<ike::v1::ChildPolicy>& policies, Step& st);
  void on_deadline(Step& st);
  bool on_job(JobDone& done, Step& st);  // false: not ours
  // `form` must be the open one; anything else is counted and ignored.
  void answer(std::uint32_t form, std::vector<SecretBytes>&& values, Step& st);
  void cannot_answer(std::uint32_t form, Step& st);
  void on_traffic(std::optional<Instant> last_inbound, std::optional<Instant> last_outbound);

  void negotiate(ike::v1::ChildPolicy policy, Step& st);
  bool negotiating(const Prefix& remote) const { return quick_.running(remote); }
  bool negotiating() const { return quick_.running(); }
  void delete_child(EspSpi inbound, Step& st);
  void probe(Step& st);  // a DPD query, whether one is due or not
  void on_resume(Step& st);
  void delete_self(Step& st);
  // Another SA took its place: it finishes what runs under it, and probes no more.
  void retire();

  std::optional<Instant> due() const;
  Stage stage() const;
  bool established() const { return sa_ != nullptr; }
  bool form_open() const { return transactions_.form_open(); }
  // RFC 3947 7: whether the gateway is followed when it moves. Only NAT-D tells whether it may be.
  bool follows() const {
    return phase1_.vendors().natt != ike::v1::Natt::kNone && !phase1_.nat().we_are_behind;
  }
  bool awaits(std::uint32_t form) const { return form_open() && form == transactions_.form_id(); }
  const IkeLink& link() const { return link_; }
  IkeLink& link() { return link_; }
  const ike::v1::Phase1& phase1() const { return phase1_; }
  const std::optional<ike::IdPayload>& peer_id() const { return peer_id_; }
  const std::string& peer_name() const { return peer_name_; }  // its ID, for people; escaped
  std::optional<Instant> expires() const { return expires_; }
  // The gateway limits how much this SA may protect, and four fifths of it are used.
  bool worn() const { return kilobytes_ != 0 && link_.octets() / 1024 >= kilobytes_ / 5 * 4; }
  std::optional<Instant> address_expires() const { return transactions_.address_expires(); }
  Instant last_heard() const { return last_heard_; }
  std::uint64_t retransmissions() const;

 private:
  void on_phase1_message(const ike::Header& header, Bytes message, const Endpoint& from, Step& st);
  // The whole message that a fragment completed, when there is one.
  std::optional<ByteVec> reassemble(const ike::Header& header, Bytes message, Step& st);
  void allow_fragments();
  void apply(ike::v1::Phase1Step& step, Step& st);
  void report_answer(Step& st);
  void apply_hint(const ike::v1::Failure& hint, Step& st);
  void finish_phase1(ike::v1::Phase1Outcome&& outcome, bool final_send, Step& st);
  bool on_protected(const ike::Header& header, Bytes message,
                    const std::vector<ike::v1::ChildPolicy>& policies, Step& st);
  bool on_informational(const ike::Header& header, Bytes message, Step& st);
  void on_information(const ike::v1::Information& information, Step& st);
  void heard(const Endpoint& from, Step& st);
  void phase1_deadline(Step& st);
  void dpd_deadline(Step& st);
  void end(EndReason reason, bool conclusive, Step& st);
  EndReason silence_reason() const;
  ike::v1::Dpd::Facts dpd_facts() const { return {last_heard_, unanswered_since_}; }

  IkeSettings settings_;
  ike::v1::Phase1 phase1_;
  IkeLink link_;
  ike::v1::Retransmission request_;  // of phase 1; the last message stays until it is answered
  std::optional<JobId> job_;
  std::optional<ike::v1::ReplyCache::Key> answering_;
  Endpoint job_peer_;  // where the message came from that a job works on
  std::optional<ike::v1::Failure> hint_;
  bool hint_reported_ = false;
  int spoiled_ = 0;  // answers of phase 1 that broke the protocol

  std::unique_ptr<ike::v1::IsakmpSa> sa_;
  std::optional<ike::IdPayload> peer_id_;
  std::string peer_name_;
  bool confirmed_ = false;  // the gateway said something after we had proved ourselves
  Transactions transactions_;
  QuickModes quick_;
  std::optional<ike::v1::Dpd> dpd_;
  std::optional<Instant> expires_;
  std::uint64_t kilobytes_ = 0;  // 0: no limit
  Instant last_heard_{};
  std::optional<Instant> unanswered_since_;
  Instant dpd_window_{};  // rate limit of answers to queries (H19)
  int dpd_answers_ = 0;
  std::uint64_t retransmissions_ = 0;
  bool retired_ = false;
  bool ended_ = false;
};

}  // namespace godwit::session
