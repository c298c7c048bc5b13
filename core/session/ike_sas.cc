#include "core/session/ike_sas.h"

namespace godwit::session {
namespace {

// A damaged message can spoil phase 1 for good; another attempt with fresh cookies gets through.
constexpr Duration kRetryUntil = 50s;
constexpr std::size_t kAttemptsMax = 5;
// A replacement that failed is tried again while the old SA lives.
constexpr Duration kReplaceRetry = 60s;
// A gateway repeats its own questions about that long, and then drops what was half done.
constexpr Duration kForgottenAfter = 20s;
// A claim that the gateway wants a new phase 1 brings it no sooner after the last one than this.
constexpr Duration kReplaceGap = 30s;
// The gateway moves the ESP SAs to the new ISAKMP SA on its own time.
constexpr Duration kOldKept = 10s;

EndCause silence(bool floated) {
  return floated ? EndCause::kNoAnswerAfterFloat : EndCause::kNoAnswer;
}

bool is_claim(EndCause cause) {
  return cause != EndCause::kNoAnswer && cause != EndCause::kNoAnswerAfterFloat;
}

// What nobody proved is told as the reason when so many attempts said it and none another: on a
// path that damages messages, wrong keys and wrong offers are seen now and then.
std::size_t claims_needed(EndCause cause) {
  if (cause == EndCause::kNoAddress) return 1;
  if (cause == EndCause::kProtocol) return 2;
  return kAttemptsMax - 1;
}

// 80..85 % of the lifetime, so that a room full of laptops does not come at once.
Instant replacement_time(Instant now, Instant expires, Rng& rng) {
  return now + (expires - now) * (800 + rng.public_number<std::uint16_t>() % 51) / 1000;
}

}  // namespace

template <class F>
void IkeSas::with_current(Step& st, F call) {
  Events events;
  Step inner{st.now, st.rng, st.counters, st.out, st.last_job, events};
  call(*current_, inner);
  for (IkeEvent& event : events) on_current_event(std::move(event), st);
}

template <class F>
void IkeSas::with_next(Step& st, F call) {
  Events events;
  Step inner{st.now, st.rng, st.counters, st.out, st.last_job, events};
  call(*next_, inner);
  for (IkeEvent& event : events) {
    if (next_) on_next_event(std::move(event), st);
  }
}

// What was begun under the SA that was replaced still counts, its end does not.
template <class F>
void IkeSas::with_old(Step& st, F call) {
  Events events;
  Step inner{st.now, st.rng, st.counters, st.out, st.last_job, events};
  call(*old_, inner);
  for (IkeEvent& event : events) {
    if (std::holds_alternative<IkeEnded>(event)) {
      earlier_retransmissions_ += old_->retransmissions();
      old_.reset();
    } else {
      st.events.push_back(std::move(event));
    }
  }
}

void IkeSas::start(Step& st) {
  started_ = st.now;
  attempts_ = 1;
  begin(st);
}

void IkeSas::begin(Step& st) {
  if (current_) earlier_retransmissions_ += current_->retransmissions();
  lost_ = offline_ = false;  // said of another one
  IkeSettings settings = settings_();
  settings.phase1.force_natt |= force_natt_;
  settings.attempt = attempts_;
  gateway_ = gateways_.current();
  settings.transactions.wishes.previous = address_;
  current_ = std::make_unique<IkeSa>(std::move(settings), st);
  with_current(st, [](IkeSa& sa, Step& inner) { sa.start(inner); });
}

// The replacement starts where the tunnel lives: on the NAT-traversal ports, towards the peer's
// present address (NATT-11). Another gateway is asked from the beginning.
void IkeSas::begin_next(Step& st) {
  replace_at_ = st.now + kReplaceRetry;
  IkeSettings settings = settings_();
  settings.phase1.force_natt |= force_natt_ || current_->phase1().nat().forced;
  if (gateways_.current() == gateway_) {
    const IkeLink& link = current_->link();
    (link.floated() ? settings.gateway_natt : settings.gateway_ike) = link.peer();
    settings.natt_first = link.floated();
  }
  settings.transactions.wishes.previous = address_;
  settings.transactions.user_optional = true;  // whoever was accepted under the SA before
  next_config_ = {};
  next_ = std::make_unique<IkeSa>(std::move(settings), st);
  with_next(st, [](IkeSa& sa, Step& inner) { sa.start(inner); });
}

void IkeSas::drop_next() {
  if (next_) earlier_retransmissions_ += next_->retransmissions();
  next_.reset();
}

void IkeSas::on_message(const ike::Header& header, Bytes message, LocalPort port,
                        const Endpoint& from, const std::vector<ike::v1::ChildPolicy>& policies,
                        Step& st) {
  const auto deliver = [&](IkeSa& sa, Step& inner) {
    sa.on_message(header, message, port, from, policies, inner);
  };
  if (next_ && next_->owns(header)) return with_next(st, deliver);
  if (old_ && old_->owns(header)) return with_old(st, deliver);
  if (!current_ || !current_->owns(header)) return on_unknown(header, port, from, st);
  const auto before = current_->expires();
  with_current(st, deliver);
  const auto after = current_->expires();
  // RFC 2407 4.6.3.1: the gateway shortened the life of the SA, so its replacement comes sooner.
  if (replace_at_ && before && after && *after < *before) {
    replace_at_ = std::min(*replace_at_, replacement_time(st.now, *after, st.rng));
  }
  replace_when_worn(st.now);
}

void IkeSas::replace_when_worn(Instant now) {
  if (!replace_at_ || !established() || !current_->worn()) return;
  replace_at_ = std::min(*replace_at_, std::max(now, established_at_ + kReplaceGap));
}

// A gateway whose ISAKMP SA grows old begins a phase 1 of its own. Nobody but us begins one here,
// so it is dropped; but where it comes from the gateway, its wish is ours: we replace phase 1
// early.
void IkeSas::on_unknown(const ike::Header& header, LocalPort port, const Endpoint& from, Step& st) {
  st.drop(Drop::kUnknownCookies);
  const bool begins =
      header.responder == Cookie{} && header.first == ike::PayloadType::kSa &&
      (header.exchange == ike::Exchange::kMain || header.exchange == ike::Exchange::kAggressive);
  if (!begins || !keep_ || !usable() || next_ || !replace_at_) return;
  if (port != current_->link().port() || from != current_->link().peer()) return;
  replace_at_ = std::min(*replace_at_, std::max(st.now, established_at_ + kReplaceGap));
}

void IkeSas::on_job(JobDone& done, Step& st) {
  bool taken = false;
  const auto offer = [&](IkeSa& sa, Step& inner) { taken = sa.on_job(done, inner); };
  if (next_) with_next(st, offer);
  if (!taken && old_) with_old(st, offer);
  if (taken || !current_) return;
  with_current(st, [&](IkeSa& sa, Step& inner) {
    if (!sa.on_job(done, inner)) st.drop(Drop::kNotReady);
  });
}

// The user's own time is free: what is left of a recovery begins when he has answered.
void IkeSas::give_time(std::uint32_t form, Step& st) {
  if (next_ && next_->awaits(form)) recovery_.extend(st.now);
}

void IkeSas::answer(std::uint32_t form, std::vector<SecretBytes>&& values, Step& st) {
  const auto deliver = [&](IkeSa& sa, Step& inner) { sa.answer(form, std::move(values), inner); };
  give_time(form, st);
  if (next_ && next_->awaits(form)) return with_next(st, deliver);
  with_current(st, deliver);
}

void IkeSas::cannot_answer(std::uint32_t form, Step& st) {
  const auto deliver = [&](IkeSa& sa, Step& inner) { sa.cannot_answer(form, inner); };
  give_time(form, st);
  if (next_ && next_->awaits(form)) return with_next(st, deliver);
  with_current(st, deliver);
}

void IkeSas::on_traffic(std::optional<Instant> last_inbound, std::optional<Instant> last_outbound) {
  if (current_) current_->on_traffic(last_inbound, last_outbound);
}

void IkeSas::follow(const Endpoint& from, Step& st) {
  if (!established() || from == current_->link().peer()) return;
  if (!current_->follows()) return;  // RFC 3947 7: MUST NOT (NATT-19)
  st.report(PeerMoved{current_->link().peer(), from});
  current_->link().move_peer(from);
  st.out.push(SetPeer{from});
}

void IkeSas::on_network(const LocalEndpoints& local, Step& st) {
  if (!current_) return;
  if (!keep_) {  // nothing to keep yet: from the beginning
    attempts_ = 1;
    return begin(st);
  }
  offline_ = false;
  recovery_.extend(st.now);
  current_->link().move_local(local);
  drop_next();
  // Our authentic question tells the gateway where we are (RFC 3947 7), and most need no more. One
  // that does not answer it is connected to anew.
  if (lost_) {
    begin_next(st);
  } else {
    current_->on_resume(st);
  }
}

void IkeSas::on_renamed(Step& st) {
  // Where keys exist somebody answers.
  if (!lost_ || offline_ || (next_ && next_->stage() != Stage::kPhase1)) return;
  drop_next();
  if (try_another(st)) begin_next(st);
}

void IkeSas::on_resume(Duration slept, Step& st) {
  const bool forgotten = slept > kForgottenAfter;
  if (!keep_) {
    if (forgotten) start(st);
    return;
  }
  if (offline_) return;
  recovery_.extend(st.now);
  if (next_ && forgotten) {
    drop_next();
    begin_next(st);
  }
  if (usable()) current_->on_resume(st);
}

void IkeSas::recover(EndReason reason, Step& st) {
  st.report(ConnectingAnew{reason});
  lost_ = true;
  last_end_ = reason;
  recovery_.begin(st.now);
  if (!next_ && !offline_ && !recovery_.is_over(st.now)) begin_next(st);
}

void IkeSas::on_deadline(Step& st) {
  if (!current_ || offline_) return;
  if (recovery_.is_over(st.now) && !form_open()) {
    recovery_.end();
    st.events.emplace_back(IkeEnded{.reason = *last_end_, .conclusive = true});
    return;
  }
  if (old_ && st.now >= *old_until_) {
    earlier_retransmissions_ += old_->retransmissions();
    old_->delete_self(st);
    old_.reset();
  }
  if (old_) with_old(st, [](IkeSa& sa, Step& inner) { sa.on_deadline(inner); });
  if (next_) with_next(st, [](IkeSa& sa, Step& inner) { sa.on_deadline(inner); });
  if (!lost_) with_current(st, [](IkeSa& sa, Step& inner) { sa.on_deadline(inner); });
  replace_when_worn(st.now);
  if (usable() && st.now >= *current_->expires()) {
    on_current_ended(IkeEnded{.reason = {EndCause::kExpired, Stage::kUp, 0}, .conclusive = true},
                     st);
  }
  if (keep_ && !next_ && replace_at_ && st.now >= *replace_at_) begin_next(st);
}

void IkeSas::on_current_event(IkeEvent&& event, Step& st) {
  if (const auto* ended = std::get_if<IkeEnded>(&event)) return on_current_ended(*ended, st);
  if (const auto* to = std::get_if<Redirected>(&event)) return on_redirected(to->to, st);
  if (const auto* config = std::get_if<ConfigReceived>(&event)) {
    address_ = config->config.address;
    gateways_.learn(config->config.backup_servers);
  }
  if (std::holds_alternative<IkeEstablished>(event)) {
    established_at_ = st.now;
    replace_at_ = replacement_time(st.now, *current_->expires(), st.rng);
  }
  st.events.push_back(std::move(event));
}

void IkeSas::on_current_ended(const IkeEnded& ended, Step& st) {
  if (ended.needs_force && !force_natt_) {
    force_natt_ = true;
    return begin(st);
  }
  if (!keep_) {
    if (!ended.conclusive && retry(ended.reason, st)) return;
    st.events.emplace_back(IkeEnded{.reason = ended.conclusive ? ended.reason : *last_end_});
    return;
  }
  const EndCause cause = ended.reason.cause;
  if (!lost_ && cause == EndCause::kGatewayLost) return recover(ended.reason, st);
  if (!lost_ && cause == EndCause::kExpired && refused_) {
    st.events.emplace_back(IkeEnded{.reason = *refused_, .conclusive = true});
    return;
  }
  // A user who is refused later has no tunnel (draft-beaulieu-ike-xauth-02 6).
  if (!lost_ && cause == EndCause::kUserRejected) return st.events.push_back(ended);
  if (!lost_) {
    // The ESP SAs still carry traffic; a new phase 1 takes charge of them.
    lost_ = true;
    last_end_ = ended.reason;
    if (!next_) begin_next(st);
    return;
  }
  st.events.emplace_back(ended);
}

bool IkeSas::retry(EndReason reason, Step& st) {
  if (is_claim(reason.cause)) {
    ++claims_;
    unanimous_ = unanimous_ && (!claim_ || claim_->cause == reason.cause);
    claim_ = reason;
  }
  last_end_ = claim_ && unanimous_ && claims_ >= claims_needed(claim_->cause)
                  ? *claim_
                  : EndReason{silence(current_->link().floated()), reason.stage, 0};
  if (attempts_ >= kAttemptsMax || st.now - *started_ > kRetryUntil) return false;
  if (!is_claim(reason.cause)) try_another(st);
  ++attempts_;
  begin(st);
  return true;
}

void IkeSas::on_next_event(IkeEvent&& event, Step& st) {
  if (const auto* config = std::get_if<ConfigReceived>(&event)) {
    next_config_ = config->config;
    gateways_.learn(config->config.backup_servers);
  } else if (const auto* to = std::get_if<Redirected>(&event)) {
    on_redirected(to->to, st);
  } else if (std::holds_alternative<IkeEstablished>(event)) {
    // Another inner address would end every connection through the tunnel. While the old SA works
    // it is kept; the next attempt may be given the old address.
    const bool same = next_config_.address == address_;
    if (!same && !lost_) {
      next_->delete_self(st);
      return drop_next();
    }
    same ? take_over(st) : readdress(st);
  } else if (const auto* ended = std::get_if<IkeEnded>(&event)) {
    const IkeEnded end = *ended;
    const bool of_user =
        end.reason.cause == EndCause::kUserRejected || end.reason.cause == EndCause::kInputNeeded;
    if (of_user) next_->delete_self(st);  // draft-beaulieu-ike-xauth-02 6: at once
    drop_next();
    if (end.needs_force && !force_natt_) {
      force_natt_ = true;
      return begin_next(st);
    }
    const bool silence = end.reason.cause == EndCause::kNoAnswer ||
                         end.reason.cause == EndCause::kNoAnswerAfterFloat;
    if (recovering() && silence) {
      replace_at_ = st.now + (try_another(st) ? Duration{} : recovery_.next_pause(st.rng));
    } else if (silence && gateways_.current() != gateway_) {
      try_another(st);  // where we were sent nobody answers
    } else if (lost_ && end.conclusive) {
      // Silence may pass, and the ESP SAs still work; a refusal will not.
      st.events.emplace_back(end);
    } else if (of_user) {
      put_off(end.reason, st);
    }
  }
}

bool IkeSas::try_another(Step& st) {
  if (!gateways_.advance(keep_)) return false;
  st.report(TryingGateway{gateways_.current()});
  st.out.push(SetGateway{gateways_.current()});
  return true;
}

// Where phase 1 has ended a gateway may send us to another (Cisco's load balancing). With a tunnel
// up that is no reason to drop it: a new phase 1 there takes charge of it.
void IkeSas::on_redirected(const IpAddress& to, Step& st) {
  const IpAddress from = gateways_.current();
  switch (gateways_.redirect(to)) {
    case Gateways::Redirect::kIgnored:
      return st.drop(Drop::kBadRedirect);
    case Gateways::Redirect::kCircle:
      st.drop(Drop::kBadRedirect);
      if (keep_) return drop_next();
      st.events.emplace_back(
          IkeEnded{.reason = {EndCause::kRedirected, current_->stage(), 0}, .conclusive = true});
      return;
    case Gateways::Redirect::kFollowed:
      break;
  }
  st.report(GatewayRedirects{from, to});
  st.out.push(SetGateway{to});
  if (!keep_) {
    current_->delete_self(st);
    return start(st);
  }
  if (next_) next_->delete_self(st);
  drop_next();
  begin_next(st);
}

// The gateway wants to know who the user is, and did not learn it. The old SA lives on while it
// may. A refused password is not tried again, for that locks accounts; and whoever did not answer
// is asked at half of what is left, and at half of that.
void IkeSas::put_off(EndReason reason, Step& st) {
  refused_ = reason;
  const Duration left = *current_->expires() - st.now;
  replace_at_.reset();
  if (reason.cause == EndCause::kInputNeeded && left / 2 >= kReplaceRetry) {
    replace_at_ = st.now + left / 2;
  }
  st.report(UserNotProved{reason, left, replace_at_.has_value()});
}

// The gateway has forgotten us and gives another inner address. The connections through the tunnel
// are lost either way: those that begin now work.
void IkeSas::readdress(Step& st) {
  address_ = next_config_.address;
  st.events.emplace_back(ConfigReceived{next_config_});
  take_over(st);
  std::get<IkeReplaced>(st.events.back()).readdressed = true;
  started_ = st.now;
  attempts_ = 1;
}

void IkeSas::take_over(Step& st) {
  if (!lost_) {
    // Its Quick Modes end there: a message of theirs may be under way.
    old_ = std::move(current_);
    old_->retire();
    old_until_ = st.now + kOldKept;
  } else {
    earlier_retransmissions_ += current_->retransmissions();
  }
  current_ = std::move(next_);
  lost_ = false;
  refused_.reset();
  const bool elsewhere = gateway_ != gateways_.current();
  gateway_ = gateways_.current();
  st.events.emplace_back(IkeReplaced{recovering() || elsewhere});
  ++replaced_;
  established_at_ = st.now;
  replace_at_ = replacement_time(st.now, *current_->expires(), st.rng);
  if (current_->link().peer() != Endpoint{}) st.out.push(SetPeer{current_->link().esp_peer()});
}

void IkeSas::delete_all(Step& st) {
  if (old_) old_->delete_self(st);
  if (next_) next_->delete_self(st);
  if (current_ && !lost_) current_->delete_self(st);
}

bool IkeSas::form_open() const {
  return (current_ && current_->form_open()) || (next_ && next_->form_open());
}

std::uint64_t IkeSas::retransmissions() const {
  std::uint64_t sum = earlier_retransmissions_;
  for (const IkeSa* sa : {current_.get(), next_.get(), old_.get()}) {
    if (sa != nullptr) sum += sa->retransmissions();
  }
  return sum;
}

std::optional<Instant> IkeSas::due() const {
  std::optional<Instant> at;
  if (offline_) return at;
  if (old_) at = earlier(at, earlier(old_->due(), old_until_));
  if (next_) at = earlier(at, next_->due());
  if (current_ && !lost_) at = earlier(at, earlier(current_->due(), current_->expires()));
  if (keep_ && !next_) at = earlier(at, replace_at_);
  if (!form_open()) at = earlier(at, recovery_.until());
  return at;
}

}  // namespace godwit::session
