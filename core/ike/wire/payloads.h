// Payload bodies <-> values (RFC 2408 3.4-3.15, RFC 2407 4.6). Every decoder takes a body without
// its generic header and yields a complete value or a Drop, mostly kTruncated, kBadLength,
// kMalformed.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/counters.h"
#include "core/base/result.h"
#include "core/base/strong.h"
#include "core/ike/wire/constants.h"
#include "core/net/address.h"

namespace godwit::ike {

// An attribute (RFC 2408 3.3). `basic` remembers the encoding (TV, two octets); value is at most 8
// octets when used as a number (IKE1-04).
struct Attribute {
  std::uint16_t type = 0;
  bool basic = false;
  ByteVec value;  // network order; 2 octets when basic

  static Attribute number16(std::uint16_t type, std::uint16_t value);  // TV
  static Attribute number32(std::uint16_t type, std::uint32_t value);  // TLV of 4 octets
  static Attribute octets(std::uint16_t type, Bytes value);            // TLV, also of length 0
  std::optional<std::uint64_t> number() const;  // nothing above 8 octets or empty
  friend bool operator==(const Attribute&, const Attribute&) = default;
};
Result<std::vector<Attribute>, Drop> decode_attributes(Bytes list);

struct Transform {
  std::uint8_t number = 1;
  std::uint8_t id = 0;  // kTransformKeyIke, or an ESP transform
  std::vector<Attribute> attributes;
};
struct Proposal {
  std::uint8_t number = 1;
  Protocol protocol = Protocol::kIsakmp;
  ByteVec spi;  // 4 octets for AH and ESP; of phase 1 nothing is kept (ISK-16)
  std::vector<Transform> transforms;
};
struct SaPayload {
  std::uint32_t doi = kDoiIpsec;
  std::uint32_t situation = kSitIdentityOnly;
  std::vector<Proposal> proposals;
};
// Refuses (kMalformed): DOI other than IPsec, situation other than identity only, NP outside {0,2}
// and {0,3}, counts that lie, no proposal, no transform, too many of them (ISK-15, A14).
Result<SaPayload, Drop> decode_sa(Bytes body);

// Any group's public value or a nonce is the body itself; nonces must have 8..256 octets (IKE1-06).
Result<Bytes, Drop> decode_nonce(Bytes body);

struct IdPayload {
  IdType type = IdType::kIpv4;
  std::uint8_t protocol = 0;
  std::uint16_t port = 0;
  ByteVec data;

  static IdPayload address(const IpAddress& address);
  static IdPayload subnet(const Prefix& prefix);  // IPv4 or IPv6
  std::optional<Prefix> as_prefix() const;        // address or subnet types; contiguous mask only
  std::string to_string() const;                  // for people, control characters escaped
  friend bool operator==(const IdPayload&, const IdPayload&) = default;
};
// Checks data length against the type for the address types (A11, H13); unknown types are
// kMalformed.
Result<IdPayload, Drop> decode_id(Bytes body);

// An original address (RFC 3947 5.2): an ID of one address whose protocol and port are reserved.
Result<IpAddress, Drop> decode_nat_oa(Bytes body);

struct NotifyPayload {
  std::uint32_t doi = kDoiIpsec;
  Protocol protocol = Protocol::kIsakmp;
  Notify type{};
  ByteVec spi;  // up to 16 octets
  ByteVec data;
};
Result<NotifyPayload, Drop> decode_notify(Bytes body);

struct DeletePayload {
  std::uint32_t doi = kDoiIpsec;
  Protocol protocol = Protocol::kIsakmp;
  std::vector<ByteVec> spis;  // each 16 octets (ISAKMP: CKY-I | CKY-R) or 4 (ESP)
};
// ISK-26: count * size must be exactly the rest of the payload.
Result<DeletePayload, Drop> decode_delete(Bytes body);

// Mode Config and XAuth (draft-dukes 3.2): an attribute that crosses the end discards all of it.
struct CfgPayload {
  CfgType type = CfgType::kRequest;
  std::uint16_t identifier = 0;
  std::vector<Attribute> attributes;
  const Attribute* find(CfgAttr type) const;
};
Result<CfgPayload, Drop> decode_cfg(Bytes body);

// Unity split include: 14 octets an entry: address, netmask, protocol, ports (MC-10). Entries with
// a netmask that is not contiguous are left out; kMalformed when the length is no multiple of 14.
// Only the first limits::kSplitNetworksMax entries are read; split_networks_excess() says there are
// more.
Result<std::vector<Prefix>, Drop> decode_split_networks(Bytes value);
bool split_networks_excess(Bytes value);

// Text of a peer made fit for a terminal or a log: printable ASCII and visible UTF-8 stay, the rest
// becomes \xNN; at most `max` octets come out. With keep_newlines, CR LF counts as a newline.
std::string escape_text(Bytes text, std::size_t max, bool keep_newlines = false);

}  // namespace godwit::ike
