#include "core/session/session.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/session/child_plan.h"
#include "core/session/child_sas.h"
#include "core/session/identities.h"
#include "core/session/ike_sas.h"
#include "core/session/ike_settings.h"
#include "core/session/keepalive.h"
#include "core/session/tunnel_config.h"

namespace godwit::session {
namespace {

// protocol.md ISK-22: a connect attempt ends within 90 s, time that the user takes excluded.
constexpr Duration kConnectTime = 88s;
constexpr Duration kSleptTime = 5s;
constexpr int kQuickRoundsMax = 3;

}  // namespace

class Session::Impl {
 public:
  Impl(SessionConfig config, Rng& rng)
      : config_(std::move(config)),
        identity_address_(config_.local.ike.address),
        rng_(rng),
        gateways_({config_.profile.gateway, config_.gateway}, std::move(config_.backups),
                  config_.profile.learn_gateways),
        ike_([this] { return ike_settings(config_, identity_address_, gateways_); }, gateways_,
             config_.profile.reconnect),
        keepalive_(config_.profile) {}

  void start(Instant now, Actions& out) {
    run(now, out, [&](Step& st) {
      connect_deadline_ = now + kConnectTime;
      ike_.start(st);
    });
  }

  void on_message(Bytes message, LocalPort port, const Endpoint& from, Instant now, Actions& out) {
    run(now, out, [&](Step& st) {
      const auto header = ike::decode_header(message);
      if (!header) return st.drop(header.error());
      if (finished_) return st.drop(Drop::kUnknownCookies);
      ike_.on_message(*header, message, port, from, children_.policies(), st);
    });
  }

  void on_deadline(Instant now, Actions& out) {
    run(now, out, [&](Step& st) {
      if (finished_) return;
      // Nothing but sleep makes us so late.
      if (const auto due = next_deadline(); due && now - *due > kSleptTime) {
        if (!up_since_) connect_deadline_ = now + kConnectTime;
        ike_.on_resume(now - *due, st);
      }
      ike_.on_deadline(st);
      handle_events(st);
      if (finished_) return;
      if (connect_deadline_ && now >= *connect_deadline_) return connect_timed_out(st);
      if (up_since_) children_deadline(st);
      if (!finished_ && keepalive_due()) keepalive_.on_deadline(ike_.current(), up_since_, st);
    });
  }

  void on_user(UserEvent&& event, Instant now, Actions& out) {
    run(now, out, [&](Step& st) {
      if (finished_) return st.drop(Drop::kNotReady);
      if (std::holds_alternative<UserDisconnects>(event)) {
        return finish({EndCause::kUserRequest, stage(), 0}, st);
      }
      if (std::holds_alternative<MachineRefused>(event)) {
        return finish({EndCause::kCannotApply, stage(), 0}, st);
      }
      if (!ike_.started()) return st.drop(Drop::kNotReady);
      if (auto* answer = std::get_if<UserAnswer>(&event)) {
        ike_.answer(answer->form_id, std::move(answer->values), st);
      } else {
        ike_.cannot_answer(std::get<UserCannotAnswer>(event).form_id, st);
      }
    });
  }

  void on_job(JobDone&& done, Instant now, Actions& out) {
    run(now, out, [&](Step& st) {
      if (finished_) return st.drop(Drop::kNotReady);
      ike_.on_job(done, st);
    });
  }

  void on_network(const LocalEndpoints& local, Instant now, Actions& out) {
    run(now, out, [&](Step& st) {
      config_.local = local;
      if (finished_) return;
      if (!up_since_) connect_deadline_ = now + kConnectTime;
      if (std::exchange(offline_, false)) st.report(NetworkBack{});
      children_.moved();
      keepalive_.moved(true);
      ike_.on_network(local, st);
    });
  }

  void on_offline(Instant now, Actions& out) {
    run(now, out, [&](Step& st) {
      if (finished_ || !up_since_ || std::exchange(offline_, true)) return;
      ike_.on_offline();
      st.report(NetworkGone{});
    });
  }

