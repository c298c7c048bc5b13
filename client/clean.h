// `godwit clean`: takes back what tunnels left whose process died. What is up stays up, so it may
// be run at any time: by the unit's ExecStopPost above all.
#pragma once

#include <string>

#include "client/report.h"
#include "core/base/result.h"
#include "platform/journal.h"

namespace godwit::client {

// Replays the journal of a process that is gone. A killed process keeps its lock until the kernel
// has taken it apart, so this waits for up to two seconds.
Result<platform::ReplayReport, Failure> replay_journal(const std::string& name);

// True when something was there to undo.
Result<bool, Failure> clean(const std::string& name);

}  // namespace godwit::client
