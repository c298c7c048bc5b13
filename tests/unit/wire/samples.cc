#include "tests/unit/wire/samples.h"

#include "core/ike/wire/vendor_id.h"

namespace godwit::ike::test {
namespace {

constexpr std::uint16_t attr(Phase1Attr type) { return static_cast<std::uint16_t>(type); }
constexpr std::uint16_t attr(Phase2Attr type) { return static_cast<std::uint16_t>(type); }
constexpr std::uint16_t attr(CfgAttr type) { return static_cast<std::uint16_t>(type); }

ByteVec notify(Notify type, Protocol protocol, Bytes spi, Bytes data = {}) {
  return encode_notify(
      {.protocol = protocol, .type = type, .spi = to_vec(spi), .data = to_vec(data)});
}

// Builds samples that share their cookies and a source of random octets.
class Shelf {
 public:
  Sample& add(std::string name, Exchange exchange, bool decrypted) {
    Sample sample;
    sample.name = std::move(name);
    sample.decrypted = decrypted;
    sample.header.initiator = Cookie{0x1122334455667788};
    sample.header.responder = Cookie{0x99aabbccddeeff00};
    sample.header.exchange = exchange;
    sample.header.flags = decrypted ? kFlagEncrypted : 0;
    const bool phase1 = exchange == Exchange::kMain || exchange == Exchange::kAggressive;
    if (!phase1 && decrypted) sample.header.message_id = MessageId{0x01020304};
    list_.push_back(std::move(sample));
    return list_.back();
  }
  ByteVec octets(std::size_t size) { return random_.octets(size); }
  std::vector<Sample> take() { return std::move(list_); }

 private:
  Random random_{20240601};
  std::vector<Sample> list_;
};

void add_vendors(ChainBuilder& chain) {
  for (const Vendor vendor :
       {Vendor::kNattRfc3947, Vendor::kNattDraft03, Vendor::kNattDraft02n, Vendor::kNattDraft02,
        Vendor::kXauth, Vendor::kDpd, Vendor::kUnity, Vendor::kFragmentation}) {
    chain.add(PayloadType::kVendorId, vendor_octets(vendor));
  }
}

void add_main(Shelf& shelf) {
  for (const char* name : {"Main 1", "Main 2"}) {
    Sample& sample = shelf.add(name, Exchange::kMain, false);
    if (sample.name == "Main 1") sample.header.responder = Cookie{};
    sample.chain.add(PayloadType::kSa, encode_sa(phase1_sa()));
    add_vendors(sample.chain);
  }
  for (const char* name : {"Main 3", "Main 4"}) {
    Sample& sample = shelf.add(name, Exchange::kMain, false);
    sample.chain.add(PayloadType::kKe, shelf.octets(256))
        .add(PayloadType::kNonce, shelf.octets(32))
        .add(PayloadType::kNatD, shelf.octets(20))
        .add(PayloadType::kNatD, shelf.octets(20));
  }
  Sample& fifth = shelf.add("Main 5", Exchange::kMain, true);
  fifth.chain.add(PayloadType::kId, encode_id(IdPayload::address(IpAddress::v4(0xc0000201))))
      .add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kNotify,
           notify(Notify::kInitialContact, Protocol::kIsakmp, shelf.octets(16)));
  Sample& sixth = shelf.add("Main 6", Exchange::kMain, true);
  const IdPayload gateway{.type = IdType::kFqdn, .data = to_vec(as_bytes("gateway.example"))};
  sixth.chain.add(PayloadType::kId, encode_id(gateway)).add(PayloadType::kHash, shelf.octets(20));
}

void add_aggressive(Shelf& shelf) {
  const IdPayload user{.type = IdType::kKeyId, .data = to_vec(as_bytes("group"))};
  Sample& first = shelf.add("Aggressive 1", Exchange::kAggressive, false);
  first.header.responder = Cookie{};
  first.chain.add(PayloadType::kSa, encode_sa(phase1_sa()))
      .add(PayloadType::kKe, shelf.octets(128))
      .add(PayloadType::kNonce, shelf.octets(32))
      .add(PayloadType::kId, encode_id(user));
  add_vendors(first.chain);
  Sample& second = shelf.add("Aggressive 2", Exchange::kAggressive, false);
  second.chain.add(PayloadType::kSa, encode_sa(phase1_sa()))
      .add(PayloadType::kKe, shelf.octets(128))
      .add(PayloadType::kNonce, shelf.octets(16))
      .add(PayloadType::kId, encode_id(IdPayload::address(IpAddress::v4(0xc6336401))))
      .add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kNatDDraft, shelf.octets(20))
      .add(PayloadType::kNatDDraft, shelf.octets(20));
  Sample& third = shelf.add("Aggressive 3", Exchange::kAggressive, true);
  third.chain.add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kNatD, shelf.octets(20))
      .add(PayloadType::kNatD, shelf.octets(20));
  Sample& contact = shelf.add("Aggressive 3 with INITIAL-CONTACT", Exchange::kAggressive, true);
  contact.chain.add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kNatDDraft, shelf.octets(20))
      .add(PayloadType::kNatDDraft, shelf.octets(20))
      .add(PayloadType::kNotify,
           notify(Notify::kInitialContact, Protocol::kIsakmp, shelf.octets(16)));
}

