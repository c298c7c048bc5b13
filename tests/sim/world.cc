#include "tests/sim/world.h"

#include <algorithm>
#include <array>

#include "core/net/checksum.h"
#include "core/net/udp_encap.h"

namespace godwit::sim {
namespace {

constexpr Duration kStepMax = 120s;
constexpr int kStepsAtOnceMax = 5000;

IpAddress address(const char* text) { return *IpAddress::parse(text); }

ByteVec octets(const std::string& text) { return {text.begin(), text.end()}; }

session::SessionConfig session_config(const WorldConfig& config,
                                      const session::LocalEndpoints& local) {
  session::SessionConfig out;
  out.profile = config.profile;
  out.psk = SecretBytes::copy_of(octets(config.psk));
  out.gateway = address("203.0.113.1");
  out.local = local;
  return out;
}

GatewayConfig gateway_config(const WorldConfig& config) {
  GatewayConfig out = config.gateway;
  // Behind forwarded ports it has its usual ones and a private address.
  out.own = config.gateway_natted ? Endpoint{address("10.99.0.1"), kIkePort}
                                  : Endpoint{address("203.0.113.1"), config.profile.gateway_port};
  if (!config.gateway_natted) out.natt_port = config.profile.gateway_natt_port;
  if (out.identity.data.empty()) out.identity = ike::IdPayload::address(out.own.address);
  return out;
}

}  // namespace

config::Profile default_profile() {
  config::Profile profile;
  profile.name = "office";
  profile.gateway = "203.0.113.1";
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

Bytes Sent::message() const {
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
  session_ = std::make_unique<session::Session>(session_config(config_, local_), session_rng_);
}

Endpoint World::gateway_endpoint(bool natt) const {
  return {address("203.0.113.1"),
          natt ? config_.profile.gateway_natt_port : config_.profile.gateway_port};
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

bool World::step() {
  std::optional<Instant> next;
  if (!events_due_.empty()) next = events_due_.begin()->first;
  const auto session_due = session_->next_deadline();
  const auto gateway_due = gateway_.next_deadline();
  next = earlier(earlier(next, session_due), gateway_due);
  if (!next) return false;
  steps_at_once_ = *next <= now_ ? steps_at_once_ + 1 : 0;
  if (steps_at_once_ > kStepsAtOnceMax) {
    violate("time stands still");
    return false;
  }
  now_ = std::max(now_, *next);
  if (!events_due_.empty() && events_due_.begin()->first <= now_) {
    auto node = events_due_.extract(events_due_.begin());
    Event& event = node.mapped();
    session::Actions out;
    if (event.kind == Event::Kind::kFlight) {
      arrive(std::move(event.flight));
    } else if (event.kind == Event::Kind::kJob) {
      session_->on_job(std::move(*event.job), now_, out);
    } else {
      session_->on_user(std::move(event.user), now_, out);
    }
    apply(out);
    return true;
  }
  if (gateway_due && *gateway_due <= now_) {
    Outbox out;
    gateway_.on_deadline(now_, out);
    carry(out);
    return true;
  }
  pull_facts();
  session::Actions out;
  session_->on_deadline(now_, out);
  apply(out);
  return true;
}

bool World::run_until(const std::function<bool()>& predicate, Duration max) {
  const Instant end = now_ + max;
  while (!predicate()) {
    std::optional<Instant> next;
    if (!events_due_.empty()) next = events_due_.begin()->first;
    next = earlier(earlier(next, session_->next_deadline()), gateway_.next_deadline());
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
  if (due && *due < now_) violate("next_deadline lies in the past");
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
    Event event{Event::Kind::kJob, {}, session::run_job(std::move(*job), job_rng_), {}};
    events_due_.emplace(now_ + config_.job_delay, std::move(event));
  } else if (auto* report = std::get_if<session::Report>(&action)) {
    if (std::holds_alternative<session::TunnelUp>(report->event)) up_ = true;
    events_.push_back(report->event);
  } else if (auto* done = std::get_if<session::Finished>(&action)) {
    finished_ = done->reason;
    up_ = false;
    trace("client finishes, cause " + std::to_string(static_cast<int>(done->reason.cause)));
  }
}

void World::ask(const session::AskUser& form) {
  ++forms_;
  if (config_.user.kind == User::Kind::kSilent) return;
  session::UserEvent answer = session::UserCannotAnswer{form.form_id};
  if (config_.user.kind == User::Kind::kAnswers) {
    session::UserAnswer given{form.form_id, {}};
    for (const session::FormField& field : form.fields) {
      const bool name = field.kind == session::FormField::Kind::kUserName;
      given.values.push_back(
          SecretBytes::copy_of(octets(name ? config_.user.name : config_.user.password)));
    }
    answer = std::move(given);
  }
  Event event{Event::Kind::kAnswer, {}, std::nullopt, std::move(answer)};
  events_due_.emplace(now_ + config_.user.delay, std::move(event));
}

// What leaves the client: seen, counted, translated, and handed to the path.
void World::fly(Flight flight) {
  sent_.push_back({now_, flight});
  const bool natt = flight.from == local_.natt;
  if (natt && flight.bytes.size() >= 8 && load_be<std::uint32_t>(flight.bytes) != 0) {
    check_sequence(flight.bytes);
  }
  if (napt_) flight.from = napt_->outward(flight.from, now_);
  launch(std::move(flight), config_.latency);
}

void World::carry(Outbox& out) {
  trace_letters();
  for (Outgoing& datagram : out) {
    Endpoint from{gateway_.config().own.address, datagram.from_port};
    if (config_.gateway_natted) from = gateway_endpoint(datagram.from_port == kNattPort);
    launch({true, from, datagram.to, std::move(datagram.bytes)}, config_.latency);
  }
  out.clear();
  for (; office_seen_ < gateway_.inner_sent().size(); ++office_seen_) {
    office_sent_.insert(gateway_.inner_sent()[office_seen_]);
  }
}

void World::launch(Flight flight, Duration delay) {
  if (path_rng_.one_in(faults.drop)) {
    trace(std::string(flight.to_client ? "to client: " : "to gateway: ") + "lost");
    return;
  }
  if (path_rng_.one_in(faults.duplicate)) {
    Event copy{Event::Kind::kFlight, flight, std::nullopt, {}};
    events_due_.emplace(now_ + delay + Duration(20ms), std::move(copy));
  }
  if (path_rng_.one_in(faults.reorder)) delay += std::chrono::milliseconds(path_rng_.below(100));
  if (path_rng_.one_in(faults.delay)) delay += std::chrono::milliseconds(path_rng_.below(3000));
  if (!flight.bytes.empty() && path_rng_.one_in(faults.corrupt)) {
    flight.bytes[path_rng_.below(flight.bytes.size())] ^=
        static_cast<std::uint8_t>(1u << path_rng_.below(8));
  }
  if (!flight.bytes.empty() && path_rng_.one_in(faults.truncate)) {
    flight.bytes.resize(path_rng_.below(flight.bytes.size()));
  }
  events_due_.emplace(now_ + delay,
                      Event{Event::Kind::kFlight, std::move(flight), std::nullopt, {}});
}

void World::arrive(Flight flight) {
  if (flight.to_client && napt_) {
    const auto inside = napt_->inward(flight.to, now_);
    if (!inside) {
      trace("to client: no mapping for " + flight.to.to_string());
      return;
    }
    flight.to = *inside;
  }
  if (tap && !tap(flight)) {
    trace(std::string(flight.to_client ? "to client: " : "to gateway: ") + "swallowed");
    return;
  }
  trace(flight.from.to_string() + " -> " + flight.to.to_string() + "  " +
        std::to_string(flight.bytes.size()));
  if (flight.to_client) {
    arrive_at_client(flight);
  } else {
    const bool natt = flight.to == gateway_endpoint(true);
    if (natt || flight.to == gateway_endpoint(false)) {
      Outbox out;
      const std::uint16_t port = natt ? gateway_.config().natt_port : gateway_.config().own.port;
      gateway_.on_datagram(flight.bytes, port, flight.from, now_, out);
      carry(out);
    }
  }
  last_arrival_ = std::move(flight);
}

void World::arrive_at_client(const Flight& flight) {
  session::Actions out;
  if (flight.to == local_.ike && local_.ike != local_.natt) {
    session_->on_message(flight.bytes, session::LocalPort::kIke, flight.from, now_, out);
  } else if (flight.to == local_.natt) {
    const Encap encap = classify_encap(flight.bytes);
    if (const auto* message = std::get_if<EncapIke>(&encap)) {
      session_->on_message(message->message, session::LocalPort::kNatt, flight.from, now_, out);
    } else if (const auto* esp = std::get_if<EncapEsp>(&encap)) {
      on_esp(flight, esp->packet);
    } else {
      encap_counters_.drop(std::get<Drop>(encap));
    }
  }
  apply(out);
}

void World::on_esp(const Flight& flight, Bytes packet) {
  ByteVec storage = to_vec(packet);
  std::array<esp::Packet, 1> batch{esp::Packet{storage, 0, storage.size(), 0}};
  const std::array<Endpoint, 1> from{flight.from};
  data_path_.inbound(batch, from, now_);
  if (batch[0].size != 0) {
    check_inner(batch[0].bytes());
    tun_.push_back(to_vec(batch[0].bytes()));
  }
  pull_facts();
}

void World::pull_facts() {
  if (finished_) return;
  session::Actions out;
  session_->on_traffic(data_path_.facts(), now_, out);
  apply(out);
}

// RFC 4303 3.3.3: under one SA each number is sent once, and they go up.
void World::check_sequence(Bytes esp) {
  const auto spi = load_be<std::uint32_t>(esp);
  const auto number = load_be<std::uint32_t>(esp.subspan(4));
  std::uint32_t& highest = sequences_[spi];
  if (number <= highest) violate("a sequence number used twice");
  highest = number;
}

// Nothing comes out of the tunnel that the office did not send, and nothing twice.
void World::check_inner(Bytes inner) {
  const auto found = office_sent_.find(to_vec(inner));
  if (found == office_sent_.end()) {
    violate("an inner packet that was not sent, or twice");
  } else {
    office_sent_.erase(found);
  }
  // An echo reply: type 0 behind a header without options.
  if (inner.size() >= 28 && inner[9] == 1 && inner[20] == 0) {
    answered_.insert(load_be<std::uint16_t>(inner.subspan(26)));
  }
}

ByteVec World::echo_request(bool from_laptop, std::uint16_t number) const {
  const IpAddress laptop =
      tunnel_ && !tunnel_->addresses.empty() ? tunnel_->addresses[0].address() : IpAddress{};
  const IpAddress office = address("10.1.0.10");
  ByteVec packet(64);
  const MutBytes p(packet);
  p[0] = 0x45;
  store_be<std::uint16_t>(p.subspan(2), 64);
  store_be<std::uint16_t>(p.subspan(4), number);
  p[8] = 64;
  p[9] = 1;
  std::ranges::copy((from_laptop ? laptop : office).bytes(), p.begin() + 12);
  std::ranges::copy((from_laptop ? office : laptop).bytes(), p.begin() + 16);
  store_be<std::uint16_t>(p.subspan(10), checksum(p.first(20)));
  p[20] = 8;
  store_be<std::uint16_t>(p.subspan(26), number);
  store_be<std::uint16_t>(p.subspan(22), checksum(p.subspan(20)));
  return packet;
}

bool World::send_inner(Bytes packet) {
  ByteVec storage(limits::kHeadRoom + packet.size() + limits::kTailRoom);
  std::ranges::copy(packet, storage.begin() + limits::kHeadRoom);
  std::array<esp::Packet, 1> batch{esp::Packet{storage, limits::kHeadRoom, packet.size(), 0}};
  std::vector<ByteVec> replies;
  data_path_.outbound(batch, now_, replies);
  const bool sent = batch[0].size != 0 && data_path_.peer().has_value();
  if (sent) fly({false, local_.natt, *data_path_.peer(), to_vec(batch[0].bytes())});
  pull_facts();
  return sent;
}

std::uint16_t World::send_ping() {
  const std::uint16_t number = next_ping_++;
  send_inner(echo_request(true, number));
  return number;
}

bool World::ping(Duration max) {
  const std::uint16_t number = send_ping();
  return run_until([&] { return ping_answered(number); }, max);
}

bool World::ping_from_office(Duration max) {
  const ByteVec packet = echo_request(false, next_ping_++);
  if (!gateway_does([&](Gateway& g, Instant, Outbox& out) { return g.send_inner(packet, out); })) {
    return false;
  }
  const std::size_t before = tun_.size();
  return run_until(
      [&] {
        return std::ranges::find(tun_.begin() + static_cast<std::ptrdiff_t>(before), tun_.end(),
                                 packet) != tun_.end();
      },
      max);
}

std::uint64_t World::total_drops() const {
  return session_->counters().total() + data_path_.counters().total() + encap_counters_.total();
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
