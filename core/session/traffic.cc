#include "core/session/traffic.h"

namespace godwit::session {

TrafficFacts join(const InboundFacts& in, const OutboundFacts& out) {
  TrafficFacts facts;
  for (std::size_t i = 0; i < out.sa_count; ++i) {
    const OutboundFacts::Sa& sa = out.sas[i];
    TrafficFacts::Pair& pair = facts.pairs[facts.pair_count++];
    pair.inbound = sa.inbound;
    pair.outbound = sa.spi;
    pair.packets_out = sa.packets;
    pair.bytes_out = sa.bytes;
    pair.current = sa.current;
    for (std::size_t k = 0; k < in.sa_count; ++k) {
      if (in.sas[k].spi != sa.inbound) continue;
      pair.packets_in = in.sas[k].packets;
      pair.bytes_in = in.sas[k].bytes;
    }
  }
  facts.last_inbound = in.last;
  facts.last_outbound = out.last;
  facts.heard_from = in.heard_from;
  facts.packets_in = in.packets;
  facts.bytes_in = in.bytes;
  facts.packets_out = out.packets;
  facts.bytes_out = out.bytes;
  return facts;
}

}  // namespace godwit::session
