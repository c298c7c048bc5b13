// The context of one call into the session, and what its parts tell each other. Private to the
// room.
#pragma once

#include <variant>
#include <vector>

#include "core/base/counters.h"
#include "core/base/instant.h"
#include "core/base/rng.h"
#include "core/ike/v1/mode_config.h"
#include "core/ike/v1/quick_mode.h"
#include "core/session/actions.h"

namespace godwit::session {

// From an ISAKMP SA to the session.
struct ConfigReceived {
  ike::v1::ModeConfig config;
};
struct IkeEstablished {};  // phase 1, XAuth and Mode Config are through
struct ChildNegotiated {
  ike::v1::QuickOutcome sas;
  bool by_gateway = false;
};
struct ChildConfirmed {
  EspSpi inbound;
};
struct ChildFailed {
  Prefix remote;
  EndCause cause{};
  std::uint16_t notify = 0;
};
struct ChildrenDeleted {
  std::vector<EspSpi> outbound;
};
struct IkeEnded {
  EndReason reason;
  bool conclusive = false;  // authentic, or so plain that another attempt would end the same way
  bool needs_force = false;
};
struct Redirected {
  IpAddress to;
};
struct IkeReplaced {
  bool renew = false;        // the gateway may know none of the ESP SAs any more
  bool readdressed = false;  // a ConfigReceived with another inner address came before
};
using IkeEvent = std::variant<ConfigReceived, IkeEstablished, ChildNegotiated, ChildConfirmed,
                              ChildFailed, ChildrenDeleted, IkeEnded, Redirected, IkeReplaced>;

struct Step {
  Instant now{};
  Rng& rng;
  Counters& counters;
  Actions& out;
  JobId& last_job;
  std::vector<IkeEvent>& events;

  void drop(Drop reason) { counters.drop(reason); }
  bool refuse(Drop reason) {  // for functions that say whether a message was authentic
    counters.drop(reason);
    return false;
  }
  std::uint32_t fresh_form() {
    last_job = JobId{last_job.value() + 1};
    return last_job.value();
  }
  void report(Event event) { out.push(Report{std::move(event)}); }
  JobId start(Job job) {
    last_job = JobId{last_job.value() + 1};
    out.push(StartJob{last_job, std::move(job)});
    return last_job;
  }
};

}  // namespace godwit::session