  void on_names(GatewayNames&& names, Instant now, Actions& out) {
    run(now, out, [&](Step& st) {
      if (gateways_.renew(std::move(names)) && !finished_) ike_.on_renamed(st);
    });
  }

  void on_traffic(const TrafficFacts& facts, Instant now, Actions& out) {
    run(now, out, [&](Step& st) {
      if (finished_) return;
      ike_.on_traffic(facts.last_inbound, facts.last_outbound);
      children_.on_traffic(facts, st);
      if (facts.last_outbound) keepalive_.sent(*facts.last_outbound);
      if (facts.heard_from && facts.heard_from != last_heard_from_) {
        last_heard_from_ = facts.heard_from;
        ike_.follow(*facts.heard_from, st);
      }
    });
  }

  std::optional<Instant> next_deadline() const {
    if (finished_) return std::nullopt;
    std::optional<Instant> at = earlier(ike_.due(), connect_deadline_);
    if (up_since_) at = earlier(at, children_.next_deadline());
    return earlier(at, keepalive_due());
  }

  bool finished() const { return finished_; }
  const Counters& counters() const { return counters_; }
  Status status(Instant now) const;

 private:
  template <class F>
  void run(Instant now, Actions& out, F body) {
    const std::size_t first = out.list().size();
    Step st{now, rng_, counters_, out, last_job_, events_};
    body(st);
    handle_events(st);
    out.install_first(first);
    // A form stops the clock of the connect attempt: people type slowly.
    if (ike_.form_open() && connect_deadline_) {
      connect_left_ = *connect_deadline_ - now;
      connect_deadline_.reset();
    } else if (connecting() && !ike_.form_open() && !connect_deadline_) {
      connect_deadline_ = now + connect_left_;
    }
    ike_.set_up(up_since_.has_value());
    for (std::size_t i = first; i < out.list().size(); ++i) {
      const auto* send = std::get_if<SendDatagram>(&out.list()[i]);
      if (send != nullptr && send->from == LocalPort::kNatt) keepalive_.sent(now);
    }
  }

  bool connecting() const { return ike_.started() && !up_since_ && !finished_; }

  Stage stage() const {
    if (up_since_) return Stage::kUp;
    return ike_.started() ? ike_.current().stage() : Stage::kIdle;
  }

  void handle_events(Step& st);
  void handle(IkeEvent&& event, Step& st);
  ike::v1::ChildPolicy policy_for(const Prefix& network) const;
  void negotiate_current(Step& st);
  void advance(Step& st);
  void on_established(Step& st);
  void on_child(ChildNegotiated&& child, Step& st);
  void on_ike_ended(const IkeEnded& ended, Step& st);
  void on_child_failed(const ChildFailed& failed, Step& st);
  void bring_up(Step& st);
  void readdress(Step& st);
  void children_deadline(Step& st);
  void connect_timed_out(Step& st);
  std::optional<Instant> keepalive_due() const;
  void finish(EndReason reason, Step& st);

  SessionConfig config_;
  // Who is known by his address stays the same in another network: the gateway gives the inner
  // address to whom it knows.
  IpAddress identity_address_;
  Rng& rng_;
  Counters counters_;
  JobId last_job_;
  std::vector<IkeEvent> events_;

  Gateways gateways_;
  IkeSas ike_;
  ChildSas children_;
  Keepalive keepalive_;
  ike::v1::ModeConfig mode_config_;
  ChildPlan plan_;
  // Agreed on, and then asked for the other way. Deleted when the tunnel is up: right behind
  // message 3 of its Quick Mode, strongSwan takes a Delete for an error.
  std::vector<EspSpi> forgotten_;
  std::optional<TunnelConfig> tunnel_;  // what is applied

