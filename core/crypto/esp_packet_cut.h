// Where the parts of an ESP packet stand; for the protectors of this room.
#pragma once

#include "core/base/bytes.h"
#include "core/crypto/suite.h"

namespace godwit::crypto {

inline constexpr std::size_t kEspHeaderSize = 8;  // SPI and sequence number (RFC 4303 2)

// A packet cut at the boundaries its suite defines.
struct Cut {
  MutBytes header;
  MutBytes iv;
  MutBytes body;  // payload, padding, pad length, next header
  MutBytes icv;
};

// False for what cannot be a packet of this suite. RFC 4303 2.4: the body is whole blocks, and a
// trailer of two octets is always there, so at least one.
inline bool cut(const EspLayout& layout, MutBytes packet, Cut& out) {
  const std::size_t around = kEspHeaderSize + layout.iv + layout.icv;
  if (packet.size() <= around) return false;
  const std::size_t body = packet.size() - around;
  if (!layout.is_whole(body)) return false;
  out.header = packet.first(kEspHeaderSize);
  out.iv = packet.subspan(kEspHeaderSize, layout.iv);
  out.body = packet.subspan(kEspHeaderSize + layout.iv, body);
  out.icv = packet.last(layout.icv);
  return true;
}

}  // namespace godwit::crypto
