// Seeds: a path that loses, doubles, reorders and damages. Every session connects or ends with a
// reason within 90 s, and once the faults stop the traffic flows.
#include <cstdlib>

#include "tests/ladders/support.h"

namespace godwit::sim {
namespace {

// GODWIT_SEED=n tries that seed alone, GODWIT_SEEDS=n that many.
std::uint64_t number_from(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

WorldConfig faulty_world(std::uint64_t seed) {
  SeededRng rng(seed);
  WorldConfig config;
  if (rng.one_in(2)) config = with_xauth(config);
  config.seed = seed;
  config.profile.aggressive = rng.one_in(2);
  config.client_natted = !rng.one_in(4);
  config.gateway_natted = rng.one_in(4);
  if (rng.one_in(3)) config.profile.pfs = config.gateway.pfs = crypto::DhGroup::kEcp256;
  if (rng.one_in(4)) config.gateway.natt = {Natt::kDraft03};
  if (rng.one_in(2)) config.gateway.esp = {config.profile.esp[1]};
  config.faults = {125, 63, 125, 63, 16, 16};
  return config;
}

TEST_CASE("seeds with faults") {
  const std::uint64_t only = number_from("GODWIT_SEED", 0);
  const std::uint64_t seeds = only != 0 ? 1 : number_from("GODWIT_SEEDS", 300);
  const std::uint64_t first = only != 0 ? only : 1;
  std::uint64_t connected = 0;
  std::map<int, std::uint64_t> ends;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    Run w(faulty_world(seed));
    CAPTURE(w.ladder());
    w.start();
    // The user takes two seconds of it.
    REQUIRE(w.run_until([&] { return w.up() || w.finished(); }, 92s));
    if (!w.up()) {
      ++ends[static_cast<int>(w.finished()->cause)];
      if (only != 0) MESSAGE(w.ladder());
      continue;
    }
    ++connected;
    w.faults = {};
    // What was lost on the way is repeated by now.
    w.run_for(70s);
    CHECK(w.up());
    CHECK(w.ping());
    CHECK(w.ping_from_office());
  }
  MESSAGE("connected " << connected << " of " << seeds);
  for (const auto& [cause, count] : ends) MESSAGE("cause " << cause << ": " << count);
  if (only == 0) CHECK(connected >= seeds * 95 / 100);
}

TEST_CASE("seeds with faults while the tunnel is up") {
  const std::uint64_t seeds = number_from("GODWIT_SEEDS", 300) / 10;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    WorldConfig config = faulty_world(seed);
    const Faults faults = config.faults;
    config.faults = {};
    config.profile.esp_lifetime = 240s;
    if (seed % 2 == 0) config.gateway.rekey_after = 150s;
    if (seed % 3 == 0) config.profile.ike_lifetime = 500s;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    w.run_for(5s);
    w.faults = faults;
    for (int i = 0; i < 1200 && !w.finished(); ++i) {
      w.send_ping();
      w.run_for(1s);
    }
    w.faults = {};
    REQUIRE_FALSE(w.finished());
    w.run_for(30s);
    CHECK(w.ping());
    CHECK(w.ping_from_office());
    CHECK(w.status().rekeys >= 3);
    CHECK(w.data_path().facts().pair_count <= 4);
  }
}

TEST_CASE("a seed replays") {
  const auto trace = [](std::uint64_t seed) {
    Run w(faulty_world(seed));
    w.start();
    w.run_for(30s);
    return w.ladder();
  };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) CHECK(trace(seed) == trace(seed));
  CHECK(trace(1) != trace(2));
}

}  // namespace
}  // namespace godwit::sim
