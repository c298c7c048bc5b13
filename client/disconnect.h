// `godwit disconnect`: through the control socket while the tunnel's process lives, by its undo
// journal when it does not.
#pragma once

#include <string>

#include "client/report.h"
#include "core/base/result.h"

namespace godwit::client {

struct Disconnected {
  bool was_dead = false;    // the process was gone, and its journal was replayed
  bool was_closed = false;  // the kill switch of a tunnel that had ended otherwise was opened
};

// Returns when the other process is gone and nothing of the tunnel is left. kNotConnected when
// there was nothing to end.
Result<Disconnected, Failure> disconnect(const std::string& name);

}  // namespace godwit::client