// RESPONDER-LIFETIME (RFC 2407 4.6.3.1): the attributes of the lifetime as they were agreed.
ByteVec lifetime_data(std::uint16_t type, std::uint16_t duration, std::uint32_t seconds) {
  return encode_attributes(
      {Attribute::number16(type, kLifeSeconds), Attribute::number32(duration, seconds)});
}

// What all first and second messages of Quick Mode hold, with PFS (KE) and without.
Sample& add_quick_offer(Shelf& shelf, std::string name, bool pfs) {
  Sample& sample = shelf.add(std::move(name), Exchange::kQuick, true);
  sample.chain.add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kSa, encode_sa(phase2_sa()))
      .add(PayloadType::kNonce, shelf.octets(32));
  if (pfs) sample.chain.add(PayloadType::kKe, shelf.octets(256));
  sample.chain.add(PayloadType::kId, encode_id(IdPayload::address(IpAddress::v4(0x0a000001))))
      .add(PayloadType::kId, encode_id(IdPayload::subnet(*Prefix::parse("10.1.0.0/16"))));
  return sample;
}

void add_quick(Shelf& shelf) {
  add_quick_offer(shelf, "Quick 1 with PFS", true);
  add_quick_offer(shelf, "Quick 2 with PFS and RESPONDER-LIFETIME", true)
      .chain.add(PayloadType::kNotify,
                 notify(Notify::kResponderLifetime, Protocol::kEsp, shelf.octets(4),
                        lifetime_data(attr(Phase2Attr::kLifeType), attr(Phase2Attr::kLifeDuration),
                                      3600)));
  add_quick_offer(shelf, "Quick 1", false);
  add_quick_offer(shelf, "Quick 2", false);
  // RFC 3947 5.2: type of the address, three reserved octets, the address.
  const ByteVec own = from_hex("01000000c0a80714");
  const ByteVec gateway = from_hex("01000000cb007101");
  for (const PayloadType type : {PayloadType::kNatOa, PayloadType::kNatOaDraft}) {
    for (const char* which : {"Quick 1 with ", "Quick 2 with "}) {
      add_quick_offer(shelf, which + std::string(name(type)), false)
          .chain.add(type, own)
          .add(type, gateway);
    }
  }
  Sample& six = shelf.add("Quick 1 of IPv6", Exchange::kQuick, true);
  six.chain.add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kSa, encode_sa(phase2_sa()))
      .add(PayloadType::kNonce, shelf.octets(32))
      .add(PayloadType::kId, encode_id(IdPayload::address(*IpAddress::parse("fd00:60::2"))))
      .add(PayloadType::kId, encode_id(IdPayload::subnet(*Prefix::parse("fd00:50::/64"))));
  shelf.add("Quick 3", Exchange::kQuick, true).chain.add(PayloadType::kHash, shelf.octets(20));
}

void add_cfg(Shelf& shelf, std::string name, const CfgPayload& cfg) {
  Sample& sample = shelf.add(std::move(name), Exchange::kTransaction, true);
  sample.chain.add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kAttributes, encode_cfg(cfg));
}

