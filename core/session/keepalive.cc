#include "core/session/keepalive.h"

#include "core/net/udp_encap.h"

namespace godwit::session {

std::optional<Instant> Keepalive::due(const IkeSa& sa, std::optional<Instant> up_since) const {
  if (interval_ == Duration::zero()) return std::nullopt;
  // Cisco's own way finds nothing, and is there for those behind a NAT.
  if (cisco_) {
    if (!up_since) return std::nullopt;
    return std::max(last_sent_, *up_since) + interval_;
  }
  if (!sa.link().floated() || !(sa.phase1().nat().we_are_behind || moved_)) return std::nullopt;
  return last_sent_ + interval_;
}

void Keepalive::on_deadline(const IkeSa& sa, std::optional<Instant> up_since, Step& st) {
  const auto at = due(sa, up_since);
  if (!at || st.now < *at) return;
  ++count_;
  st.out.push(SendDatagram{LocalPort::kNatt, sa.link().esp_peer(), ByteVec{kNatKeepalive}});
}

}  // namespace godwit::session
