#include "client/scripts.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "client/profiles.h"
#include "client/report.h"
#include "client/words.h"
#include "platform/program.h"

namespace godwit::client {

using platform::SysError;

Scripts::Scripts(const config::Profile& profile, platform::UndoJournal& journal, Say say)
    : script_(profile.script), journal_(journal), say_(std::move(say)) {
  facts_.profile = profile.name;
  facts_.pid = ::getpid();
}

std::string Scripts::folder(std::string_view reason) const {
  return fmt::format("{}/hooks/{}.d", config_directory(), reason);
}

void Scripts::run_hooks(std::string_view folder_reason, std::string_view reason) {
  std::vector<std::string> refused;
  for (const std::string& hook : platform::programs_in(folder(folder_reason), refused)) {
    const auto status = platform::run_program({{hook}, script_environment(facts_, reason)});
    if (!status) {
      say_(fmt::format("hook {}: {}", printable(hook), status.error().message()));
    } else if (*status != 0) {
      say_(fmt::format("hook {} ended with exit status {}", printable(hook), *status));
    }
  }
  for (const std::string& fault : refused) say_("hook not run: " + printable(fault));
}

int Scripts::run_script(std::string_view reason) {
  if (script_.empty()) return 0;
  if (const std::string fault = platform::program_fault(script_.front()); !fault.empty()) {
    say_("script not run: " + printable(fault));
    return 126;
  }
  const auto status = platform::run_program({script_, script_environment(facts_, reason)});
  if (!status) {
    say_(fmt::format("script at {}: {}", reason, status.error().message()));
    return 126;
  }
  if (*status != 0)
    say_(fmt::format("the script ended with exit status {} at {}", *status, reason));
  return *status;
}

void Scripts::tell_all(std::string_view reason, bool post) {
  run_hooks(reason, reason);
  (void)run_script(reason);
  if (post) run_hooks(fmt::format("post-{}", reason), reason);
}

void Scripts::pre_init(const IpAddress& gateway) {
  facts_.gateway = gateway;
  tell_all("pre-init", false);
}

// The folder of today may hold other programs at disconnect: it is looked through then.
void Scripts::push_hooks(std::string_view folder_reason) {
  const std::string path = folder(folder_reason);
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return;
  (void)journal_.push(platform::UndoScript{{}, path, script_environment(facts_, "disconnect")});
}

Result<void, SysError> Scripts::before_connect(const session::TunnelConfig& config) {
  facts_.config = config;
  facts_.gateway = config.gateway;
  push_hooks("post-disconnect");
  run_hooks("connect", "connect");
  return {};
}

Result<void, SysError> Scripts::connect() {
  GODWIT_TRY(
      journal_.push(platform::UndoScript{script_, {}, script_environment(facts_, "disconnect")}));
  if (run_script("connect") == 0) return {};
  failed_ = true;
  return fail(SysError{"run", ECHILD, script_.front()});
}

Result<void, SysError> Scripts::after_connect() {
  push_hooks("disconnect");
  run_hooks("post-connect", "connect");
  connected_ = true;
  return {};
}

void Scripts::on_event(const session::Event& event) {
  if (const auto* nat = std::get_if<session::NatFound>(&event)) facts_.nat = *nat;
  if (!connected_) return;
  if (const auto* to = std::get_if<session::TryingGateway>(&event)) facts_.gateway = to->gateway;
  if (const auto* to = std::get_if<session::GatewayRedirects>(&event)) facts_.gateway = to->to;
  if (std::holds_alternative<session::ConnectingAnew>(event)) {
    facts_.detail = sentence(event);
    tell_all("attempt-reconnect", true);
    facts_.detail.clear();
    seeks_ = true;
  } else if (seeks_ && std::holds_alternative<session::SaInstalled>(event)) {
    seeks_ = false;
    tell_all("reconnect", false);
  }
}

void Scripts::on_moved() {
  if (!connected_) return;
  facts_.detail = "this machine has another address";
  tell_all("attempt-reconnect", true);
  facts_.detail.clear();
}

}  // namespace godwit::client
