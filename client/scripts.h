// The user's programs in a tunnel's life: the script of the profile, which makes addresses, routes
// and DNS in place of godwit, and hooks, which only learn of them: the programs of
// /etc/godwit/hooks/REASON.d, for every profile, in the order of their names.
//
//   pre-init            before the device exists; hooks, then the script
//   connect             hooks of connect.d; the script, or godwit; hooks of post-connect.d
//   attempt-reconnect   the path to the gateway may have changed; likewise with post-...
//   reconnect           the gateway answered anew; hooks and the script
//   disconnect          from the undo journal, so that it also follows a kill -9
//
// A script that fails at connect ends the tunnel; whatever else fails is told and changes nothing.
#pragma once

#include <functional>
#include <string>

#include "client/script_env.h"
#include "core/base/result.h"
#include "platform/journal.h"

namespace godwit::client {

class Scripts {
 public:
  using Say = std::function<void(const std::string&)>;
  Scripts(const config::Profile& profile, platform::UndoJournal& journal, Say say);

  void pre_init(const IpAddress& gateway);
  void set_device(const std::string& device) { facts_.device = device; }
  bool makes_the_network() const { return !script_.empty(); }

  // In this order, around what godwit makes itself. Each writes into the journal first.
  Result<void, platform::SysError> before_connect(const session::TunnelConfig& config);
  Result<void, platform::SysError> connect();  // only when the script makes the network
  Result<void, platform::SysError> after_connect();

  // Keeps what the script wants to know, and runs what an event means.
  void on_event(const session::Event& event);
  // This machine's own address changed.
  void on_moved();
  // The script ended with an error at connect.
  bool failed() const { return failed_; }

 private:
  std::string folder(std::string_view reason) const;
  void run_hooks(std::string_view folder_reason, std::string_view reason);
  // The exit status; what cannot be run is told, and has the status of a shell.
  int run_script(std::string_view reason);
  void tell_all(std::string_view reason, bool post);
  void push_hooks(std::string_view folder_reason);

  std::vector<std::string> script_;
  platform::UndoJournal& journal_;
  Say say_;
  ScriptFacts facts_;
  bool connected_ = false;
  bool seeks_ = false;  // attempt-reconnect was told, reconnect not yet
  bool failed_ = false;
};

}  // namespace godwit::client
