#include "core/session/transactions.h"

#include <algorithm>
#include <array>

#include "core/base/limits.h"

namespace godwit::session {
namespace {

using ike::CfgAttr;
using ike::CfgPayload;
using ike::CfgType;
using ike::v1::IsakmpSa;
using ike::v1::Iv;
using ike::v1::ReplyCache;

constexpr int kAttempts = 10;
// The gateway asks by itself, at once; what stands behind its verdict may be slow.
constexpr Duration kFirstRequestPatience = 12s;
constexpr Duration kXauthPatience = 30s;
// Between two times that a gateway asks for the user while the tunnel is up.
constexpr Duration kAskGap = 60s;
constexpr Duration kPushPatience = 20s;
// A gateway that lends an address for moments would be asked all the time.
constexpr Duration kLeaseMin = 60s;
constexpr std::size_t kExchangesMax = 8;
constexpr std::array<ike::Rule, 2> kTransaction = {
    {{ike::PayloadType::kHash, 1, 1}, {ike::PayloadType::kAttributes, 1, 1}}};

// What a request asks for that no answer can be given to.
std::string_view words_of(ike::v1::XauthFault fault) {
  switch (fault) {
    case ike::v1::XauthFault::kUnknownType:
      return "XAuth of an unknown type";
    case ike::v1::XauthFault::kChallenge:
      return "an answer to a challenge without saying of which type";
    case ike::v1::XauthFault::kNoChallenge:
      return "CHAP without a challenge";
    case ike::v1::XauthFault::kNone:
      break;
  }
  return {};
}

}  // namespace

void Transactions::end(Step& st, EndReason reason, bool conclusive) {
  reason.stage = stage_ == Stage::kXauth ? session::Stage::kXauth : session::Stage::kModeConfig;
  request_.stop();
  patience_.reset();
  stage_ = Stage::kDone;
  st.events.emplace_back(IkeEnded{.reason = reason, .conclusive = conclusive});
}

void Transactions::end(Step& st, EndCause cause, bool conclusive) {
  end(st, EndReason{.cause = cause}, conclusive);
}

void Transactions::begin(Settings settings, const IsakmpSa& sa, IkeLink& link, Step& st) {
  settings_ = std::move(settings);
  rounds_ = XauthRounds(settings_.known);
  if (settings_.xauth) {
    stage_ = Stage::kXauth;
    patience_ = st.now + kFirstRequestPatience;
    return;
  }
  begin_config(sa, link, st);
}

void Transactions::begin_config(const IsakmpSa& sa, IkeLink& link, Step& st) {
  patience_.reset();
  if (settings_.mode_config == config::ConfigMode::kOff) {
    stage_ = Stage::kDone;
    st.events.emplace_back(IkeEstablished{});
    return;
  }
  stage_ = Stage::kModeConfig;
  if (settings_.mode_config != config::ConfigMode::kPush) return request_config(sa, link, st);
  patience_ = st.now + kPushPatience;
}

void Transactions::request_config(const IsakmpSa& sa, IkeLink& link, Step& st) {
  request_identifier_ = st.rng.public_number<std::uint16_t>();
  const CfgPayload cfg = ike::v1::mode_config_request(request_identifier_, settings_.wishes);
  Exchange exchange{link.ids.fresh(st.rng), {}};
  exchange.iv = sa.iv_for(exchange.id);
  ike::ChainBuilder chain;
  chain.add(ike::PayloadType::kAttributes, ike::encode_cfg(cfg));
  ByteVec message = sa.seal_hashed(ike::Exchange::kTransaction, exchange.id, chain, exchange.iv);
  remember(exchange);
  link.send(message, st);
  request_.start(std::move(message), st.now, kAttempts, st.rng);
}

// The running IV of an exchange that has begun, or the first one of a new one. A message ID that
// was used up belongs to a replay.
std::optional<Iv> Transactions::iv_of(const IsakmpSa& sa, MessageId id, const IkeLink& link) const {
  for (const Exchange& exchange : exchanges_) {
    if (exchange.id == id) return exchange.iv;
  }
  if (link.ids.seen(id)) return std::nullopt;
  return sa.iv_for(id);
}

void Transactions::remember(const Exchange& exchange) {
  std::erase_if(exchanges_, [&](const Exchange& e) { return e.id == exchange.id; });
  if (exchanges_.size() == kExchangesMax) exchanges_.erase(exchanges_.begin());
  exchanges_.push_back(exchange);
}

bool Transactions::on_message(const IsakmpSa& sa, const ike::Header& header, Bytes message,
                              IkeLink& link, Step& st) {
  const auto iv = iv_of(sa, header.message_id, link);
  if (!iv) return st.refuse(Drop::kBadMessageId);
  const auto opened = sa.open(header, message, *iv);
  if (!opened) return st.refuse(opened.error());
  if (!sa.verify_hash(*opened)) return st.refuse(Drop::kBadHash);
  if (const auto ok = ike::check_rules(opened->payloads, kTransaction); !ok) {
    return st.refuse(ok.error());
  }
  const auto cfg = ike::decode_cfg(opened->payloads.first(ike::PayloadType::kAttributes)->body);
  if (!cfg) return st.refuse(cfg.error());

  // Authentic from here on: the IV moves.
  const auto key = ReplyCache::key_of(message);
  link.replies.handled(key);
  link.ids.insert(header.message_id);
  const Exchange exchange{header.message_id, opened->next_iv};
  remember(exchange);

  on_cfg(sa, exchange, *cfg, key, link, st);
  return true;
}

void Transactions::on_cfg(const IsakmpSa& sa, Exchange exchange, const CfgPayload& cfg,
                          const ReplyCache::Key& key, IkeLink& link, Step& st) {
  switch (cfg.type) {
    case CfgType::kRequest:
      if (ike::v1::is_xauth(cfg)) return on_xauth_request(sa, exchange, cfg, key, link, st);
      // MC-04: a request is always answered, if only with nothing.
      return respond(sa, exchange, ike::v1::mode_config_reply(cfg, settings_.wishes), key, link,
                     st);
    case CfgType::kSet:
      return on_set(sa, exchange, cfg, key, link, st);
    case CfgType::kReply:
      return on_reply(cfg, st);
    default:
      return st.drop(Drop::kUnexpectedMessage);
  }
}

void Transactions::respond(const IsakmpSa& sa, Exchange exchange, const CfgPayload& cfg,
                           const ReplyCache::Key& key, IkeLink& link, Step& st) {
  ike::ChainBuilder chain;
  chain.add(ike::PayloadType::kAttributes, ike::encode_cfg(cfg));
  const ByteVec message =
      sa.seal_hashed(ike::Exchange::kTransaction, exchange.id, chain, exchange.iv);
  for (Exchange& known : exchanges_) {
    if (known.id == exchange.id) known.iv = exchange.iv;
  }
  link.replies.answered(key, message);
  link.send(message, st);
  if (stage_ == Stage::kXauth && cfg.type == CfgType::kAck) status_ack_ = message;
}

// Whether it is time for the gateway to ask: after phase 1, and now and then later (draft 6: the
// user may be asked for at any time), but not as often as it likes.
bool Transactions::may_ask(Step& st) {
  if (!settings_.xauth) return false;
  if (stage_ == Stage::kXauth || asking_) return true;
  if (stage_ == Stage::kModeConfig && unasked_) {  // it was only slow
    request_.stop();
    stage_ = Stage::kXauth;
    return true;
  }
  if (stage_ != Stage::kDone || (asked_at_ && st.now - *asked_at_ < kAskGap)) return false;
  asked_at_ = st.now;
  rounds_ = XauthRounds(settings_.known);
  return true;
}

void Transactions::on_xauth_request(const IsakmpSa& sa, Exchange exchange, const CfgPayload& cfg,
                                    const ReplyCache::Key& key, IkeLink& link, Step& st) {
  if (pending_) return st.drop(Drop::kRateLimited);
  ike::v1::XauthRequest request = ike::v1::read_xauth_request(cfg);
  const bool answerable = request.fault == ike::v1::XauthFault::kNone;
  const bool timely = may_ask(st);
  std::optional<AskUser> form;
  if (timely && answerable) form = rounds_.next(request);
  if (!form) {
    // A gateway that asks although the profile names no user, or asks what we cannot answer, hears
    // so (XA-04) instead of waiting for its time-out.
    respond(sa, exchange, ike::v1::xauth_refusal(request), key, link, st);
    if (stage_ != Stage::kXauth && stage_ != Stage::kModeConfig) return;
    if (timely && answerable) return end(st, EndCause::kUserRejected);
    const std::string_view asked = !answerable       ? words_of(request.fault)
                                   : settings_.xauth ? "the user once more while it owes an address"
                                                     : "a user, and `auth` names none";
    return end(st, EndReason{.cause = EndCause::kInputNeeded, .asked = asked});
  }
  patience_.reset();
  asking_ = true;
  pending_ = Pending{exchange, std::move(request), key};
  form_size_ = form->fields.size();
  if (form->fields.empty()) {
    if (!form->message.empty()) st.report(GatewayMessage{std::move(form->message)});
    return answer(sa, {}, link, st);
  }
  form->form_id = form_id_ = st.fresh_form();
  st.out.push(std::move(*form));
}

void Transactions::answer(const IsakmpSa& sa, std::vector<SecretBytes>&& values, IkeLink& link,
                          Step& st) {
  Pending pending = std::move(*pending_);
  pending_.reset();
  const auto all = rounds_.complete(pending.request, std::move(values));
  CfgPayload reply = ike::v1::xauth_reply(
      pending.request, all, pending.request.chap ? st.rng.public_number<std::uint8_t>() : 0);
  respond(sa, pending.exchange, reply, pending.key, link, st);
  ike::v1::wipe_values(reply);
  if (stage_ == Stage::kXauth) patience_ = st.now + kXauthPatience;
}

void Transactions::cannot_answer(const IsakmpSa& sa, IkeLink& link, Step& st) {
  Pending pending = std::move(*pending_);
  pending_.reset();
  respond(sa, pending.exchange, ike::v1::xauth_refusal(pending.request), pending.key, link, st);
  // Once the tunnel is up it is for the gateway to draw the conclusion.
  if (stage_ != Stage::kXauth) return;
  end(st, rounds_.refused() ? EndCause::kUserRejected : EndCause::kInputNeeded);
}

void Transactions::on_set(const IsakmpSa& sa, Exchange exchange, const CfgPayload& cfg,
                          const ReplyCache::Key& key, IkeLink& link, Step& st) {
  if (const auto accepted = ike::v1::xauth_status(cfg)) {
    return on_status(sa, exchange, cfg, *accepted, key, link, st);
  }
  // MC-14: a gateway may push what we are about to ask for. MC-04: a SET is acknowledged all the
  // same, with the attributes that were taken.
  const bool taken = settings_.mode_config != config::ConfigMode::kPull;
  const CfgPayload none{CfgType::kSet, cfg.identifier, {}};
  respond(sa, exchange, ike::v1::mode_config_ack(taken ? cfg : none), key, link, st);
  if (taken && stage_ == Stage::kModeConfig && ike::v1::offers_address(cfg)) take_config(cfg, st);
}

void Transactions::on_reply(const CfgPayload& cfg, Step& st) {
  if (cfg.identifier != request_identifier_ || !request_.active()) {
    return st.drop(Drop::kUnexpectedMessage);
  }
  if (stage_ == Stage::kModeConfig) return take_config(cfg, st);
  // The address was renewed; another one would end every connection, and is no renewal.
  request_.stop();
  const ike::v1::ModeConfig config = ike::v1::read_mode_config(cfg);
  if (config.address == address_) start_lease(config, st);
}

void Transactions::on_status(const IsakmpSa& sa, Exchange exchange, const CfgPayload& cfg,
                             bool accepted, const ReplyCache::Key& key, IkeLink& link, Step& st) {
  // XA-10: success that nothing led to is not believed.
  const bool led_to = rounds_.answered() || (settings_.user_optional && !pending_);
  if ((stage_ != Stage::kXauth && !asking_) || (accepted && !led_to)) {
    return st.drop(Drop::kUnexpectedMessage);
  }
  respond(sa, exchange, ike::v1::xauth_ack(cfg), key, link, st);  // XA-08: both are acknowledged
  asking_ = false;
  pending_.reset();
  if (std::string message = ike::v1::xauth_message(cfg); !message.empty()) {
    st.report(GatewayMessage{std::move(message)});
  }
  if (!accepted) {
    return end(st, rounds_.answered() ? EndCause::kUserRejected : EndCause::kWeAreRefused);
  }
  st.report(UserAccepted{});
  if (stage_ == Stage::kXauth) begin_config(sa, link, st);
}

void Transactions::take_config(const CfgPayload& cfg, Step& st) {
  request_.stop();
  patience_.reset();
  ike::v1::ModeConfig config = ike::v1::read_mode_config(cfg);
  if (config.address.empty()) return end(st, EndCause::kNoAddress);
  stage_ = Stage::kDone;
  address_ = config.address;
  settings_.wishes.previous = address_;
  start_lease(config, st);
  st.events.emplace_back(ConfigReceived{std::move(config)});
  st.events.emplace_back(IkeEstablished{});
}

void Transactions::start_lease(const ike::v1::ModeConfig& config, Step& st) {
  lease_ = {};
  if (!config.expires_after) return;
  const Duration life = std::max(*config.expires_after, kLeaseMin);
  lease_ = {st.now + life * 4 / 5, st.now + life};
}

// Asked for under this SA, so that no user has to type a code again. An address that could not be
// renewed ends the SA, and the next one asks for it.
void Transactions::lease_deadline(const IsakmpSa& sa, IkeLink& link, Step& st) {
  if (lease_.expires && st.now >= *lease_.expires) {
    lease_ = {};
    return end(st, EndCause::kExpired);
  }
  if (!lease_.renew_at || st.now < *lease_.renew_at) return;
  lease_.renew_at.reset();
  request_config(sa, link, st);
}

void Transactions::on_deadline(const IsakmpSa& sa, IkeLink& link, bool confirmed, Step& st) {
  lease_deadline(sa, link, st);
  if (patience_ && st.now >= *patience_) {
    // A gateway that is to push its configuration has been silent.
    if (stage_ == Stage::kModeConfig) {
      return end(st, confirmed ? EndCause::kNoAddress : EndCause::kNoAnswerAfterFloat, false);
    }
    const bool may_go_on = settings_.user_optional && !asking_;
    if (!may_go_on) return end(st, EndCause::kNoAnswerAfterFloat, false);
    unasked_ = true;
    return begin_config(sa, link, st);
  }
  if (!request_.due() || st.now < *request_.due()) return;
  if (request_.exhausted()) {
    if (stage_ == Stage::kDone) return request_.stop();  // of a renewal: the lease tells the rest
    // A gateway that answered before and is silent now knows no Mode Config.
    return end(st, confirmed ? EndCause::kNoAddress : EndCause::kNoAnswerAfterFloat, false);
  }
  ++retransmissions_;
  repeat_ack(link, st);
  link.send(request_.resend(st.now, st.rng), st);
}

// A gateway whose status was not acknowledged does not listen to requests yet.
void Transactions::repeat_ack(IkeLink& link, Step& st) {
  if (!status_ack_.empty()) link.send(status_ack_, st);
}

std::optional<Instant> Transactions::due() const {
  return earlier(earlier(patience_, request_.due()), earlier(lease_.renew_at, lease_.expires));
}

}  // namespace godwit::session
