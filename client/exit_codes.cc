#include "client/exit_codes.h"

#include <algorithm>
#include <array>

namespace godwit::client {
namespace {

constexpr std::array kTable = {
    ExitCodeInfo{ExitCode::kOk, "ok", "done", "nothing to do"},
    ExitCodeInfo{ExitCode::kInternal, "internal", "an error in godwit itself, or of the system",
                 "run it again with --foreground and report what it prints"},
    ExitCodeInfo{ExitCode::kUsage, "usage", "the command line is not understood",
                 "see `godwit help`"},
    ExitCodeInfo{ExitCode::kProfile, "profile-invalid", "the profile is missing or has mistakes",
                 "`godwit check FILE` lists every mistake with its line"},
    ExitCodeInfo{ExitCode::kPermission, "permission",
                 "this user may not make a tunnel on this machine",
                 "run it as root (sudo godwit ...); in a container, pass /dev/net/tun and "
                 "CAP_NET_ADMIN to it"},
    ExitCodeInfo{ExitCode::kNotConnected, "not-connected", "there is no such tunnel",
                 "`godwit list` shows the profiles and which of them are up"},
    ExitCodeInfo{ExitCode::kAlreadyConnected, "already-connected", "the tunnel is up already",
                 "`godwit status` shows it; `godwit disconnect` ends it"},
    ExitCodeInfo{ExitCode::kSecret, "bad-secret", "a secret cannot be read or may not be used",
                 "keep it in a file that only its owner can read (chmod 600)"},
    ExitCodeInfo{ExitCode::kNameResolution, "name-resolution",
                 "the gateway's name has no address that could be found",
                 "check the spelling of `gateway`, and that this machine is online"},
    ExitCodeInfo{ExitCode::kNoAnswer, "no-answer", "nothing came back from the gateway",
                 "check that the address is right and that no firewall blocks UDP port 500; some "
                 "gateways stay silent when they do not know the group or the mode"},
    ExitCodeInfo{ExitCode::kUnreachable, "unreachable", "this machine has no way to the gateway",
                 "check that this machine is online (`ip route get GATEWAY`)"},
    ExitCodeInfo{ExitCode::kProposalRefused, "proposal-refused",
                 "the gateway accepts none of the offered phase 1 proposals",
                 "set `ike` to what the gateway is configured for"},
    ExitCodeInfo{ExitCode::kGatewayAuthFailed, "gateway-auth-failed",
                 "the gateway could not prove that it knows the pre-shared key",
                 "check the pre-shared key and the group name"},
    ExitCodeInfo{
        ExitCode::kWeAreRefused, "we-are-refused", "the gateway refused our identity or our key",
        "check `id`, `id-type` and the pre-shared key; the gateway may want another `auth`"},
    ExitCodeInfo{ExitCode::kUserRejected, "user-rejected",
                 "the gateway refused the user name or the password",
                 "check both; repeated attempts may lock the account"},
    ExitCodeInfo{ExitCode::kInputNeeded, "input-needed",
                 "the gateway or the profile asks for something that nobody here can answer",
                 "run it at a terminal, or name a file or an askpass program in the profile"},
    ExitCodeInfo{
        ExitCode::kNoAddress, "no-address", "the gateway gave no usable inner address",
        "the gateway's address pool may be exhausted; or set `mode-config = false` and `address`"},
    ExitCodeInfo{ExitCode::kPhase2Refused, "phase2-refused",
                 "the gateway accepts none of the offered ESP proposals",
                 "set `esp` and `pfs` to what the gateway is configured for"},
    ExitCodeInfo{ExitCode::kSelectorsRefused, "selectors-refused",
                 "the gateway refused the networks that were asked for",
                 "set `networks` to what the gateway is configured for"},
    ExitCodeInfo{
        ExitCode::kNoAnswerAfterFloat, "no-answer-after-float",
        "the gateway answered on its first port and is silent on the NAT-traversal port",
        "check that no firewall blocks that port (4500 by custom), and set `gateway-natt-port` "
        "if the gateway's is forwarded from another; a gateway that does not accept the "
        "identity or the key may be silent too"},
    ExitCodeInfo{ExitCode::kNoNatTraversal, "no-nat-traversal",
                 "the gateway speaks no NAT traversal that the profile allows",
                 "enable NAT traversal (RFC 3947) on the gateway; without a NAT on the way set "
                 "`nat-traversal = \"off\"`, and for an old Cisco gateway `\"cisco-udp\"`"},
    ExitCodeInfo{ExitCode::kGatewayIdentity, "gateway-identity",
                 "the gateway knows the key but is not the one that the profile names",
                 "check `remote-id` and `remote-id-type`"},
    ExitCodeInfo{ExitCode::kBadKeyExchange, "bad-key-exchange",
                 "the gateway's Diffie-Hellman value is not usable",
                 "try another group in `ike` or `pfs`; tell the gateway's owner"},
    ExitCodeInfo{ExitCode::kProtocol, "protocol", "the gateway broke the protocol",
                 "compare the profile with the gateway's configuration; tell the gateway's owner"},
    ExitCodeInfo{ExitCode::kGatewayCertificate, "gateway-certificate",
                 "the gateway's certificate is not to be believed",
                 "check `ca-file` and that the address is right; tell the gateway's owner"},
    ExitCodeInfo{ExitCode::kRedirected, "redirected",
                 "the gateways send us from one to another, and none of them takes us",
                 "tell the gateways' owner; or name another gateway of theirs in `gateway`"},
    ExitCodeInfo{ExitCode::kCannotApply, "cannot-apply",
                 "this machine refused the device, the addresses, the routes or the DNS servers",
                 "look for another program that uses the same addresses or device name"},
    ExitCodeInfo{ExitCode::kScript, "script-failed", "the profile's script refused the tunnel",
                 "run it with --foreground: what the script prints stands there"},
    ExitCodeInfo{ExitCode::kGatewayLost, "gateway-lost",
                 "the gateway no longer answers (dead peer detection)",
                 "check that this machine is online, then connect again"},
    ExitCodeInfo{ExitCode::kGatewayClosed, "gateway-closed", "the gateway closed the tunnel",
                 "connect again; the gateway may limit the length or the number of sessions"},
    ExitCodeInfo{ExitCode::kExpired, "expired",
                 "the keys reached the end of their lifetime and could not be replaced",
                 "connect again; check that `pfs` and the lifetimes suit the gateway"},
    ExitCodeInfo{
        ExitCode::kWaitOver, "wait-over", "the tunnel was not up within --wait",
        "give it more seconds; without --wait it ends by itself, and says what did not come"},
    ExitCodeInfo{ExitCode::kInterrupted, "interrupted", "interrupted; everything was undone",
                 "run it again when you like"},
};

}  // namespace

std::span<const ExitCodeInfo> exit_code_table() { return kTable; }

const ExitCodeInfo& info(ExitCode code) {
  for (const auto& row : kTable) {
    if (row.code == code) return row;
  }
  static_assert(kTable[1].code == ExitCode::kInternal);
  return kTable[1];
}

bool retry_may_help(ExitCode code) {
  using enum ExitCode;
  constexpr std::array kLasting = {
      kUsage,          kProfile,         kPermission,        kAlreadyConnected,
      kSecret,         kProposalRefused, kGatewayAuthFailed, kWeAreRefused,
      kUserRejected,   kInputNeeded,     kPhase2Refused,     kSelectorsRefused,
      kNoNatTraversal, kGatewayIdentity, kGatewayCertificate};
  return std::find(kLasting.begin(), kLasting.end(), code) == kLasting.end();
}

ExitCode exit_code(session::EndCause cause) {
  using session::EndCause;
  switch (cause) {
    case EndCause::kUserRequest:
      return ExitCode::kInterrupted;
    case EndCause::kNoAnswer:
      return ExitCode::kNoAnswer;
    case EndCause::kNoAnswerAfterFloat:
      return ExitCode::kNoAnswerAfterFloat;
    case EndCause::kProposalRefused:
      return ExitCode::kProposalRefused;
    case EndCause::kGatewayAuthFailed:
      return ExitCode::kGatewayAuthFailed;
    case EndCause::kWeAreRefused:
      return ExitCode::kWeAreRefused;
    case EndCause::kGatewayIdentity:
      return ExitCode::kGatewayIdentity;
    case EndCause::kCertificateAbsent:
    case EndCause::kCertificateUntrusted:
    case EndCause::kCertificateExpired:
    case EndCause::kCertificateTooYoung:
    case EndCause::kCertificateRevoked:
    case EndCause::kCertificateNoList:
    case EndCause::kCertificateNotPinned:
    case EndCause::kCertificateUnusable:
    case EndCause::kCertificateName:
      return ExitCode::kGatewayCertificate;
    case EndCause::kCannotSign:
      return ExitCode::kSecret;
    case EndCause::kUserRejected:
      return ExitCode::kUserRejected;
    case EndCause::kInputNeeded:
      return ExitCode::kInputNeeded;
    case EndCause::kNoAddress:
      return ExitCode::kNoAddress;
    case EndCause::kPhase2Refused:
      return ExitCode::kPhase2Refused;
    case EndCause::kSelectorsRefused:
      return ExitCode::kSelectorsRefused;
    case EndCause::kEncapsulationPort:
    case EndCause::kNoNatTraversal:
      return ExitCode::kNoNatTraversal;
    case EndCause::kBadKeyExchange:
      return ExitCode::kBadKeyExchange;
    case EndCause::kRedirected:
      return ExitCode::kRedirected;
    case EndCause::kGatewayClosed:
      return ExitCode::kGatewayClosed;
    case EndCause::kGatewayLost:
      return ExitCode::kGatewayLost;
    case EndCause::kExpired:
      return ExitCode::kExpired;
    case EndCause::kCannotApply:
      return ExitCode::kCannotApply;
    case EndCause::kProtocol:
      return ExitCode::kProtocol;
  }
  return ExitCode::kInternal;
}

}  // namespace godwit::client
