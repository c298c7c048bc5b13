// Thirty days of a laptop: a path that loses one packet in twenty, keys that are replaced, a NAPT
// that forgets, a gateway that reboots, nights asleep and other networks. Nothing may grow.
#include <malloc.h>

#include "tests/sim/campaign.h"

namespace godwit::sim {
namespace {

constexpr std::size_t kGrowthMax = 64 * 1024;  // octets in 28 days

std::size_t heap_used() { return mallinfo2().uordblks; }

void hour(World& w, SeededRng& rng, int of_day, Outcome& outcome) {
  if (rng.one_in(2) && w.napt()) w.napt()->rebind();
  if (of_day == 9) w.gateway().reboot();
  if (of_day == 12 || of_day == 18) {
    const auto host = static_cast<std::uint32_t>(rng.below(250) + 2);
    w.change_network(IpAddress::v4(0xc0a8'0000 + host), IpAddress::v4(0xc633'6500 + host));
  }
  outcome.happenings += 1;
  const Instant end = w.now() + 1h;
  while (w.now() < end && !w.finished()) {
    w.send_ping();
    w.run_for(30s);
  }
}

}  // namespace

Outcome run_month(std::uint64_t seed, bool record) {
  SeededRng rng(seed ^ 0x4e4e'0007);
  WorldConfig config = random_world(seed, rng, record);
  config.client_natted = true;
  config.profile.esp_lifetime = 1h;
  config.profile.ike_lifetime = 8h;
  config.gateway.dpd_delay = 60s;
  Outcome outcome;
  World w(config);
  outcome.connected = w.connect(92s);
  if (!outcome.connected) outcome.problem = "did not connect";
  w.faults = {50, 10, 50, 10, 1, 1};
  std::size_t after_two_days = 0;
  for (int day = 0; day < 30 && outcome.problem.empty(); ++day) {
    for (int of_day = 8; of_day < 24; ++of_day) hour(w, rng, of_day, outcome);
    w.suspend(8h);
    if (w.finished()) {
      outcome.problem = "the tunnel ended on day " + std::to_string(day) + ", " +
                        std::string(name(w.finished()->cause));
    }
    if (w.data_path().facts().pair_count > 4) outcome.problem = "more than four pairs of ESP SAs";
    if (day == 1) after_two_days = heap_used();
  }
  outcome.rekeys = w.status().rekeys;
  const std::size_t used = heap_used();
  if (outcome.problem.empty() && !record && used > after_two_days + kGrowthMax) {
    outcome.problem = "memory grew by " + std::to_string(used - after_two_days) + " octets";
  }
  w.faults = {};
  bool answered = false;
  for (int i = 0; i < 60 && !answered && outcome.problem.empty(); ++i) answered = w.ping();
  if (outcome.problem.empty() && !answered) outcome.problem = "no traffic at the end";
  finish_outcome(w, outcome);
  // The path loses packets, and each night and reboot some more; most of the time it must work.
  if (outcome.problem.empty() && outcome.pings_lost * 5 > outcome.pings) {
    outcome.problem = "more than a fifth of the traffic was lost";
  }
  return outcome;
}

}  // namespace godwit::sim
