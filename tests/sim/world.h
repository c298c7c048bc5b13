// The whole client session and a simulated gateway in one process, joined by a path with faults and
// a NAPT, on virtual time. One seed decides everything; the ladder of messages is kept for
// failures.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/session/session.h"
#include "tests/sim/gateway.h"
#include "tests/sim/key_exchange.h"
#include "tests/sim/napt.h"

namespace godwit::sim {

// Each in thousandths of all datagrams.
struct Faults {
  unsigned drop = 0;
  unsigned duplicate = 0;
  unsigned reorder = 0;  // overtaken by what is sent in the next 100 ms
  unsigned delay = 0;    // up to 3 s late
  unsigned corrupt = 0;  // one octet or more, one bit each
  unsigned truncate = 0;
};

// How the user answers a form.
struct User {
  enum class Kind : std::uint8_t { kAnswers, kCannot, kSilent };
  Kind kind = Kind::kAnswers;
  std::string name = "alice";
  std::string password = "wonderland";
  Duration delay = 2s;
  // With it, what he answers to each form, field by field.
  std::function<std::vector<std::string>(const session::AskUser&)> answers;
};

config::Profile default_profile();
GatewayConfig default_gateway();

inline const IpAddress kSecondGateway = *IpAddress::parse("203.0.113.9");

struct WorldConfig {
  config::Profile profile = default_profile();
  GatewayConfig gateway = default_gateway();
  std::optional<GatewayConfig> second;  // another gateway, at kSecondGateway
  bool knows_second = false;            // the profile names it as a backup
  std::string psk = "swordfish";        // the client's
  Signer signer;                        // the client's
  Duration boot_time = 1796083200s;     // 1 December 2026, as far as the client knows
  std::uint64_t seed = 1;
  Faults faults;
  bool client_natted = true;
  bool gateway_natted = false;  // forwarded ports in front of it
  Duration latency = 10ms;
  Duration job_delay = 5ms;
  Duration gateway_delay{};  // a slow gateway: each of its datagrams leaves that much later
  Duration nat_expiry = 120s;
  std::size_t ping_size = 64;  // octets of an inner packet, headers included
  User user;
  // False: nothing is remembered that grows with time, and no ladder of messages is written. For
  // long runs; a failure is run once more with it.
  bool record = true;
};

// A datagram under way. Between hosts `from` and `to` are what the receiver will see.
struct Flight {
  bool to_client = false;
  Endpoint from;
  Endpoint to;
  ByteVec bytes;
};

struct Sent {
  Instant at;
  Flight flight;          // from is the client's own endpoint, before the NAPT
  std::size_t pairs = 0;  // of ESP SAs that the client had when it was sent
  bool is_ike() const;
  bool is_keepalive() const { return flight.bytes.size() == 1 && flight.bytes[0] == 0xff; }
  Bytes message() const&;  // of IKE, behind the marker
  Bytes message() const&& = delete;
};

class World {
 public:
  explicit World(WorldConfig config);

  void start();
  // One event: an arrival, a job, an answer, a deadline. False: nothing is left to happen.
  bool step();
  // False: the time was over, or nothing was left to happen, before the predicate held.
  bool run_until(const std::function<bool()>& predicate, Duration max);
  void run_for(Duration duration);
  // Steps until a datagram arrived at that side, swallowed ones not counted; nothing after two
  // minutes.
  std::optional<Flight> deliver_to_client();
  std::optional<Flight> deliver_to_gateway();
  bool connect(Duration max = 90s);  // start() and run until the tunnel is up

  // Puts a datagram on the client's socket, as anyone on the Internet may.
  void inject(session::LocalPort port, const Endpoint& from, Bytes bytes);
  void user(session::UserEvent&& event);

  // The laptop sleeps: nothing reaches it, and the time that passed counts when it wakes.
  void suspend(Duration duration);
  // Another network: another address, behind a NAPT or not. What was under way to the old one is
  // lost. The session is told, as the client tells it.
  void change_network(const IpAddress& own, const std::optional<IpAddress>& napt_address);
  // Without a link nothing leaves and nothing arrives.
  void set_link(bool up) { link_up_ = up; }
  // The same, and the laptop sees it: no route to anywhere. change_network() ends it.
  void lose_network();
  // The names of the gateways were looked up again.
  void renamed(session::GatewayNames names);
  // Lets the gateway do something by itself, and carries what it sends.
  template <class F>
  auto gateway_does(F action) {
    Outbox out;
    const auto result = action(gateway_, now_, out);
    carry(gateway_, out);
    return result;
  }

  template <class F>
  auto second_does(F action) {
    Outbox out;
    const auto result = action(*second_, now_, out);
    carry(*second_, out);
    return result;
  }

  // A ping from the laptop to the office. The number by which its answer is known.
  std::uint16_t send_ping();
  bool ping_answered(std::uint16_t number) const { return answered_[number]; }
  bool ping(Duration max = 2s);
  // A ping from the office to the laptop: did it come out of the tunnel?
  bool ping_from_office(Duration max = 2s);
  bool send_inner(Bytes packet);  // from the laptop

  // Seen before each delivery; may change the datagram; false swallows it.
  std::function<bool(Flight&)> tap;
  Faults faults;

