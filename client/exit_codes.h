// The exit codes of the command: stable, one number per cause, the same in --json as `code` and
// `slug`. A number once given is never used for anything else.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/session/event.h"

namespace godwit::client {

enum class ExitCode : std::uint8_t {
  kOk = 0,
  kInternal = 1,
  kUsage = 2,
  kProfile = 3,
  kPermission = 4,
  kNotConnected = 5,
  kAlreadyConnected = 6,
  kSecret = 7,
  kNameResolution = 10,
  kNoAnswer = 11,
  kUnreachable = 12,
  kProposalRefused = 13,
  kGatewayAuthFailed = 14,
  kWeAreRefused = 15,
  kUserRejected = 16,
  kInputNeeded = 17,
  kNoAddress = 19,
  kPhase2Refused = 20,
  kSelectorsRefused = 21,
  kNoAnswerAfterFloat = 23,
  kNoNatTraversal = 24,
  kGatewayIdentity = 25,
  kBadKeyExchange = 26,
  kProtocol = 27,
  kGatewayCertificate = 28,
  kRedirected = 29,
  kCannotApply = 30,
  kScript = 31,
  kGatewayLost = 40,
  kGatewayClosed = 41,
  kExpired = 43,
  kWaitOver = 46,
  kInterrupted = 130,
};

struct ExitCodeInfo {
  ExitCode code;
  std::string_view slug;      // in --json
  std::string_view sentence;  // what happened
  std::string_view remedy;    // what to try
};

std::span<const ExitCodeInfo> exit_code_table();
const ExitCodeInfo& info(ExitCode code);

// Whether the same attempt may succeed later. After the others a service is not started again
// (RestartPreventExitStatus= of packaging/systemd): that would lock the user's account.
bool retry_may_help(ExitCode code);

inline int number(ExitCode code) { return static_cast<int>(code); }

// UserRequest is an interruption here: whoever knows that the tunnel was up says kOk instead.
ExitCode exit_code(session::EndCause cause);

}  // namespace godwit::client
