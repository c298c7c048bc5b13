#include "core/net/tun_offload.h"

#include <cstring>

namespace godwit {
namespace {

// TCP frames of a sender that speaks ECN carry this bit beside their type.
constexpr std::uint8_t kEcnBit = 0x80;

std::uint16_t load_native(Bytes in) {
  std::uint16_t value = 0;
  std::memcpy(&value, in.data(), sizeof value);
  return value;
}

void store_native(MutBytes out, std::uint16_t value) {
  std::memcpy(out.data(), &value, sizeof value);
}

}  // namespace

TunOffload decode_tun_offload(Bytes header) {
  TunOffload out;
  out.needs_checksum = (header[0] & TunOffload::kNeedsChecksum) != 0;
  const auto type = static_cast<TunOffload::Type>(header[1] & ~kEcnBit);
  switch (type) {
    case TunOffload::Type::kNone:
    case TunOffload::Type::kTcp4:
    case TunOffload::Type::kTcp6:
    case TunOffload::Type::kUdp:
      out.type = type;
      break;
    default:
      out.known = false;
  }
  out.header_size = load_native(header.subspan(2));
  out.segment_size = load_native(header.subspan(4));
  out.checksum_start = load_native(header.subspan(6));
  out.checksum_offset = load_native(header.subspan(8));
  return out;
}

void encode_tun_offload(const TunOffload& offload, MutBytes header) {
  header[0] = offload.needs_checksum ? TunOffload::kNeedsChecksum : 0;
  header[1] = static_cast<std::uint8_t>(offload.type);
  store_native(header.subspan(2), offload.header_size);
  store_native(header.subspan(4), offload.segment_size);
  store_native(header.subspan(6), offload.checksum_start);
  store_native(header.subspan(8), offload.checksum_offset);
}

}  // namespace godwit
