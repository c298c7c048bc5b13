// What the ladder tests share. A World that ends with a violated invariant fails its test, and a
// failure prints the ladder of messages with the seed.
#pragma once

#include <doctest/doctest.h>

#include "tests/sim/world.h"

namespace godwit::sim {

class Run : public World {
 public:
  explicit Run(WorldConfig config = {}) : World(std::move(config)) {}
  ~Run() {
    INFO(ladder());
    for (const std::string& violation : violations()) FAIL_CHECK(violation);
  }

  const Letter& last_heard() { return last(true); }
  const Letter& last_said() { return last(false); }

 private:
  const Letter& last(bool heard) {
    static const Letter none;
    for (auto it = gateway().letters().rbegin(); it != gateway().letters().rend(); ++it) {
      if (it->heard == heard) return *it;
    }
    return none;
  }
};

inline WorldConfig aggressive() {
  WorldConfig config;
  config.profile.aggressive = true;
  return config;
}

inline WorldConfig with_xauth(WorldConfig config = {}) {
  config.profile.xauth = true;
  config.gateway.users = {{"alice", "wonderland"}};
  return config;
}

inline bool cause_is(const World& w, session::EndCause cause) {
  return w.finished() && w.finished()->cause == cause;
}

inline WorldConfig seeded(WorldConfig config, std::uint64_t seed) {
  config.seed = seed;
  return config;
}

}  // namespace godwit::sim
