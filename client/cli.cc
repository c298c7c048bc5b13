#include "client/cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "client/clean.h"
#include "client/cli_dump.h"
#include "client/cli_network.h"
#include "client/connect.h"
#include "client/control.h"
#include "client/disconnect.h"
#include "client/import.h"
#include "client/kill_switch.h"
#include "client/plan.h"
#include "client/profiles.h"
#include "client/progress.h"
#include "client/service_credentials.h"
#include "client/status.h"
#include "client/unit.h"
#include "client/words.h"
#include "core/config/options.h"
#include "core/config/show.h"

#ifndef GODWIT_VERSION
#define GODWIT_VERSION "0.0.0"
#endif

namespace godwit::client {
namespace {

using nlohmann::json;

int complain(const Failure& failure) {
  std::cout.flush();
  fmt::print(stderr, "godwit: {}\n        {}\n", failure.what, failure.remedy);
  return number(failure.code);
}

struct Arguments {
  std::string name;
  bool json = false;
  bool all = false;
  bool if_needed = false;
  bool dry_run = false;
  bool open = false;
  NetworkOptions network;
  ConnectOptions connect;
  ImportOptions importing;
  std::string keylog;
  // One for each option of a profile, in the table's order; a flag may be repeated.
  std::vector<std::vector<std::string>> values;

