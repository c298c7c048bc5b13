// The words: one sentence for each event, and for each end what happened and what to try. The core
// gives values; nothing here decides anything.
#pragma once

#include <string>

#include "client/exit_codes.h"
#include "core/config/profile.h"
#include "core/session/event.h"

namespace godwit::client {

// One line, no newline, never empty.
std::string sentence(const session::Event& event);

struct Failure {
  ExitCode code = ExitCode::kInternal;
  std::string what;    // what happened
  std::string remedy;  // what to try
};

// What a session's end means to the user who wrote `profile`.
Failure explain(const session::EndReason& reason, const config::Profile& profile);

// Empty, or why a pre-shared key of so many octets is too short (IKE1-39).
std::string psk_warning(std::size_t octets);

// A failure that the client itself found; an empty remedy is replaced by the table's.
Failure failure(ExitCode code, std::string what, std::string remedy = {});

}  // namespace godwit::client
