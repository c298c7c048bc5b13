// Where the names of a profile's gateways lead. Only addresses of one family are of use to a
// tunnel, so IPv4 comes first: that is what gateways of IKEv1 speak.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/report.h"
#include "core/base/result.h"
#include "core/config/profile.h"
#include "core/session/gateways.h"

namespace godwit::client {

// Asks the system's name service, which may take half a minute. kNameResolution.
Result<IpAddress, Failure> resolve(const std::string& name);

// Looks the names up again while the tunnel's loop runs: a name service may not stop it, nor be
// waited for when the process ends. So each lookup is a detached thread, which keeps what it needs.
class GatewayLookup {
 public:
  static Result<GatewayLookup, Failure> open();  // kCannotApply

  // Nothing happens while a lookup is under way, or when the profile names addresses alone.
  void begin(const config::Profile& profile);
  int fd() const;  // readable when there is something to take
  // Nothing: the first gateway's name was not found.
  std::optional<session::GatewayNames> take();

 private:
  struct Shared;

  explicit GatewayLookup(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  std::shared_ptr<Shared> shared_;
};

}  // namespace godwit::client
