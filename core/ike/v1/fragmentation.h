// IKE fragmentation as Cisco and Microsoft do it ([MS-IKEE] 2.2.3.1): a message that is too large
// for the path travels in several datagrams, each with the ISAKMP header and one fragment payload:
//
//    ISAKMP header (28): the cookies of the message, next payload 132, not encrypted
//    next payload 0 (1) | reserved (1) | length (2) | fragment ID (2) | number (1) | flags (1) |
//    data
//
// Numbers count from 1; flag 1 marks the last. The exchange type and the message ID of the header
// are those of phase 1, whatever the message is: strongSwan takes a repeated fragment with those of
// Quick Mode for a damaged message, and sends 0 itself. Nothing is concluded from them here.
// Fragments are not authenticated: what they make is a message like any other, and is believed as
// little.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "core/base/instant.h"
#include "core/base/limits.h"
#include "core/ike/wire/message.h"

namespace godwit::ike::v1 {

struct Fragment {
  std::uint16_t id = 0;  // of the whole message
  std::uint8_t number = 0;
  bool last = false;
  Bytes data;  // a view into the message; not empty
};

// A message that decode_header() took and whose first payload is kFragment. kBadFragment when it is
// not as drawn above (FR-01, FR-03, FR-09).
Result<Fragment, Drop> decode_fragment(Bytes message);

// Cuts a message into fragments of at most `size_max` octets each, headers included. The same
// message gives the same fragments, so that copies complete each other. Empty when it would take
// more than limits::kFragmentsMax.
std::vector<ByteVec> fragment_message(Bytes message, Exchange phase1, std::size_t size_max);

// One message at a time; at most limits::kFragmentsMax fragments and kIkeMessageMax octets of one.
class Reassembly {
 public:
  // The whole message, once every fragment of it is here. A fragment of another message begins
  // anew, and so does one that comes 10 s after the first (FR-07). kRetransmission for a copy;
  // kBadFragment for one that contradicts the others of its message, which are dropped too (FR-05).
  Result<std::optional<ByteVec>, Drop> add(const Fragment& fragment, Instant now);

 private:
  std::optional<ByteVec> whole();
  void clear();

  std::uint16_t id_ = 0;
  Instant begun_{};
  std::array<ByteVec, limits::kFragmentsMax> parts_;  // by number; empty: not here yet
  std::size_t total_ = 0;                             // 0 until the last one is known
  std::size_t octets_ = 0;
};

}  // namespace godwit::ike::v1
