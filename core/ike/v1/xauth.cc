#include "core/ike/v1/xauth.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace godwit::ike::v1 {
namespace {

constexpr std::uint64_t kTypeGeneric = 0;
constexpr std::uint64_t kTypeOtp = 2;
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
  for (const Attribute& attribute : cfg.attributes) {
    const auto type = static_cast<CfgAttr>(attribute.type);
    if (type == CfgAttr::kXauthMessage) {
      request.message = escape_text(attribute.value, limits::kXauthMessageMax);
    } else if (type == CfgAttr::kXauthType) {
      const auto number = attribute.number().value_or(kTypeGeneric);
      request.answerable &= number == kTypeGeneric || number == kTypeOtp;
    } else if (type == CfgAttr::kXauthChallenge) {
      request.answerable = false;
    } else if (is_field(attribute.type)) {
      const bool twice =
          std::find(request.fields.begin(), request.fields.end(), type) != request.fields.end();
      if (!twice) request.fields.push_back(type);
    }
  }
  return request;
}

CfgPayload xauth_reply(const XauthRequest& request, std::span<const SecretBytes> values) {
  CHECK(values.size() == request.fields.size());
  CfgPayload reply;
  reply.type = CfgType::kReply;
  reply.identifier = request.identifier;
  std::size_t next = 0;
  for (const Attribute& attribute : request.asked) {
    if (attribute.type == static_cast<std::uint16_t>(CfgAttr::kXauthType)) {
      reply.attributes.push_back(attribute);
    } else if (next < request.fields.size() &&
               attribute.type == static_cast<std::uint16_t>(request.fields[next])) {
      reply.attributes.push_back(Attribute::octets(attribute.type, values[next].expose()));
      ++next;
    }
  }
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
