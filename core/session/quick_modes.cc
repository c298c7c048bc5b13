#include "core/session/quick_modes.h"

#include <algorithm>

#include "core/base/limits.h"

namespace godwit::session {
namespace {

using ike::v1::ChildPolicy;
using ike::v1::IsakmpSa;
using ike::v1::QuickFailure;
using ike::v1::QuickFailureKind;
using ike::v1::QuickInitiator;
using ike::v1::QuickResponder;
using ike::v1::QuickStep;

constexpr int kAttempts = 6;
// H19: every Quick Mode of the gateway is work, and a pair of SAs for half a minute at least. More
// of them than there are networks to replace would push out the pairs that carry the traffic.
constexpr std::size_t kBegunMax = limits::kOutboundSasMax;
constexpr Duration kBegunWindow = 30s;
static_assert(limits::kOutboundSasMax + kBegunMax <= limits::kInboundSasMax);
constexpr Duration kResponderPatience = 60s;

constexpr Duration kLateError = 5s;

// What a gateway says of an offer, and not of a message that it cannot read.
bool is_refusal(ike::Notify type) {
  return (type >= ike::Notify::kInvalidProtocolId && type <= ike::Notify::kBadProposalSyntax) ||
         type == ike::Notify::kInvalidKeyInformation || type == ike::Notify::kInvalidIdInformation;
}

EndCause cause_of(QuickFailureKind kind) {
  switch (kind) {
    case QuickFailureKind::kProposalRefused:
      return EndCause::kPhase2Refused;
    case QuickFailureKind::kSelectorsRefused:
      return EndCause::kSelectorsRefused;
    case QuickFailureKind::kBadKeyExchange:
      return EndCause::kBadKeyExchange;
  }
  return EndCause::kProtocol;
}

}  // namespace

void QuickModes::finish(const Running* running) {
  std::erase_if(running_, [&](const auto& entry) { return entry.get() == running; });
}

void QuickModes::start(const IsakmpSa& sa, ChildPolicy policy, IkeLink& link, Step& st) {
  policy.offer.spi = ike::v1::fresh_spi(st.rng);
  const Prefix remote = policy.remote;
  auto& running = *running_.emplace_back(std::make_unique<Running>(
      Running{.machine = QuickInitiator(sa, std::move(policy), link.ids.fresh(st.rng), st.rng),
              .remote = remote,
              .request = {},
              .job = {},
              .answering = {},
              .unconfirmed = {},
              .give_up = {}}));
  QuickStep step{.now = st.now, .rng = st.rng, .counters = st.counters};
  std::get<QuickInitiator>(running.machine).start(step);
  apply(running, step, link, st);
}

bool QuickModes::may_begin(Instant now) {
  if (now - window_ >= kBegunWindow) {
    window_ = now;
    begun_ = 0;
  }
  const auto unfinished = std::count_if(running_.begin(), running_.end(),
                                        [](const auto& entry) { return !entry->ours(); });
  return begun_ < kBegunMax && static_cast<std::size_t>(unfinished) < kBegunMax;
}

bool QuickModes::on_message(const IsakmpSa& sa, const ike::Header& header, Bytes message,
                            const std::vector<ChildPolicy>& policies, IkeLink& link, Step& st) {
  const auto it = std::find_if(running_.begin(), running_.end(), [&](const auto& entry) {
    return std::visit([](const auto& machine) { return machine.id(); }, entry->machine) ==
           header.message_id;
  });
  const auto key = ike::v1::ReplyCache::key_of(message);
  QuickStep step{.now = st.now, .rng = st.rng, .counters = st.counters};
  if (it != running_.end()) {
    Running& running = **it;
    std::visit([&](auto& machine) { machine.on_message(header, message, step); }, running.machine);
    if (step.accepted) {
      running.answering = key;
      link.replies.handled(key);
    }
    apply(running, step, link, st);
    return step.accepted;
  }
  if (link.ids.seen(header.message_id)) return st.refuse(Drop::kBadMessageId);
  if (!may_begin(st.now)) return st.refuse(Drop::kRateLimited);
  auto running = std::make_unique<Running>(
      Running{.machine = QuickResponder(sa, policies, header.message_id, st.rng),
              .remote = {},
              .request = {},
              .job = {},
              .answering = key,
              .unconfirmed = {},
              .give_up = st.now + kResponderPatience});
  std::get<QuickResponder>(running->machine).on_message(header, message, step);
  if (!step.accepted) return false;
  ++begun_;
  link.ids.insert(header.message_id);
  link.replies.handled(key);
  running_.push_back(std::move(running));
  apply(*running_.back(), step, link, st);
  return true;
}

bool QuickModes::on_job(JobDone& done, IkeLink& link, Step& st) {
  for (const auto& running : running_) {
    if (running->job != done.id) continue;
    running->job.reset();
    QuickStep step{.now = st.now, .rng = st.rng, .counters = st.counters};
    std::visit([&](auto& machine) { machine.on_job(std::move(done.result), step); },
               running->machine);
    apply(*running, step, link, st);
    return true;
  }
  return false;
}

void QuickModes::apply(Running& running, QuickStep& step, IkeLink& link, Step& st) {
  if (step.accepted) running.request.stop();
  if (step.job) running.job = st.start(std::move(*step.job));
  // The SAs are installed before the message that lets the peer use them leaves: see
  // Actions::install_first().
  if (step.outcome) {
    if (!running.ours()) running.unconfirmed = step.outcome->inbound;
    st.events.emplace_back(ChildNegotiated{std::move(*step.outcome), !running.ours()});
  }
  if (step.send) {
    link.send(*step.send, st);
    if (running.answering) link.replies.answered(*running.answering, *step.send);
    if (running.ours() && !step.final_send) {
      running.request.start(std::move(*step.send), st.now, kAttempts, st.rng);
    }
  }
  if (step.confirmed && running.unconfirmed) {
    st.events.emplace_back(ChildConfirmed{*running.unconfirmed});
  }
  if (step.failure && running.ours()) {
    st.events.emplace_back(
        ChildFailed{running.remote, cause_of(step.failure->kind), step.failure->notify});
  }
  if (step.final_send) finished_at_ = st.now;
  if (step.failure || step.final_send || step.confirmed) finish(&running);
}

void QuickModes::on_deadline(IkeLink& link, Step& st) {
  std::vector<const Running*> ended;
  for (const auto& running : running_) {
    if (!running->ours()) {
      if (st.now >= running->give_up) ended.push_back(running.get());
      continue;
    }
    if (!running->request.due() || st.now < *running->request.due()) continue;
    if (!running->request.exhausted()) {
      ++retransmissions_;
      link.send(running->request.resend(st.now, st.rng), st);
      continue;
    }
    st.events.emplace_back(ChildFailed{running->remote, EndCause::kNoAnswerAfterFloat, 0});
    ended.push_back(running.get());
  }
  for (const Running* running : ended) finish(running);
}

bool QuickModes::on_error(const ike::v1::ErrorNotified& error, Step& st) {
  const auto waits = [](const auto& entry) { return entry->ours() && entry->request.active(); };
  const auto named = [&](const auto& entry) {
    if (!waits(entry) || error.spi.size() != sizeof(std::uint32_t)) return false;
    const EspSpi spi{load_be<std::uint32_t>(error.spi)};
    return std::get<QuickInitiator>(entry->machine).policy().offer.spi == spi;
  };
  auto it = std::find_if(running_.begin(), running_.end(), named);
  // A gateway that could not make anything of a message 3 says so, too: that exchange is over.
  const bool late = finished_at_ && st.now - *finished_at_ < kLateError;
  if (it == running_.end() && late && !is_refusal(error.type)) return true;
  if (it == running_.end()) it = std::find_if(running_.begin(), running_.end(), waits);
  if (it == running_.end()) return false;
  const EndCause cause = error.type == ike::Notify::kInvalidIdInformation
                             ? EndCause::kSelectorsRefused
                             : EndCause::kPhase2Refused;
  st.events.emplace_back(ChildFailed{(*it)->remote, cause, static_cast<std::uint16_t>(error.type)});
  finish(it->get());
  return true;
}

std::optional<Instant> QuickModes::due() const {
  std::optional<Instant> at;
  for (const auto& running : running_) {
    at = earlier(
        at, running->ours() ? running->request.due() : std::optional<Instant>(running->give_up));
  }
  return at;
}

bool QuickModes::running(const Prefix& remote) const {
  return std::any_of(running_.begin(), running_.end(),
                     [&](const auto& entry) { return entry->ours() && entry->remote == remote; });
}

bool QuickModes::running() const {
  return std::any_of(running_.begin(), running_.end(),
                     [](const auto& entry) { return entry->ours(); });
}

}  // namespace godwit::session
