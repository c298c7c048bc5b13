#include "core/ike/wire/constants.h"

namespace godwit::ike {

bool is_known(PayloadType type) {
  return type != PayloadType::kProposal && type != PayloadType::kTransform && !name(type).empty();
}

std::string_view name(PayloadType type) {
  switch (type) {
    case PayloadType::kNone:
      return "";
    case PayloadType::kSa:
      return "SA";
    case PayloadType::kProposal:
      return "P";
    case PayloadType::kTransform:
      return "T";
    case PayloadType::kKe:
      return "KE";
    case PayloadType::kId:
      return "ID";
    case PayloadType::kCert:
      return "CERT";
    case PayloadType::kCertRequest:
      return "CR";
    case PayloadType::kHash:
      return "HASH";
    case PayloadType::kSignature:
      return "SIG";
    case PayloadType::kNonce:
      return "NONCE";
    case PayloadType::kNotify:
      return "N";
    case PayloadType::kDelete:
      return "D";
    case PayloadType::kVendorId:
      return "VID";
    case PayloadType::kAttributes:
      return "ATTR";
    case PayloadType::kNatD:
      return "NAT-D";
    case PayloadType::kNatOa:
      return "NAT-OA";
    case PayloadType::kNatDDraft:
      return "NAT-D(draft)";
    case PayloadType::kNatOaDraft:
      return "NAT-OA(draft)";
    case PayloadType::kFragment:
      return "FRAG";
  }
  return "";
}

bool is_error(Notify type) {
  const auto number = static_cast<std::uint16_t>(type);
  return number >= 1 && number <= 16383;
}

std::string_view name(Notify type) {
  switch (type) {
    case Notify::kInvalidPayloadType:
      return "INVALID-PAYLOAD-TYPE";
    case Notify::kDoiNotSupported:
      return "DOI-NOT-SUPPORTED";
    case Notify::kSituationNotSupported:
      return "SITUATION-NOT-SUPPORTED";
    case Notify::kInvalidCookie:
      return "INVALID-COOKIE";
    case Notify::kInvalidMajorVersion:
      return "INVALID-MAJOR-VERSION";
    case Notify::kInvalidMinorVersion:
      return "INVALID-MINOR-VERSION";
    case Notify::kInvalidExchangeType:
      return "INVALID-EXCHANGE-TYPE";
    case Notify::kInvalidFlags:
      return "INVALID-FLAGS";
    case Notify::kInvalidMessageId:
      return "INVALID-MESSAGE-ID";
    case Notify::kInvalidProtocolId:
      return "INVALID-PROTOCOL-ID";
    case Notify::kInvalidSpi:
      return "INVALID-SPI";
    case Notify::kInvalidTransformId:
      return "INVALID-TRANSFORM-ID";
    case Notify::kAttributesNotSupported:
      return "ATTRIBUTES-NOT-SUPPORTED";
    case Notify::kNoProposalChosen:
      return "NO-PROPOSAL-CHOSEN";
    case Notify::kBadProposalSyntax:
      return "BAD-PROPOSAL-SYNTAX";
    case Notify::kPayloadMalformed:
      return "PAYLOAD-MALFORMED";
    case Notify::kInvalidKeyInformation:
      return "INVALID-KEY-INFORMATION";
    case Notify::kInvalidIdInformation:
      return "INVALID-ID-INFORMATION";
    case Notify::kInvalidHashInformation:
      return "INVALID-HASH-INFORMATION";
    case Notify::kAuthenticationFailed:
      return "AUTHENTICATION-FAILED";
    case Notify::kInvalidSignature:
      return "INVALID-SIGNATURE";
    case Notify::kAddressNotification:
      return "ADDRESS-NOTIFICATION";
    case Notify::kUnequalPayloadLengths:
      return "UNEQUAL-PAYLOAD-LENGTHS";
    case Notify::kConnected:
      return "CONNECTED";
    case Notify::kResponderLifetime:
      return "RESPONDER-LIFETIME";
    case Notify::kReplayStatus:
      return "REPLAY-STATUS";
    case Notify::kInitialContact:
      return "INITIAL-CONTACT";
    case Notify::kDpdRUThere:
      return "R-U-THERE";
    case Notify::kLoadBalance:
      return "CISCO-LOAD-BALANCE";
    case Notify::kDpdRUThereAck:
      return "R-U-THERE-ACK";
  }
  return "";
}

}  // namespace godwit::ike