  std::optional<Instant> connect_deadline_;
  Duration connect_left_{};  // while a form is open
  std::optional<Instant> up_since_;
  bool offline_ = false;  // a tunnel that is up waits for a network
  int quick_rounds_ = 0;  // Quick Modes of this attempt that nobody answered
  std::optional<Endpoint> last_heard_from_;
  bool told_unheard_ = false;
  bool finished_ = false;
};

void Session::Impl::handle_events(Step& st) {
  // A handled event may raise others: the list is taken whole until it stays empty.
  while (!events_.empty()) {
    std::vector<IkeEvent> taken;
    taken.swap(events_);
    for (IkeEvent& event : taken) {
      if (!finished_) handle(std::move(event), st);
    }
  }
  // The gateway dropped phase 1 and the ESP SAs with it: it means to close.
  if (!finished_ && up_since_ && ike_.lost() && !ike_.recovering() &&
      children_.inbound_spis().empty()) {
    on_ike_ended(IkeEnded{.reason = *ike_.last_end()}, st);
  }
}

void Session::Impl::handle(IkeEvent&& event, Step& st) {
  if (auto* config = std::get_if<ConfigReceived>(&event)) {
    mode_config_ = std::move(config->config);
    // What routes outside already, to us or to the gateway, cannot be an inner address.
    if (mode_config_.address.holds(config_.local.natt.address) ||
        mode_config_.address.holds(gateways_.current())) {
      return finish({EndCause::kNoAddress, Stage::kModeConfig, 0}, st);
    }
    // MC-15: a gateway does not choose the port alone.
    const config::Profile& profile = config_.profile;
    if (profile.natt == config::NatTraversal::kCiscoUdp &&
        mode_config_.udp_port.value_or(profile.cisco_udp_port) != profile.cisco_udp_port) {
      return finish(
          {EndCause::kEncapsulationPort, Stage::kModeConfig, 0, {}, *mode_config_.udp_port}, st);
    }
    if (!mode_config_.banner.empty()) st.report(GatewayMessage{mode_config_.banner});
  } else if (std::holds_alternative<IkeEstablished>(event)) {
    on_established(st);
  } else if (auto* child = std::get_if<ChildNegotiated>(&event)) {
    on_child(std::move(*child), st);
  } else if (const auto* confirmed = std::get_if<ChildConfirmed>(&event)) {
    children_.confirmed(confirmed->inbound, st);
  } else if (const auto* failed = std::get_if<ChildFailed>(&event)) {
    on_child_failed(*failed, st);
  } else if (const auto* deleted = std::get_if<ChildrenDeleted>(&event)) {
    children_.deleted(deleted->outbound, st);
  } else if (const auto* ended = std::get_if<IkeEnded>(&event)) {
    on_ike_ended(*ended, st);
  } else if (const auto* replaced = std::get_if<IkeReplaced>(&event)) {
    keepalive_.moved(false);
    if (replaced->readdressed) return readdress(st);
    for (const Prefix& network : plan_.networks()) children_.update(policy_for(network));
    if (replaced->renew) children_.renew(st.now);
  }
}

ike::v1::ChildPolicy Session::Impl::policy_for(const Prefix& network) const {
  return child_policy(config_.profile, mode_config_, network, ike_.current().phase1());
}

void Session::Impl::on_established(Step& st) {
  if (!up_since_) {  // of an attempt that came to nothing
    children_.clear(st);
    forgotten_.clear();
  }
  quick_rounds_ = 0;
  // Without Mode Config the laptop's own address is what it speaks for, wherever it goes later.
  if (mode_config_.address.empty()) {
    mode_config_.address =
        ike::v1::InnerAddresses::of(config_.profile.address.value_or(config_.local.natt.address));
  }
  plan_ = ChildPlan(config_.profile, mode_config_, gateways_.current(),
                    ike_.current().phase1().vendors().unity);
  // With L2TP PPP assigns an address, later.
  if (!config_.profile.l2tp) st.report(assigned(mode_config_));
  // The profile names networks of the other family alone.
  if (plan_.empty()) return finish({EndCause::kNoAddress, Stage::kModeConfig, 0}, st);
  st.out.push(SetPeer{ike_.current().link().esp_peer()});
  negotiate_current(st);
}

void Session::Impl::negotiate_current(Step& st) {
  for (const Prefix& network : plan_.current()) {
    children_.want(policy_for(network));
    ike_.negotiate(policy_for(network), st);
  }
}

// Once every Quick Mode of the connect has had its answer: what comes next?
void Session::Impl::advance(Step& st) {
  if (up_since_ || ike_.negotiating()) return;
  if (plan_.is_refused()) {
    const auto gone = children_.forget(plan_.current(), st);
    forgotten_.insert(forgotten_.end(), gone.begin(), gone.end());
    if (plan_.try_other_way()) return negotiate_current(st);
    const EndReason reason = plan_.reason();
    if (!plan_.leave_out()) return finish(reason, st);
    st.report(FamilyRefused{true, reason});
  }
  if (plan_.next_family()) return negotiate_current(st);
  if (children_.complete()) bring_up(st);
}

void Session::Impl::on_child(ChildNegotiated&& child, Step& st) {
  children_.install(std::move(child.sas), child.by_gateway, st);
  ike_.recovered();
  advance(st);
}

void Session::Impl::on_child_failed(const ChildFailed& failed, Step& st) {
  if (up_since_) return children_.failed(failed.remote, st);
  const EndReason reason{failed.cause, Stage::kQuickMode, failed.notify};
  if (failed.cause != EndCause::kNoAnswerAfterFloat) {
    plan_.refused(reason);
    return advance(st);
  }
  // Nothing repeats a refusal that was lost (RFC 2408 5.7): another Quick Mode provokes another.
  const auto& networks = plan_.current();
  if (std::ranges::find(networks, failed.remote) != networks.end() &&
      ++quick_rounds_ < kQuickRoundsMax) {
    return ike_.negotiate(policy_for(failed.remote), st);
  }
  if (!ike_.retry(reason, st)) finish(reason, st);
}

void Session::Impl::bring_up(Step& st) {
  const auto current = children_.current();
  CHECK(current);
  const bool again = tunnel_.has_value();
  tunnel_ = tunnel_config(config_.profile, mode_config_, children_.agreed(), gateways_.current(),
                          current->suite);
  up_since_ = st.now;
  gateways_.settled();
  connect_deadline_.reset();
  for (const EspSpi inbound : forgotten_) ike_.delete_child(inbound, st);
  st.out.push(ApplyTunnel{*tunnel_});
  if (!again) st.report(TunnelUp{});
}

// As after a connect, but that the machine stays as it is until it is told of the new address.
void Session::Impl::readdress(Step& st) {
  up_since_.reset();
  connect_deadline_ = st.now + kConnectTime;
  st.report(AddressChanged{});
  on_established(st);
}

void Session::Impl::on_ike_ended(const IkeEnded& ended, Step& st) {
  EndReason reason = ended.reason;
  if (up_since_) reason.stage = Stage::kUp;
  finish(reason, st);
}

void Session::Impl::connect_timed_out(Step& st) {
  EndReason reason{EndCause::kNoAnswer, stage(), 0};
  if (ike_.current().link().floated()) reason.cause = EndCause::kNoAnswerAfterFloat;
  if (ike_.last_end()) reason = *ike_.last_end();
  finish(reason, st);
}

void Session::Impl::children_deadline(Step& st) {
  const auto due = children_.on_deadline(
      [&](const Prefix& remote) { return !ike_.usable() || ike_.negotiating(remote); }, st);
  const bool plain = config_.profile.natt == config::NatTraversal::kOff;
  if (plain && children_.unheard() && !told_unheard_) {
    told_unheard_ = true;
    st.report(NothingArrives{});
  }
  for (const EspSpi inbound : due.retired) ike_.delete_child(inbound, st);
  // A laptop that slept longer than its SAs live connects anew.
  if (due.expired && !ike_.recovering()) ike_.recover({EndCause::kExpired, Stage::kUp, 0}, st);
  for (const auto& policy : due.negotiate) ike_.negotiate(policy, st);
}

std::optional<Instant> Session::Impl::keepalive_due() const {
  if (offline_ || !ike_.established()) return std::nullopt;
  return keepalive_.due(ike_.current(), up_since_);
}

void Session::Impl::finish(EndReason reason, Step& st) {
  if (finished_) return;
  finished_ = true;
  connect_deadline_.reset();
  if (ike_.started() && reason.cause != EndCause::kGatewayClosed) {
    for (const EspSpi inbound : children_.inbound_spis()) ike_.delete_child(inbound, st);
    ike_.delete_all(st);
  }
  children_.clear(st);
  if (tunnel_) st.out.push(RevokeTunnel{});
  st.out.push(Finished{reason});
  config_.credentials = Credentials{};
}

Status Session::Impl::status(Instant now) const {
  Status out;
  out.stage = finished_ ? Stage::kClosing : stage();
  if (!ike_.started()) return out;
  const ike::v1::Phase1& phase1 = ike_.current().phase1();
  out.aggressive = phase1.aggressive();
  out.local = ike_.current().link().own();
  out.gateway = ike_.current().link().peer();
  out.gateway_origin = gateways_.origin();
  out.redirects = gateways_.redirects();
  out.floated = ike_.current().link().floated();
  out.nat = {phase1.nat().we_are_behind, phase1.nat().peer_is_behind, phase1.nat().forced};
  out.natt = natt_version(phase1.vendors().natt);
  out.offline = offline_;
  out.recovering = ike_.recovering();
  if (const auto maker = phase1.vendors().maker) out.maker = ike::name(*maker);
  out.quirks = names_of(phase1.quirks());
  out.gateway_identity = ike_.current().peer_name();
  describe(mode_config_, out);
  if (ike_.established()) {
    if (const auto at = ike_.current().address_expires()) out.address_expires_in = *at - now;
    out.ike = phase1.choice().suite;
    out.ike_expires_in = *ike_.current().expires() - now;
    out.heard_ago = now - ike_.current().last_heard();
  }
  if (const auto current = children_.current()) {
    out.esp = current->suite;
    out.inbound = current->inbound;
    out.outbound = current->outbound;
    out.esp_rekey_in = current->rekey_at - now;
    out.esp_rekey_after = current->octets_left;
  }
  if (tunnel_) {
    out.addresses = tunnel_->addresses;
    out.networks = tunnel_->routes;
    out.excluded = tunnel_->excluded;
    out.dns = tunnel_->dns;
    out.search_domains = tunnel_->search_domains;
    out.mtu = tunnel_->mtu;
  }
  if (up_since_) out.up_for = now - *up_since_;
  out.keepalives_sent = keepalive_.count();
  out.rekeys = children_.rekeys();
  out.retransmissions = ike_.retransmissions();
  return out;
}

Session::Session(SessionConfig config, Rng& rng)
    : impl_(std::make_unique<Impl>(std::move(config), rng)) {}
Session::~Session() = default;

void Session::start(Instant now, Actions& out) { impl_->start(now, out); }
void Session::on_message(Bytes message, LocalPort port, const Endpoint& from, Instant now,
                         Actions& out) {
  impl_->on_message(message, port, from, now, out);
}
void Session::on_deadline(Instant now, Actions& out) { impl_->on_deadline(now, out); }
void Session::on_user(UserEvent&& event, Instant now, Actions& out) {
  impl_->on_user(std::move(event), now, out);
}
void Session::on_network(const LocalEndpoints& local, Instant now, Actions& out) {
  impl_->on_network(local, now, out);
}
void Session::on_offline(Instant now, Actions& out) { impl_->on_offline(now, out); }
void Session::on_names(GatewayNames&& names, Instant now, Actions& out) {
  impl_->on_names(std::move(names), now, out);
}
void Session::on_job(JobDone&& done, Instant now, Actions& out) {
  impl_->on_job(std::move(done), now, out);
}
void Session::on_traffic(const TrafficFacts& facts, Instant now, Actions& out) {
  impl_->on_traffic(facts, now, out);
}
std::optional<Instant> Session::next_deadline() const { return impl_->next_deadline(); }
bool Session::finished() const { return impl_->finished(); }
Status Session::status(Instant now) const { return impl_->status(now); }
const Counters& Session::counters() const { return impl_->counters(); }

}  // namespace godwit::session
