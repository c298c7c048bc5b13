#include "client/progress.h"

#include <fmt/format.h>
#include <syslog.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "client/words.h"
#include "platform/clock.h"

namespace godwit::client {

Progress::Progress(bool json, bool quiet)
    : json_(json), quiet_(quiet), started_(platform::boot_now()) {}

void Progress::event(const session::Event& event) { say(sentence(event)); }

void Progress::to_system_log(const std::string& name) {
  in_background_ = true;
  name_ = "godwit " + printable(name);
  openlog(name_.c_str(), LOG_PID, LOG_DAEMON);
}

void Progress::say(const std::string& line) {
  if (in_background_) return syslog(LOG_INFO, "%s", line.c_str());
  service_.status(line);
  if (quiet_) return;
  const auto elapsed = std::chrono::duration<double>(platform::boot_now() - started_).count();
  std::FILE* const out = json_ ? stderr : stdout;
  fmt::print(out, "{:7.3f}  {}\n", elapsed, line);
  std::fflush(out);
}

void Progress::up(const config::Profile& profile, const session::Event& assigned) {
  was_up_ = true;
  const auto* address = std::get_if<session::AddressAssigned>(&assigned);
  const std::string addresses = address != nullptr ? join(address->addresses) : "";
  if (!json_ && profile.l2tp) {
    fmt::print("{} is up for L2TP: now let xl2tpd call {}\n", printable(profile.name),
               printable(profile.gateway));
  } else if (json_) {
    const nlohmann::json result = {{"result", "up"},       {"code", 0},
                                   {"slug", "ok"},         {"name", profile.name},
                                   {"address", addresses}, {"message", "the tunnel is up"}};
    fmt::print("{}\n", result.dump());
  } else {
    fmt::print("{} is up, your address is {}\n", printable(profile.name), addresses);
  }
  std::fflush(stdout);
  service_.ready(fmt::format("up{}{}, through {}", addresses.empty() ? "" : ", our address is ",
                             addresses, printable(profile.gateway)));
}

int Progress::failed(const Failure& failure) {
  const int code = number(failure.code);
  if (in_background_) {
    syslog(LOG_ERR, "%s; %s", failure.what.c_str(), failure.remedy.c_str());
    return code;
  }
  service_.status(failure.what);
  if (json_ && !was_up_) {
    const nlohmann::json result = {{"result", "failed"},
                                   {"code", code},
                                   {"slug", info(failure.code).slug},
                                   {"message", printable(failure.what)},
                                   {"remedy", printable(failure.remedy)}};
    fmt::print("{}\n", result.dump());
    std::fflush(stdout);
  } else {
    fmt::print(stderr, "godwit: {}\n        {}\n", failure.what, failure.remedy);
  }
  return code;
}

void Progress::ended() {
  if (in_background_ || !json_) say("disconnected; everything was undone");
}

}  // namespace godwit::client
