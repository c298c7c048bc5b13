// XAuth and Mode Config under one ISAKMP SA: the Transaction Exchanges between phase 1 and the
// first Quick Mode. The gateway asks for the user, then we ask for an address.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config/profile.h"
#include "core/ike/v1/mode_config.h"
#include "core/ike/v1/retransmission.h"
#include "core/ike/v1/xauth.h"
#include "core/session/ike_link.h"
#include "core/session/step.h"
#include "core/session/xauth_rounds.h"

namespace godwit::session {

class Transactions {
 public:
  struct Settings {
    bool xauth = false;
    config::ConfigMode mode_config = config::ConfigMode::kAuto;
    XauthRounds::Known known;
    // Success is believed although nobody was asked (XA-10): the profile says so, or the user was
    // accepted under the SA that this one replaces (draft 5.5).
    bool user_optional = false;
    ike::v1::ConfigWishes wishes;
  };
  enum class Stage : std::uint8_t { kIdle, kXauth, kModeConfig, kDone };

  // Phase 1 is through.
  void begin(Settings settings, const ike::v1::IsakmpSa& sa, IkeLink& link, Step& st);
  // True: the message was authentic.
  bool on_message(const ike::v1::IsakmpSa& sa, const ike::Header& header, Bytes message,
                  IkeLink& link, Step& st);
  void repeat_ack(IkeLink& link, Step& st);
  void ack_arrived() { status_ack_.clear(); }  // the gateway answered a later request
  // `confirmed`: the gateway said something authentic since we proved ourselves to it.
  void on_deadline(const ike::v1::IsakmpSa& sa, IkeLink& link, bool confirmed, Step& st);
  // The user's answer to the form that is open; values.size() was checked.
  void answer(const ike::v1::IsakmpSa& sa, std::vector<SecretBytes>&& values, IkeLink& link,
              Step& st);
  void cannot_answer(const ike::v1::IsakmpSa& sa, IkeLink& link, Step& st);

  Stage stage() const { return stage_; }
  bool form_open() const { return pending_.has_value(); }
  std::uint32_t form_id() const { return form_id_; }
  bool asked() const { return form_id_ != 0; }  // the user, at least once
  std::size_t form_size() const { return form_size_; }
  // MC-07: the address is asked for again before it runs out. From now on another SA does that.
  void stop_renewing() { lease_ = {}; }

  std::optional<Instant> due() const;
  std::optional<Instant> address_expires() const { return lease_.expires; }
  std::uint64_t retransmissions() const { return retransmissions_; }

 private:
  struct Lease {  // of the inner address; without both it lasts as long as the tunnel
    std::optional<Instant> renew_at;
    std::optional<Instant> expires;
  };
  // An exchange whose messages share an M-ID and so an IV chain.
  struct Exchange {
    MessageId id;
    ike::v1::Iv iv{};
  };
  struct Pending {  // a request that waits for its answer
    Exchange exchange;
    ike::v1::XauthRequest request;
    ike::v1::ReplyCache::Key key{};
  };

  void on_cfg(const ike::v1::IsakmpSa& sa, Exchange exchange, const ike::CfgPayload& cfg,
              const ike::v1::ReplyCache::Key& key, IkeLink& link, Step& st);
  void begin_config(const ike::v1::IsakmpSa& sa, IkeLink& link, Step& st);
  void request_config(const ike::v1::IsakmpSa& sa, IkeLink& link, Step& st);
  void on_reply(const ike::CfgPayload& cfg, Step& st);
  void respond(const ike::v1::IsakmpSa& sa, Exchange exchange, const ike::CfgPayload& cfg,
               const ike::v1::ReplyCache::Key& key, IkeLink& link, Step& st);
  void on_xauth_request(const ike::v1::IsakmpSa& sa, Exchange exchange, const ike::CfgPayload& cfg,
                        const ike::v1::ReplyCache::Key& key, IkeLink& link, Step& st);
  void on_set(const ike::v1::IsakmpSa& sa, Exchange exchange, const ike::CfgPayload& cfg,
              const ike::v1::ReplyCache::Key& key, IkeLink& link, Step& st);
  void take_config(const ike::CfgPayload& cfg, Step& st);
  void on_status(const ike::v1::IsakmpSa& sa, Exchange exchange, const ike::CfgPayload& cfg,
                 bool accepted, const ike::v1::ReplyCache::Key& key, IkeLink& link, Step& st);
  bool may_ask(Step& st);
  void end(Step& st, EndReason reason, bool conclusive = true);
  void start_lease(const ike::v1::ModeConfig& config, Step& st);
  void lease_deadline(const ike::v1::IsakmpSa& sa, IkeLink& link, Step& st);
  void end(Step& st, EndCause cause, bool conclusive = true);
  void remember(const Exchange& exchange);
  std::optional<ike::v1::Iv> iv_of(const ike::v1::IsakmpSa& sa, MessageId id,
                                   const IkeLink& link) const;

  Settings settings_;
  Stage stage_ = Stage::kIdle;
  ike::v1::Retransmission request_;  // Mode Config pull
  ike::v1::InnerAddresses address_;  // what it led to
  Lease lease_;
  std::uint16_t request_identifier_ = 0;
  std::vector<Exchange> exchanges_;  // the latest few
  std::optional<Pending> pending_;
  std::uint32_t form_id_ = 0;
  std::size_t form_size_ = 0;
  XauthRounds rounds_;
  bool asking_ = false;              // an XAuth transaction has begun and has no status yet
  bool unasked_ = false;             // it asked for nothing, and we went on
  std::optional<Instant> asked_at_;  // once the tunnel is up
  ByteVec status_ack_;  // nothing answers it: repeated with our requests, in case it was lost
  std::optional<Instant> patience_;  // until the gateway must have asked
  std::uint64_t retransmissions_ = 0;
};

}  // namespace godwit::session
