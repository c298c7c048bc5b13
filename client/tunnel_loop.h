// The control loop that joins the core and the platform: one session, one engine for IKE, timers
// and what else happens. Collects what arrived, reads the clock once, carries the actions out in
// order, submits once. Packets move in client/packet_path.h, with threads of their own where there
// are CPUs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/apply.h"
#include "client/control.h"
#include "client/forms.h"
#include "client/gateway_names.h"
#include "client/keylog.h"
#include "client/packet_path.h"
#include "client/report.h"
#include "client/status.h"
#include "client/worker.h"
#include "core/session/session.h"
#include "platform/bus_watch.h"
#include "platform/engine.h"
#include "platform/file_watch.h"
#include "platform/netlink.h"
#include "platform/rng.h"
#include "platform/signals.h"
#include "platform/udp.h"

namespace godwit::client {

// What a tunnel runs with. Everything is open before the session starts.
struct TunnelParts {
  platform::Tun& tun;
  platform::UdpSocket& ike;
  platform::Signals& signals;
  platform::Event& cancel;  // rung to end a question to the user
  platform::LinkMonitor& links;
  platform::BusWatch* bus;                 // nullptr: a machine without one
  const platform::FileWatch* resolv_conf;  // nullptr: a machine without one
  GatewayLookup& lookup;
  Machine& machine;
  ControlServer& control;
  std::uint32_t fwmark = 0;
  Hardening hardening;
};

class TunnelLoop : private platform::Sink {
 public:
  struct Hooks {
    std::function<void(const session::Event&)> report;
    std::function<void(const std::string&)> say;          // what takes time, or what failed later
    std::function<void(const std::string&)> complain;     // a failure of this machine
    std::function<void()> up;                             // traffic flows: detach
    std::function<std::optional<Instant>(Instant)> beat;  // the loop turns; when to say so again
    std::function<void()> moved;                          // this machine has another address
  };

  TunnelLoop(session::SessionConfig config, TunnelParts parts,
             std::unique_ptr<platform::Engine> engine, std::unique_ptr<PacketPath> packets,
             std::unique_ptr<Worker> worker, std::unique_ptr<Worker> asker, UserSecrets secrets,
             std::optional<KeyLog> keylog, Hooks hooks);

  // Until the session is finished and its last datagrams have left.
  session::EndReason run();
  bool was_up() const { return told_up_; }           // and the user knows
  bool was_signalled() const { return signalled_; }  // it ended, or ends, by a signal
  // Why the last question to the user was not answered.
  const std::optional<Failure>& unanswered() const { return unanswered_; }

 private:
  enum Watched : std::uint32_t {
    kSignals,
    kControl,
    kWorker,
    kAsker,
    kLinks,
    kPackets,
    kBus,
    kNames,
    kResolvConf
  };

  void on_tun(std::span<platform::Buffer> packets) override { packets_->on_tun(packets); }
  void on_udp(std::uint32_t socket, std::span<platform::Datagram> datagrams) override;
  void on_readable(std::uint32_t id) override;
  void on_send_error(std::uint32_t socket, int error, std::size_t size) override;
  void on_rung_left(const platform::SysError& refusal) override;

  void turn();
  void on_too_big(int error);
  void set_mtu(std::size_t inner);
  void on_signal(int signal);
  bool is_still_wanted();
  void look_at_network();
  void look_for_source();
  void read_bus();
  void reassert_names();
  void keep_names();
  void drain();
  void carry_out(session::Action&& action);
  void apply(const session::TunnelConfig& config);
  void ask(session::AskUser&& form);
  void on_answers(const session::AskUser& form, Result<FilledForm, Failure>&& answers);
  void tell_traffic();
  std::string answer(const ControlRequest& request);
  std::string open_portal(std::chrono::seconds span);
  void end_portal();
  std::optional<Instant> deadline() const;

  config::Profile profile_;
  platform::SystemRng rng_;
  TunnelParts parts_;
  std::unique_ptr<platform::Engine> engine_;
  std::unique_ptr<PacketPath> packets_;
  FormFiller filler_;               // used by the asker's thread alone
  std::unique_ptr<Worker> worker_;  // new keys must not wait until somebody has answered a question
  std::unique_ptr<Worker> asker_;
  std::optional<KeyLog> keylog_;
  Hooks hooks_;
  Endpoint gateway_;
  session::LocalEndpoints local_;
  session::Session session_;
  session::Actions actions_;
  Instant now_{};
  std::optional<Instant> beat_due_;
  std::optional<session::EndReason> end_;
  std::optional<Failure> unanswered_;
  std::optional<session::TunnelConfig> applied_;
  std::optional<Instant> portal_until_;  // meanwhile nothing of `applied_` is in place
  std::optional<Instant> names_due_;     // to be looked at, since somebody wrote a resolv.conf
  Instant names_told_{};
  bool offline_ = false;
  std::size_t mtu_ = 0;       // of the device; 0: not up
  std::size_t full_mtu_ = 0;  // before the path said what it cannot carry
  bool has_ipv6_ = false;     // on the device
  bool was_up_ = false;
  bool told_up_ = false;
  bool closing_ = false;
  bool signalled_ = false;
};

}  // namespace godwit::client