  std::vector<config::Override> overrides() const {
    std::vector<config::Override> out;
    const auto table = config::options();
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (const std::string& value : values[i]) {
        out.push_back({std::string(table[i].key), value});
      }
    }
    return out;
  }
};

int run_plan(const Arguments& arguments) {
  const auto profile = load_profile(arguments.name, arguments.overrides());
  if (!profile) return complain(profile.error());
  const json plan = plan_json(*profile);
  fmt::print("{}", arguments.json ? plan.dump() + "\n" : plan_text(plan));
  return 0;
}

int run_events(const Arguments& arguments) {
  const auto print = [&arguments](const std::string& line) {
    const auto event = parse_answer(line);
    if (!event) return;
    const auto text = event->find("text");
    if (arguments.json) {
      fmt::print("{}\n", event->dump(-1, ' ', true, json::error_handler_t::replace));
    } else if (text != event->end() && text->is_string()) {
      fmt::print("{}\n", printable(text->get<std::string>()));
    }
    std::fflush(stdout);
  };
  const auto done = control_events(socket_path(profile_name(arguments.name)), print);
  return done ? 0 : complain(done.error());
}

int say_up(const Arguments& arguments, const char* how) {
  const std::string name = profile_name(arguments.name);
  if (arguments.json) {
    fmt::print("{}\n", json{{"result", "up"},
                            {"code", 0},
                            {"slug", "ok"},
                            {"name", printable(name)},
                            {"message", fmt::format("the tunnel is up{}", how)}}
                           .dump());
  } else if (!arguments.connect.quiet) {
    fmt::print("{} is up{}\n", printable(name), how);
  }
  return 0;
}

// A tunnel whose process was killed leaves its socket and its journal.
constexpr const char* kDied = "; its process died, `godwit disconnect` cleans up after it";
constexpr const char* kClosed = "; its kill switch is closed, `godwit disconnect` opens it";

// "up", "connecting", "died" or "down".
std::string_view state_of(const std::string& name) {
  const auto status = control_ask(socket_path(name), ControlOp::kStatus, std::chrono::seconds(2));
  if (status) return status_state(*status) == "up" ? "up" : "connecting";
  if (status.error().code != ExitCode::kNotConnected) return "up";  // it does not talk to us
  if (has_died(name)) return "died";
  const auto tunnels = list_tunnels();
  return std::find(tunnels.begin(), tunnels.end(), name) != tunnels.end() ? "connecting" : "down";
}

void say(const std::vector<importers::Remark>& remarks) {
  for (const auto& one : remarks) fmt::print(stderr, "{}\n", printable(one.to_string()));
}

int run_unit(const Arguments& arguments) {
  Progress progress(arguments.json, arguments.connect.quiet);
  if (state_of(arguments.name) == "up") {
    return progress.failed(failure(ExitCode::kAlreadyConnected, {}));
  }
  const auto started = connect_unit(arguments.name, arguments.connect.wait);
  return started ? say_up(arguments, "") : progress.failed(started.error());
}

int run_connect(Arguments& arguments) {
  if (arguments.dry_run) return run_plan(arguments);
  if (arguments.if_needed && state_of(profile_name(arguments.name)) == "up") {
    return say_up(arguments, " already");
  }
  // A profile of root's, by its name and as it stands, is what others may be allowed to start.
  const bool of_root = arguments.name == profile_name(arguments.name) &&
                       arguments.overrides().empty() && arguments.keylog.empty() &&
                       !arguments.connect.foreground;
  if (::geteuid() != 0 && of_root) return run_unit(arguments);
  const auto overrides = arguments.overrides();
  std::vector<importers::Remark> remarks;
  auto profile = load_profile(arguments.name, overrides, &remarks);
  arguments.connect.json = arguments.json;
  Progress progress(arguments.json, arguments.connect.quiet);
  if (!profile) return progress.failed(profile.error());
  if (!arguments.json && !arguments.connect.quiet) say(remarks);
  if (::geteuid() != 0) {
    return progress.failed(failure(ExitCode::kPermission, "a tunnel needs root on this machine"));
  }
  if (!arguments.keylog.empty()) arguments.connect.keylog = arguments.keylog;
  use_service_credentials(*profile);
  return connect(*profile, arguments.connect);
}

// What disconnect ends: tunnels, and what ended ones left closed.
std::vector<std::string> list_ends() {
  std::vector<std::string> names = list_tunnels();
  const std::vector<std::string> closed = list_closed();
  names.insert(names.end(), closed.begin(), closed.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

int run_disconnect(const Arguments& arguments) {
  std::vector<std::string> names = {profile_name(arguments.name)};
  if (arguments.all) names = list_ends();
  if (arguments.name.empty() && !arguments.all) {
    names = list_ends();
    if (names.size() != 1 && !(names.empty() && arguments.if_needed)) {
      return complain(
          failure(names.empty() ? ExitCode::kNotConnected : ExitCode::kUsage,
                  names.empty() ? "no tunnel is up" : "more than one tunnel is up: " + join(names),
                  names.empty() ? "" : "name one of them, or say --all"));
    }
  }
  for (const std::string& name : names) {
    const auto done = disconnect(name);
    // Its unit may be about to try again.
    const bool down = !done && done.error().code == ExitCode::kNotConnected && !stop_unit(name);
    if (down && arguments.if_needed) continue;
    if (!done && (down || done.error().code != ExitCode::kNotConnected)) {
      return complain(done.error());
    }
    if (arguments.json) continue;
    fmt::print(
        "{} is disconnected{}{}\n", printable(name),
        done && done->was_dead ? "; its process was dead, and what it had left is cleaned up" : "",
        done && done->was_closed ? "; its kill switch is open" : "");
  }
  if (arguments.json) fmt::print("{}\n", json{{"result", "disconnected"}, {"names", names}}.dump());
  return 0;
}

int run_status(const Arguments& arguments) {
  std::vector<std::string> names = list_tunnels();
  if (!arguments.name.empty()) names = {profile_name(arguments.name)};
  json all = json::array();
  for (const std::string& name : names) {
    const auto status = control_ask(socket_path(name), ControlOp::kStatus, std::chrono::seconds(5));
    const bool absent = !status && status.error().code == ExitCode::kNotConnected;
    if (!status && (!arguments.name.empty() || !absent)) {
      if (arguments.json && absent) {
        fmt::print("{}\n", json{{"schema", kStatusSchema},
                                {"name", name},
                                {"state", "down"},
                                {"closed", is_closed(name)}}
                               .dump());
        return number(ExitCode::kNotConnected);
      }
      return complain(absent ? failure(ExitCode::kNotConnected,
                                       fmt::format("{} is not connected{}", printable(name),
                                                   has_died(name)    ? kDied
                                                   : is_closed(name) ? kClosed
                                                                     : ""))
                             : status.error());
    }
    if (status) all.push_back(*status);
  }
  if (arguments.json) {
    fmt::print("{}\n", (arguments.name.empty() ? all : all.front()).dump(2));
    return 0;
  }
  if (all.empty()) {
    fmt::print("no tunnel is up\n");
    return number(ExitCode::kNotConnected);
  }
  for (const json& status : all) fmt::print("{}", status_text(status));
  return 0;
}

int run_list(const Arguments& arguments) {
  std::vector<std::string> names = list_profiles();
  const std::vector<std::string> up = list_tunnels();
  names.insert(names.end(), up.begin(), up.end());  // of files elsewhere
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  json out = json::array();
  for (const std::string& name : names) {
    const std::string_view state = state_of(name);
    out.push_back({{"name", name}, {"up", state == "up"}, {"state", state}});
    if (!arguments.json) fmt::print("{:<24}{}\n", printable(name), state);
  }
  if (arguments.json) fmt::print("{}\n", out.dump());
  if (names.empty() && !arguments.json) {
    fmt::print("no profiles in {}\n", config_directory());
  }
  return 0;
}

int run_clean(const Arguments& arguments) {
  std::vector<std::string> names = list_ends();
  if (!arguments.name.empty()) names = {profile_name(arguments.name)};
  for (const std::string& name : names) {
    const auto done = clean(name);
    if (!done) return complain(done.error());
    if (*done) fmt::print("{}: cleaned up after a process that died\n", printable(name));
    if (*done && !arguments.open && is_closed(name)) {
      fmt::print("{0}: the kill switch stays; `godwit disconnect {0}` opens this machine\n",
                 printable(name));
    }
    if (!arguments.open) continue;
    const auto opened = open_left_machine(name);
    if (!opened) return complain(opened.error());
    if (*opened) fmt::print("{}: the kill switch is open\n", printable(name));
  }
  return 0;
}

int run_check(const Arguments& arguments) {
  std::vector<importers::Remark> remarks;
  const auto profile = load_profile(arguments.name, arguments.overrides(), &remarks);
  if (!profile) return complain(profile.error());
  say(remarks);
  fmt::print("{}: no mistakes\n", printable(profile_path(arguments.name)));
  for (const std::string& word : profile->weak) {
    fmt::print("  weak: {}\n", weak_reason(printable(word)));
  }
  return 0;
}

int run_show(const Arguments& arguments) {
  const auto profile = load_profile(arguments.name, arguments.overrides());
  if (!profile) return complain(profile.error());
  fmt::print("{}", config::show_profile(*profile));
  return 0;
}

void add_profile_flags(CLI::App& command, Arguments& arguments) {
  const auto table = config::options();
  arguments.values.resize(table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    command
        .add_option("--" + std::string(table[i].key), arguments.values[i],
                    std::string(table[i].help))
        ->type_name(std::string(table[i].metavar))
        ->take_all()
        ->group("Profile keys (take the place of what the profile says)");
  }
}

using Action = int (*)(Arguments&);

void add_connect_flags(CLI::App& command, Arguments& arguments) {
  command.add_flag("--if-needed", arguments.if_needed,
                   "Exit code 0, not 6, when the tunnel is up already");
  command.add_flag("--dry-run", arguments.dry_run,
                   "Show what would be changed, and change nothing");
  command
      .add_option("--wait", arguments.connect.wait,
                  "Give up when the tunnel is not up after so many seconds")
      ->type_name("SEC")
      ->check(CLI::Range(1, 86400));
}

void add_import(CLI::App& app, Arguments& arguments, Action& action) {
  auto* const command = app.add_subcommand(
      "import",
      "Make a profile of another client's file: vpnc.conf, Cisco .pcf, Shrew .vpn, "
      "Apple .mobileconfig, swanctl.conf, ipsec.conf");
  ImportOptions& options = arguments.importing;
  command->add_option("FILE", options.file, "The file; what of it is left out is said line by line")
      ->required();
  command->add_option("--name", options.name, "Name of the profile; default: the file's")
      ->type_name("NAME");
  command
      ->add_option("--output", options.output,
                   "Where to write it, secrets beside it; - for standard output without secrets; "
                   "default: /etc/godwit/NAME.toml")
      ->type_name("FILE");
  command->add_option("--connection", options.connection, "Which one, of files that have several")
      ->type_name("NAME");
  command->add_flag("--force", options.force, "Replace files that exist");
  command->callback([&action] { action = [](Arguments& a) { return import_file(a.importing); }; });
}

void add_small_commands(CLI::App& app, Arguments& arguments, Action& action) {
  auto* const plan_command =
      app.add_subcommand("plan", "Show what a connect would change, and change nothing");
  plan_command->add_option("PROFILE", arguments.name, "Name of a profile, or a file")->required();
  plan_command->add_flag("--json", arguments.json, "As JSON, with stable names");
  plan_command->callback([&action] { action = [](Arguments& a) { return run_plan(a); }; });

  auto* const events_command =
      app.add_subcommand("events", "Show what happens to a tunnel, until it ends");
  events_command->add_option("PROFILE", arguments.name, "Name of a profile")->required();
  events_command->add_flag("--json", arguments.json, "A line of JSON for each event");
  events_command->callback([&action] { action = [](Arguments& a) { return run_events(a); }; });

  auto* const routes_command =
      app.add_subcommand("routes", "Show what goes through a tunnel, what around it, and why");
  routes_command->add_option("PROFILE", arguments.network.name, "Name of a profile")->required();
  routes_command->add_flag("--json", arguments.network.json, "As JSON, with stable names");
  routes_command->callback(
      [&action] { action = [](Arguments& a) { return run_routes(a.network); }; });

  auto* const portal_command = app.add_subcommand(
      "portal", "Open the kill switch for a while, to log in to a network's captive portal");
  portal_command->add_option("PROFILE", arguments.network.name, "Name of a profile")->required();
  portal_command
      ->add_option("SECONDS", arguments.network.seconds,
                   "It closes by itself after so many; at most 1800, 0 closes it now")
      ->default_val(kPortalDefault.count())
      ->check(CLI::Range(0LL, static_cast<long long>(kPortalMax.count())));
  portal_command->add_flag("--json", arguments.network.json, "One JSON object on standard output");
  portal_command->callback(
      [&action] { action = [](Arguments& a) { return run_portal(a.network); }; });

  auto* const close_command = app.add_subcommand(
      "close", "Close the kill switch of a profile without a tunnel, until disconnect");
  close_command->add_option("PROFILE", arguments.network.name, "Name of a profile")->required();
  close_command->add_flag("--json", arguments.network.json, "One JSON object on standard output");
  close_command->callback(
      [&action] { action = [](Arguments& a) { return run_close(a.network); }; });

  auto* const clean_command =
      app.add_subcommand("clean", "Undo what tunnels left whose process died; others stay up");
  clean_command->add_option("PROFILE", arguments.name, "Name of a profile; default: all");
  clean_command->add_flag("--open", arguments.open,
                          "Open the kill switches that they left closed as well");
  clean_command->callback([&action] { action = [](Arguments& a) { return run_clean(a); }; });

  app.add_subcommand("version", "Show the version")->callback([&action] {
    action = [](Arguments&) {
      fmt::print("godwit {}\n", GODWIT_VERSION);
      return 0;
    };
  });
  app.add_subcommand("help", "Show this help")->callback([&app, &action] {
    // app.help() would be that of the subcommand `help`, since that one was chosen.
    fmt::print("{}", app.get_formatter()->make_help(&app, "godwit", CLI::AppFormatMode::Normal));
    action = [](Arguments&) { return 0; };
  });
}

int parse_and_run(int argc, char** argv) {
  CLI::App app("godwit: a VPN client for IPsec gateways, in user space", "godwit");
  app.require_subcommand(1);
  app.set_version_flag("--version", "godwit " GODWIT_VERSION);
  Arguments arguments;
  Action action = nullptr;

  auto* const connect_command = app.add_subcommand("connect", "Make a tunnel")->alias("up");
  connect_command
      ->add_option("PROFILE", arguments.name, "Name of a profile, or a file; also vpnc's own file")
      ->required();
  connect_command->add_flag("-f,--foreground", arguments.connect.foreground,
                            "Stay in the foreground until the tunnel ends");
  connect_command->add_flag("-q,--quiet", arguments.connect.quiet, "Say nothing but failures");
  connect_command->add_flag("--json", arguments.json, "One JSON object on standard output");
  connect_command
      ->add_option(
          "--keylog", arguments.keylog,
          "Write the keys for Wireshark into this folder; whoever has them reads the tunnel")
      ->type_name("DIR");
  add_connect_flags(*connect_command, arguments);
  add_profile_flags(*connect_command, arguments);
  connect_command->callback([&] { action = run_connect; });

  auto* const disconnect_command =
      app.add_subcommand("disconnect", "End a tunnel and undo everything")->alias("down");
  disconnect_command->add_option("PROFILE", arguments.name, "Needed when several are up");
  disconnect_command->add_flag("--all", arguments.all, "End every tunnel");
  disconnect_command->add_flag("--if-needed", arguments.if_needed,
                               "Exit code 0, not 5, when no tunnel is up");
  disconnect_command->add_flag("--json", arguments.json, "One JSON object on standard output");
  disconnect_command->callback([&] { action = [](Arguments& a) { return run_disconnect(a); }; });

  auto* const status_command = app.add_subcommand("status", "Show a tunnel, or all of them");
  status_command->add_option("PROFILE", arguments.name, "Name of a profile");
  status_command->add_flag("--json", arguments.json, "As JSON, with stable names");
  status_command->callback([&] { action = [](Arguments& a) { return run_status(a); }; });

  auto* const list_command = app.add_subcommand("list", "Show the profiles and which are up");
  list_command->add_flag("--json", arguments.json, "As JSON");
  list_command->callback([&] { action = [](Arguments& a) { return run_list(a); }; });

  auto* const check_command = app.add_subcommand("check", "Look for mistakes in a profile");
  check_command->add_option("FILE", arguments.name, "A file, or the name of a profile")->required();
  check_command->callback([&] { action = [](Arguments& a) { return run_check(a); }; });

  auto* const show_command =
      app.add_subcommand("show", "Show a profile with every default; secrets as files only");
  show_command->add_option("FILE", arguments.name, "A file, or the name of a profile")->required();
  show_command->callback([&] { action = [](Arguments& a) { return run_show(a); }; });

  add_import(app, arguments, action);
  add_small_commands(app, arguments, action);
  // For the build of the man pages, before anything is required of the command line.
  if (argc == 2 && std::string_view(argv[1]) == "--dump-cli") {
    fmt::print("{}\n", dump_cli(app));
    return 0;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // help and version
  } catch (const CLI::ParseError& error) {
    return complain(failure(ExitCode::kUsage, error.what(), "see `godwit help`"));
  }
  return action(arguments);
}

}  // namespace

int run(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    return complain(failure(ExitCode::kInternal, error.what()));
  }
}

}  // namespace godwit::client
