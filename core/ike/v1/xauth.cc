#include "core/ike/v1/xauth.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/crypto/hash.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::uint64_t kTypeGeneric = 0;
constexpr std::uint64_t kTypeRadiusChap = 1;
constexpr std::uint64_t kTypeSkey = 3;
constexpr std::uint64_t kStatusOk = 1;
constexpr std::uint16_t kStatusFail = 0;

bool is_field(std::uint16_t type) {
  switch (static_cast<CfgAttr>(type)) {
    case CfgAttr::kXauthUserName:
    case CfgAttr::kXauthUserPassword:
    case CfgAttr::kXauthPasscode:
    case CfgAttr::kXauthDomain:
    case CfgAttr::kXauthNextPin:
    case CfgAttr::kXauthAnswer:
      return true;
    default:
      return false;
  }
}

bool asks_for(const XauthRequest& request, CfgAttr field) {
  return std::find(request.fields.begin(), request.fields.end(), field) != request.fields.end();
}

// RFC 2865 5.3: the CHAP identifier, and behind it the response of RFC 1994 4.1.
ByteVec chap(Bytes challenge, Bytes password, std::uint8_t id) {
  ByteVec out{id};
  append(out, crypto::hash(crypto::HashAlg::kMd5, {Bytes(out), password, challenge}));
  return out;
}

// What the type of a request says about its challenge and its password.
void read_type(XauthRequest& request, std::uint64_t kind, const Attribute* challenge) {
  if (kind > kTypeSkey) {
    request.fault = XauthFault::kUnknownType;
  } else if (kind == kTypeGeneric) {
    if (challenge != nullptr) request.fault = XauthFault::kChallenge;
  } else if (kind == kTypeRadiusChap) {
    if (challenge == nullptr || challenge->value.empty()) {
      request.fault = XauthFault::kNoChallenge;
      return;
    }
    request.chap = challenge->value;
    // Some gateways take it for granted that a challenge is answered.
    const bool secret = asks_for(request, CfgAttr::kXauthUserPassword) ||
                        asks_for(request, CfgAttr::kXauthPasscode);
    if (!secret) request.fields.push_back(CfgAttr::kXauthUserPassword);
  } else {
    request.one_time = true;
    if (challenge != nullptr) {
      request.challenge = escape_text(challenge->value, limits::kXauthMessageMax);
    }
  }
}

}  // namespace

bool is_xauth(const CfgPayload& cfg) {
  return std::any_of(cfg.attributes.begin(), cfg.attributes.end(), [](const Attribute& attribute) {
    return attribute.type >= static_cast<std::uint16_t>(CfgAttr::kXauthType) &&
           attribute.type <= static_cast<std::uint16_t>(CfgAttr::kXauthAnswer);
  });
}

XauthRequest read_xauth_request(const CfgPayload& cfg) {
  XauthRequest request;
  request.identifier = cfg.identifier;
  request.asked = cfg.attributes;
  std::uint64_t kind = kTypeGeneric;  // draft 6.2: what a request without a type is
  const Attribute* challenge = nullptr;
  for (const Attribute& attribute : cfg.attributes) {
    const auto type = static_cast<CfgAttr>(attribute.type);
    if (type == CfgAttr::kXauthMessage) {
      request.message = escape_text(attribute.value, limits::kXauthMessageMax);
    } else if (type == CfgAttr::kXauthType) {
      kind = attribute.number().value_or(kTypeGeneric);
    } else if (type == CfgAttr::kXauthChallenge) {
      challenge = &attribute;
    } else if (is_field(attribute.type) && !asks_for(request, type)) {
      request.fields.push_back(type);
    }
  }
  read_type(request, kind, challenge);
  return request;
}

CfgPayload xauth_reply(const XauthRequest& request, std::span<const SecretBytes> values,
                       std::uint8_t chap_id) {
  CHECK(values.size() == request.fields.size());
  CfgPayload reply;
  reply.type = CfgType::kReply;
  reply.identifier = request.identifier;
  std::size_t next = 0;
  const auto fill = [&] {
    const auto type = static_cast<std::uint16_t>(request.fields[next]);
    const Bytes value = values[next].expose();
    const bool hidden = request.chap && request.fields[next] == CfgAttr::kXauthUserPassword;
    reply.attributes.push_back(hidden ? Attribute::octets(type, chap(*request.chap, value, chap_id))
                                      : Attribute::octets(type, value));
    ++next;
  };
  for (const Attribute& attribute : request.asked) {
    if (attribute.type == static_cast<std::uint16_t>(CfgAttr::kXauthType)) {
      reply.attributes.push_back(attribute);
    } else if (next < request.fields.size() &&
               attribute.type == static_cast<std::uint16_t>(request.fields[next])) {
      fill();
    }
  }
  while (next < request.fields.size()) fill();  // what a challenge asks for without saying so
  return reply;
}

CfgPayload xauth_refusal(const XauthRequest& request) {
  CfgPayload reply;
  reply.type = CfgType::kReply;
  reply.identifier = request.identifier;
  reply.attributes.push_back(
      Attribute::number16(static_cast<std::uint16_t>(CfgAttr::kXauthStatus), kStatusFail));
  return reply;
}

std::optional<bool> xauth_status(const CfgPayload& cfg) {
  const Attribute* status = cfg.find(CfgAttr::kXauthStatus);
  if (status == nullptr || !status->number()) return std::nullopt;
  return status->number() == kStatusOk;
}

std::string xauth_message(const CfgPayload& cfg) {
  const Attribute* message = cfg.find(CfgAttr::kXauthMessage);
  return message == nullptr ? std::string() : escape_text(message->value, limits::kXauthMessageMax);
}

CfgPayload xauth_ack(const CfgPayload& set) {
  CfgPayload ack;
  ack.type = CfgType::kAck;
  ack.identifier = set.identifier;
  return ack;
}

void wipe_values(CfgPayload& cfg) {
  for (Attribute& attribute : cfg.attributes) wipe(attribute.value);
}

}  // namespace godwit::ike::v1
