// Campaigns: one kind of seeded run each, with what must come out of it. A seed decides everything,
// so a failure replays.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/world.h"

namespace godwit::sim {

// What one seed gave.
struct Outcome {
  std::size_t label = 0;  // the row of Campaign::labels that it belongs to
  bool connected = false;
  std::optional<session::EndCause> cause;  // of a connect that ended
  std::string problem;  // empty: as it must be; else what was violated, stuck or wrong
  std::string ladder;   // of a recorded run
  std::uint64_t datagrams = 0;
  std::uint64_t pings = 0;
  std::uint64_t pings_lost = 0;
  std::uint64_t rekeys = 0;
  std::uint64_t happenings = 0;  // rebinds, reboots, collisions...: what the campaign is about
  double virtual_days = 0;
};

struct Row {
  std::string_view name;
  unsigned connected_permille_min = 0;  // of all runs of this row together
};

struct Campaign {
  std::string_view name;
  std::string_view sentence;
  std::span<const Row> rows;
  // `record`: with the ladder of messages.
  Outcome (*run)(std::uint64_t seed, bool record);
};

std::span<const Campaign> campaigns();
std::string_view name(session::EndCause cause);

// connect.cc
Outcome run_connect(std::uint64_t seed, bool record);
std::span<const Row> connect_rows();
// life.cc
Outcome run_rekey(std::uint64_t seed, bool record);
Outcome run_collide(std::uint64_t seed, bool record);
Outcome run_rebind(std::uint64_t seed, bool record);
Outcome run_reboot(std::uint64_t seed, bool record);
Outcome run_suspend(std::uint64_t seed, bool record);
Outcome run_roam(std::uint64_t seed, bool record);
// month.cc
Outcome run_month(std::uint64_t seed, bool record);

// A random profile with a gateway that suits it: mode, suites, XAuth, PFS, NATs. No faults yet.
WorldConfig random_world(std::uint64_t seed, SeededRng& rng, bool record);

// Fills in what every campaign counts, and the first violated invariant.
void finish_outcome(const World& world, Outcome& outcome);

}  // namespace godwit::sim
