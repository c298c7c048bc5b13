#include "core/ike/v1/informational.h"

#include "core/ike/v1/proposal.h"

namespace godwit::ike::v1 {
namespace {

ByteVec cookies_of(const IsakmpSa& sa) {
  ByteVec octets(16);
  store_be(MutBytes(octets).first(8), sa.initiator().value());
  store_be(MutBytes(octets).last(8), sa.responder().value());
  return octets;
}

ByteVec sealed(const IsakmpSa& sa, PayloadType type, Bytes body, MessageId id) {
  ChainBuilder rest;
  rest.add(type, body);
  Iv iv = sa.iv_for(id);
  return sa.seal_hashed(Exchange::kInformational, id, rest, iv);
}

void read_notify(const IsakmpSa& sa, const NotifyPayload& notify, std::vector<Information>& out,
                 Counters& counters) {
  if (is_error(notify.type)) {
    out.emplace_back(ErrorNotified{notify.type, notify.spi});
    return;
  }
  const bool ours = equal(notify.spi, cookies_of(sa));
  if (notify.type == Notify::kDpdRUThere || notify.type == Notify::kDpdRUThereAck) {
    if (!ours || notify.data.size() != 4) return counters.drop(Drop::kStaleDpd);  // DPD-04, DPD-06
    const auto sequence = load_be<std::uint32_t>(notify.data);
    if (notify.type == Notify::kDpdRUThere) {
      out.emplace_back(DpdQuery{sequence});
    } else {
      out.emplace_back(DpdAnswer{sequence});
    }
    return;
  }
  if (notify.type == Notify::kResponderLifetime && notify.protocol == Protocol::kIsakmp && ours) {
    const auto attributes = decode_attributes(notify.data);
    if (!attributes) return;
    const auto lives = lifetimes_of(*attributes, static_cast<std::uint16_t>(Phase1Attr::kLifeType),
                                    static_cast<std::uint16_t>(Phase1Attr::kLifeDuration));
    if (lives && (lives->time || lives->kilobytes)) {
      out.emplace_back(LifetimeNotified{lives->time, lives->kilobytes});
    }
    return;
  }
  if (notify.type == Notify::kLoadBalance) {
    const auto to = IpAddress::from_bytes(notify.data);
    if (!to) return counters.drop(Drop::kBadRedirect);
    out.emplace_back(Redirected{*to});
    return;
  }
  counters.drop(Drop::kUnknownNotify);
}

void read_delete(const IsakmpSa& sa, const DeletePayload& payload, std::vector<Information>& out) {
  if (payload.protocol == Protocol::kIsakmp) {
    for (const ByteVec& spi : payload.spis) {
      if (equal(spi, cookies_of(sa))) {
        out.emplace_back(IsakmpDeleted{});
        return;
      }
    }
    return;
  }
  if (payload.protocol != Protocol::kEsp) return;
  EspDeleted deleted;
  for (const ByteVec& spi : payload.spis) {
    if (spi.size() == 4) deleted.spis.emplace_back(load_be<std::uint32_t>(spi));
  }
  if (!deleted.spis.empty()) out.emplace_back(std::move(deleted));
}

}  // namespace

ByteVec delete_esp_message(const IsakmpSa& sa, EspSpi inbound, MessageId id) {
  DeletePayload payload;
  payload.protocol = Protocol::kEsp;
  ByteVec& spi = payload.spis.emplace_back(4);
  store_be(spi, inbound.value());
  return sealed(sa, PayloadType::kDelete, encode_delete(payload), id);
}

ByteVec delete_isakmp_message(const IsakmpSa& sa, MessageId id) {
  DeletePayload payload;
  payload.spis.push_back(cookies_of(sa));
  return sealed(sa, PayloadType::kDelete, encode_delete(payload), id);
}

ByteVec dpd_message(const IsakmpSa& sa, Notify type, std::uint32_t sequence, MessageId id) {
  NotifyPayload notify;
  notify.type = type;
  notify.spi = cookies_of(sa);
  notify.data.resize(4);
  store_be(notify.data, sequence);
  return sealed(sa, PayloadType::kNotify, encode_notify(notify), id);
}

ByteVec error_message(const IsakmpSa& sa, Notify type, MessageId id) {
  NotifyPayload notify;
  notify.protocol = Protocol::kEsp;
  notify.type = type;
  return sealed(sa, PayloadType::kNotify, encode_notify(notify), id);
}

std::vector<Information> read_informational(const IsakmpSa& sa, const Opened& opened,
                                            Counters& counters) {
  std::vector<Information> out;
  for (const Payload& payload : opened.payloads.all()) {
    if (payload.type == PayloadType::kNotify) {
      if (const auto notify = decode_notify(payload.body)) {
        read_notify(sa, *notify, out, counters);
      } else {
        counters.drop(notify.error());
      }
    } else if (payload.type == PayloadType::kDelete) {
      if (const auto deleted = decode_delete(payload.body)) {
        read_delete(sa, *deleted, out);
      } else {
        counters.drop(deleted.error());
      }
    }
  }
  return out;
}

}  // namespace godwit::ike::v1
