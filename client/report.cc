#include "client/report.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "client/words.h"
#include "core/config/values.h"

namespace godwit::client {
namespace {

using namespace session;

struct EventWords {
  std::string operator()(const Phase1Started& e) const {
    return fmt::format("{} Mode to {}", e.aggressive ? "Aggressive" : "Main",
                       e.gateway.to_string());
  }

  std::string operator()(const PeerAnswered& e) const {
    std::string text = fmt::format("the gateway answered: {}", words(e.suite));
    text += e.natt == NattVersion::kNone ? ", no NAT traversal"
                                         : fmt::format(", NAT traversal {}", words(e.natt));
    if (e.dpd) text += ", DPD";
    if (e.xauth) text += ", XAuth";
    if (e.unity) text += ", Unity";
    if (!e.maker.empty()) text += fmt::format("; it names itself {}", e.maker);
    return text;
  }

  std::string operator()(const NatFound& e) const {
    if (e.we_are_behind && e.gateway_is_behind) {
      return "you are behind NAPT, the gateway says it is too (some say so only to get ESP in UDP)";
    }
    if (e.we_are_behind) return "you are behind NAPT, the gateway is not";
    if (e.gateway_is_behind) return "the gateway is behind NAPT, you are not";
    if (e.forced) return "no NAPT between you and the gateway; ESP goes in UDP all the same";
    return "no NAPT between you and the gateway";
  }

  std::string operator()(const Floated& e) const {
    return fmt::format("floated to UDP {}: from here on everything goes to {}", e.local.port,
                       e.gateway.to_string());
  }

  std::string operator()(const GatewayShows& e) const {
    return fmt::format("the gateway shows the certificate of {}, key {}", e.subject,
                       config::pin_text(e.pin));
  }
  std::string operator()(const GatewayAuthenticated& e) const {
    if (e.identity.empty()) return "the gateway proved that it knows the key";
    return fmt::format("the gateway proved to be {}", printable(e.identity));
  }

  std::string operator()(const UserAccepted&) const { return "user name and password accepted"; }

  std::string operator()(const GatewayMessage& e) const {
    return fmt::format("the gateway says: {}", printable(e.text));
  }

  std::string operator()(const AddressAssigned& e) const {
    std::string text = e.addresses.empty() ? std::string("no address from the gateway")
                                           : fmt::format("address {}", join(e.addresses));
    if (!e.dns.empty()) text += fmt::format(", DNS {}", join(e.dns));
    if (!e.networks.empty()) text += fmt::format(", networks {}", join(e.networks));
    if (!e.default_domain.empty()) text += fmt::format(", domain {}", printable(e.default_domain));
    return text;
  }

  std::string operator()(const FamilyRefused& e) const {
    return fmt::format("the gateway carries no {}; it stays outside the tunnel",
                       e.v6 ? "IPv6" : "IPv4");
  }

  std::string operator()(const SaInstalled& e) const {
    std::string text = e.rekey ? "new keys for ESP" : "ESP";
    text += fmt::format(" {}, lifetime {}", words(e.suite), words(e.lifetime));
    if (e.octets_max != 0) text += fmt::format(" or {}", words_of_octets(e.octets_max));
    if (e.by_gateway) text += ", at the gateway's request";
    if (e.seen_as) text += fmt::format("; the gateway sees us as {}", e.seen_as->to_string());
    if (e.gateway_as) text += fmt::format(", itself as {}", e.gateway_as->to_string());
    return text;
  }

  std::string operator()(const TunnelUp&) const { return "the tunnel is up"; }

  std::string operator()(const PeerMoved& e) const {
    return fmt::format("the gateway moved from {} to {}", e.from.to_string(), e.to.to_string());
  }

  std::string operator()(const Retransmitting& e) const {
    return fmt::format("no answer yet, trying again ({} of {})", e.attempt, e.attempts_max);
  }

  std::string operator()(const HintReceived& e) const {
    return fmt::format("somebody claims {}; not authenticated, waiting a little longer",
                       notify_name(e.notify));
  }

