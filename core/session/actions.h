// What the session asks of the world, as values. The client carries them out in order. Nothing here
// has happened yet when it is appended.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/instant.h"
#include "core/base/limits.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/base/strong.h"
#include "core/crypto/job.h"
#include "core/esp/sa.h"
#include "core/net/address.h"
#include "core/session/event.h"

namespace godwit::session {

// The two local UDP ports: IKE (500 by custom) and the one shared with ESP (4500 by custom).
enum class LocalPort : std::uint8_t { kIke, kNatt };

// The octets as they stand on the wire: a keepalive is one octet, and IKE from LocalPort::kNatt
// starts with the non-ESP marker (RFC 3948 2.2).
struct SendDatagram {
  LocalPort from;
  Endpoint to;
  ByteVec bytes;
};

// A new pair of SAs for the data path. The inbound one opens packets at once, beside older ones;
// the outbound one is used at once too, unless held until UseSa: the gateway may not know it yet.
struct InstallSa {
  esp::SaParameters inbound;
  esp::SaParameters outbound;
  bool hold_outbound = false;
};

struct UseSa {
  EspSpi outbound;
};

struct RemoveSa {
  EspSpi inbound;
  EspSpi outbound;
};

// Where ESP goes: from LocalPort::kNatt to this endpoint. Before the first InstallSa, and again
// when the peer is followed (RFC 3947 7).
struct SetPeer {
  Endpoint peer;
};

// The session turns to another gateway. Should this machine send to it from another address, the
// session wants to know (on_network).
struct SetGateway {
  IpAddress gateway;
};

// What the machine has to look like while the tunnel is up.
struct TunnelConfig {
  std::vector<Prefix> addresses;  // inner addresses, with the length to configure on the device
  std::vector<Prefix> routes;     // networks behind the gateway; 0.0.0.0/0 is a full tunnel
  std::vector<Prefix> excluded;   // inside of routes, but reached as without a tunnel
  std::vector<IpAddress> dns;
  std::vector<std::string> search_domains;   // DNS names, already validated (MC-13)
  std::vector<std::string> routing_domains;  // split DNS
  std::size_t mtu = 1400;                    // of the TUN device
  IpAddress gateway;                         // outer address, never routed into the tunnel
  // Transport mode: the routes are the gateway itself, and of what goes there only UDP to this port
  // goes into the tunnel, and never beside it.
  std::optional<std::uint16_t> udp_port;
  // Told to the user's script, if there is one, and used for nothing else.
  std::optional<int> netmask;  // prefix length of the gateway's IPv4 pool
  std::vector<IpAddress> nbns;
  std::string banner;  // escaped
  friend bool operator==(const TunnelConfig&, const TunnelConfig&) = default;
};

struct ApplyTunnel {
  TunnelConfig config;
};
struct RevokeTunnel {};

// A question to the user (XAuth). Answered by UserAnswer with the same id, which no other form of
// this session has. Each answer has at most limits::kXauthFieldMax octets. kPasscode is whatever
// serves once: PASSCODE, or USER_PASSWORD of type OTP and S/KEY.
struct FormField {
  enum class Kind : std::uint8_t { kUserName, kPassword, kPasscode, kNextPin, kAnswer, kDomain };
  Kind kind;
  bool secret;  // not to be shown while typed
};
struct AskUser {
  // How the question follows on the one before, as far as that can be seen.
  enum class Round : std::uint8_t {
    kFirst,     // of one attempt to prove who the user is
    kNext,      // a question for something else
    kReworded,  // for the same under another message: only that says whether the answer was refused
    kAgain,     // the same, word for word: the answer was refused
  };
  std::uint32_t form_id = 0;
  std::string message;    // the gateway's text, cleaned of control characters; may be empty
  std::string challenge;  // what the answer has to be made from, cleaned as well; may be empty
  std::vector<FormField> fields;
  Round round = Round::kFirst;
};

// Slow crypto, to be run anywhere with run_job() and handed back to on_job().
using crypto::DhCompute;
using crypto::DhGenerate;
using crypto::Job;
struct StartJob {
  JobId id;
  Job job;
};
struct JobDone {
  JobId id;
  crypto::JobResult result;
};
JobDone run_job(StartJob&& start, Rng& rng);

struct Report {
  Event event;
};

// Only when SessionConfig::log_keys asks for it: what Wireshark needs to read the exchange.
struct LogIkeKey {
  Cookie initiator;
  SecretBytes key;  // of the cipher
};

// The last action of a session: everything the core had is released.
struct Finished {
  EndReason reason;
};

using Action =
    std::variant<SendDatagram, InstallSa, UseSa, RemoveSa, SetPeer, SetGateway, ApplyTunnel,
                 RevokeTunnel, AskUser, StartJob, Report, LogIkeKey, Finished>;

// The caller's list. Bounded: a session that wants more in one step is broken (CHECK).
class Actions {
 public:
  template <class A>
  void push(A&& action) {
    check_room();
    list_.emplace_back(std::forward<A>(action));
  }
  // Of what was appended since there were `size` actions, new SAs come first: the message that lets
  // the peer send under them may leave in the same step (QM-15).
  void install_first(std::size_t size);
  std::vector<Action>& list() { return list_; }
  bool empty() const { return list_.empty(); }
  void clear() { list_.clear(); }

 private:
  void check_room() const;

  std::vector<Action> list_;
};

}  // namespace godwit::session
