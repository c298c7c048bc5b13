#include "core/session/ike_link.h"

#include "core/net/udp_encap.h"

namespace godwit::session {

void IkeLink::float_ports(Step& st) {
  if (floated_) return;
  floated_ = true;
  st.report(Floated{local_.natt, natt_});
}

void IkeLink::send(Bytes message, Step& st) {
  last_sent_ = to_vec(message);
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
