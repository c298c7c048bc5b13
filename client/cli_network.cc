#include "client/cli_network.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "client/control.h"
#include "client/kill_switch.h"
#include "client/profiles.h"
#include "client/routes_report.h"
#include "client/words.h"
#include "platform/firewall.h"

namespace godwit::client {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

int complain(const Failure& failure) {
  std::cout.flush();
  fmt::print(stderr, "godwit: {}\n        {}\n", failure.what, failure.remedy);
  return number(failure.code);
}

// A tunnel that died or ended by itself left its kill switch: nobody is there to step aside, and
// root alone opens it.
Result<json, Failure> open_left_portal(const std::string& name, std::chrono::seconds span) {
  if (!is_closed(name)) {
    return fail(failure(
        ExitCode::kNotConnected,
        fmt::format("{} is not connected, and no kill switch of it is closed", printable(name))));
  }
  if (::geteuid() != 0) {
    return fail(failure(ExitCode::kPermission, "only root opens a kill switch that was left"));
  }
  const auto opened = platform::open_portal(platform::firewall_table(name), span);
  if (!opened) return fail(failure(ExitCode::kCannotApply, opened.error().message()));
  return json{{"result", span.count() == 0 ? "closed" : "open"}, {"seconds", span.count()}};
}

}  // namespace

int run_routes(const NetworkOptions& options) {
  const std::string name = profile_name(options.name);
  const auto routes = control_ask(socket_path(name), ControlOp::kRoutes, 5s);
  if (!routes && routes.error().code == ExitCode::kNotConnected) {
    return complain(
        failure(ExitCode::kNotConnected, fmt::format("{} is not connected", printable(name))));
  }
  if (!routes) return complain(routes.error());
  fmt::print("{}", options.json ? routes->dump(2) + "\n" : routes_text(*routes));
  return 0;
}

int run_portal(const NetworkOptions& options) {
  const std::string name = profile_name(options.name);
  const std::chrono::seconds span(options.seconds);
  auto answer = control_ask(socket_path(name), {ControlOp::kPortal, span}, 5s);
  if (!answer && answer.error().code == ExitCode::kNotConnected) {
    answer = open_left_portal(name, span);
  }
  if (!answer) return complain(answer.error());
  const auto text = [&](const char* key) {
    const auto found = answer->find(key);
    return found != answer->end() && found->is_string() ? found->get<std::string>() : "";
  };
  if (text("result") == "refused") {
    return complain(failure(ExitCode::kCannotApply, printable(text("why"))));
  }
  if (options.json) {
    fmt::print("{}\n", answer->dump());
  } else if (span.count() == 0) {
    fmt::print("the kill switch of {} is closed\n", printable(name));
  } else {
    fmt::print(
        "the kill switch of {0} lets DNS, the web and private networks pass for {1}; "
        "`godwit portal {0} 0` closes it\n",
        printable(name), words(Duration(span)));
  }
  return 0;
}

int run_close(const NetworkOptions& options) {
  const auto profile = load_profile(options.name, {});
  if (!profile) return complain(profile.error());
  if (profile->kill_switch == config::KillSwitch::kOff) {
    return complain(failure(ExitCode::kProfile,
                            fmt::format("{} has no kill switch", printable(profile->name)),
                            "write kill-switch = \"on\", or \"lan\", into it"));
  }
  if (::geteuid() != 0) {
    return complain(failure(ExitCode::kPermission, "only root closes a kill switch"));
  }
  const auto gateway = close_beforehand(*profile);
  if (!gateway) return complain(gateway.error());
  if (options.json) {
    fmt::print("{}\n", json{{"result", "closed"}, {"gateway_known", gateway->has_value()}}.dump());
  } else {
    fmt::print("the kill switch of {0} is closed; `godwit disconnect {0}` opens it\n",
               printable(profile->name));
  }
  if (!*gateway) {
    fmt::print(stderr,
               "godwit: the address of {} is not known, and a closed machine asks no name server\n"
               "        write it into /etc/hosts, or as `gateway`\n",
               printable(profile->gateway));
  }
  return 0;
}

}  // namespace godwit::client
