// IKE fragments as [MS-IKEE] 2.2.3.1 draws them: a generic header, the fragment ID (2), the number
// (1), flags (1) of which 1 marks the last, and data.
#include "tests/sim/gateway.h"

namespace godwit::sim {
namespace {

constexpr std::size_t kPayloadHeader = 8;

}  // namespace

void Gateway::emit_fragments(const Ike& sa, Bytes message, Outbox& out) {
  auto header = *ike::decode_header(message);
  header.first = ike::PayloadType::kFragment;
  header.flags = 0;
  // As strongSwan does, whatever the message is.
  header.exchange = ike::Exchange::kMain;
  header.message_id = MessageId{};
  const std::size_t room = config_.fragment_max - ike::kHeaderSize - kPayloadHeader;
  std::vector<ByteVec> datagrams;
  for (std::size_t at = 0; at < message.size(); at += room) {
    const Bytes data = message.subspan(at, std::min(room, message.size() - at));
    const bool last = at + room >= message.size();
    ByteVec body{0, 0, 0, 0, 0, 1, static_cast<std::uint8_t>(datagrams.size() + 1), last};
    store_be(MutBytes(body).subspan(2), static_cast<std::uint16_t>(kPayloadHeader + data.size()));
    append(body, data);
    datagrams.push_back(ike::encode_message(header, body));
  }
  // The last one first: nothing promises an order.
  for (auto it = datagrams.rbegin(); it != datagrams.rend(); ++it) emit_datagram(sa, *it, out);
}

ByteVec Gateway::assemble(Ike& sa, Bytes message) {
  const Bytes body = message.subspan(ike::kHeaderSize);
  if (body.size() <= kPayloadHeader) return {};
  ++fragments_read_;
  sa.fragments[body[6]] = to_vec(body.subspan(kPayloadHeader));
  if (body[7] == 1) sa.fragments[0] = {body[6]};  // how many there are
  const auto count = sa.fragments.find(0);
  if (count == sa.fragments.end() || sa.fragments.size() != count->second[0] + 1u) return {};
  ByteVec whole;
  for (const auto& [number, data] : sa.fragments) {
    if (number != 0) append(whole, data);
  }
  sa.fragments.clear();
  return whole;
}

}  // namespace godwit::sim
