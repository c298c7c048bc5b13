// Informational Exchanges under an ISAKMP SA (RFC 2409 5.7): deletes, notifies and dead peer
// detection (RFC 3706). Each is one message that nothing answers, with an M-ID of its own.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/base/instant.h"
#include "core/base/strong.h"
#include "core/ike/v1/isakmp_sa.h"
#include "core/ike/wire/payloads.h"

namespace godwit::ike::v1 {

ByteVec delete_esp_message(const IsakmpSa& sa, EspSpi inbound, MessageId id);
ByteVec delete_isakmp_message(const IsakmpSa& sa, MessageId id);
// R-U-THERE or its ACK: the SPI field holds both cookies, the data the sequence number (5.3).
ByteVec dpd_message(const IsakmpSa& sa, Notify type, std::uint32_t sequence, MessageId id);
// An error notify of ours about a Quick Mode that we refuse.
ByteVec error_message(const IsakmpSa& sa, Notify type, MessageId id);

// What an authentic Informational says, one entry a payload.
struct DpdQuery {
  std::uint32_t sequence;
};
struct DpdAnswer {
  std::uint32_t sequence;
};
struct EspDeleted {
  std::vector<EspSpi> spis;
};  // the peer's inbound SPIs: our outbound ones
struct IsakmpDeleted {};
struct ErrorNotified {
  Notify type;
  ByteVec spi{};  // of the ESP SA that it is about, when the peer says so
};
struct LifetimeNotified {  // of this SA; at least one of them
  std::optional<Duration> lifetime;
  std::optional<std::uint64_t> kilobytes;
};
struct Redirected {  // Cisco's load balancing; whether to go there is the session's business
  IpAddress to;
};
using Information = std::variant<DpdQuery, DpdAnswer, EspDeleted, IsakmpDeleted, ErrorNotified,
                                 LifetimeNotified, Redirected>;

// Only what concerns this SA: foreign cookies and wrong DOIs are left out. Unknown status notifies
// count as Drop::kUnknownNotify.
std::vector<Information> read_informational(const IsakmpSa& sa, const Opened& opened,
                                            Counters& counters);

}  // namespace godwit::ike::v1
