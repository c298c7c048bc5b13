// Gives each payload to its decoder; where a value comes out, encoding it again must give a body
// that decodes to the same value.
#pragma once

#include "core/base/limits.h"
#include "core/ike/v1/informational.h"
#include "core/ike/v1/mode_config.h"
#include "core/ike/v1/nat_detection.h"
#include "core/ike/v1/xauth.h"
#include "core/ike/wire/encode.h"
#include "core/ike/wire/message.h"
#include "core/ike/wire/payloads.h"
#include "core/ike/wire/vendor_id.h"
#include "tests/fuzz/fuzz.h"

namespace godwit::fuzz {

inline void decode_one(const ike::Payload& payload) {
  switch (payload.type) {
    case ike::PayloadType::kSa:
      if (const auto sa = ike::decode_sa(payload.body)) {
        const ByteVec again = ike::encode_sa(*sa);
        const auto twice = ike::decode_sa(again);
        FUZZ_REQUIRE(twice && ike::encode_sa(*twice) == again);
      }
      return;
    case ike::PayloadType::kId:
      if (const auto id = ike::decode_id(payload.body)) {
        FUZZ_REQUIRE(ike::decode_id(ike::encode_id(*id)) == *id);
        FUZZ_REQUIRE(!id->to_string().empty() || id->data.empty());
        static_cast<void>(id->as_prefix());
      }
      return;
    case ike::PayloadType::kNatOa:
    case ike::PayloadType::kNatOaDraft:
      if (const auto address = ike::decode_nat_oa(payload.body)) {
        FUZZ_REQUIRE(equal(ike::encode_nat_oa(*address), payload.body));
      }
      return;
    case ike::PayloadType::kNotify:
      if (const auto notify = ike::decode_notify(payload.body)) {
        FUZZ_REQUIRE(ike::decode_notify(ike::encode_notify(*notify)).has_value());
      }
      return;
    case ike::PayloadType::kDelete:
      if (const auto deleted = ike::decode_delete(payload.body)) {
        FUZZ_REQUIRE(deleted->spis.size() <= payload.body.size());
      }
      return;
    case ike::PayloadType::kAttributes:
      if (const auto cfg = ike::decode_cfg(payload.body)) {
        const auto config = ike::v1::read_mode_config(*cfg);
        for (const auto& address : config.address.all()) FUZZ_REQUIRE(address.is_usable_unicast());
        const auto request = ike::v1::read_xauth_request(*cfg);
        FUZZ_REQUIRE(request.message.find('\x1b') == std::string::npos);
        FUZZ_REQUIRE(ike::decode_cfg(ike::encode_cfg(*cfg)).has_value());
      }
      return;
    case ike::PayloadType::kNonce:
      static_cast<void>(ike::decode_nonce(payload.body));
      return;
    case ike::PayloadType::kVendorId:
      static_cast<void>(ike::recognise_vendor(payload.body));
      return;
    default:
      static_cast<void>(ike::decode_attributes(payload.body));
      return;
  }
}

inline void decode_all(const ike::Payloads& payloads) {
  FUZZ_REQUIRE(payloads.all().size() <= limits::kPayloadsMax);
  for (const ike::Payload& payload : payloads.all()) decode_one(payload);
  static_cast<void>(ike::v1::read_vendors(payloads));
}

}  // namespace godwit::fuzz
