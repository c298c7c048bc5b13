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
}

void add_quick(Shelf& shelf) {
  for (const char* name : {"Quick 1", "Quick 2"}) {
    Sample& sample = shelf.add(name, Exchange::kQuick, true);
    sample.chain.add(PayloadType::kHash, shelf.octets(20))
        .add(PayloadType::kSa, encode_sa(phase2_sa()))
        .add(PayloadType::kNonce, shelf.octets(32))
        .add(PayloadType::kKe, shelf.octets(256))
        .add(PayloadType::kId, encode_id(IdPayload::address(IpAddress::v4(0x0a000001))))
        .add(PayloadType::kId, encode_id(IdPayload::subnet(*Prefix::parse("10.1.0.0/16"))));
    if (sample.name == "Quick 2") {
      sample.chain.add(PayloadType::kNotify, notify(Notify::kResponderLifetime, Protocol::kEsp,
                                                    shelf.octets(4), shelf.octets(12)));
    }
  }
  shelf.add("Quick 3", Exchange::kQuick, true).chain.add(PayloadType::kHash, shelf.octets(20));
}

void add_transaction(Shelf& shelf) {
  const ByteVec address = shelf.octets(4);
  const ByteVec split = from_hex("0a000000ff000000000000000000ac100000fff00000000000000000");
  const CfgPayload request{
      .type = CfgType::kRequest,
      .identifier = 7,
      .attributes = {Attribute::octets(attr(CfgAttr::kIp4Address), {}),
                     Attribute::octets(attr(CfgAttr::kIp4Dns), {}),
                     Attribute::octets(attr(CfgAttr::kUnitySplitInclude), {})}};
  const CfgPayload reply{
      .type = CfgType::kReply,
      .identifier = 7,
      .attributes = {Attribute::octets(attr(CfgAttr::kIp4Address), address),
                     Attribute::octets(attr(CfgAttr::kUnityBanner), as_bytes("Hello\n")),
                     Attribute::octets(attr(CfgAttr::kUnitySplitInclude), split)}};
  const CfgPayload set{.type = CfgType::kSet,
                       .identifier = 8,
                       .attributes = {Attribute::number16(attr(CfgAttr::kXauthStatus), 1)}};
  const CfgPayload ack{.type = CfgType::kAck,
                       .identifier = 8,
                       .attributes = {Attribute::octets(attr(CfgAttr::kXauthStatus), {})}};
  const std::vector<std::pair<const char*, const CfgPayload*>> all{
      {"Transaction request", &request},
      {"Transaction reply", &reply},
      {"Transaction set", &set},
      {"Transaction ack", &ack}};
  for (const auto& [name, cfg] : all) {
    Sample& sample = shelf.add(name, Exchange::kTransaction, true);
    sample.chain.add(PayloadType::kHash, shelf.octets(20))
        .add(PayloadType::kAttributes, encode_cfg(*cfg));
  }
}

void add_informational(Shelf& shelf) {
  const ByteVec cookies = shelf.octets(16);
  shelf.add("Informational plain notify", Exchange::kInformational, false)
      .chain.add(PayloadType::kNotify, notify(Notify::kNoProposalChosen, Protocol::kIsakmp, {}));
  shelf.add("Informational notify", Exchange::kInformational, true)
      .chain.add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kNotify, notify(Notify::kInitialContact, Protocol::kIsakmp, cookies));
  const DeletePayload sas{.protocol = Protocol::kEsp, .spis = {shelf.octets(4), shelf.octets(4)}};
  shelf.add("Informational delete ESP", Exchange::kInformational, true)
      .chain.add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kDelete, encode_delete(sas));
  shelf.add("Informational delete ISAKMP", Exchange::kInformational, true)
      .chain.add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kDelete, encode_delete({.spis = {cookies}}));
  shelf.add("Informational DPD", Exchange::kInformational, true)
      .chain.add(PayloadType::kHash, shelf.octets(20))
      .add(PayloadType::kNotify,
           notify(Notify::kDpdRUThere, Protocol::kIsakmp, cookies, shelf.octets(4)));
}

}  // namespace

std::vector<Sample> samples() {
  Shelf shelf;
  add_main(shelf);
  add_aggressive(shelf);
  add_quick(shelf);
  add_transaction(shelf);
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

ByteVec from_hex(std::string_view hex) {
  ByteVec result;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    result.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return result;
}

}  // namespace godwit::ike::test
