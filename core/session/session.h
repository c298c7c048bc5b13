// One tunnel's life: connect, keepalive, liveness, rekey, close. A machine without I/O: calls go
// in, each with the time, and actions come out. It composes the exchanges of ike/v1 and keeps none
// of their details. Not thread-safe; owned by one thread.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "core/base/counters.h"
#include "core/base/instant.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/config/profile.h"
#include "core/session/actions.h"
#include "core/session/credentials.h"
#include "core/session/data_path.h"
#include "core/session/event.h"
#include "core/session/gateways.h"
#include "core/session/local_endpoints.h"
#include "core/session/status.h"

namespace godwit::session {

struct SessionConfig {
  config::Profile profile;
  Credentials credentials;
  Duration boot_time{};  // since 1970 (UTC) at Instant{}: whether a certificate is valid
  IpAddress gateway;     // profile.gateway, resolved
  std::vector<NamedGateway> backups;  // profile.backup_gateways, resolved
  LocalEndpoints local;
  bool log_keys = false;
};

// What the user does.
struct UserDisconnects {};
struct UserAnswer {
  std::uint32_t form_id = 0;
  std::vector<SecretBytes> values;  // one for each field of the form, in its order
};
struct UserCannotAnswer {  // no terminal, no file, an askpass that failed
  std::uint32_t form_id = 0;
};
struct MachineRefused {};  // ApplyTunnel failed; the client has reported why
using UserEvent = std::variant<UserDisconnects, UserAnswer, UserCannotAnswer, MachineRefused>;

class Session {
 public:
  Session(SessionConfig config, Rng& rng);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start(Instant now, Actions& out);
  // A datagram as it came from the socket. On LocalPort::kNatt the client has already taken ESP and
  // keepalives out; `message` is what follows the non-ESP marker.
  void on_message(Bytes message, LocalPort port, const Endpoint& from, Instant now, Actions& out);
  void on_deadline(Instant now, Actions& out);
  void on_user(UserEvent&& event, Instant now, Actions& out);
  // The laptop's address changed; the sockets already send from the new one.
  void on_network(const LocalEndpoints& local, Instant now, Actions& out);
  // There is no network to send to. A tunnel that is up waits until on_network() tells of one, of
  // the same address or another.
  void on_offline(Instant now, Actions& out);
  // The names of the profile's gateways were looked up again. A tunnel whose gateway is lost turns
  // to where its name leads now; any other remembers it until then.
  void on_names(GatewayNames&& names, Instant now, Actions& out);
  void on_job(JobDone&& done, Instant now, Actions& out);
  void on_traffic(const TrafficFacts& facts, Instant now, Actions& out);

  // Pulled after every call; never in the past of that call. Nothing: finished.
  std::optional<Instant> next_deadline() const;
  bool finished() const;

  Status status(Instant now) const;
  const Counters& counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::session