Attribute text(CfgAttr type, std::string_view value) {
  return Attribute::octets(attr(type), as_bytes(value));
}

void add_xauth(Shelf& shelf) {
  const Attribute generic = Attribute::number16(attr(CfgAttr::kXauthType), 0);
  add_cfg(shelf, "XAuth request",
          {CfgType::kRequest,
           5,
           {generic, text(CfgAttr::kXauthMessage, "Password, please"),
            text(CfgAttr::kXauthUserName, ""), text(CfgAttr::kXauthUserPassword, ""),
            text(CfgAttr::kXauthPasscode, ""), text(CfgAttr::kXauthDomain, "")}});
  add_cfg(shelf, "XAuth reply",
          {CfgType::kReply,
           5,
           {generic, text(CfgAttr::kXauthUserName, "alice"),
            text(CfgAttr::kXauthUserPassword, "wonderland"),
            text(CfgAttr::kXauthPasscode, "123456"), text(CfgAttr::kXauthDomain, "office")}});
  add_cfg(shelf, "XAuth refusal",
          {CfgType::kReply, 5, {Attribute::number16(attr(CfgAttr::kXauthStatus), 0)}});
  add_cfg(shelf, "XAuth set",
          {CfgType::kSet, 6, {Attribute::number16(attr(CfgAttr::kXauthStatus), 1)}});
  add_cfg(shelf, "XAuth ack", {CfgType::kAck, 6, {}});
}

void add_mode_config(Shelf& shelf) {
  const ByteVec split = from_hex("0a000000ff000000000000000000ac100000fff00000000000000000");
  const ByteVec mask = from_hex("ffffff00");
  CfgPayload request{.type = CfgType::kRequest, .identifier = 7};
  for (const CfgAttr asked :
       {CfgAttr::kIp4Address, CfgAttr::kIp4Netmask, CfgAttr::kIp4Dns, CfgAttr::kUnityBanner,
        CfgAttr::kUnityDefaultDomain, CfgAttr::kUnitySplitDns, CfgAttr::kUnitySplitInclude}) {
    request.attributes.push_back(text(asked, ""));
  }
  add_cfg(shelf, "Mode Config request", request);
  const std::vector<Attribute> plain{Attribute::octets(attr(CfgAttr::kIp4Address), shelf.octets(4)),
                                     Attribute::octets(attr(CfgAttr::kIp4Netmask), mask),
                                     Attribute::octets(attr(CfgAttr::kIp4Dns), shelf.octets(4)),
                                     Attribute::number32(attr(CfgAttr::kAddressExpiry), 3600)};
  add_cfg(shelf, "Mode Config reply", {CfgType::kReply, 7, plain});
  std::vector<Attribute> unity = plain;
  unity.push_back(text(CfgAttr::kUnityBanner, "Hello\r\n"));
  unity.push_back(text(CfgAttr::kUnityDefaultDomain, "office.example"));
  unity.push_back(text(CfgAttr::kUnitySplitDns, "a.example,b.example"));
  unity.push_back(Attribute::octets(attr(CfgAttr::kUnitySplitInclude), split));
  unity.push_back(Attribute::number16(attr(CfgAttr::kUnityPfs), 1));
  unity.push_back(Attribute::number16(attr(CfgAttr::kUnitySavePassword), 0));
  add_cfg(shelf, "Mode Config reply with Unity", {CfgType::kReply, 7, unity});
  std::vector<Attribute> both = plain;
  both.push_back(Attribute::octets(attr(CfgAttr::kIp6Address), shelf.octets(16)));
  both.push_back(Attribute::octets(attr(CfgAttr::kIp6Dns), shelf.octets(16)));
  both.push_back(Attribute::octets(attr(CfgAttr::kIp6Subnet), shelf.octets(17)));
  both.push_back(Attribute::octets(attr(CfgAttr::kIp4Nbns), shelf.octets(4)));
  both.push_back(Attribute::octets(attr(CfgAttr::kUnityLocalLan), split));
  both.push_back(text(CfgAttr::kApplicationVersion, "Gateway 1.0"));
  add_cfg(shelf, "Mode Config reply of both families", {CfgType::kReply, 7, both});
  add_cfg(shelf, "Mode Config set", {CfgType::kSet, 9, plain});
  CfgPayload ack{.type = CfgType::kAck, .identifier = 9};
  for (const Attribute& taken : plain) {
    ack.attributes.push_back(Attribute::octets(taken.type, {}));
  }
  add_cfg(shelf, "Mode Config ack", ack);
}

