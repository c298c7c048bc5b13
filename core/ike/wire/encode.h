// Values -> ISAKMP messages. Payloads are appended in order; next-payload fields and lengths write
// themselves. A builder never fails on our own values; outgrowing the size limit is a CHECK.
#pragma once

#include "core/base/bytes.h"
#include "core/ike/wire/message.h"
#include "core/ike/wire/payloads.h"

namespace godwit::ike {

ByteVec encode_sa(const SaPayload& sa);  // bodies, without generic headers
ByteVec encode_id(const IdPayload& id);
ByteVec encode_nat_oa(const IpAddress& address);
ByteVec encode_notify(const NotifyPayload& notify);
ByteVec encode_delete(const DeletePayload& payload);
ByteVec encode_cfg(const CfgPayload& cfg);
ByteVec encode_attributes(const std::vector<Attribute>& attributes);

// A chain of payloads under construction.
class ChainBuilder {
 public:
  ChainBuilder& add(PayloadType type, Bytes body);
  // Appends all payloads of `other`.
  ChainBuilder& add_chain(const ChainBuilder& other) {
    if (other.starts_.empty()) return *this;
    if (starts_.empty()) {
      first_ = other.first_;
    } else {
      octets_[starts_.back()] = static_cast<std::uint8_t>(other.first_);
    }
    for (const std::size_t start : other.starts_) starts_.push_back(octets_.size() + start);
    append(octets_, other.octets_);
    return *this;
  }
  PayloadType first() const { return first_; }
  Bytes octets() const { return octets_; }  // payloads with their generic headers
  // The body of the payload added as the `index`-th, for filling in a HASH afterwards.
  MutBytes body(std::size_t index);
  // Octets behind the `index`-th payload: what HASH(1) covers.
  Bytes behind(std::size_t index) const;

 private:
  PayloadType first_ = PayloadType::kNone;
  ByteVec octets_;
  std::vector<std::size_t> starts_;  // of the generic headers
};

// Header (length filled in) followed by the chain, in plaintext; header.first is taken from the
// chain.
ByteVec encode_message(Header header, const ChainBuilder& chain);
// Header with the length of `body` filled in, written in front of octets already encrypted.
ByteVec encode_message(const Header& header, Bytes body);

}  // namespace godwit::ike
