// A profile's kill switch (platform/firewall.h), and /run/godwit/NAME.closed, which says that it is
// there and where the gateway was last: whoever cannot ask a name server any more connects to that.
// It is no part of the undo journal, because a crash, a tunnel that ended by itself or by its
// service manager, and the next connect must leave this machine closed. Only the user opens it: by
// ending a tunnel that is up, by `godwit disconnect`, or by `godwit clean --open`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "client/report.h"
#include "core/base/result.h"
#include "core/config/profile.h"

namespace godwit::client {

std::string closed_path(const std::string& name);
bool is_closed(const std::string& name);

// Before the first datagram. Replaces what an earlier call made, in one step; runs a program.
// Without an address of the gateway nothing can be connected to until the machine is opened.
Result<void, Failure> close_machine(const config::Profile& profile,
                                    const std::optional<IpAddress>& gateway);
// `godwit close`: without a tunnel, before there is a network above all. The gateway's address, if
// it was found. One that lives has closed it already, and nothing happens.
Result<std::optional<IpAddress>, Failure> close_beforehand(const config::Profile& profile);
// By who holds the profile's journal; true: it was closed.
Result<bool, Failure> open_machine(const std::string& name);
// By anybody else; nothing happens when a tunnel of that name lives.
Result<bool, Failure> open_left_machine(const std::string& name);

// Where the profile's gateway is. A closed machine asks no name server: then where it was serves.
Result<IpAddress, Failure> find_gateway(const config::Profile& profile);
// Where a closed profile's gateway of that name was.
std::optional<IpAddress> remembered_gateway(const std::string& name, const std::string& gateway);

// While a connect that has not come up yet runs: what it closed itself is opened again when it
// fails, what was closed before stays so.
class ClosedWhile {
 public:
  explicit ClosedWhile(std::string name) : name_(std::move(name)), stays_(is_closed(name_)) {}
  ClosedWhile(const ClosedWhile&) = delete;
  ClosedWhile& operator=(const ClosedWhile&) = delete;
  ~ClosedWhile() {
    if (!stays_) (void)open_machine(name_);
  }
  void stay_closed(bool stays) { stays_ = stays; }
  bool stays_closed() const { return stays_ && is_closed(name_); }

 private:
  std::string name_;
  bool stays_;
};

}  // namespace godwit::client
