// The ISAKMP SAs of a tunnel: the one in use, the one that is to replace it, and the one that was
// replaced. Repeats a connect attempt that damaged messages spoiled, and replaces phase 1 before it
// expires or after the gateway dropped it, while the ESP SAs go on (IKE1-40).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/session/gateways.h"
#include "core/session/ike_sa.h"
#include "core/session/recovery.h"

namespace godwit::session {

class IkeSas {
 public:
  // `settings` makes the settings of a new phase 1 with gateways.current(); asked for each time, so
  // that secrets are not kept twice. `reconnect`: how long a tunnel that was up is tried again.
  IkeSas(std::function<IkeSettings()> settings, Gateways& gateways, Duration reconnect)
      : settings_(std::move(settings)), gateways_(gateways), recovery_(reconnect) {}

  void start(Step& st);
  void on_message(const ike::Header& header, Bytes message, LocalPort port, const Endpoint& from,
                  const std::vector<ike::v1::ChildPolicy>& policies, Step& st);
  void on_deadline(Step& st);
  void on_job(JobDone& done, Step& st);
  void answer(std::uint32_t form, std::vector<SecretBytes>&& values, Step& st);
  void cannot_answer(std::uint32_t form, Step& st);
  void on_traffic(std::optional<Instant> last_inbound, std::optional<Instant> last_outbound);
  void follow(const Endpoint& from, Step& st);
  // The laptop is somewhere else: `settings` knows the new address. Asks the gateway at once.
  void on_network(const LocalEndpoints& local, Step& st);
  // There is no network: silence means nothing, and nothing is tried until on_network().
  void on_offline() { offline_ = keep_; }
  // The gateway's name leads elsewhere now: whoever waits for one that is lost need not wait there.
  void on_renamed(Step& st);
  // The machine slept: is the gateway still there? What was being negotiated begins again when it
  // slept longer than a gateway waits for its peer.
  void on_resume(Duration slept, Step& st);
  // What is up does not work any more: a new phase 1, then IkeReplaced. Tried for a bounded time;
  // then IkeEnded with `reason`.
  void recover(EndReason reason, Step& st);
  bool recovering() const { return recovery_.active(); }
  // The gateway fell silent during a connect: again from the beginning, when there is time. False:
  // there is none.
  bool retry(EndReason reason, Step& st);
  void recovered() { recovery_.end(); }  // a new ESP SA is there

  bool started() const { return current_ != nullptr; }
  bool established() const { return current_ && current_->established(); }
  // False after the gateway dropped the SA: nothing can be negotiated until the next one is there.
  bool usable() const { return established() && !lost_ && !offline_; }
  bool lost() const { return lost_; }
  void negotiate(ike::v1::ChildPolicy policy, Step& st) { current_->negotiate(policy, st); }
  bool negotiating(const Prefix& remote) const { return current_->negotiating(remote); }
  bool negotiating() const { return current_->negotiating(); }
  void delete_child(EspSpi inbound, Step& st) {
    if (usable()) current_->delete_child(inbound, st);
  }
  void delete_all(Step& st);

  // With the tunnel up, a lost phase 1 is replaced instead of ending everything.
  void set_up(bool up) { keep_ = up; }

  std::optional<Instant> due() const;
  bool form_open() const;
  const IkeSa& current() const { return *current_; }
  std::optional<Instant> replace_at() const { return replace_at_; }
  std::optional<EndReason> last_end() const { return last_end_; }
  std::uint64_t retransmissions() const;
  std::uint64_t replaced() const { return replaced_; }

 private:
  using Events = std::vector<IkeEvent>;
  template <class F>
  void with_current(Step& st, F call);
  template <class F>
  void with_next(Step& st, F call);
  template <class F>
  void with_old(Step& st, F call);
  void begin(Step& st);
  void begin_next(Step& st);
  void on_unknown(const ike::Header& header, LocalPort port, const Endpoint& from, Step& st);
  void drop_next();
  void give_time(std::uint32_t form, Step& st);
  void put_off(EndReason reason, Step& st);
  void on_current_event(IkeEvent&& event, Step& st);
  void on_current_ended(const IkeEnded& ended, Step& st);
  void on_next_event(IkeEvent&& event, Step& st);
  void take_over(Step& st);
  void readdress(Step& st);
  void replace_when_worn(Instant now);
  bool try_another(Step& st);
  void on_redirected(const IpAddress& to, Step& st);

  std::function<IkeSettings()> settings_;
  Gateways& gateways_;
  std::unique_ptr<IkeSa> current_;
  IpAddress gateway_;  // with which current_ was begun
  std::unique_ptr<IkeSa> next_;
  std::unique_ptr<IkeSa> old_;  // replaced; deleted a little later
  std::optional<Instant> old_until_;
  std::optional<Instant> replace_at_;
  Instant established_at_{};
  ike::v1::InnerAddresses address_;  // of the first Mode Config
  ike::v1::ModeConfig next_config_;
  bool force_natt_ = false;
  bool keep_ = false;
  bool lost_ = false;
  bool offline_ = false;
  Recovery recovery_;
  std::optional<Instant> started_;
  std::size_t attempts_ = 0;
  std::optional<EndReason> refused_;   // the last replacement, because of the user
  std::optional<EndReason> last_end_;  // what to say if no further attempt helps
  std::optional<EndReason> claim_;     // of the attempts that ended with more than silence
  std::size_t claims_ = 0;
  bool unanimous_ = true;
  std::uint64_t earlier_retransmissions_ = 0;
  std::uint64_t replaced_ = 0;
};

}  // namespace godwit::session