  std::string operator()(const ConnectingAnew& e) const {
    return e.reason.cause == EndCause::kExpired
               ? "the keys ran out, connecting anew"
               : "the gateway may have forgotten us, connecting anew";
  }
  std::string operator()(const NetworkGone&) const {
    return "there is no network, waiting for one";
  }
  std::string operator()(const NetworkBack&) const { return "there is a network again"; }
  std::string operator()(const AddressChanged&) const {
    return "the gateway gave another address; connections through the tunnel have to begin anew";
  }
  std::string operator()(const GatewayRedirects& e) const {
    return fmt::format("the gateway {} sends us to the gateway {}", e.from.to_string(),
                       e.to.to_string());
  }
  std::string operator()(const TryingGateway& e) const {
    return fmt::format("no answer, trying the gateway {}", e.gateway.to_string());
  }
  std::string operator()(const UserNotProved& e) const {
    std::string text = e.reason.cause == EndCause::kUserRejected
                           ? "the gateway asked for the user again and refused him"
                           : "the gateway asked for the user again, and nobody here can answer";
    text += fmt::format("; the tunnel ends in {}", words(e.left));
    if (e.again) text += fmt::format(", another attempt comes in {}", words(e.left / 2));
    return text;
  }
  std::string operator()(const GatewaySilent&) const {
    return "the gateway is silent, asking whether it is alive";
  }

  std::string operator()(const NothingArrives&) const {
    return "nothing comes back: if a NAT is on the way, plain ESP cannot pass it; write "
           "nat-traversal = \"auto\"";
  }

