#include "core/session/ike_sa.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/session/end_cause.h"

namespace godwit::session {
namespace {

using ike::v1::Failure;
using ike::v1::FailureKind;
using ike::v1::Phase1Step;

// The gaps grow: a first message is given 16 s, then comes an attempt with fresh cookies (a gateway
// that read a damaged copy may answer none of the others); a later one half a minute.
constexpr int kFirstAttempts = 7;
constexpr int kLaterAttempts = 10;
// A hint shortens the wait, and the genuine answer still has its chance. Anybody can claim
// something in plaintext; a HASH_R or ciphertext that does not fit our key is better evidence. What
// later attempts say again needs less time.
constexpr std::array<Duration, 2> kClaimWaits = {10s, 1s};
constexpr std::array<Duration, 2> kEvidenceWaits = {3s, 1s};
// One answer that breaks the protocol may be the path's doing.
constexpr int kSpoiledMax = 2;
constexpr int kDpdAnswersPerSecond = 10;
constexpr Duration kAnswerTime = 1s;

constexpr std::array<ike::Rule, 3> kInformational = {{{ike::PayloadType::kHash, 1, 1},
                                                      {ike::PayloadType::kNotify, 0, 16},
                                                      {ike::PayloadType::kDelete, 0, 16}}};

std::string subject_words(const std::string& subject) {
  constexpr std::size_t kSubjectMax = 256;
  return ike::escape_text({reinterpret_cast<const std::uint8_t*>(subject.data()), subject.size()},
                          kSubjectMax);
}

}  // namespace

NattVersion natt_version(ike::v1::Natt natt) {
  switch (natt) {
    case ike::v1::Natt::kNone:
      return NattVersion::kNone;
    case ike::v1::Natt::kDraft02:
      return NattVersion::kDraft02;
    case ike::v1::Natt::kDraft03:
      return NattVersion::kDraft03;
    case ike::v1::Natt::kRfc3947:
      return NattVersion::kRfc3947;
  }
  return NattVersion::kNone;
}

IkeSa::IkeSa(IkeSettings settings, Step& st)
    : settings_(std::move(settings)),
      phase1_(std::move(settings_.phase1), st.rng),
      link_(settings_.local, settings_.gateway_ike, settings_.gateway_natt, settings_.natt_first) {
  link_.set_esp_port(settings_.esp_port);
}

bool IkeSa::owns(const ike::Header& header) const {
  if (header.initiator != phase1_.initiator()) return false;
  return !established() || header.responder == sa_->responder();
}

Stage IkeSa::stage() const {
  if (!established()) return phase1_.authenticating() ? Stage::kPhase1Auth : Stage::kPhase1;
  switch (transactions_.stage()) {
    case Transactions::Stage::kXauth:
      return Stage::kXauth;
    case Transactions::Stage::kModeConfig:
      return Stage::kModeConfig;
    default:
      return Stage::kQuickMode;
  }
}

std::uint64_t IkeSa::retransmissions() const {
  return retransmissions_ + quick_.retransmissions() + transactions_.retransmissions();
}

void IkeSa::end(EndReason reason, bool conclusive, Step& st) {
  if (ended_) return;
  ended_ = true;
  request_.stop();
  st.events.emplace_back(IkeEnded{.reason = reason, .conclusive = conclusive});
}

void IkeSa::start(Step& st) {
  st.report(Phase1Started{phase1_.aggressive(), link_.peer()});
  Phase1Step step{st.now, st.rng, st.counters, link_.own(), link_.peer()};
  phase1_.start(step);
  apply(step, st);
}

void IkeSa::on_message(const ike::Header& header, Bytes message, LocalPort port,
                       const Endpoint& from, const std::vector<ike::v1::ChildPolicy>& policies,
                       Step& st) {
  if (header.first == ike::PayloadType::kFragment) {
    const auto whole = reassemble(header, message, st);
    if (!whole) return;
    return on_message(*ike::decode_header(*whole), *whole, port, from, policies, st);
  }
  if (link_.is_reflection(message)) return st.drop(Drop::kReflected);
  // RFC 3947 4: after the float nothing of this SA belongs on the old port. But a gateway that
  // could not read the first floated message does not know of the float: its complaint is a hint,
  // and a copy of what it said before is answered once more.
  const bool complaint = !established() && header.exchange == ike::Exchange::kInformational;
  const bool astray = port != link_.port() && !complaint;
  if (astray && header.encrypted()) return st.drop(Drop::kWrongPort);
  if (link_.repeat(message, st)) return;
  if (astray) return st.drop(Drop::kWrongPort);
  if (!established()) return on_phase1_message(header, message, from, st);

  if (!on_protected(header, message, policies, st)) return;
  link_.count(message.size());
  st.counters.accept();
  heard(from, st);
}

std::optional<ByteVec> IkeSa::reassemble(const ike::Header& header, Bytes message, Step& st) {
  const auto nothing = [&st](Drop reason) {
    st.drop(reason);
    return std::nullopt;
  };
  if (settings_.fragmentation == config::Fragmentation::kOff) return nothing(Drop::kBadFragment);
  const auto fragment = ike::v1::decode_fragment(message);
  if (!fragment) return nothing(fragment.error());
  auto whole = link_.reassembly.add(*fragment, st.now);
  if (!whole) return nothing(whole.error());
  if (!*whole) {
    st.counters.accept();
    return std::nullopt;
  }
  // FR-04. Fragments of fragments would never end.
  const auto inner = ike::decode_header(**whole);
  if (!inner || inner->first == ike::PayloadType::kFragment || !owns(*inner) ||
      inner->responder != header.responder) {
    return nothing(Drop::kBadFragment);
  }
  return std::move(*whole);
}

// What the gateway says it reads, and a whole message may be too large for (FR-02). Our sockets
// never let a datagram be cut on its way.
void IkeSa::allow_fragments() {
  constexpr std::size_t kEveryPath = 1280;  // RFC 8200 5; no tunnel below IPv4 is smaller
  constexpr std::size_t kEveryHost = 576;   // RFC 791 3.1
  if (!phase1_.vendors().fragmentation || settings_.fragmentation == config::Fragmentation::kOff)
    return;
  const bool always = settings_.fragmentation == config::Fragmentation::kAlways;
  link_.fragment_above(always ? kEveryHost : kEveryPath,
                       phase1_.aggressive() ? ike::Exchange::kAggressive : ike::Exchange::kMain);
}

bool IkeSa::on_protected(const ike::Header& header, Bytes message,
                         const std::vector<ike::v1::ChildPolicy>& policies, Step& st) {
  switch (header.exchange) {
    case ike::Exchange::kTransaction:
      return transactions_.on_message(*sa_, header, message, link_, st);
    case ike::Exchange::kQuick:
      // Nothing may be negotiated before the user is known (XA-01).
      if (transactions_.stage() != Transactions::Stage::kDone) {
        return st.refuse(Drop::kUnexpectedMessage);
      }
      if (!quick_.on_message(*sa_, header, message, policies, link_, st)) return false;
      transactions_.ack_arrived();
      return true;
    case ike::Exchange::kInformational:
      return on_informational(header, message, st);
    default:
      return st.refuse(Drop::kUnexpectedMessage);
  }
}

// An authentic message. The final message of Aggressive Mode has reached the gateway, and the
// gateway lives.
void IkeSa::heard(const Endpoint& from, Step& st) {
  last_heard_ = st.now;
  confirmed_ = true;
  unanswered_since_.reset();
  request_.stop();
  if (retired_) return;
  // RFC 3947 7: behind a NAT ourselves, a new source of the peer's is not to be believed.
  if (follows() && from != link_.peer()) {
    st.report(PeerMoved{link_.peer(), from});
    link_.move_peer(from);
    st.out.push(SetPeer{from});
  }
}

void IkeSa::on_phase1_message(const ike::Header& header, Bytes message, const Endpoint& from,
                              Step& st) {
  Phase1Step step{st.now, st.rng, st.counters, link_.own(), from};
  if (header.exchange == ike::Exchange::kInformational) {
    phase1_.on_informational(header, message, step);
    return apply(step, st);
  }
  const auto key = ike::v1::ReplyCache::key_of(message);
  phase1_.on_message(header, message, step);
  if (step.accepted || step.job) {
    st.counters.accept();
    answering_ = key;
    job_peer_ = from;
  }
  if (step.accepted) link_.replies.handled(key);
  // What belongs under phase 1 may arrive before its last message.
  const bool of_phase1 =
      header.exchange == ike::Exchange::kMain || header.exchange == ike::Exchange::kAggressive;
  if (of_phase1 && !header.encrypted() && !step.accepted && !step.job && !step.hint &&
      !step.failure) {
    ++spoiled_;
  }
  apply(step, st);
}

bool IkeSa::on_job(JobDone& done, Step& st) {
  if (quick_.on_job(done, link_, st)) return true;
  if (job_ != done.id) return false;
  job_.reset();
  Phase1Step step{st.now, st.rng, st.counters, link_.own(), answering_ ? job_peer_ : link_.peer()};
  phase1_.on_job(std::move(done.result), step);
  if (step.accepted && answering_) link_.replies.handled(*answering_);
  apply(step, st);
  return true;
}

void IkeSa::report_answer(Step& st) {
  const ike::v1::PeerVendors& vendors = phase1_.vendors();
  st.report(PeerAnswered{phase1_.choice().suite, natt_version(vendors.natt), vendors.dpd,
                         vendors.xauth, vendors.unity,
                         vendors.maker ? ike::name(*vendors.maker) : std::string_view{}});
}

void IkeSa::apply(Phase1Step& step, Step& st) {
  if (ended_) return;
  if (step.accepted) {
    request_.stop();
    hint_.reset();  // the genuine answer came after all
  }
  if (step.answered && step.accepted) {
    report_answer(st);
  }
  if (step.shown) st.report(GatewayShows{subject_words(step.shown->subject), step.shown->pin});
  if (step.nat_found) {
    const ike::v1::NatFindings& nat = phase1_.nat();
    st.report(NatFound{nat.we_are_behind, nat.peer_is_behind, nat.forced});
  }
  if (step.needs_force) {
    ended_ = true;
    st.events.emplace_back(IkeEnded{.needs_force = true});
    return;
  }
  allow_fragments();
  if (step.job) job_ = st.start(std::move(*step.job));
  if (step.floats) link_.float_ports(st);
  if (step.send) {
    link_.send(*step.send, st);
    if (answering_) link_.replies.answered(*answering_, *step.send);
    request_.start(std::move(*step.send), st.now, answering_ ? kLaterAttempts : kFirstAttempts,
                   st.rng);
  }
  if (step.failure) {
    // Whose name is wrong has proved it; anything else may be a damaged message of ours or theirs.
    const bool proved = step.failure->kind == FailureKind::kGatewayIdentity ||
                        step.failure->kind == FailureKind::kGatewayCertificateName;
    return end({cause_of(*step.failure), stage(), step.failure->notify}, proved, st);
  }
  if (step.hint) apply_hint(*step.hint, st);
  if (step.outcome) finish_phase1(std::move(*step.outcome), step.final_send, st);
}

void IkeSa::apply_hint(const Failure& hint, Step& st) {
  if (!hint_ || (hint_->notify == 0 && hint.notify != 0)) hint_ = hint;
  const auto& waits = hint.notify != 0 ? kClaimWaits : kEvidenceWaits;
  request_.shorten(st.now + waits[std::min(settings_.attempt, waits.size()) - 1]);
  if (hint.notify == 0 || hint_reported_) return;
  hint_reported_ = true;
  st.report(HintReceived{hint.notify});
}

void IkeSa::finish_phase1(ike::v1::Phase1Outcome&& outcome, bool final_send, Step& st) {
  if (!final_send) request_.stop();
  sa_ = std::make_unique<ike::v1::IsakmpSa>(std::move(outcome.sa));
  peer_id_ = std::move(outcome.peer_id);
  peer_name_ = peer_id_->type == ike::IdType::kDerDn ? subject_words(outcome.peer_subject)
                                                     : peer_id_->to_string();
  confirmed_ = !phase1_.aggressive();
  expires_ = st.now + outcome.choice.lifetime;
  kilobytes_ = outcome.choice.kilobytes;
  last_heard_ = st.now;
  if (settings_.log_keys) {
    st.out.push(LogIkeKey{sa_->initiator(), sa_->keys().cipher_key.clone()});
  }
  if (phase1_.aggressive()) {
    report_answer(st);
  }
  st.report(GatewayAuthenticated{peer_name_});
  if (phase1_.vendors().dpd) dpd_.emplace(settings_.dpd_delay, settings_.dpd_attempts, st.rng);
  Transactions::Settings settings = settings_.transactions;
  settings.wishes.unity = phase1_.vendors().unity;
  transactions_.begin(std::move(settings), *sa_, link_, st);
}

bool IkeSa::on_informational(const ike::Header& header, Bytes message, Step& st) {
  if (!header.encrypted()) return st.refuse(Drop::kPlaintextNotify);
  if (link_.ids.seen(header.message_id)) return st.refuse(Drop::kBadMessageId);
  const auto opened = sa_->open(header, message, sa_->iv_for(header.message_id));
  if (!opened) return st.refuse(opened.error());
  if (!sa_->verify_hash(*opened)) return st.refuse(Drop::kBadHash);
  if (const auto ok = ike::check_rules(opened->payloads, kInformational); !ok) {
    return st.refuse(ok.error());
  }
  link_.ids.insert(header.message_id);
  for (const auto& information : ike::v1::read_informational(*sa_, *opened, st.counters)) {
    on_information(information, st);
  }
  return true;
}

void IkeSa::on_information(const ike::v1::Information& information, Step& st) {
  using namespace ike::v1;
  if (const auto* query = std::get_if<DpdQuery>(&information)) {
    if (dpd_ && !dpd_->on_query(query->sequence)) return st.drop(Drop::kStaleDpd);
    if (st.now - dpd_window_ >= 1s) {
      dpd_window_ = st.now;
      dpd_answers_ = 0;
    }
    if (++dpd_answers_ > kDpdAnswersPerSecond) return st.drop(Drop::kRateLimited);
    link_.send(
        dpd_message(*sa_, ike::Notify::kDpdRUThereAck, query->sequence, link_.ids.fresh(st.rng)),
        st);
  } else if (const auto* answer = std::get_if<DpdAnswer>(&information)) {
    if (!dpd_ || !dpd_->on_answer(answer->sequence)) return st.drop(Drop::kStaleDpd);
    st.report(GatewayAlive{});
  } else if (const auto* deleted = std::get_if<EspDeleted>(&information)) {
    st.events.emplace_back(ChildrenDeleted{deleted->spis});
  } else if (std::holds_alternative<IsakmpDeleted>(information)) {
    end({EndCause::kGatewayClosed, stage(), 0}, true, st);
  } else if (const auto* error = std::get_if<ErrorNotified>(&information)) {
    if (quick_.on_error(*error, st)) return;
    // Before anything was negotiated an error is about us: identity, key or user.
    if (transactions_.stage() != Transactions::Stage::kDone) {
      const bool user = transactions_.stage() == Transactions::Stage::kXauth;
      const bool refused =
          user && error->type == ike::Notify::kAuthenticationFailed && transactions_.asked();
      end({refused ? EndCause::kUserRejected : EndCause::kWeAreRefused, stage(),
           static_cast<std::uint16_t>(error->type)},
          true, st);
    }
  } else if (const auto* redirected = std::get_if<ike::v1::Redirected>(&information)) {
    st.events.emplace_back(session::Redirected{redirected->to});
  } else if (const auto* lifetime = std::get_if<LifetimeNotified>(&information)) {
    kilobytes_ = bounded_kilobytes(lifetime->kilobytes, kilobytes_);
    if (!expires_ || !lifetime->lifetime) return;
    const Instant limit = st.now + std::max(*lifetime->lifetime, Duration(kLifetimeMin));
    expires_ = std::min(*expires_, limit);
  }
}

void IkeSa::answer(std::uint32_t form, std::vector<SecretBytes>&& values, Step& st) {
  if (!awaits(form) || values.size() != transactions_.form_size()) {
    return st.drop(Drop::kNotReady);
  }
  for (const SecretBytes& value : values) {
    if (value.size() > limits::kXauthFieldMax) return transactions_.cannot_answer(*sa_, link_, st);
  }
  transactions_.answer(*sa_, std::move(values), link_, st);
}

void IkeSa::cannot_answer(std::uint32_t form, Step& st) {
  if (!awaits(form)) return st.drop(Drop::kNotReady);
  transactions_.cannot_answer(*sa_, link_, st);
}

void IkeSa::on_traffic(std::optional<Instant> last_inbound, std::optional<Instant> last_outbound) {
  if (last_inbound && *last_inbound > last_heard_) {
    last_heard_ = *last_inbound;
    unanswered_since_.reset();
  }
  // What leaves right behind something heard is an answer itself, and nothing need answer that.
  if (last_outbound && *last_outbound > last_heard_ + kAnswerTime && !unanswered_since_) {
    unanswered_since_ = last_outbound;
  }
}

// Through the gateway's answer the path is known to work, and through our question the gateway
// learns where we are now (RFC 3947 7).
void IkeSa::probe(Step& st) {
  if (!dpd_ || ended_ || !established()) return;
  const std::uint32_t sequence = dpd_->next_query(dpd_facts(), st.now);
  link_.send(
      ike::v1::dpd_message(*sa_, ike::Notify::kDpdRUThere, sequence, link_.ids.fresh(st.rng)), st);
}

void IkeSa::on_resume(Step& st) {
  if (dpd_) dpd_->hurry();
  probe(st);
}

void IkeSa::negotiate(ike::v1::ChildPolicy policy, Step& st) {
  CHECK(established());
  quick_.start(*sa_, std::move(policy), link_, st);
}

void IkeSa::delete_child(EspSpi inbound, Step& st) {
  if (!established()) return;
  link_.send(ike::v1::delete_esp_message(*sa_, inbound, link_.ids.fresh(st.rng)), st);
}

void IkeSa::delete_self(Step& st) {
  if (established()) {
    link_.send(ike::v1::delete_isakmp_message(*sa_, link_.ids.fresh(st.rng)), st);
  }
  ended_ = true;
}

void IkeSa::retire() {
  retired_ = true;
  request_.stop();
  transactions_.stop_renewing();
}

void IkeSa::on_deadline(Step& st) {
  if (ended_) return;
  phase1_deadline(st);
  if (ended_ || !established()) return;
  transactions_.on_deadline(*sa_, link_, confirmed_, st);
  if (quick_.due() && st.now >= *quick_.due()) transactions_.repeat_ack(link_, st);
  quick_.on_deadline(link_, st);
  dpd_deadline(st);
}

// What silence means depends on how far the exchange has come, and on what was hinted at.
EndReason IkeSa::silence_reason() const {
  if (hint_) return {cause_of(*hint_), stage(), hint_->notify, hint_->unspoken_natt};
  if (spoiled_ >= kSpoiledMax) return {EndCause::kProtocol, stage(), 0};
  const bool floated = link_.floated();
  return {floated ? EndCause::kNoAnswerAfterFloat : EndCause::kNoAnswer, stage(), 0};
}

void IkeSa::phase1_deadline(Step& st) {
  if (!request_.due() || st.now < *request_.due()) return;
  if (!request_.exhausted()) {
    ++retransmissions_;
    link_.send(request_.resend(st.now, st.rng), st);
    st.report(Retransmitting{request_.attempt(), request_.attempts_max()});
    return;
  }
  request_.stop();
  // The last message of Aggressive Mode needs no answer of its own.
  if (established()) return;
  end(silence_reason(), false, st);
}

void IkeSa::dpd_deadline(Step& st) {
  if (!dpd_ || retired_) return;
  const auto facts = dpd_facts();
  const auto at = dpd_->due(facts);
  if (!at || st.now < *at) return;
  if (dpd_->exhausted(facts)) return end({EndCause::kGatewayLost, stage(), 0}, true, st);
  if (!dpd_->probing()) st.report(GatewaySilent{});
  probe(st);
}

std::optional<Instant> IkeSa::due() const {
  if (ended_) return std::nullopt;
  std::optional<Instant> at = request_.due();
  if (!established()) return at;
  at = earlier(at, transactions_.due());
  at = earlier(at, quick_.due());
  if (dpd_ && !retired_) at = earlier(at, dpd_->due(dpd_facts()));
  return at;
}

}  // namespace godwit::session
