// The Quick Modes that run under one ISAKMP SA, ours and the gateway's.
#pragma once

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "core/ike/v1/informational.h"
#include "core/ike/v1/quick_mode.h"
#include "core/ike/v1/retransmission.h"
#include "core/session/ike_link.h"
#include "core/session/step.h"

namespace godwit::session {

class QuickModes {
 public:
  void start(const ike::v1::IsakmpSa& sa, ike::v1::ChildPolicy policy, IkeLink& link, Step& st);

  // `policies`: what a gateway may propose to replace. True: the message was authentic.
  bool on_message(const ike::v1::IsakmpSa& sa, const ike::Header& header, Bytes message,
                  const std::vector<ike::v1::ChildPolicy>& policies, IkeLink& link, Step& st);
  bool on_job(JobDone& done, IkeLink& link, Step& st);  // false: not ours
  void on_deadline(IkeLink& link, Step& st);
  // An authentic error notify. It is about the exchange whose SPI it holds, else about the oldest
  // of ours.
  bool on_error(const ike::v1::ErrorNotified& error, Step& st);

  std::optional<Instant> due() const;
  bool running(const Prefix& remote) const;
  bool running() const;  // any of ours
  std::uint64_t retransmissions() const { return retransmissions_; }

 private:
  struct Running {
    std::variant<ike::v1::QuickInitiator, ike::v1::QuickResponder> machine;
    Prefix remote;  // of ours
    ike::v1::Retransmission request;
    std::optional<JobId> job;
    std::optional<ike::v1::ReplyCache::Key> answering;
    std::optional<EspSpi> unconfirmed;  // responder: installed, message 3 awaited
    Instant give_up{};
    bool ours() const { return machine.index() == 0; }
  };

  void apply(Running& running, ike::v1::QuickStep& step, IkeLink& link, Step& st);
  void finish(const Running* running);
  bool may_begin(Instant now);  // another one of the gateway's

  std::vector<std::unique_ptr<Running>> running_;
  std::uint64_t retransmissions_ = 0;
  Instant window_{};
  std::size_t begun_ = 0;               // by the gateway, since window_
  std::optional<Instant> finished_at_;  // when the last message 3 left
};

}  // namespace godwit::session
