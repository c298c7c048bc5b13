#include "core/ike/wire/encode.h"

#include <array>
#include <limits>
#include <utility>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/writer.h"

namespace godwit::ike {
namespace {

constexpr std::size_t kGenericHeaderSize = 4;  // RFC 2408 3.2
constexpr std::uint16_t kAttributeBasic = 0x8000;
constexpr std::size_t kBodyMax = limits::kIkeMessageMax - kHeaderSize;
constexpr std::size_t kBodyUsual = 128;
static_assert(kBodyMax <= 0xffff, "a payload length of 16 bits can name every body");

// A body under construction: no larger than any message of ours may be.
class Body {
 public:
  Body() { octets_.reserve(kBodyUsual); }

  template <std::unsigned_integral T>
  void be(T value) {
    std::array<std::uint8_t, sizeof(T)> octets;
    store_be(octets, value);
    put(octets);
  }
  void put(Bytes octets) { append(octets_, octets); }

  // A count or a size that the wire gives one or two octets.
  template <std::unsigned_integral T>
  void count(std::size_t number) {
    CHECK(number <= std::numeric_limits<T>::max());
    be(static_cast<T>(number));
  }

  ByteVec finish() {
    CHECK(octets_.size() <= kBodyMax);
    return std::move(octets_);
  }

 private:
  ByteVec octets_;
};

ByteVec encode_transform(const Transform& transform, bool last) {
  const ByteVec attributes = encode_attributes(transform.attributes);
  Body body;
  body.be(static_cast<std::uint8_t>(last ? PayloadType::kNone : PayloadType::kTransform));
  body.be(std::uint8_t{0});
  body.count<std::uint16_t>(8 + attributes.size());
  body.be(transform.number);
  body.be(transform.id);
  body.be(std::uint16_t{0});
  body.put(attributes);
  return body.finish();
}

ByteVec encode_proposal(const Proposal& proposal, bool last) {
  ByteVec transforms;
  for (const Transform& transform : proposal.transforms) {
    append(transforms, encode_transform(transform, &transform == &proposal.transforms.back()));
  }
  Body body;
  body.be(static_cast<std::uint8_t>(last ? PayloadType::kNone : PayloadType::kProposal));
  body.be(std::uint8_t{0});
  body.count<std::uint16_t>(8 + proposal.spi.size() + transforms.size());
  body.be(proposal.number);
  body.be(static_cast<std::uint8_t>(proposal.protocol));
  body.count<std::uint8_t>(proposal.spi.size());
  body.count<std::uint8_t>(proposal.transforms.size());
  body.put(proposal.spi);
  body.put(transforms);
  return body.finish();
}

}  // namespace

ByteVec encode_sa(const SaPayload& sa) {
  Body body;
  body.be(sa.doi);
  body.be(sa.situation);
  for (const Proposal& proposal : sa.proposals) {
    body.put(encode_proposal(proposal, &proposal == &sa.proposals.back()));
  }
  return body.finish();
}

ByteVec encode_id(const IdPayload& id) {
  Body body;
  body.be(static_cast<std::uint8_t>(id.type));
  body.be(id.protocol);
  body.be(id.port);
  body.put(id.data);
  return body.finish();
}

ByteVec encode_nat_oa(const IpAddress& address) { return encode_id(IdPayload::address(address)); }

ByteVec encode_notify(const NotifyPayload& notify) {
  Body body;
  body.be(notify.doi);
  body.be(static_cast<std::uint8_t>(notify.protocol));
  body.count<std::uint8_t>(notify.spi.size());
  body.be(static_cast<std::uint16_t>(notify.type));
  body.put(notify.spi);
  body.put(notify.data);
  return body.finish();
}

ByteVec encode_delete(const DeletePayload& payload) {
  const std::size_t spi_size = payload.spis.empty() ? 0 : payload.spis.front().size();
  Body body;
  body.be(payload.doi);
  body.be(static_cast<std::uint8_t>(payload.protocol));
  body.count<std::uint8_t>(spi_size);
  body.count<std::uint16_t>(payload.spis.size());
  for (const ByteVec& spi : payload.spis) {
    CHECK(spi.size() == spi_size);  // RFC 2408 3.15: all SPIs of one payload are of one protocol
    body.put(spi);
  }
  return body.finish();
}

ByteVec encode_cfg(const CfgPayload& cfg) {
  Body body;
  body.be(static_cast<std::uint8_t>(cfg.type));
  body.be(std::uint8_t{0});
  body.be(cfg.identifier);
  body.put(encode_attributes(cfg.attributes));
  return body.finish();
}

ByteVec encode_attributes(const std::vector<Attribute>& attributes) {
  Body body;
  for (const Attribute& attribute : attributes) {
    CHECK(attribute.type < kAttributeBasic);
    if (attribute.basic) {
      CHECK(attribute.value.size() == 2);
      body.be(static_cast<std::uint16_t>(kAttributeBasic | attribute.type));
    } else {
      body.be(attribute.type);
      body.count<std::uint16_t>(attribute.value.size());
    }
    body.put(attribute.value);
  }
  return body.finish();
}

ChainBuilder& ChainBuilder::add(PayloadType type, Bytes body) {
  const std::size_t size = kGenericHeaderSize + body.size();
  CHECK(type != PayloadType::kNone);
  CHECK(octets_.size() + size <= kBodyMax);
  if (starts_.empty()) {
    first_ = type;
  } else {
    octets_[starts_.back()] = static_cast<std::uint8_t>(type);
  }
  starts_.push_back(octets_.size());

  std::array<std::uint8_t, kGenericHeaderSize> head{};
  store_be(MutBytes(head).last<2>(), static_cast<std::uint16_t>(size));
  append(octets_, head);
  append(octets_, body);
  return *this;
}

MutBytes ChainBuilder::body(std::size_t index) {
  const std::size_t size = octets_.size() - behind(index).size();  // CHECKs the index
  const std::size_t start = starts_[index] + kGenericHeaderSize;
  return MutBytes(octets_).subspan(start, size - start);
}

Bytes ChainBuilder::behind(std::size_t index) const {
  CHECK(index < starts_.size());
  const bool last = index + 1 == starts_.size();
  return Bytes(octets_).subspan(last ? octets_.size() : starts_[index + 1]);
}

ByteVec encode_message(Header header, const ChainBuilder& chain) {
  header.first = chain.first();
  return encode_message(header, chain.octets());
}

ByteVec encode_message(const Header& header, Bytes body) {
  CHECK(body.size() <= kBodyMax);
  ByteVec message(kHeaderSize + body.size());
  Writer writer(message);
  writer.be(header.initiator.value());
  writer.be(header.responder.value());
  writer.be(static_cast<std::uint8_t>(header.first));
  writer.be(header.version);
  writer.be(static_cast<std::uint8_t>(header.exchange));
  writer.be(header.flags);
  writer.be(header.message_id.value());
  writer.be(static_cast<std::uint32_t>(message.size()));
  writer.put(body);
  CHECK(writer.size() == message.size() && writer.finish().has_value());
  return message;
}

}  // namespace godwit::ike
