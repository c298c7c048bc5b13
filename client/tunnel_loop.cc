#include "client/tunnel_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "client/events.h"
#include "client/routes_report.h"
#include "client/status.h"
#include "client/words.h"
#include "platform/clock.h"
#include "platform/firewall.h"

namespace godwit::client {
namespace {

constexpr std::size_t kMtuMin = 576;

// Whether this machine may be in another network now.
bool moves_networks(const platform::LinkChange& change) {
  using Kind = platform::LinkChange::Kind;
  return change.kind == Kind::kAddressAdded || change.kind == Kind::kAddressRemoved ||
         change.kind == Kind::kLinkRemoved || change.kind == Kind::kOverrun;
}

}  // namespace

TunnelLoop::TunnelLoop(session::SessionConfig config, TunnelParts parts,
                       std::unique_ptr<platform::Engine> engine,
                       std::unique_ptr<PacketPath> packets, std::unique_ptr<Worker> worker,
                       std::unique_ptr<Worker> asker, UserSecrets secrets,
                       std::optional<KeyLog> keylog, Hooks hooks)
    : profile_(config.profile),
      parts_(parts),
      engine_(std::move(engine)),
      packets_(std::move(packets)),
      filler_(
          profile_, std::move(secrets),
          [this](const std::string& text) { asker_->pass_on([this, text] { hooks_.say(text); }); }),
      worker_(std::move(worker)),
      asker_(std::move(asker)),
      keylog_(std::move(keylog)),
      hooks_(std::move(hooks)),
      gateway_{config.gateway, config.profile.gateway_natt_port},
      local_(config.local),
      session_(std::move(config), rng_) {}

session::EndReason TunnelLoop::run() {
  PacketPath::Hooks hooks;
  hooks.ike = [this](Bytes message, const Endpoint& from) {
    session_.on_message(message, session::LocalPort::kNatt, from, now_, actions_);
  };
  hooks.refused = [this](int error) { on_too_big(error); };
  hooks.broken = [this](const platform::SysError& error) {
    hooks_.complain(error.message());
    session_.on_user(session::MachineRefused{}, now_, actions_);
  };
  hooks.rung_left = [this](const platform::SysError& refusal) { on_rung_left(refusal); };
  hooks.news = [] {};  // the traffic is told in every turn
  const Result<void, platform::SysError> nothing;
  const std::array<Result<void, platform::SysError>, 10> added = {
      engine_->add_udp(kIkeSocket, parts_.ike.fd()),
      packets_->start(*engine_, kPackets, std::move(hooks)),
      engine_->watch(kSignals, parts_.signals.fd()),
      engine_->watch(kControl, parts_.control.fd()),
      engine_->watch(kWorker, worker_->fd()),
      engine_->watch(kAsker, asker_->fd()),
      engine_->watch(kLinks, parts_.links.fd()),
      engine_->watch(kNames, parts_.lookup.fd()),
      parts_.bus != nullptr ? engine_->watch(kBus, parts_.bus->fd()) : nothing,
      parts_.resolv_conf != nullptr ? engine_->watch(kResolvConf, parts_.resolv_conf->fd())
                                    : nothing};
  for (const auto& result : added) {
    if (!result) {
      hooks_.complain(result.error().message());
      return {session::EndCause::kCannotApply, session::Stage::kIdle, 0};
    }
  }
  now_ = platform::boot_now();
  session_.start(now_, actions_);
  drain();
  while (!end_) turn();
  // The deletes are queued; one more turn lets them leave.
  (void)engine_->turn(platform::boot_now(), *this);
  parts_.cancel.notify();
  packets_->remove_tun();
  return *end_;
}

void TunnelLoop::turn() {
  const auto turned = engine_->turn(deadline(), *this);
  now_ = platform::boot_now();
  if (!turned) {
    hooks_.complain(turned.error().message());
    session_.on_user(session::MachineRefused{}, now_, actions_);
  }
  tell_traffic();
  const auto due = session_.next_deadline();
  if (due && now_ >= *due) session_.on_deadline(now_, actions_);
  const auto control_due = parts_.control.next_deadline();
  if (control_due && now_ >= *control_due) {
    parts_.control.turn(now_, [this](const auto& request) { return answer(request); });
  }
  if (portal_until_ && now_ >= *portal_until_) end_portal();
  if (names_due_ && now_ >= *names_due_) keep_names();
  drain();
  beat_due_ = hooks_.beat(now_);
}

std::optional<Instant> TunnelLoop::deadline() const {
  return earlier(earlier(session_.next_deadline(), parts_.control.next_deadline()),
                 earlier(names_due_, earlier(beat_due_, portal_until_)));
}

void TunnelLoop::tell_traffic() {
  if (was_up_) session_.on_traffic(packets_->facts(), now_, actions_);
}

void TunnelLoop::on_udp(std::uint32_t socket, std::span<platform::Datagram> datagrams) {
  now_ = platform::boot_now();
  if (socket != kIkeSocket) {
    packets_->on_udp(socket, datagrams);
  } else {
    for (const platform::Datagram& datagram : datagrams) {
      session_.on_message(datagram.buffer.packet(), session::LocalPort::kIke, datagram.from, now_,
                          actions_);
    }
  }
  drain();
}

void TunnelLoop::on_readable(std::uint32_t id) {
  now_ = platform::boot_now();
  switch (id) {
    case kSignals:
      while (const auto signal = parts_.signals.read()) on_signal(*signal);
      break;
    case kControl:
      parts_.control.turn(now_, [this](const auto& request) { return answer(request); });
      break;
    case kWorker:
      worker_->run_completions();
      break;
    case kAsker:
      asker_->run_completions();
      break;
    case kLinks:
      look_at_network();
      break;
    case kPackets:
      packets_->run_letters();
      break;
    case kBus:
      read_bus();
      break;
    case kNames:
      if (auto names = parts_.lookup.take()) session_.on_names(std::move(*names), now_, actions_);
      break;
    case kResolvConf:
      // Somebody who does the same as we would make this go round: once in a second, then.
      if (parts_.resolv_conf->was_written()) names_due_ = std::max(now_, names_told_ + 1s);
      break;
    default:
      break;
  }
  drain();
}

void TunnelLoop::on_signal(int signal) {
  // A terminal that closes takes nothing with it once the tunnel is in the background.
  if (signal == SIGHUP && told_up_) return;
  if (signal != SIGINT && signal != SIGTERM && signal != SIGHUP) return;
  if (!closing_) signalled_ = true;
  closing_ = true;
  parts_.cancel.notify();
  session_.on_user(session::UserDisconnects{}, now_, actions_);
}

// A script may have taken its time to make the network. Who pressed Ctrl-C meanwhile is not told
// that there is a tunnel.
bool TunnelLoop::is_still_wanted() {
  while (const auto signal = parts_.signals.read()) on_signal(*signal);
  return !closing_;
}

// Whatever changed, one question matters: would our datagrams leave from another address now?
void TunnelLoop::look_at_network() {
  const auto changes = parts_.links.read();
  if (changes && changes->empty()) return;
  if (applied_ && !portal_until_ && (!changes || std::ranges::any_of(*changes, moves_networks))) {
    const auto followed = parts_.machine.follow_surroundings(*applied_);
    if (!followed) hooks_.say(followed.error().message());
  }
  look_for_source();
}

void TunnelLoop::look_for_source() {
  const auto source = platform::source_address_for(gateway_.address, parts_.fwmark);
  if (!source) {
    offline_ = was_up_;
    if (offline_) session_.on_offline(now_, actions_);
    return;
  }
  if (!offline_ && *source == local_.natt.address) {
    // Another tunnel went, and left its resolv.conf or put back the one that it had found.
    if (parts_.machine.names_are_replaced()) reassert_names();
    return;
  }
  offline_ = false;
  local_.ike.address = local_.natt.address = *source;
  if (hooks_.moved) hooks_.moved();
  // What the old path could not carry the new one may.
  if (mtu_ != 0 && mtu_ < full_mtu_) set_mtu(full_mtu_);
  session_.on_network(local_, now_, actions_);
  reassert_names();  // what brings a network may have written a resolv.conf of its own
}

void TunnelLoop::read_bus() {
  const auto news = parts_.bus->read();
  if (!news) return engine_->unwatch(kBus);
  if (news->woke_up) look_for_source();
  if (news->woke_up || news->resolver_started) reassert_names();
}

void TunnelLoop::reassert_names() {
  if (!applied_ || portal_until_) return;
  const auto told = parts_.machine.reassert_names(*applied_);
  if (!told) hooks_.say(told.error().message());
}

// A DHCP client or NetworkManager wrote a resolv.conf in the place of ours.
void TunnelLoop::keep_names() {
  names_due_.reset();
  if (!parts_.machine.names_are_replaced()) return;
  names_told_ = now_;
  reassert_names();
}

void TunnelLoop::on_send_error(std::uint32_t socket, int error, std::size_t /*size*/) {
  packets_->on_send_error(socket, error);
}

void TunnelLoop::on_rung_left(const platform::SysError& refusal) {
  hooks_.say(fmt::format("the system refuses to {}: slower from now on", refusal.message()));
}

// The path refused a datagram of ESP. What the kernel knows of the path bounds the inner packets
// from now on; those too big are answered with an ICMP error of ours.
void TunnelLoop::on_too_big(int error) {
  if (error != EMSGSIZE || mtu_ == 0) return;
  const auto path = platform::path_mtu_to(gateway_.address, parts_.fwmark);
  if (!path || *path <= 0) return;
  const std::size_t fits =
      packets_->inner_max(static_cast<std::size_t>(*path), gateway_.address.is_v6());
  const std::size_t inner = std::max(fits, kMtuMin);
  if (inner < mtu_) set_mtu(inner);
}

// On a device below 1280 there is no IPv6, and its addresses would go. What does not fit is dropped
// by the data path, and TCP sends segments that do.
void TunnelLoop::set_mtu(std::size_t inner) {
  packets_->set_mtu(inner);
  mtu_ = has_ipv6_ ? std::max(inner, limits::kIpv6MtuMin) : inner;
  if (const auto set = parts_.machine.set_mtu(mtu_); !set) hooks_.complain(set.error().message());
}

void TunnelLoop::drain() {
  // Carrying one action out may append others.
  while (!actions_.empty()) {
    std::vector<session::Action> taken;
    taken.swap(actions_.list());
    for (session::Action& action : taken) carry_out(std::move(action));
  }
}

void TunnelLoop::carry_out(session::Action&& action) {
  using namespace session;
  if (auto* send = std::get_if<SendDatagram>(&action)) {
    engine_->send_copy(send->from == LocalPort::kIke ? kIkeSocket : kNattSocket, send->bytes,
                       send->to);
  } else if (auto* install = std::get_if<InstallSa>(&action)) {
    if (keylog_ && !keylog_->add(*install)) hooks_.complain("the key log cannot be written");
    packets_->install(std::move(*install));
  } else if (const auto* use = std::get_if<UseSa>(&action)) {
    packets_->use(*use);
  } else if (const auto* remove = std::get_if<RemoveSa>(&action)) {
    packets_->remove(*remove);
  } else if (const auto* peer = std::get_if<SetPeer>(&action)) {
    gateway_ = peer->peer;
    packets_->set_peer(peer->peer);
  } else if (const auto* chosen = std::get_if<SetGateway>(&action)) {
    gateway_.address = chosen->gateway;
    look_for_source();
  } else if (const auto* tunnel = std::get_if<ApplyTunnel>(&action)) {
    apply(tunnel->config);
  } else if (std::holds_alternative<RevokeTunnel>(action)) {
    packets_->remove_tun();
  } else if (auto* form = std::get_if<AskUser>(&action)) {
    ask(std::move(*form));
  } else if (auto* job = std::get_if<StartJob>(&action)) {
    auto shared = std::make_shared<StartJob>(std::move(*job));
    worker_->post([this, shared]() -> Worker::Completion {
      platform::SystemRng rng;
      auto done = std::make_shared<JobDone>(run_job(std::move(*shared), rng));
      return [this, done] { session_.on_job(std::move(*done), now_, actions_); };
    });
  } else if (const auto* report = std::get_if<Report>(&action)) {
    if (std::holds_alternative<TunnelUp>(report->event) && !is_still_wanted()) return;
    hooks_.report(report->event);
    parts_.control.publish(event_line(profile_.name, report->event));
    // Each attempt to find a gateway that a tunnel lost: its address may have been for a day.
    if (was_up_ && std::holds_alternative<Phase1Started>(report->event)) {
      parts_.lookup.begin(profile_);
    }
    if (std::holds_alternative<TunnelUp>(report->event) && portal_until_) end_portal();
    if (std::holds_alternative<TunnelUp>(report->event) && was_up_) {
      told_up_ = true;
      hooks_.up();
    }
  } else if (const auto* key = std::get_if<LogIkeKey>(&action)) {
    if (keylog_ && !keylog_->add(*key)) hooks_.complain("the key log cannot be written");
  } else if (const auto* finished = std::get_if<Finished>(&action)) {
    end_ = finished->reason;
  }
}

void TunnelLoop::apply(const session::TunnelConfig& config) {
  mtu_ = full_mtu_ = config.mtu;
  has_ipv6_ =
      std::ranges::any_of(config.addresses, [](const Prefix& p) { return p.address().is_v6(); });
  packets_->set_mtu(config.mtu);
  if (portal_until_) (void)platform::open_portal(platform::firewall_table(profile_.name), 0s);
  portal_until_.reset();
  auto applied = parts_.machine.apply(config);
  if (applied && !was_up_) applied = packets_->add_tun();
  if (!applied) {
    hooks_.complain(applied.error().message());
    session_.on_user(session::MachineRefused{}, now_, actions_);
    return;
  }
  applied_ = config;
  was_up_ = true;
}

void TunnelLoop::ask(session::AskUser&& form) {
  asker_->post([this, form = std::move(form)]() -> Worker::Completion {
    auto answers =
        std::make_shared<Result<FilledForm, Failure>>(filler_.fill(form, parts_.cancel.fd()));
    return [this, form, answers] { on_answers(form, std::move(*answers)); };
  });
}

void TunnelLoop::on_answers(const session::AskUser& form, Result<FilledForm, Failure>&& answers) {
  if (!answers) {
    // Before the tunnel is up the failure is the reason why it ends.
    if (was_up_ && !closing_) {
      hooks_.say(fmt::format("{}; {}", answers.error().what, answers.error().remedy));
    }
    unanswered_ = std::move(answers.error());
    return session_.on_user(session::UserCannotAnswer{form.form_id}, now_, actions_);
  }
  if (!answers->message_shown && !form.message.empty()) {
    hooks_.report(session::GatewayMessage{form.message});
  }
  unanswered_.reset();
  session_.on_user(session::UserAnswer{form.form_id, std::move(answers->values)}, now_, actions_);
}

std::string TunnelLoop::answer(const ControlRequest& request) {
  const ControlOp op = request.op;
  if (op == ControlOp::kPortal) return open_portal(request.span);
  if (op == ControlOp::kRoutes) {
    return routes_json({profile_, parts_.machine.routes(), parts_.tun.name(), applied_.has_value(),
                        portal_until_.has_value()})
        .dump();
  }
  if (op == ControlOp::kEvents) return first_line(profile_.name, slug(session_.status(now_).stage));
  if (op == ControlOp::kDisconnect) {
    closing_ = true;
    parts_.cancel.notify();
    session_.on_user(session::UserDisconnects{}, now_, actions_);
    return R"({"result":"disconnecting"})";
  }
  Counters drops = session_.counters();
  const PacketPath::Statistics packets = packets_->statistics();
  drops.add(packets.drops);
  const session::Status status = session_.status(now_);
  const session::TrafficFacts traffic = packets_->facts();
  return status_json({.profile = profile_,
                      .session = status,
                      .traffic = traffic,
                      .drops = drops,
                      .packets = packets,
                      .device = parts_.tun.name(),
                      .resolver = platform::name_of(parts_.machine.resolver()),
                      .hardening = parts_.hardening})
      .dump();
}

}  // namespace godwit::client