// An Informational under protection: a HASH and one payload.
void add_protected(Shelf& shelf, std::string name, PayloadType type, Bytes body) {
  shelf.add(std::move(name), Exchange::kInformational, true)
      .chain.add(PayloadType::kHash, shelf.octets(20))
      .add(type, body);
}

void add_informational(Shelf& shelf) {
  const ByteVec cookies = shelf.octets(16);
  shelf.add("Informational plain notify", Exchange::kInformational, false)
      .chain.add(PayloadType::kNotify, notify(Notify::kNoProposalChosen, Protocol::kIsakmp, {}));
  add_protected(shelf, "INITIAL-CONTACT", PayloadType::kNotify,
                notify(Notify::kInitialContact, Protocol::kIsakmp, cookies));
  add_protected(
      shelf, "Informational error", PayloadType::kNotify,
      notify(Notify::kInvalidIdInformation, Protocol::kEsp, shelf.octets(4), shelf.octets(9)));
  add_protected(
      shelf, "RESPONDER-LIFETIME", PayloadType::kNotify,
      notify(Notify::kResponderLifetime, Protocol::kIsakmp, cookies,
             lifetime_data(attr(Phase1Attr::kLifeType), attr(Phase1Attr::kLifeDuration), 7200)));
  const DeletePayload sas{.protocol = Protocol::kEsp, .spis = {shelf.octets(4), shelf.octets(4)}};
  add_protected(shelf, "Delete ESP", PayloadType::kDelete, encode_delete(sas));
  add_protected(shelf, "Delete ISAKMP", PayloadType::kDelete, encode_delete({.spis = {cookies}}));
  for (const Notify type : {Notify::kDpdRUThere, Notify::kDpdRUThereAck}) {
    add_protected(shelf, std::string(name(type)), PayloadType::kNotify,
                  notify(type, Protocol::kIsakmp, cookies, shelf.octets(4)));
  }
}

}  // namespace

std::vector<Sample> samples() {
  Shelf shelf;
  add_main(shelf);
  add_aggressive(shelf);
  add_quick(shelf);
  add_xauth(shelf);
  add_mode_config(shelf);
  add_informational(shelf);
  return shelf.take();
}

ByteVec Random::octets(std::size_t size) {
  ByteVec result(size);
  for (std::uint8_t& octet : result) octet = number<std::uint8_t>();
  return result;
}

SaPayload phase1_sa() {
  Proposal proposal;
  for (const std::uint16_t group : {std::uint16_t{14}, std::uint16_t{5}}) {
    Transform transform{.number = static_cast<std::uint8_t>(proposal.transforms.size() + 1),
                        .id = kTransformKeyIke};
    transform.attributes = {Attribute::number16(attr(Phase1Attr::kEncryption), kEncAesCbc),
                            Attribute::number16(attr(Phase1Attr::kKeyLength), 256),
                            Attribute::number16(attr(Phase1Attr::kHash), 4),
                            Attribute::number16(attr(Phase1Attr::kAuth), kAuthXauthInitPsk),
                            Attribute::number16(attr(Phase1Attr::kGroup), group),
                            Attribute::number16(attr(Phase1Attr::kLifeType), kLifeSeconds),
                            Attribute::number32(attr(Phase1Attr::kLifeDuration), 86400)};
    proposal.transforms.push_back(std::move(transform));
  }
  return {.proposals = {std::move(proposal)}};
}