  Instant now() const { return now_; }
  session::Session& session() { return *session_; }
  session::DataPath& data_path() { return data_path_; }
  session::TrafficFacts data_path_facts() const { return data_path_.facts(); }
  Gateway& gateway() { return gateway_; }
  Gateway& second() { return *second_; }
  Napt* napt() { return napt_ ? &*napt_ : nullptr; }
  const WorldConfig& config() const { return config_; }
  User& user() { return config_.user; }  // to change his mind
  session::Status status() { return session_->status(now_); }
  Endpoint gateway_endpoint(bool natt) const;
  session::LocalEndpoints local() const { return local_; }

  bool up() const { return up_; }
  const std::optional<session::EndReason>& finished() const { return finished_; }
  const std::optional<session::TunnelConfig>& tunnel() const { return tunnel_; }
  const std::vector<session::Event>& events() const { return events_; }
  template <class E>
  const E* event() const {  // the last of its kind
    for (auto it = events_.rbegin(); it != events_.rend(); ++it) {
      if (const E* found = std::get_if<E>(&*it)) return found;
    }
    return nullptr;
  }
  template <class E>
  std::size_t event_count() const {
    std::size_t count = 0;
    for (const session::Event& e : events_) count += std::holds_alternative<E>(e) ? 1u : 0u;
    return count;
  }
  const std::vector<Sent>& sent() const { return sent_; }         // by the client
  const std::vector<ByteVec>& delivered() const { return tun_; }  // to the laptop's TUN device
  std::size_t forms() const { return forms_; }                    // questions to the user
  const std::vector<session::AskUser>& asked() const { return asked_; }
  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t total_drops() const;
  std::uint64_t pings_sent() const { return pings_sent_; }
  std::uint64_t pings_answered() const { return pings_answered_; }
  std::uint64_t datagrams() const { return datagrams_; }  // in both directions
  std::string ladder() const;                             // with the seed

 private:
  struct Event {
    enum class Kind : std::uint8_t { kFlight, kJob, kAnswer };
    Kind kind;
    Flight flight;
    std::optional<session::JobDone> job;
    session::UserEvent user;
  };

  std::optional<Instant> next_event() const;
  void run_event(Event event);
  void run_session_deadline();
  void apply(session::Actions& actions);
  void apply_one(session::Action& action);
  void carry(Gateway& gateway, Outbox& out);
  void fly(Flight flight);
  void launch(Flight flight, Duration delay);
  void arrive(Flight flight);
  void arrive_at_client(const Flight& flight);
  void on_esp(const Flight& flight, Bytes packet);
  void ask(const session::AskUser& form);
  void pull_facts();
  void after_session();
  std::uint64_t accounted_for() const;
  void check_sent(const Flight& flight);
  void check_sequence(Bytes esp);
  void check_plaintext(Bytes datagram);
  void check_inner(Bytes inner);
  // What of an inner packet is the same on both sides of the tunnel.
  ByteVec comparable(Bytes inner) const;
  void violate(const std::string& what);
  // The line is only written when somebody may read it: `make` returns it.
  template <class F>
  void trace_lazily(F make) {
    if (config_.record) trace(make());
  }
  void trace(const std::string& line);
  void trace_letters();
  ByteVec echo_request(bool from_laptop, std::uint16_t number) const;

  WorldConfig config_;
  SeededRng path_rng_;
  SeededRng session_rng_;
  SeededRng job_rng_;
  Instant now_;
  session::LocalEndpoints local_;
  std::optional<Napt> napt_;
  Gateway gateway_;
  std::optional<Gateway> second_;
  std::unique_ptr<session::Session> session_;
  session::DataPath data_path_;

  std::multimap<Instant, Event> events_due_;
  std::optional<Flight> last_arrival_;
  bool up_ = false;
  std::optional<session::EndReason> finished_;
  std::optional<session::TunnelConfig> tunnel_;
  std::vector<session::Event> events_;
  std::vector<Sent> sent_;
  std::vector<ByteVec> tun_;
  std::vector<bool> answered_ = std::vector<bool>(0x1'0000);  // by number
  ByteVec awaited_;  // what the office sent and ping_from_office() waits for
  std::uint64_t pings_sent_ = 0;
  std::uint64_t pings_answered_ = 0;
  std::uint64_t datagrams_ = 0;
  std::map<std::uint32_t, std::uint32_t> sequences_;  // the highest sent, by outbound SPI
  std::multimap<ByteVec, Instant> office_sent_;       // what may come out of the tunnel, once each
  std::deque<std::pair<Instant, ByteVec>> office_order_;  // the same, to be forgotten in time
  std::uint16_t next_ping_ = 1;
  std::size_t forms_ = 0;
  std::vector<session::AskUser> asked_;
  std::size_t letters_traced_ = 0;
  int steps_at_once_ = 0;
  bool link_up_ = true;
  bool asleep_ = false;
  std::optional<Instant> last_due_;  // what next_deadline() said after the last call
  std::vector<Event> held_;          // jobs and answers of a sleeping laptop
  Counters encap_counters_;
  std::vector<std::string> violations_;
  std::deque<std::string> trace_;
};

}  // namespace godwit::sim
