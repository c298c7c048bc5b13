// A packet on its way through the data path: a slice of storage the caller owns, with room in front
// for the ESP header and behind for padding and ICV, so nothing is copied or allocated per packet.
#pragma once

#include <cstddef>

#include "core/base/bytes.h"
#include "core/base/limits.h"

namespace godwit::esp {

struct Packet {
  MutBytes storage;       // owned by the I/O engine
  std::size_t begin = 0;  // of the live octets in storage
  std::size_t size = 0;
  // Out: to send with; the DSCP is the caller's, and sealing adds the ECN field. In: received with
  // (RFC 6040).
  std::uint8_t outer_tos = 0;

  MutBytes bytes() const { return storage.subspan(begin, size); }
};

}  // namespace godwit::esp