SaPayload phase2_sa() {
  Transform cbc{.number = 1, .id = kEspAesCbc};
  cbc.attributes = {Attribute::number16(attr(Phase2Attr::kEncapsulation), kEncapUdpTunnel),
                    Attribute::number16(attr(Phase2Attr::kKeyLength), 128),
                    Attribute::number16(attr(Phase2Attr::kAuth), 2)};
  Transform gcm{.number = 2, .id = kEspAesGcm16};
  gcm.attributes = {Attribute::number16(attr(Phase2Attr::kEncapsulation), kEncapUdpTunnel),
                    Attribute::number16(attr(Phase2Attr::kKeyLength), 256)};
  const Proposal first{
      .number = 1, .protocol = Protocol::kEsp, .spi = {1, 2, 3, 4}, .transforms = {cbc}};
  const Proposal second{
      .number = 2, .protocol = Protocol::kEsp, .spi = {1, 2, 3, 5}, .transforms = {gcm, gcm}};
  return {.proposals = {first, second}};
}

bool decodes(PayloadType type, Bytes body) {
  switch (type) {
    case PayloadType::kSa:
      return decode_sa(body).has_value();
    case PayloadType::kId: {
      const auto id = decode_id(body);
      if (id) static_cast<void>(id->to_string().size() + (id->as_prefix() ? 1U : 0U));
      return id.has_value();
    }
    case PayloadType::kNatOa:
    case PayloadType::kNatOaDraft:
      return decode_nat_oa(body).has_value();
    case PayloadType::kNonce:
      return decode_nonce(body).has_value();
    case PayloadType::kNotify:
      return decode_notify(body).has_value();
    case PayloadType::kDelete:
      return decode_delete(body).has_value();
    case PayloadType::kAttributes: {
      const auto cfg = decode_cfg(body);
      if (!cfg) return false;
      for (const Attribute& attribute : cfg->attributes) {
        static_cast<void>(decode_split_networks(attribute.value).has_value());
        static_cast<void>(escape_text(attribute.value, 4096, true));
        static_cast<void>(attribute.number());
      }
      return true;
    }
    case PayloadType::kVendorId:
      static_cast<void>(recognise_vendor(body));
      return true;
    default:
      return true;
  }
}

std::optional<Drop> decode_all(Bytes message, bool decrypted) {
  const auto header = decode_header(message);
  if (!header) return header.error();
  const auto payloads = decode_payloads(header->first, message.subspan(kHeaderSize), decrypted);
  if (!payloads) return payloads.error();
  for (const Payload& payload : payloads->all()) {
    if (!decodes(payload.type, payload.body)) return Drop::kMalformed;
    static_cast<void>(payloads->behind(payload));
  }
  return std::nullopt;
}

namespace {

// A body through its decoder and encoder. Bodies without a decoder are values themselves.
Result<ByteVec, Drop> encoded_again(PayloadType type, Bytes body) {
  switch (type) {
    case PayloadType::kSa:
      return encode_sa(GODWIT_TRY(decode_sa(body)));
    case PayloadType::kId:
      return encode_id(GODWIT_TRY(decode_id(body)));
    case PayloadType::kNatOa:
    case PayloadType::kNatOaDraft:
      return encode_nat_oa(GODWIT_TRY(decode_nat_oa(body)));
    case PayloadType::kNonce:
      return to_vec(GODWIT_TRY(decode_nonce(body)));
    case PayloadType::kNotify:
      return encode_notify(GODWIT_TRY(decode_notify(body)));
    case PayloadType::kDelete:
      return encode_delete(GODWIT_TRY(decode_delete(body)));
    case PayloadType::kAttributes:
      return encode_cfg(GODWIT_TRY(decode_cfg(body)));
    default:
      return to_vec(body);
  }
}

}  // namespace

Result<ByteVec, Drop> decode_and_encode(Bytes message, bool decrypted) {
  const auto header = GODWIT_TRY(decode_header(message));
  const auto payloads =
      GODWIT_TRY(decode_payloads(header.first, message.subspan(kHeaderSize), decrypted));
  ChainBuilder chain;
  for (const Payload& payload : payloads.all()) {
    chain.add(payload.type, GODWIT_TRY(encoded_again(payload.type, payload.body)));
  }
  return encode_message(header, chain);
}

ByteVec from_hex(std::string_view hex) {
  ByteVec result;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    result.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return result;
}

}  // namespace godwit::ike::test
