#include "core/ike/wire/payloads.h"

#include <algorithm>
#include <array>
#include <bit>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/base/reader.h"

namespace godwit::ike {
namespace {

constexpr std::uint16_t kAttributeBasic = 0x8000;  // RFC 2408 3.3: the AF bit
constexpr std::size_t kSpiMax = 16;                // RFC 2408 3.5: the two cookies
constexpr std::size_t kEspSpiSize = 4;
constexpr std::size_t kNonceMin = 8;
constexpr std::size_t kNonceMax = 256;
constexpr std::size_t kSplitEntrySize = 14;

// Some gateways send one attribute per split network instead of one list.
constexpr std::size_t kCfgAttributesMax = limits::kAttributesMax + limits::kSplitNetworksMax;

Result<std::vector<Attribute>, Drop> decode_attribute_list(Bytes list, std::size_t max) {
  std::vector<Attribute> attributes;
  Reader reader(list);
  while (!reader.empty()) {
    if (attributes.size() == max) return fail(Drop::kMalformed);
    const auto type = GODWIT_TRY(reader.be<std::uint16_t>());
    const bool basic = (type & kAttributeBasic) != 0;
    const std::size_t size = basic ? 2 : GODWIT_TRY(reader.be<std::uint16_t>());
    const Bytes value = GODWIT_TRY(reader.take(size));
    attributes.push_back({.type = static_cast<std::uint16_t>(type & ~kAttributeBasic),
                          .basic = basic,
                          .value = to_vec(value)});
  }
  return attributes;
}

// The common head of proposals and transforms: next payload | reserved | length. Returns what the
// length covers behind it. RFC 2408 3.5, 3.6: the next payload is `own` or, in the last one, none.
struct Link {
  bool last;
  Reader content;
};
Result<Link, Drop> decode_link(Reader& list, PayloadType own) {
  constexpr std::size_t kLinkSize = 4;
  const PayloadType next{GODWIT_TRY(list.be<std::uint8_t>())};
  if (next != PayloadType::kNone && next != own) return fail(Drop::kMalformed);
  GODWIT_TRY(list.be<std::uint8_t>());
  const std::size_t length = GODWIT_TRY(list.be<std::uint16_t>());
  if (length < kLinkSize) return fail(Drop::kBadLength);
  const Reader content = GODWIT_TRY(list.sub(length - kLinkSize));
  const bool last = next == PayloadType::kNone;
  if (last != list.empty()) return fail(Drop::kMalformed);
  return Link{last, content};
}

//    next | reserved | length | number | transform ID | reserved2 (2) | attributes
Result<Transform, Drop> decode_transform(Reader content) {
  Transform transform;
  transform.number = GODWIT_TRY(content.be<std::uint8_t>());
  transform.id = GODWIT_TRY(content.be<std::uint8_t>());
  GODWIT_TRY(content.be<std::uint16_t>());
  transform.attributes = GODWIT_TRY(decode_attributes(content.rest()));
  return transform;
}

bool spi_size_fits(Protocol protocol, std::size_t size) {
  if (protocol == Protocol::kEsp || protocol == Protocol::kAh) return size == kEspSpiSize;
  return size <= kSpiMax;  // RFC 2408 3.5: phase 1 may name an SPI, which means nothing
}

//    next | reserved | length | number | protocol | SPI size | transforms | SPI | transforms ...
// `budget` is the number of transforms that the whole SA payload may still hold.
Result<Proposal, Drop> decode_proposal(Reader content, std::size_t budget) {
  Proposal proposal;
  proposal.number = GODWIT_TRY(content.be<std::uint8_t>());
  proposal.protocol = Protocol{GODWIT_TRY(content.be<std::uint8_t>())};
  const std::size_t spi_size = GODWIT_TRY(content.be<std::uint8_t>());
  const std::size_t count = GODWIT_TRY(content.be<std::uint8_t>());
  if (!spi_size_fits(proposal.protocol, spi_size)) return fail(Drop::kMalformed);
  if (count == 0 || count > budget) return fail(Drop::kMalformed);

  const Bytes spi = GODWIT_TRY(content.take(spi_size));
  if (proposal.protocol != Protocol::kIsakmp) proposal.spi = to_vec(spi);
  for (std::size_t i = 0; i < count; ++i) {
    const Link link = GODWIT_TRY(decode_link(content, PayloadType::kTransform));
    if (link.last != (i + 1 == count)) return fail(Drop::kMalformed);
    proposal.transforms.push_back(GODWIT_TRY(decode_transform(link.content)));
  }
  return proposal;
}

// Nothing for types without a fixed length (RFC 2407 4.6.2.1).
std::optional<std::size_t> id_data_size(IdType type) {
  switch (type) {
    case IdType::kIpv4:
      return 4;
    case IdType::kIpv4Subnet:
    case IdType::kIpv4Range:
      return 8;
    case IdType::kIpv6:
      return 16;
    case IdType::kIpv6Subnet:
    case IdType::kIpv6Range:
      return 32;
    case IdType::kFqdn:
    case IdType::kUserFqdn:
    case IdType::kDerDn:
    case IdType::kDerGn:
    case IdType::kKeyId:
      break;
  }
  return std::nullopt;
}

bool is_known(IdType type) { return type >= IdType::kIpv4 && type <= IdType::kKeyId; }

bool is_known_doi(std::uint32_t doi) { return doi == kDoiIsakmp || doi == kDoiIpsec; }

// The number of leading ones when only zeros follow them.
std::optional<int> contiguous_length(Bytes netmask) {
  int length = 0;
  bool ended = false;
  for (const std::uint8_t octet : netmask) {
    const int ones = std::countl_one(octet);
    if (ended && octet != 0) return std::nullopt;
    if (ones + std::countr_zero(octet) < 8) return std::nullopt;
    ended = ones < 8;
    length += ones;
  }
  return length;
}

std::optional<Prefix> prefix_of(Bytes address, Bytes netmask) {
  const auto base = IpAddress::from_bytes(address);
  const auto length = contiguous_length(netmask);
  if (!base || !length) return std::nullopt;
  return Prefix::make(*base, *length);
}

std::string address_text(Bytes octets) {
  const auto address = IpAddress::from_bytes(octets);
  return address ? address->to_string() : std::string();
}

}  // namespace

Attribute Attribute::number16(std::uint16_t type, std::uint16_t value) {
  Attribute attribute{.type = type, .basic = true, .value = ByteVec(2)};
  store_be(MutBytes(attribute.value), value);
  return attribute;
}

Attribute Attribute::number32(std::uint16_t type, std::uint32_t value) {
  Attribute attribute{.type = type, .basic = false, .value = ByteVec(4)};
  store_be(MutBytes(attribute.value), value);
  return attribute;
}

Attribute Attribute::octets(std::uint16_t type, Bytes value) {
  return {.type = type, .basic = false, .value = to_vec(value)};
}

std::optional<std::uint64_t> Attribute::number() const {
  if (value.empty() || value.size() > sizeof(std::uint64_t)) return std::nullopt;
  std::uint64_t number = 0;
  for (const std::uint8_t octet : value) number = (number << 8) | octet;
  return number;
}

Result<std::vector<Attribute>, Drop> decode_attributes(Bytes list) {
  return decode_attribute_list(list, limits::kAttributesMax);
}

//    DOI (4) | situation (4) | proposals ...
Result<SaPayload, Drop> decode_sa(Bytes body) {
  Reader reader(body);
  SaPayload sa;
  sa.doi = GODWIT_TRY(reader.be<std::uint32_t>());
  sa.situation = GODWIT_TRY(reader.be<std::uint32_t>());
  if (sa.doi != kDoiIpsec || sa.situation != kSitIdentityOnly) return fail(Drop::kMalformed);

  std::size_t budget = limits::kTransformsMax;
  bool last = false;
  while (!last) {
    const Link link = GODWIT_TRY(decode_link(reader, PayloadType::kProposal));
    Proposal proposal = GODWIT_TRY(decode_proposal(link.content, budget));
    budget -= proposal.transforms.size();  // at least one each, so this loop is bounded, too
    sa.proposals.push_back(std::move(proposal));
    last = link.last;
  }
  return sa;
}

Result<Bytes, Drop> decode_nonce(Bytes body) {
  if (body.size() < kNonceMin || body.size() > kNonceMax) return fail(Drop::kMalformed);
  return body;
}

IdPayload IdPayload::address(const IpAddress& address) {
  return {.type = address.is_v4() ? IdType::kIpv4 : IdType::kIpv6, .data = to_vec(address.bytes())};
}

IdPayload IdPayload::subnet(const Prefix& prefix) {
  IdPayload id{.type = prefix.address().is_v4() ? IdType::kIpv4Subnet : IdType::kIpv6Subnet,
               .data = to_vec(prefix.address().bytes())};
  append(id.data, prefix.netmask().bytes());
  return id;
}

std::optional<Prefix> IdPayload::as_prefix() const {
  const Bytes octets(data);
  if (data.size() != id_data_size(type)) return std::nullopt;
  switch (type) {
    case IdType::kIpv4:
    case IdType::kIpv6: {
      const auto host = IpAddress::from_bytes(octets);
      if (!host) return std::nullopt;
      return Prefix::make(*host, host->bits());
    }
    case IdType::kIpv4Subnet:
      return prefix_of(octets.first<4>(), octets.last<4>());
    case IdType::kIpv6Subnet:
      return prefix_of(octets.first<16>(), octets.last<16>());
    default:
      return std::nullopt;
  }
}

std::string IdPayload::to_string() const {
  constexpr std::size_t kTextMax = 256;
  const Bytes octets(data);
  if (const auto prefix = as_prefix()) {
    const bool host = type == IdType::kIpv4 || type == IdType::kIpv6;
    return host ? prefix->address().to_string() : prefix->to_string();
  }
  if (id_data_size(type).has_value() && data.size() == id_data_size(type)) {
    const bool range = type == IdType::kIpv4Range || type == IdType::kIpv6Range;
    const std::size_t half = data.size() / 2;
    return address_text(octets.first(half)) + (range ? "-" : "/") +
           address_text(octets.subspan(half));
  }
  return escape_text(octets, kTextMax);
}

//    type | protocol | port (2) | data
Result<IdPayload, Drop> decode_id(Bytes body) {
  Reader reader(body);
  IdPayload id;
  id.type = IdType{GODWIT_TRY(reader.be<std::uint8_t>())};
  id.protocol = GODWIT_TRY(reader.be<std::uint8_t>());
  id.port = GODWIT_TRY(reader.be<std::uint16_t>());
  if (!is_known(id.type)) return fail(Drop::kMalformed);
  const auto size = id_data_size(id.type);
  if (size && *size != reader.remaining()) return fail(Drop::kMalformed);
  id.data = to_vec(reader.rest());
  return id;
}

Result<IpAddress, Drop> decode_nat_oa(Bytes body) {
  const IdPayload id = GODWIT_TRY(decode_id(body));
  if (id.type != IdType::kIpv4 && id.type != IdType::kIpv6) return fail(Drop::kMalformed);
  if (id.protocol != 0 || id.port != 0) return fail(Drop::kBadReserved);
  return *IpAddress::from_bytes(id.data);
}

//    DOI (4) | protocol | SPI size | type (2) | SPI | data
Result<NotifyPayload, Drop> decode_notify(Bytes body) {
  Reader reader(body);
  NotifyPayload notify;
  notify.doi = GODWIT_TRY(reader.be<std::uint32_t>());
  notify.protocol = Protocol{GODWIT_TRY(reader.be<std::uint8_t>())};
  const std::size_t spi_size = GODWIT_TRY(reader.be<std::uint8_t>());
  notify.type = Notify{GODWIT_TRY(reader.be<std::uint16_t>())};
  if (!is_known_doi(notify.doi) || spi_size > kSpiMax) return fail(Drop::kMalformed);
  notify.spi = to_vec(GODWIT_TRY(reader.take(spi_size)));
  notify.data = to_vec(reader.rest());
  return notify;
}

//    DOI (4) | protocol | SPI size | number of SPIs (2) | SPIs ...
Result<DeletePayload, Drop> decode_delete(Bytes body) {
  Reader reader(body);
  DeletePayload payload;
  payload.doi = GODWIT_TRY(reader.be<std::uint32_t>());
  payload.protocol = Protocol{GODWIT_TRY(reader.be<std::uint8_t>())};
  const std::size_t spi_size = GODWIT_TRY(reader.be<std::uint8_t>());
  const std::size_t count = GODWIT_TRY(reader.be<std::uint16_t>());

  const bool isakmp = payload.protocol == Protocol::kIsakmp;
  if (!isakmp && payload.protocol != Protocol::kEsp && payload.protocol != Protocol::kAh) {
    return fail(Drop::kMalformed);
  }
  if (!is_known_doi(payload.doi)) return fail(Drop::kMalformed);
  if (spi_size != (isakmp ? kSpiMax : kEspSpiSize) || count == 0) return fail(Drop::kMalformed);
  // RFC 2408 3.15. The size is not zero here, so the count is bounded by the datagram.
  if (count * spi_size != reader.remaining()) return fail(Drop::kBadLength);
  while (!reader.empty()) payload.spis.push_back(to_vec(GODWIT_TRY(reader.take(spi_size))));
  return payload;
}

const Attribute* CfgPayload::find(CfgAttr wanted) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& a) {
    return a.type == static_cast<std::uint16_t>(wanted);
  });
  return found == attributes.end() ? nullptr : &*found;
}

