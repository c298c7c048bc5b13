// Campaigns of what happens to a tunnel that is up: rekeys under load, collisions, rebinds,
// reboots, sleep and roaming.
#include <algorithm>
#include <array>

#include "tests/sim/campaign.h"

namespace godwit::sim {
namespace {

std::string seconds_text(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

// A tunnel that is up on a path without faults; the outcome says when it is not.
bool bring_up(World& w, Outcome& outcome) {
  outcome.connected = w.connect(92s);
  if (!outcome.connected) outcome.problem = "did not connect";
  return outcome.connected;
}

// Pings until one is answered.
bool resumes(World& w, Duration max, Outcome& outcome) {
  const Instant end = w.now() + max;
  while (w.now() < end && !w.finished()) {
    if (w.ping(500ms)) return true;
  }
  if (outcome.problem.empty()) {
    outcome.problem = w.finished() ? "the tunnel ended, " + std::string(name(w.finished()->cause))
                                   : "nothing comes back " + seconds_text(max) + " after it";
  }
  return false;
}

void load(World& w, Duration duration, Duration gap) {
  const Instant end = w.now() + duration;
  while (w.now() < end && !w.finished()) {
    w.send_ping();
    w.run_for(gap);
  }
}

// The same, and ends with the first packet that is not answered in two seconds.
void load_without_loss(World& w, Duration duration, Duration gap, Outcome& outcome) {
  std::deque<std::pair<Instant, std::uint16_t>> open;
  const auto lost = [&] { return !open.empty() && open.front().first + 2s <= w.now(); };
  const Instant end = w.now() + duration;
  while (!w.finished() && !lost() && (w.now() < end || !open.empty())) {
    if (w.now() < end) open.emplace_back(w.now(), w.send_ping());
    w.run_for(gap);
    while (!open.empty() && w.ping_answered(open.front().second)) open.pop_front();
  }
  if (lost()) outcome.problem = "a packet was lost";
}

Duration random_seconds(SeededRng& rng, std::uint64_t from, std::uint64_t to) {
  return std::chrono::milliseconds(1000 * from + rng.below(1000 * (to - from)));
}

// A user who is asked for a password again takes his time.
Duration users_time(const WorldConfig& config) {
  return config.profile.xauth ? config.user.delay : Duration{};
}

// No session may gather SAs, whatever happened to it.
void check_pairs(const World& w, Outcome& outcome) {
  if (w.data_path_facts().pair_count > 4 && outcome.problem.empty()) {
    outcome.problem = "more than four pairs of ESP SAs";
  }
}

// Does something whenever the client sends a message of `exchange` from its tunnel: at that moment
// or within two round trips.
template <class F>
void at_each(World& w, std::initializer_list<ike::Exchange> exchanges, Duration duration,
             SeededRng& rng, F action) {
  bool seen = false;
  w.tap = [&](Flight& flight) {
    if (flight.to_client) return true;
    const Sent sent{w.now(), flight};
    const auto header = ike::decode_header(sent.message());
    if (header && std::ranges::find(exchanges, header->exchange) != exchanges.end()) seen = true;
    return true;
  };
  const Instant end = w.now() + duration;
  while (w.now() < end && !w.finished()) {
    w.send_ping();
    w.run_until([&] { return seen; }, 200ms);
    if (!seen) continue;
    const Duration round_trips = w.config().latency * 4;
    w.run_for(std::chrono::milliseconds(
        rng.below(static_cast<std::uint64_t>(round_trips / std::chrono::milliseconds(1)) + 1)));
    action();
    load(w, 20s, 500ms);
    seen = false;
  }
  w.tap = nullptr;
}

}  // namespace

Outcome run_rekey(std::uint64_t seed, bool record) {
  SeededRng rng(seed ^ 0x4e4e'0001);
  WorldConfig config = random_world(seed, rng, record);
  config.profile.esp_lifetime = random_seconds(rng, 60, 90);
  if (rng.one_in(2)) config.gateway.rekey_after = config.profile.esp_lifetime * 7 / 10;
  if (rng.one_in(3)) config.profile.ike_lifetime = random_seconds(rng, 300, 600);
  Outcome outcome;
  World w(config);
  if (bring_up(w, outcome)) {
    // Duplicates and overtaking do no harm, once the first Quick Mode has its last message there.
    w.run_for(1s);
    w.faults = {0, 50, 100, 0, 0, 0};
    load_without_loss(w, config.profile.esp_lifetime * 80, 50ms, outcome);
    outcome.rekeys = w.status().rekeys;
    outcome.happenings = outcome.rekeys;
    check_pairs(w, outcome);
    if (w.finished())
      outcome.problem = "the tunnel ended, " + std::string(name(w.finished()->cause));
    if (outcome.problem.empty() && outcome.rekeys < 80) {
      outcome.problem = "fewer rekeys than lifetimes";
    }
  }
  finish_outcome(w, outcome);
  return outcome;
}

Outcome run_collide(std::uint64_t seed, bool record) {
  SeededRng rng(seed ^ 0x4e4e'0002);
  WorldConfig config = random_world(seed, rng, record);
  config.profile.esp_lifetime = random_seconds(rng, 100, 140);
  config.profile.ike_lifetime = random_seconds(rng, 300, 400);
  Outcome outcome;
  outcome.label = seed % 4;
  World w(config);
  if (bring_up(w, outcome)) {
    const auto gateway = [&](auto action) {
      ++outcome.happenings;
      w.gateway_does(action);
    };
    const auto rekey = [&] {
      gateway([](Gateway& g, Instant now, Outbox& out) { return g.start_rekey(now, out); });
    };
    const auto remove = [&] {
      gateway([](Gateway& g, Instant now, Outbox& out) { return g.delete_esp(now, out); });
    };
    const auto probe = [&] {
      gateway([](Gateway& g, Instant now, Outbox& out) { return g.start_dpd(now, out); });
    };
    using ike::Exchange;
    if (outcome.label == 0) at_each(w, {Exchange::kQuick}, 1000s, rng, rekey);
    if (outcome.label == 1) at_each(w, {Exchange::kQuick}, 1000s, rng, remove);
    if (outcome.label == 2) {
      at_each(w, {Exchange::kMain, Exchange::kAggressive}, 3000s, rng, rekey);
    }
    if (outcome.label == 3) at_each(w, {Exchange::kQuick}, 1000s, rng, probe);
    resumes(w, 30s, outcome);
    outcome.rekeys = w.status().rekeys;
    // Old pairs are kept for half a minute.
    w.run_for(45s);
    if (outcome.problem.empty() && w.data_path_facts().pair_count > 2) {
      outcome.problem = "the pairs that collided do not go away";
    }
  }
  finish_outcome(w, outcome);
  if (outcome.problem.empty() && outcome.label != 1 && outcome.pings_lost > 0) {
    outcome.problem = std::to_string(outcome.pings_lost) + " packets lost";
  }
  return outcome;
}

Outcome run_rebind(std::uint64_t seed, bool record) {
  SeededRng rng(seed ^ 0x4e4e'0003);
  WorldConfig config = random_world(seed, rng, record);
  config.client_natted = true;
  config.gateway.follows_esp = rng.one_in(2);
  Outcome outcome;
  World w(config);
  if (bring_up(w, outcome)) {
    for (int i = 0; i < 10 && outcome.problem.empty(); ++i) {
      load(w, random_seconds(rng, 1, 60), 1s);
      w.napt()->rebind();
      ++outcome.happenings;
      resumes(w, 10s, outcome);
    }
    if (outcome.problem.empty() && !w.ping_from_office()) {
      outcome.problem = "the office does not reach the laptop any more";
    }
    check_pairs(w, outcome);
  }
  finish_outcome(w, outcome);
  return outcome;
}

Outcome run_reboot(std::uint64_t seed, bool record) {
  SeededRng rng(seed ^ 0x4e4e'0004);
  WorldConfig config = random_world(seed, rng, record);
  if (rng.one_in(2)) config.gateway.dpd_delay = 30s;
  Outcome outcome;
  World w(config);
  if (bring_up(w, outcome)) {
    for (int i = 0; i < 5 && outcome.problem.empty(); ++i) {
      load(w, random_seconds(rng, 1, 60), 1s);
      const auto inner = w.tunnel()->addresses;
      w.gateway().reboot();
      ++outcome.happenings;
      const Instant back = w.now() + random_seconds(rng, 0, 40);
      w.tap = [&](Flight& flight) { return flight.to_client || w.now() >= back; };
      load(w, back - w.now(), 1s);
      resumes(w, 70s, outcome);
      w.tap = nullptr;
      if (outcome.problem.empty() && w.tunnel()->addresses != inner) {
        outcome.problem = "another inner address";
      }
    }
    check_pairs(w, outcome);
  }
  finish_outcome(w, outcome);
  return outcome;
}

Outcome run_suspend(std::uint64_t seed, bool record) {
  constexpr std::array<Duration, 5> kSleeps = {1s, 60s, 20min, 8h, 72h};
  SeededRng rng(seed ^ 0x4e4e'0005);
  WorldConfig config = random_world(seed, rng, record);
  if (rng.one_in(2)) config.gateway.dpd_delay = 30s;
  if (rng.one_in(2)) config.profile.esp_lifetime = 1h;
  Outcome outcome;
  outcome.label = seed % kSleeps.size();
  World w(config);
  if (bring_up(w, outcome)) {
    for (int i = 0; i < 3 && outcome.problem.empty(); ++i) {
      load(w, random_seconds(rng, 1, 60), 1s);
      w.suspend(kSleeps[outcome.label] + random_seconds(rng, 0, 10));
      ++outcome.happenings;
      resumes(w, 15s + users_time(config), outcome);
    }
    check_pairs(w, outcome);
  }
  finish_outcome(w, outcome);
  return outcome;
}

Outcome run_roam(std::uint64_t seed, bool record) {
  SeededRng rng(seed ^ 0x4e4e'0006);
  WorldConfig config = random_world(seed, rng, record);
  config.gateway.follows_esp = rng.one_in(2);
  Outcome outcome;
  World w(config);
  if (bring_up(w, outcome)) {
    for (int i = 0; i < 10 && outcome.problem.empty(); ++i) {
      load(w, random_seconds(rng, 1, 60), 1s);
      const auto inner = w.tunnel()->addresses;
      w.set_link(false);
      load(w, random_seconds(rng, 0, 20), 1s);
      w.set_link(true);
      const auto host = static_cast<std::uint32_t>(rng.below(250) + 2);
      if (rng.one_in(3)) {
        w.change_network(IpAddress::v4(0xc633'6400 + host), std::nullopt);
      } else {
        w.change_network(IpAddress::v4(0xc0a8'0000 + host), IpAddress::v4(0xc633'6500 + host));
      }
      ++outcome.happenings;
      resumes(w, 5s + users_time(config), outcome);
      if (outcome.problem.empty() && w.tunnel()->addresses != inner) {
        outcome.problem = "another inner address";
      }
    }
    check_pairs(w, outcome);
  }
  finish_outcome(w, outcome);
  return outcome;
}

}  // namespace godwit::sim
