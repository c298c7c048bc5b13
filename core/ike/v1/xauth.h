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

// One REQUEST. fields: what the user has to fill in, in the order of the request.
struct XauthRequest {
  std::uint16_t identifier = 0;
  std::string message;  // the gateway's, escaped; may be empty
  std::vector<CfgAttr> fields;
  std::vector<Attribute> asked;  // all attributes of the request, for the reply
  bool answerable = true;        // false: CHALLENGE, or a type other than generic and OTP
};
XauthRequest read_xauth_request(const CfgPayload& cfg);

// The REPLY: types echoed as they came (XA-05), fields filled in. values.size() == fields.size().
CfgPayload xauth_reply(const XauthRequest& request, std::span<const SecretBytes> values);
// The REPLY of someone who cannot answer: STATUS=FAIL alone (XA-04).
CfgPayload xauth_refusal(const XauthRequest& request);

// SET(STATUS): true for OK, false for FAIL, nothing when it holds no status.
std::optional<bool> xauth_status(const CfgPayload& cfg);
// The answer to it: no attributes (XA-08).
CfgPayload xauth_ack(const CfgPayload& set);

// Overwrites attribute values that may hold a password.
void wipe_values(CfgPayload& cfg);

}  // namespace godwit::ike::v1
