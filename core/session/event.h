// What a session tells the user: values, no words. client/report makes the sentences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/instant.h"
#include "core/base/strong.h"
#include "core/crypto/certificate.h"
#include "core/crypto/suite.h"
#include "core/net/address.h"

namespace godwit::session {

// Why a session ended. The client maps each to an exit code, a slug and a remedy.
enum class EndCause : std::uint8_t {
  kUserRequest,         // disconnect, Ctrl-C
  kNoAnswer,            // nothing came back from the gateway's first port
  kNoAnswerAfterFloat,  // the first messages were answered, nothing came on the NAT-traversal port
  kProposalRefused,     // phase 1: NO-PROPOSAL-CHOSEN, or an answer that was never offered
  kGatewayAuthFailed,   // HASH_R is wrong: another pre-shared key, or an unknown group
  kWeAreRefused,        // the gateway refused our identity or key (AUTHENTICATION-FAILED and kin)
  kGatewayIdentity,     // the gateway is authentic but its identity is not the profile's
  kCertificateAbsent,   // the gateway sends none
  kCertificateUntrusted,  // no path from the gateway's certificate to an authority of ours
  kCertificateExpired,    // it, or the revocation list, is older than today
  kCertificateTooYoung,   // not valid yet, or this machine's clock is wrong
  kCertificateRevoked,
  kCertificateNoList,     // `revocation` wants a list of revoked certificates that is not there
  kCertificateNotPinned,  // its key is none of those that the profile pins
  kCertificateUnusable,   // not to be read, weak, or made for another use
  kCertificateName,       // it does not name the gateway
  kCannotSign,            // our own key refused
  kUserRejected,          // XAuth STATUS=FAIL
  kInputNeeded,           // a question that nobody here can answer
  kNoAddress,             // Mode Config gave no usable address
  kPhase2Refused,         // Quick Mode: NO-PROPOSAL-CHOSEN, or an answer that was never offered
  kSelectorsRefused,      // Quick Mode: INVALID-ID-INFORMATION
  kNoNatTraversal,        // the gateway speaks no NAT traversal that we speak
  kEncapsulationPort,     // the gateway wants ESP in UDP on a port that the profile does not allow
  kBadKeyExchange,        // the gateway's Diffie-Hellman value is not usable
  kRedirected,            // sent on to another gateway, in a circle or without proof
  kGatewayClosed,         // the gateway deleted the SA
  kGatewayLost,           // dead peer detection
  kExpired,               // an SA ran out and could not be replaced
  kCannotApply,           // this machine refused addresses, routes, DNS or the device
  kProtocol,              // the gateway broke the protocol in a way that cannot be waited out
};

// How far a session had come.
enum class Stage : std::uint8_t {
  kIdle,
  kPhase1,      // nothing authentic yet
  kPhase1Auth,  // keys exist, identities are being proved
  kXauth,
  kModeConfig,
  kQuickMode,
  kUp,
  kClosing,
};

struct EndReason {
  EndCause cause = EndCause::kUserRequest;
  Stage stage = Stage::kIdle;
  std::uint16_t notify = 0;  // the peer's notify type (RFC 2408 3.14.1), 0 when it sent none
  // With kNoNatTraversal: the draft that the gateway names and we do not speak. Static text.
  std::string_view natt{};
  std::uint16_t port = 0;  // with kEncapsulationPort
  // With kInputNeeded: what the gateway asks for that no user can answer. Static text.
  std::string_view asked{};
};

enum class NattVersion : std::uint8_t { kNone, kDraft02, kDraft03, kRfc3947 };

// Progress, in the order in which it usually happens.
struct Phase1Started {
  bool aggressive = false;
  Endpoint gateway;
};
struct PeerAnswered {  // what messages 1/2 said; not authenticated yet
  crypto::IkeSuite suite;
  NattVersion natt = NattVersion::kNone;
  bool dpd = false;
  bool xauth = false;
  bool unity = false;
  std::string_view maker{};  // who made it, as its vendor ID says: "FortiGate". Static text
};
struct NatFound {  // RFC 3947 3.2
  bool we_are_behind = false;
  bool gateway_is_behind = false;
  bool forced = false;  // no NAT seen, encapsulation all the same
};
struct Floated {  // RFC 3947 4
  Endpoint local;
  Endpoint gateway;
};
struct GatewayShows {   // a certificate, not believed yet
  std::string subject;  // escaped
  crypto::KeyPin pin{};
};
struct GatewayAuthenticated {
  std::string identity;  // escaped
};
struct UserAccepted {};
struct GatewayMessage {  // banner or XAuth message, escaped
  std::string text;
};
struct AddressAssigned {
  std::vector<Prefix> addresses;
  std::vector<IpAddress> dns;
  std::vector<Prefix> networks;
  std::string default_domain;
};
struct FamilyRefused {  // Quick Mode for the second family; the tunnel carries the first alone
  bool v6 = true;
  EndReason reason;
};
struct SaInstalled {
  EspSpi inbound;
  EspSpi outbound;
  crypto::EspSuite suite;
  Duration lifetime{};
  std::uint64_t octets_max = 0;  // of the life of these keys; 0: no limit was agreed on
  bool rekey = false;            // replaces an older pair
  bool by_gateway = false;       // the gateway asked for it
  // Transport mode: our address as the gateway sees it, and the gateway's own (RFC 3947 5.2).
  std::optional<IpAddress> seen_as{};
  std::optional<IpAddress> gateway_as{};
};
struct TunnelUp {};
struct PeerMoved {  // RFC 3947 7; audited (section 8)
  Endpoint from;
  Endpoint to;
};
struct Retransmitting {
  int attempt = 0;  // 2 is the first repetition
  int attempts_max = 0;
};
struct HintReceived {  // an unauthenticated notify: it ends nothing, but shortens the wait
  std::uint16_t notify = 0;
};
struct GatewayRedirects {  // authentic; it is followed (Cisco's load balancing)
  IpAddress from;
  IpAddress to;
};
struct TryingGateway {  // because another did not answer
  IpAddress gateway;
};
struct GatewaySilent {  // dead peer detection began to probe
};
struct NothingArrives {  // plain ESP left and none came back: a NAT lets none pass
};
struct GatewayAlive {  // and was answered
};
struct ConnectingAnew {  // the tunnel stays up for the machine while a new phase 1 is tried
  EndReason reason;      // what would have ended it
};
struct NetworkGone {  // no route to the gateway: the tunnel waits for one, and nothing runs out
};
struct NetworkBack {};
struct AddressChanged {  // the gateway gave another one to a tunnel that it had forgotten
};
struct UserNotProved {  // phase 1 was to be replaced, and the gateway did not learn who the user is
  EndReason reason;     // kUserRejected or kInputNeeded
  Duration left{};      // what the tunnel lives without that
  bool again = false;   // half of that time from now another attempt is made
};

using Event =
    std::variant<Phase1Started, PeerAnswered, NatFound, Floated, GatewayShows, GatewayAuthenticated,
                 UserAccepted, GatewayMessage, AddressAssigned, FamilyRefused, SaInstalled,
                 TunnelUp, PeerMoved, Retransmitting, HintReceived, GatewaySilent, GatewayAlive,
                 ConnectingAnew, GatewayRedirects, TryingGateway, NothingArrives, UserNotProved,
                 NetworkGone, NetworkBack, AddressChanged>;

}  // namespace godwit::session