  std::string operator()(const GatewayAlive&) const { return "the gateway is alive"; }
};

std::string identity_words(const config::Identity& id) {
  switch (id.type) {
    case config::Identity::Type::kIpv4:
      return id.text.empty() ? std::string("this machine's address")
                             : fmt::format("the address {}", printable(id.text));
    case config::Identity::Type::kFqdn:
      return fmt::format("the name {}", printable(id.text));
    case config::Identity::Type::kUserFqdn:
      return fmt::format("the user {}", printable(id.text));
    case config::Identity::Type::kKeyId:
      return fmt::format("the group {}", printable(id.text));
  }
  return "our identity";
}

// What was offered or asked for, as far as it helps to compare it with the gateway's configuration.
std::string offered(EndCause cause, const config::Profile& p) {
  const std::string mode = p.aggressive ? "Aggressive" : "Main";
  switch (cause) {
    case EndCause::kNoAnswer:
      return fmt::format(": {} Mode, {} UDP port {}{}", mode, printable(p.gateway), p.gateway_port,
                         p.backup_gateways.empty()
                             ? std::string()
                             : fmt::format("; nor from {}", join(p.backup_gateways)));
    case EndCause::kNoAnswerAfterFloat:
      return fmt::format(": {} UDP port {}", printable(p.gateway), p.gateway_natt_port);
    case EndCause::kProposalRefused:
      return fmt::format("; offered in {} Mode: {}", mode, join(p.ike));
    case EndCause::kGatewayAuthFailed:
    case EndCause::kWeAreRefused:
      return fmt::format("; we are {}", identity_words(p.local_id));
    case EndCause::kGatewayIdentity:
      return p.remote_id ? fmt::format("; expected {}", identity_words(*p.remote_id))
                         : std::string();
    case EndCause::kUserRejected:
      return p.user.empty() ? std::string() : fmt::format("; user {}", printable(p.user));
    case EndCause::kPhase2Refused:
      return fmt::format(
          "; offered: {}, {}", join(p.esp),
          p.pfs ? fmt::format("PFS {}", crypto::name(*p.pfs)) : std::string("no PFS"));
    case EndCause::kSelectorsRefused:
      if (p.l2tp) return "; asked for: UDP port 1701 between us and the gateway";
      return fmt::format("; asked for: {}",
                         p.networks.empty() ? std::string("everything") : join(p.networks));
    default:
      return {};
  }
}

// Whether the profile says something of them.
bool one_time_passwords(const config::Profile& p) {
  using Kind = config::SecretSource::Kind;
  return p.otp.kind == Kind::kCommand || p.otp.kind == Kind::kTotp ||
         p.otp_place != config::OtpPlace::kSeparate;
}

// What happened where the cause says more than its exit code, or nothing.
std::string special_sentence(const EndReason& reason, const config::Profile& p) {
  switch (reason.cause) {
    case EndCause::kGatewayAuthFailed:
      if (p.auth == config::Authentication::kPsk) {
        // Only HASH_R tells so; in Main Mode, before it, nothing could be read.
        return p.aggressive ? "the gateway's proof does not fit our pre-shared key (HASH_R): the "
                              "keys differ, or the gateway does not know the group"
                            : "";
      }
      return "the gateway could not prove that its certificate is its own";
    case EndCause::kCertificateAbsent:
      return "the gateway sends no certificate";
    case EndCause::kCertificateUntrusted:
      return fmt::format("no authority in {} vouches for the gateway's certificate", p.ca_file);
    case EndCause::kCertificateExpired:
      return "the gateway's certificate, or a list of revoked ones, has expired";
    case EndCause::kCertificateTooYoung:
      return "the gateway's certificate is not valid yet";
    case EndCause::kCertificateRevoked:
      return "the gateway's certificate was revoked";
    case EndCause::kCertificateNoList:
      return fmt::format(
          "no list of revoked certificates covers the gateway's, as revocation = "
          "\"{}\" wants",
          config::revocation_word(p.revocation));
    case EndCause::kCertificateNotPinned:
      return "the gateway's key is none of those that the profile pins";
    case EndCause::kCertificateUnusable:
      return "the gateway's certificate is damaged, weak, or made for another use";
    case EndCause::kCertificateName:
      return fmt::format("the gateway's certificate does not name {}",
                         p.remote_id ? identity_words(*p.remote_id) : printable(p.gateway));
    case EndCause::kNoNatTraversal:
      if (reason.natt.empty()) return {};
      return fmt::format("the gateway offers NAT traversal by {}, which godwit does not speak",
                         reason.natt);
    case EndCause::kRedirected:
      if (reason.notify == 0) return {};
      return "somebody sends us to another gateway and does not prove to be the gateway";
    case EndCause::kEncapsulationPort:
      return fmt::format("the gateway wants ESP in UDP on port {}, and the profile allows {}",
                         reason.port, p.cisco_udp_port);
    case EndCause::kInputNeeded:
      if (reason.asked.empty()) return {};
      return fmt::format("the gateway asks for {}", reason.asked);
    case EndCause::kUserRejected:
      if (!one_time_passwords(p)) return {};
      return "the gateway refused the user name, the password or the one-time password";
    case EndCause::kCannotSign:
      return fmt::format("the key in {} could not sign", printable(p.key_place()));
    default:
      return {};
  }
}

// What a notify of phase 1 or Quick Mode asks for (RFC 2408 3.14.1), where it says more than the
// end it led to; or nothing.
std::string notify_remedy(const EndReason& reason, const config::Profile& p) {
  const bool psk = p.auth == config::Authentication::kPsk;
  switch (static_cast<int>(reason.notify)) {
    case 5:  // INVALID-MAJOR-VERSION
    case 6:
      return "the gateway speaks another version of IKE; enable IKEv1 on it";
    case 7:   // INVALID-EXCHANGE-TYPE
    case 29:  // UNSUPPORTED-EXCHANGE-TYPE
      if (reason.stage > Stage::kPhase1Auth) return {};
      return p.aggressive ? "the gateway does not take Aggressive Mode; write mode = \"main\""
                          : "the gateway does not take Main Mode; write mode = \"aggressive\"";
    case 13:  // ATTRIBUTES-NOT-SUPPORTED
      return "offer less: one proposal, and the lifetimes that the gateway has";
    case 16:  // PAYLOAD-MALFORMED
    case 30:  // UNEQUAL-PAYLOAD-LENGTHS
      if (psk && reason.stage == Stage::kPhase1Auth) {
        return "the gateway could not read our message, as with another pre-shared key: check it";
      }
      return {};
    case 18:  // INVALID-ID-INFORMATION
      if (reason.stage > Stage::kPhase1Auth) return {};
      return "the gateway does not know our identity: check `id` and `id-type`";
    case 19:  // INVALID-CERT-ENCODING
    case 20:  // INVALID-CERTIFICATE
    case 21:  // CERT-TYPE-UNSUPPORTED
    case 28:  // CERTIFICATE-UNAVAILABLE
      return "the gateway cannot use our certificate: check `cert-file`, and that it is not "
             "expired";
    case 22:  // INVALID-CERT-AUTHORITY
      return "the gateway does not trust the authority of our certificate: give it that authority, "
             "or take another `cert-file`";
    case 23:  // INVALID-HASH-INFORMATION
      return psk ? "the gateway computed another hash: check the pre-shared key" : std::string();
    case 25:  // INVALID-SIGNATURE
      return "the gateway does not believe our signature: check that `key-file` and `cert-file` "
             "belong together and are what the gateway expects";
    case 24:  // AUTHENTICATION-FAILED
      if (reason.stage > Stage::kPhase1Auth) return {};
      return psk ? "check the pre-shared key first, then `id` and `id-type`"
                 : "check that the gateway knows our certificate and its authority, then `id`";
    default:
      return {};
  }
}

// A remedy that knows more than the table, or nothing.
std::string special_remedy(const EndReason& reason, const config::Profile& p) {
  switch (reason.cause) {
    case EndCause::kNoAnswer:
      if (p.aggressive) {
        return "check the address, and that no firewall blocks UDP; in Aggressive Mode many "
               "gateways stay silent when they do not know the group";
      }
      return {};
    case EndCause::kEncapsulationPort:
      return fmt::format("write `cisco-udp-port = {}` if its owner confirms it", reason.port);
    case EndCause::kPhase2Refused:
      if (!p.pfs) return "set `esp` to what the gateway is configured for; it may want `pfs`";
      return {};
    case EndCause::kWeAreRefused:
      if (p.auth == config::Authentication::kPsk) return {};
      return "check `id`, `id-type` and that the gateway knows our certificate, if we have one; it "
             "may want another `auth`";
    case EndCause::kUserRejected:
      if (!one_time_passwords(p)) return {};
      return "check them, this machine's date, and `otp`: the gateway may want password and "
             "one-time password in one field; repeated attempts may lock the account";
    case EndCause::kInputNeeded:
      if (reason.asked.empty()) return {};
      return "tell the gateway's owner what it asks for; `auth` says whether a user is asked for";
    case EndCause::kCertificateExpired:
    case EndCause::kCertificateTooYoung:
      return "check this machine's date; fetch the newest list into `crl-file`; tell the gateway's "
             "owner";
    case EndCause::kCertificateRevoked:
      return "do not use this gateway before its owner has explained it";
    case EndCause::kCertificateAbsent:
      return "ask the gateway's owner for its certificate, and write it as `gateway-cert-file`";
    case EndCause::kCertificateNoList:
      return "fetch the lists of its authorities into `crl-file`";
    case EndCause::kCertificateNotPinned:
      return "ask the gateway's owner whether its key has changed before you change "
             "`gateway-cert-pin` or `gateway-cert-file`";
    case EndCause::kCannotSign:
      if (!config::is_token_uri(p.key_place())) return {};
      return "check that the token is plugged in, and that this key belongs to the certificate";
    case EndCause::kCertificateName:
      return "write `gateway` as the certificate names it, or set `remote-id` to a name in it";
    case EndCause::kGatewayAuthFailed:
      if (p.auth != config::Authentication::kPsk) {
        return "try again; somebody may stand between this machine and the gateway";
      }
      if (p.local_id.type == config::Identity::Type::kKeyId) {
        return "check the pre-shared key; some gateways answer like this when the group is "
               "unknown to them, so check its name too";
      }
      return {};
    default:
      return {};
  }
}

}  // namespace

std::string sentence(const session::Event& event) { return std::visit(EventWords{}, event); }

Failure failure(ExitCode code, std::string what, std::string remedy) {
  if (what.empty()) what = info(code).sentence;
  if (remedy.empty()) remedy = info(code).remedy;
  return Failure{code, std::move(what), std::move(remedy)};
}

// An attacker who answers in the gateway's place, or in Aggressive Mode whoever asks it, gets a
// hash over the key (reliability B10).
std::string psk_warning(std::size_t octets) {
  constexpr std::size_t kEnough = 20;
  if (octets >= kEnough) return {};
  return fmt::format(
      "weak: the pre-shared key has {} octets; below {} random ones it can be guessed from one "
      "handshake, so ask for a longer key or a certificate",
      octets, kEnough);
}

Failure explain(const session::EndReason& reason, const config::Profile& profile) {
  const ExitCode code = exit_code(reason.cause);
  std::string what = special_sentence(reason, profile);
  if (what.empty()) what = info(code).sentence;
  if (reason.notify != 0) what += fmt::format(", saying {}", notify_name(reason.notify));
  what += offered(reason.cause, profile);
  const bool by_notify =
      reason.cause == EndCause::kWeAreRefused || reason.cause == EndCause::kGatewayAuthFailed ||
      reason.cause == EndCause::kProposalRefused || reason.cause == EndCause::kPhase2Refused;
  std::string remedy = by_notify ? notify_remedy(reason, profile) : std::string();
  if (remedy.empty()) remedy = special_remedy(reason, profile);
  return failure(code, std::move(what), std::move(remedy));
}

}  // namespace godwit::client
