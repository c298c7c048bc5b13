// SA payloads: what we offer, whether an answer is one of our offers, and which offer of a peer we
// accept (RFC 2409 5, RFC 2407 4.5, RFC 3947 5.1).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/base/instant.h"
#include "core/base/result.h"
#include "core/base/strong.h"
#include "core/crypto/suite.h"
#include "core/ike/v1/nat_detection.h"
#include "core/ike/wire/payloads.h"

namespace godwit::ike::v1 {

enum class Refusal : std::uint8_t {
  kNotOffered,  // the answer is none of our offers, or changes one (ISK-18, ISK-19)
  kMalformed,   // not exactly one transform (ISK-20), or no SPI that can be used (QM-08)
};

// Phase 1. One proposal, one transform a suite, attributes in the conventional order: encryption,
// key length, hash, authentication, group, life type, life duration.
SaPayload offer_phase1(std::span<const crypto::IkeSuite> suites, std::uint16_t auth_method,
                       Duration lifetime);

struct Phase1Choice {
  crypto::IkeSuite suite;
  Duration lifetime{};  // min(offer, answer), at least 60 s (IKE1-32, IKE1-33)
};
// Matched by content; numbers may differ (ISK-21). Only the lifetime may have changed.
Result<Phase1Choice, Refusal> match_phase1(const SaPayload& answer,
                                           std::span<const crypto::IkeSuite> suites,
                                           std::uint16_t auth_method, Duration lifetime);

// Phase 2: ESP, tunnel mode.
struct Phase2Offer {
  EspSpi spi;  // inbound, chosen by us
  std::vector<crypto::EspSuite> suites;
  std::optional<crypto::DhGroup> pfs;
  Duration lifetime{};
  std::uint16_t encapsulation = kEncapUdpTunnel;
  std::optional<EspSpi> replaced;  // the peer's SPI of the pair before
};
SaPayload offer_phase2(const Phase2Offer& offer);

struct Phase2Choice {
  EspSpi peer_spi;
  crypto::EspSuite suite;
  Duration lifetime{};
};
Result<Phase2Choice, Refusal> match_phase2(const SaPayload& answer, const Phase2Offer& offer);

// The peer proposes (it rekeys): the first of its transforms that `policy` would have offered, and
// the SA payload that answers it with policy.spi.
struct Phase2Acceptance {
  Phase2Choice choice;
  SaPayload answer;
};
Result<Phase2Acceptance, Refusal> accept_phase2(const SaPayload& proposed,
                                                const Phase2Offer& policy);

// The encapsulation mode of a dialect for tunnel mode.
std::uint16_t encapsulation_mode(Natt natt);

// A lifetime among phase-2 attributes or in RESPONDER-LIFETIME, in seconds (RFC 2407 4.5.4).
std::optional<Duration> lifetime_of(std::span<const Attribute> attributes, std::uint16_t type_attr,
                                    std::uint16_t duration_attr);

inline constexpr Duration kLifetimeMin = 60s;
inline constexpr Duration kPhase2LifetimeDefault = 28800s;  // RFC 2407 4.5

}  // namespace godwit::ike::v1
