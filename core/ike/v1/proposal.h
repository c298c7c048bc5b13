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
  Duration lifetime{};          // min(offer, answer), at least 60 s (IKE1-32, IKE1-33)
  std::uint64_t kilobytes = 0;  // of 1024 octets; 0: no limit. We offer none; a gateway may set one
};
// Matched by content; numbers may differ (ISK-21). Only the lifetimes may have changed.
Result<Phase1Choice, Refusal> match_phase1(const SaPayload& answer,
                                           std::span<const crypto::IkeSuite> suites,
                                           std::uint16_t auth_method, Duration lifetime);

// Phase 2: ESP in UDP, tunnel or transport mode.
struct Phase2Offer {
  EspSpi spi;  // inbound, chosen by us
  std::vector<crypto::EspSuite> suites;
  std::optional<crypto::DhGroup> pfs;
  Duration lifetime{};
  std::uint64_t kilobytes = 0;  // of 1024 octets, at most 2^32 - 1; 0: no limit
  std::uint16_t encapsulation = kEncapUdpTunnel;
  std::optional<EspSpi> replaced;  // the peer's SPI of the pair before
};
SaPayload offer_phase2(const Phase2Offer& offer);

struct Phase2Choice {
  EspSpi peer_spi;
  crypto::EspSuite suite;
  Duration lifetime{};
  std::uint64_t kilobytes = 0;  // 0: no limit
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

// The encapsulation mode of a dialect: both its numbers are of ESP in UDP (QM-13).
std::uint16_t encapsulation_mode(Natt natt, bool transport);

// The lifetimes among the attributes of a transform, or in RESPONDER-LIFETIME (RFC
// 2407 4.5, 4.5.4). Each unit stands right in front of its duration; either may be absent, and may
// come twice when both say the same (4.5.2). Anything else is malformed (IKE1-31).
struct Lifetimes {
  std::optional<Duration> time;
  std::optional<std::uint64_t> kilobytes;
};
Result<Lifetimes, Refusal> lifetimes_of(std::span<const Attribute> attributes,
                                        std::uint16_t type_attr, std::uint16_t duration_attr);

// An answer shortens what was offered, and sets a limit where none was offered, but not to nothing
// (IKE1-32).
Duration bounded_time(std::optional<Duration> answered, Duration offered);
std::uint64_t bounded_kilobytes(std::optional<std::uint64_t> answered, std::uint64_t offered);

inline constexpr Duration kLifetimeMin = 60s;
inline constexpr std::uint64_t kKilobytesMin = 1024;
inline constexpr Duration kPhase2LifetimeDefault = 28800s;  // RFC 2407 4.5

}  // namespace godwit::ike::v1