//    type | reserved | identifier (2) | attributes ...
Result<CfgPayload, Drop> decode_cfg(Bytes body) {
  Reader reader(body);
  CfgPayload cfg;
  cfg.type = CfgType{GODWIT_TRY(reader.be<std::uint8_t>())};
  GODWIT_TRY(reader.be<std::uint8_t>());
  cfg.identifier = GODWIT_TRY(reader.be<std::uint16_t>());
  if (cfg.type < CfgType::kRequest || cfg.type > CfgType::kAck) return fail(Drop::kMalformed);
  cfg.attributes = GODWIT_TRY(decode_attribute_list(reader.rest(), kCfgAttributesMax));
  return cfg;
}

Result<std::vector<Prefix>, Drop> decode_split_networks(Bytes value) {
  if (value.size() % kSplitEntrySize != 0) return fail(Drop::kMalformed);
  std::vector<Prefix> networks;
  Reader reader(value);
  for (std::size_t i = 0; i < limits::kSplitNetworksMax && !reader.empty(); ++i) {
    const auto entry = GODWIT_TRY(reader.take<kSplitEntrySize>());
    const auto network = prefix_of(entry.first<4>(), entry.subspan<4, 4>());
    if (network) networks.push_back(*network);
  }
  return networks;
}

bool split_networks_excess(Bytes value) {
  return value.size() > limits::kSplitNetworksMax * kSplitEntrySize;
}

}  // namespace godwit::ike
