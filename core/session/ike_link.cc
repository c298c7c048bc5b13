#include "core/session/ike_link.h"

#include "core/net/udp_encap.h"

namespace godwit::session {
namespace {

constexpr std::size_t kIpv4AndUdp = 20 + 8;

}  // namespace

void IkeLink::float_ports(Step& st) {
  if (floated_) return;
  floated_ = true;
  st.report(Floated{local_.natt, natt_});
}

void IkeLink::send(Bytes message, Step& st) {
  count(message.size());
  last_sent_ = to_vec(message);
  const std::size_t around = kIpv4AndUdp + (floated_ ? kNonEspMarker : 0);
  if (packet_max_ && around + message.size() > *packet_max_) {
    const auto fragments = ike::v1::fragment_message(message, phase1_, *packet_max_ - around);
    for (const ByteVec& fragment : fragments) send_datagram(fragment, st);
    if (!fragments.empty()) return;  // else too many: the path may still take it whole
  }
  send_datagram(message, st);
}

void IkeLink::send_datagram(Bytes message, Step& st) {
  ByteVec datagram;
  if (floated_) datagram.resize(kNonEspMarker);
  append(datagram, message);
  st.out.push(SendDatagram{port(), peer(), std::move(datagram)});
}

bool IkeLink::repeat(Bytes message, Step& st) {
  const auto key = ike::v1::ReplyCache::key_of(message);
  if (!replies.knows(key)) return false;
  st.drop(Drop::kRetransmission);
  const ByteVec reply = to_vec(replies.repeat(key, st.now));
  if (!reply.empty()) send(reply, st);
  return true;
}

}  // namespace godwit::session
