#include "tests/sim/world.h"

#include <algorithm>
#include <array>

#include "core/net/checksum.h"
#include "core/net/udp_encap.h"

namespace godwit::sim {
namespace {

constexpr Duration kStepMax = 120s;
constexpr int kStepsAtOnceMax = 5000;
constexpr std::size_t kEventsKept = 64;  // of a run that records nothing

IpAddress address(const char* text) { return *IpAddress::parse(text); }

ByteVec octets(const std::string& text) { return {text.begin(), text.end()}; }

session::SessionConfig session_config(const WorldConfig& config,
                                      const session::LocalEndpoints& local) {
  session::SessionConfig out;
  out.profile = config.profile;
  out.credentials.psk = SecretBytes::copy_of(octets(config.psk));
  out.credentials.key = config.signer.key;
  out.credentials.certificates = config.signer.certificates;
  out.credentials.trust = config.signer.trust;
  out.boot_time = config.boot_time;
  out.gateway = address("203.0.113.1");
  if (config.knows_second) out.backups = {{"", kSecondGateway}};
  out.local = local;
  return out;
}

// The gateway's other port, for whatever passes there. Plain ESP has none: 0 stands for it.
std::uint16_t esp_port(const config::Profile& profile) {
  if (profile.natt == config::NatTraversal::kOff) return 0;
  return profile.natt == config::NatTraversal::kCiscoUdp ? profile.cisco_udp_port
                                                         : profile.gateway_natt_port;
}

GatewayConfig gateway_config(const WorldConfig& config) {
  GatewayConfig out = config.gateway;
  // Behind forwarded ports it has its usual ones and a private address.
  out.own = config.gateway_natted ? Endpoint{address("10.99.0.1"), kIkePort}
                                  : Endpoint{address("203.0.113.1"), config.profile.gateway_port};
  if (!config.gateway_natted) out.natt_port = esp_port(config.profile);
  out.record = config.record;
  if (out.identity.data.empty()) out.identity = ike::IdPayload::address(out.own.address);
  return out;
}

}  // namespace

config::Profile default_profile() {
  config::Profile profile;
  profile.name = "office";
  profile.gateway = "203.0.113.1";
  profile.reconnect = 88s;
  profile.local_id = {config::Identity::Type::kFqdn, "laptop.example"};
  profile.ike = {{{256}, crypto::HashAlg::kSha256, crypto::DhGroup::kEcp256}};
  profile.esp = {{crypto::EspCipher::kAesGcm16, 128, std::nullopt},
                 {crypto::EspCipher::kAesCbc, 256, crypto::HashAlg::kSha256}};
  return profile;
}

GatewayConfig default_gateway() {
  GatewayConfig gateway;
  gateway.ike = default_profile().ike;
  gateway.esp = default_profile().esp;
  gateway.pool = *Prefix::parse("10.9.0.0/24");
  gateway.netmask = address("255.255.255.0");
  gateway.dns = {address("10.1.0.53")};
  gateway.split = {*Prefix::parse("10.1.0.0/16")};
  gateway.networks = gateway.split;
  gateway.domain = "office.example";
  gateway.banner = "Welcome";
  return gateway;
}

bool Sent::is_ike() const { return !message().empty(); }

Bytes Sent::message() const& {
  if (flight.to_client) return {};
  const Bytes all(flight.bytes);
  if (all.size() >= ike::kHeaderSize && load_be<std::uint32_t>(all) != 0 &&
      ike::decode_header(all)) {
    return all;
  }
  if (all.size() < ike::kHeaderSize + kNonEspMarker || load_be<std::uint32_t>(all) != 0) return {};
  return all.subspan(kNonEspMarker);
}

World::World(WorldConfig config)
    : faults(config.faults),
      config_(std::move(config)),
      path_rng_(config_.seed * 4 + 1),
      session_rng_(config_.seed * 4 + 2),
      job_rng_(config_.seed * 4 + 3),
      now_(Instant{} + 1000s),
      gateway_(gateway_config(config_), config_.seed * 4) {
  const IpAddress own = address(config_.client_natted ? "192.168.7.20" : "198.51.100.20");
  local_ = {{own, config_.profile.local_port}, {own, config_.profile.local_natt_port}};
  if (config_.client_natted) {
    napt_.emplace(NaptConfig{address("198.51.100.7"), config_.nat_expiry, true}, config_.seed);
  }
  if (config_.second) {
    GatewayConfig second = *config_.second;
    second.own = {kSecondGateway, config_.profile.gateway_port};
    second.natt_port = config_.profile.gateway_natt_port;
    if (second.identity.data.empty()) second.identity = ike::IdPayload::address(kSecondGateway);
    second_.emplace(std::move(second), config_.seed * 4 + 7);
  }
  session_ = std::make_unique<session::Session>(session_config(config_, local_), session_rng_);
}

Endpoint World::gateway_endpoint(bool natt) const {
  return {address("203.0.113.1"), natt ? esp_port(config_.profile) : config_.profile.gateway_port};
}

void World::start() {
  session::Actions out;
  session_->start(now_, out);
  apply(out);
}

bool World::connect(Duration max) {
  start();
  return run_until([this] { return up_ || finished_.has_value(); }, max) && up_;
}

void World::user(session::UserEvent&& event) {
  session::Actions out;
  session_->on_user(std::move(event), now_, out);
  apply(out);
}

void World::inject(session::LocalPort port, const Endpoint& from, Bytes bytes) {
  Flight flight{true, from, port == session::LocalPort::kIke ? local_.ike : local_.natt,
                to_vec(bytes)};
  arrive_at_client(flight);
}

std::optional<Instant> World::next_event() const {
  std::optional<Instant> next;
  if (!events_due_.empty()) next = events_due_.begin()->first;
  if (!asleep_) next = earlier(next, session_->next_deadline());
  if (second_) next = earlier(next, second_->next_deadline());
  return earlier(next, gateway_.next_deadline());
}

void World::run_event(Event event) {
  if (event.kind == Event::Kind::kFlight) return arrive(std::move(event.flight));
  if (asleep_) return held_.push_back(std::move(event));
  session::Actions out;
  if (event.kind == Event::Kind::kJob) {
    session_->on_job(std::move(*event.job), now_, out);
  } else {
    session_->on_user(std::move(event.user), now_, out);
  }
  apply(out);
}

void World::run_session_deadline() {
  pull_facts();
  session::Actions out;
  session_->on_deadline(now_, out);
  last_due_.reset();
  apply(out);
}

bool World::step() {
  const auto next = next_event();
  if (!next) return false;
  steps_at_once_ = *next <= now_ ? steps_at_once_ + 1 : 0;
  if (steps_at_once_ > kStepsAtOnceMax) {
    violate("time stands still");
    return false;
  }
  now_ = std::max(now_, *next);
  if (!events_due_.empty() && events_due_.begin()->first <= now_) {
    auto node = events_due_.extract(events_due_.begin());
    run_event(std::move(node.mapped()));
    return true;
  }
  for (Gateway* gateway : {&gateway_, second_ ? &*second_ : nullptr}) {
    const auto due = gateway != nullptr ? gateway->next_deadline() : std::nullopt;
    if (!due || *due > now_) continue;
    Outbox out;
    gateway->on_deadline(now_, out);
    carry(*gateway, out);
    return true;
  }
  run_session_deadline();
  return true;
}

bool World::run_until(const std::function<bool()>& predicate, Duration max) {
  const Instant end = now_ + max;
  while (!predicate()) {
    const auto next = next_event();
    if (!next || *next > end) {
      now_ = end;
      return false;
    }
    if (!step()) return false;
  }
  return true;
}

void World::run_for(Duration duration) {
  const Instant end = now_ + duration;
  run_until([] { return false; }, duration);
  now_ = std::max(now_, end);
}

std::optional<Flight> World::deliver_to_client() {
  last_arrival_.reset();
  const bool arrived =
      run_until([this] { return last_arrival_ && last_arrival_->to_client; }, kStepMax);
  return arrived ? last_arrival_ : std::nullopt;
}

std::optional<Flight> World::deliver_to_gateway() {
  last_arrival_.reset();
  const bool arrived =
      run_until([this] { return last_arrival_ && !last_arrival_->to_client; }, kStepMax);
  return arrived ? last_arrival_ : std::nullopt;
}

void World::apply(session::Actions& actions) {
  for (session::Action& action : actions.list()) {
    if (finished_) violate("an action after Finished");
    apply_one(action);
  }
  actions.clear();
  after_session();
}

void World::after_session() {
  const auto due = session_->next_deadline();
  // One that had passed before the call, after a sleep, waits for on_deadline.
  if (due && *due < now_ && due != last_due_) violate("next_deadline lies in the past");
  last_due_ = due;
  if (finished_ && due) violate("a finished session has a deadline");
  if (finished_ && !session_->finished()) violate("Finished, but not finished()");
}

void World::apply_one(session::Action& action) {
  if (auto* send = std::get_if<session::SendDatagram>(&action)) {
    const Endpoint from = send->from == session::LocalPort::kIke ? local_.ike : local_.natt;
    fly({false, from, send->to, std::move(send->bytes)});
  } else if (auto* install = std::get_if<session::InstallSa>(&action)) {
    data_path_.install(std::move(*install));
  } else if (auto* use = std::get_if<session::UseSa>(&action)) {
    data_path_.use(*use);
  } else if (auto* remove = std::get_if<session::RemoveSa>(&action)) {
    data_path_.remove(*remove);
    sequences_.erase(remove->outbound.value());
  } else if (auto* peer = std::get_if<session::SetPeer>(&action)) {
    data_path_.set_peer(peer->peer);
  } else if (auto* tunnel = std::get_if<session::ApplyTunnel>(&action)) {
    tunnel_ = tunnel->config;
    data_path_.set_mtu(tunnel->config.mtu);
  } else if (std::holds_alternative<session::RevokeTunnel>(action)) {
    tunnel_.reset();
    up_ = false;
  } else if (auto* form = std::get_if<session::AskUser>(&action)) {
    ask(*form);
  } else if (auto* job = std::get_if<session::StartJob>(&action)) {
    const KeyExchange kind = config_.gateway.key_exchange;
    session::JobDone done{job->id, run_job(kind, std::move(job->job), job_rng_)};
    Event event{Event::Kind::kJob, {}, std::move(done), {}};
    events_due_.emplace(now_ + config_.job_delay, std::move(event));
  } else if (auto* report = std::get_if<session::Report>(&action)) {
    if (std::holds_alternative<session::TunnelUp>(report->event)) up_ = true;
    if (!config_.record && events_.size() >= kEventsKept) events_.erase(events_.begin());
    events_.push_back(report->event);
  } else if (auto* done = std::get_if<session::Finished>(&action)) {
    finished_ = done->reason;
    up_ = false;
    trace_lazily([&] {
      return "client finishes, cause " + std::to_string(static_cast<int>(done->reason.cause));
    });
  }
}

void World::ask(const session::AskUser& form) {
  ++forms_;
  if (config_.record) asked_.push_back(form);
  if (config_.user.kind == User::Kind::kSilent) return;
  session::UserEvent answer = session::UserCannotAnswer{form.form_id};
  if (config_.user.kind == User::Kind::kAnswers) {
    session::UserAnswer given{form.form_id, {}};
    if (config_.user.answers) {
      for (const std::string& value : config_.user.answers(form)) {
        given.values.push_back(SecretBytes::copy_of(octets(value)));
      }
    }
    for (const session::FormField& field : form.fields) {
      if (config_.user.answers) break;
      const bool name = field.kind == session::FormField::Kind::kUserName;
      given.values.push_back(
          SecretBytes::copy_of(octets(name ? config_.user.name : config_.user.password)));
    }
    answer = std::move(given);
  }
  Event event{Event::Kind::kAnswer, {}, std::nullopt, std::move(answer)};
  events_due_.emplace(now_ + config_.user.delay, std::move(event));
}

void World::violate(const std::string& what) {
  trace("VIOLATION: " + what);
  violations_.push_back(what);
}

void World::trace(const std::string& line) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
  trace_.push_back(std::to_string(ms.count() - 1'000'000) + " ms  " + line);
  if (trace_.size() > 400) trace_.pop_front();
}

void World::trace_letters() {
  if (!config_.record) return;
  const auto& letters = gateway_.letters();
  for (; letters_traced_ < letters.size(); ++letters_traced_) {
    trace("    " + letters[letters_traced_].to_string());
  }
}

std::string World::ladder() const {
  std::string text = "seed " + std::to_string(config_.seed) + "\n";
  for (const std::string& line : trace_) text += line + "\n";
  return text;
}

}  // namespace godwit::sim
