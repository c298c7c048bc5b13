// The path between the laptop and the gateway: faults, the NAPT, and what the laptop's user does to
// the laptop itself.
#include "core/net/udp_encap.h"
#include "tests/sim/world.h"

namespace godwit::sim {
namespace {

// Longer than any datagram is under way.
constexpr Duration kOfficeMemory = 60s;

const char* direction(const Flight& flight) {
  return flight.to_client ? "to client: " : "to gateway: ";
}

}  // namespace

// What leaves the client: seen, counted, translated, and handed to the path.
void World::fly(Flight flight) {
  if (config_.record) sent_.push_back({now_, flight, data_path_.facts().pair_count});
  check_sent(flight);
  if (!link_up_) return trace("to gateway: no link");
  if (napt_) flight.from = napt_->outward(flight.from, now_);
  launch(std::move(flight), config_.latency);
}

void World::carry(Gateway& gateway, Outbox& out) {
  trace_letters();
  for (Outgoing& datagram : out) {
    Endpoint from{gateway.config().own.address, datagram.from_port};
    if (config_.gateway_natted && &gateway == &gateway_)
      from = gateway_endpoint(datagram.from_port == kNattPort);
    launch({true, from, datagram.to, std::move(datagram.bytes)},
           config_.latency + config_.gateway_delay);
  }
  out.clear();
  for (ByteVec& packet : gateway.take_inner_sent()) {
    ByteVec inner = comparable(packet);
    office_sent_.emplace(inner, now_);
    office_order_.emplace_back(now_, std::move(inner));
  }
  // What was lost on the way will not come any more.
  while (!office_order_.empty() && office_order_.front().first + kOfficeMemory < now_) {
    const auto [first, last] = office_sent_.equal_range(office_order_.front().second);
    for (auto it = first; it != last; ++it) {
      if (it->second != office_order_.front().first) continue;
      office_sent_.erase(it);
      break;
    }
    office_order_.pop_front();
  }
}

void World::launch(Flight flight, Duration delay) {
  ++datagrams_;
  if (path_rng_.permille(faults.drop)) {
    return trace_lazily([&] { return std::string(direction(flight)) + "lost"; });
  }
  if (path_rng_.permille(faults.duplicate)) {
    Event copy{Event::Kind::kFlight, flight, std::nullopt, {}};
    events_due_.emplace(now_ + delay + Duration(20ms), std::move(copy));
  }
  if (path_rng_.permille(faults.reorder)) delay += std::chrono::milliseconds(path_rng_.below(100));
  if (path_rng_.permille(faults.delay)) delay += std::chrono::milliseconds(path_rng_.below(3000));
  if (!flight.bytes.empty() && path_rng_.permille(faults.corrupt)) {
    // Mostly one bit, at times a burst.
    for (std::uint64_t bits = path_rng_.one_in(4) ? 1 + path_rng_.below(64) : 1; bits > 0; --bits) {
      flight.bytes[path_rng_.below(flight.bytes.size())] ^=
          static_cast<std::uint8_t>(1u << path_rng_.below(8));
    }
  }
  if (!flight.bytes.empty() && path_rng_.permille(faults.truncate)) {
    flight.bytes.resize(path_rng_.below(flight.bytes.size()));
  }
  events_due_.emplace(now_ + delay,
                      Event{Event::Kind::kFlight, std::move(flight), std::nullopt, {}});
}

void World::arrive(Flight flight) {
  if (flight.to_client && (asleep_ || !link_up_)) return trace("to client: nobody listens");
  if (flight.to_client && napt_) {
    const auto inside = napt_->inward(flight.to, now_);
    if (!inside) {
      return trace_lazily([&] { return "to client: no mapping for " + flight.to.to_string(); });
    }
    flight.to = *inside;
  }
  if (tap && !tap(flight)) {
    return trace_lazily([&] { return std::string(direction(flight)) + "swallowed"; });
  }
  trace_lazily([&] {
    return flight.from.to_string() + " -> " + flight.to.to_string() + "  " +
           std::to_string(flight.bytes.size());
  });
  if (flight.to_client) {
    arrive_at_client(flight);
  } else {
    const bool to_second = second_ && flight.to.address == kSecondGateway;
    Gateway& gateway = to_second ? *second_ : gateway_;
    const bool known = to_second || flight.to.address == gateway_endpoint(true).address;
    const bool natt = flight.to.port == gateway_endpoint(true).port;
    if (known && (natt || flight.to.port == gateway_endpoint(false).port)) {
      Outbox out;
      const std::uint16_t port = natt ? gateway.config().natt_port : gateway.config().own.port;
      gateway.on_datagram(flight.bytes, port, flight.from, now_, out);
      carry(gateway, out);
    }
  }
  last_arrival_ = std::move(flight);
}

void World::arrive_at_client(const Flight& flight) {
  session::Actions out;
  const std::uint64_t accounted = accounted_for();
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
  } else {
    return;  // another host's, or a port of ours that is closed
  }
  if (accounted_for() == accounted) violate("an input that no counter knows");
  apply(out);
}

void World::suspend(Duration duration) {
  const Instant wake = now_ + duration;
  asleep_ = true;
  run_until([] { return false; }, duration);
  now_ = wake;
  asleep_ = false;
  trace("the laptop wakes");
  // The timers of a laptop that wakes have all run out; packets come later.
  if (const auto due = session_->next_deadline(); due && *due <= now_) run_session_deadline();
  for (Event& event : held_) events_due_.emplace(now_, std::move(event));
  held_.clear();
}

void World::lose_network() {
  trace("the laptop loses its network");
  link_up_ = false;
  session::Actions out;
  session_->on_offline(now_, out);
  apply(out);
}

void World::renamed(session::GatewayNames names) {
  trace("the gateway's name is looked up again");
  session::Actions out;
  session_->on_names(std::move(names), now_, out);
  apply(out);
}

void World::change_network(const IpAddress& own, const std::optional<IpAddress>& napt_address) {
  trace("the laptop changes its network");
  link_up_ = true;
  local_ = {{own, config_.profile.local_port}, {own, config_.profile.local_natt_port}};
  napt_.reset();
  if (napt_address) {
    napt_.emplace(NaptConfig{*napt_address, config_.nat_expiry, true}, path_rng_.next());
  }
  std::erase_if(events_due_, [](const auto& due) {
    return due.second.kind == Event::Kind::kFlight && due.second.flight.to_client;
  });
  session::Actions out;
  session_->on_network(local_, now_, out);
  apply(out);
}

std::uint64_t World::accounted_for() const {
  return session_->counters().total() + session_->counters().accepted() +
         data_path_.counters().total() + data_path_.facts().packets_in + encap_counters_.total();
}

}  // namespace godwit::sim
