// ISAKMP messages without keys: the header, the payload walk and every typed decoder.
#include "tests/fuzz/fuzz.h"

#include "core/ike/wire/message.h"
#include "tests/fuzz/decode_all.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes datagram(data, size);
  const auto header = ike::decode_header(datagram);
  if (!header) return 0;
  const auto payloads =
      ike::decode_payloads(header->first, datagram.subspan(ike::kHeaderSize), header->encrypted());
  if (payloads) fuzz::decode_all(*payloads);
  return 0;
}
