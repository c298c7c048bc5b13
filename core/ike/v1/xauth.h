// XAuth as the one who is asked (draft-beaulieu-ike-xauth-02): a request becomes a form, the user's
// answers become the reply. Only after phase 1, so only to a gateway that proved itself.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/secret.h"
#include "core/ike/wire/payloads.h"

namespace godwit::ike::v1 {

bool is_xauth(const CfgPayload& cfg);

// Why a request cannot be answered, whatever the user knows.
enum class XauthFault : std::uint8_t {
  kNone,
  kUnknownType,  // above S/KEY
  kChallenge,    // CHALLENGE of type generic, which has none (XA-06)
  kNoChallenge,  // RADIUS-CHAP without one
};

// One REQUEST. fields: what the user has to fill in, in the order of the request, each once. The
// draft lets NEXT_PIN and ANSWER stand alone only (XA-07); a gateway that mixes them with others is
// answered all the same, field by field.
struct XauthRequest {
  std::uint16_t identifier = 0;
  std::string message;    // the gateway's, escaped; may be empty
  std::string challenge;  // to be shown to the user, escaped; may be empty
  std::vector<CfgAttr> fields;
  std::vector<Attribute> asked;  // all attributes of the request, for the reply
  bool one_time = false;         // type OTP or S/KEY: even USER_PASSWORD serves once
  std::optional<ByteVec> chap;   // the challenge of type RADIUS-CHAP
  XauthFault fault = XauthFault::kNone;
};
XauthRequest read_xauth_request(const CfgPayload& cfg);

// The REPLY: types echoed as they came (XA-05), fields filled in. values.size() == fields.size().
// With RADIUS-CHAP the password itself stays here: `chap_id` and MD5(chap_id | password |
// challenge) go in its place (draft, example A-8; RFC 2865 5.3), and nowhere else is MD5 used for
// XAuth.
CfgPayload xauth_reply(const XauthRequest& request, std::span<const SecretBytes> values,
                       std::uint8_t chap_id);
// The REPLY of someone who cannot answer: STATUS=FAIL alone (XA-04).
CfgPayload xauth_refusal(const XauthRequest& request);

// SET(STATUS): true for OK, false for FAIL, nothing when it holds no status.
std::optional<bool> xauth_status(const CfgPayload& cfg);
// What the gateway says with it (draft 6.1), escaped; may be empty.
std::string xauth_message(const CfgPayload& cfg);
// The answer to it: no attributes (XA-08).
CfgPayload xauth_ack(const CfgPayload& set);

// Overwrites attribute values that may hold a password.
void wipe_values(CfgPayload& cfg);

}  // namespace godwit::ike::v1
