#include "core/ike/wire/payloads.h"

#include <doctest/doctest.h>

#include "core/base/limits.h"
#include "tests/unit/wire/samples.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::test;

namespace {

template <class T>
std::optional<Drop> drop_of(const Result<T, Drop>& result) {
  if (result) return std::nullopt;
  return result.error();
}

std::optional<Drop> sa_drop(const ByteVec& body) { return drop_of(decode_sa(body)); }

std::vector<Attribute> random_attributes(Random& random, std::uint32_t max) {
  std::vector<Attribute> list;
  for (std::uint32_t n = random.below(max + 1); n > 0; --n) {
    const auto type = static_cast<std::uint16_t>(random.below(0x8000));
    if (random.below(2) == 0) {
      list.push_back(Attribute::number16(type, random.number<std::uint16_t>()));
    } else {
      list.push_back(Attribute::octets(type, random.octets(random.below(20))));
    }
  }
  return list;
}

SaPayload random_sa(Random& random) {
  SaPayload sa;
  for (std::uint32_t n = 1 + random.below(4); n > 0; --n) {
    Proposal proposal{.number = random.number<std::uint8_t>()};
    proposal.protocol = random.below(2) == 0 ? Protocol::kEsp : Protocol::kIsakmp;
    if (proposal.protocol == Protocol::kEsp) proposal.spi = random.octets(4);
    for (std::uint32_t m = 1 + random.below(8); m > 0; --m) {
      proposal.transforms.push_back({.number = random.number<std::uint8_t>(),
                                     .id = random.number<std::uint8_t>(),
                                     .attributes = random_attributes(random, 10)});
    }
    sa.proposals.push_back(std::move(proposal));
  }
  return sa;
}

void require_same(const SaPayload& a, const SaPayload& b) {
  REQUIRE(a.doi == b.doi);
  REQUIRE(a.situation == b.situation);
  REQUIRE(a.proposals.size() == b.proposals.size());
  for (std::size_t i = 0; i < a.proposals.size(); ++i) {
    const Proposal& x = a.proposals[i];
    const Proposal& y = b.proposals[i];
    REQUIRE(x.number == y.number);
    REQUIRE(x.protocol == y.protocol);
    REQUIRE(x.spi == y.spi);
    REQUIRE(x.transforms.size() == y.transforms.size());
    for (std::size_t j = 0; j < x.transforms.size(); ++j) {
      REQUIRE(x.transforms[j].number == y.transforms[j].number);
      REQUIRE(x.transforms[j].id == y.transforms[j].id);
      REQUIRE(x.transforms[j].attributes == y.transforms[j].attributes);
    }
  }
}

// Head of an SA, then one proposal with one transform: offsets that the tests below edit.
constexpr std::size_t kProposalAt = 8;
constexpr std::size_t kTransformAt = 16;
ByteVec small_sa() {
  return from_hex(
      "0000000100000001"
      "0000001401010001"
      "0000000c01010000"
      "800b0001");
}

}  // namespace

TEST_CASE("SA: round trip of random values") {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const SaPayload sa = random_sa(random);
    const auto decoded = decode_sa(encode_sa(sa));
    REQUIRE(decoded.has_value());
    require_same(sa, *decoded);
  }
}

TEST_CASE("SA: the octets are those of RFC 2408 3.4 to 3.6") {
  const SaPayload sa{
      .proposals = {{.transforms = {{.id = 1, .attributes = {Attribute::number16(11, 1)}}}}}};
  CHECK(encode_sa(sa) == from_hex("0000000100000001"
                                  "0000001401010001"
                                  "0000000c01010000"
                                  "800b0001"));
  CHECK_FALSE(sa_drop(small_sa()).has_value());
}

TEST_CASE("SA: DOI and situation (A14)") {
  for (std::size_t octet = 0; octet < 8; ++octet) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      ByteVec body = small_sa();
      body[octet] ^= static_cast<std::uint8_t>(1U << bit);
      CHECK(sa_drop(body) == Drop::kMalformed);
    }
  }
}

TEST_CASE("SA: next payloads of proposals and transforms (ISK-15)") {
  for (unsigned next = 1; next < 256; ++next) {
    INFO(next);
    ByteVec body = small_sa();
    body[kProposalAt] = static_cast<std::uint8_t>(next);
    CHECK(sa_drop(body) == Drop::kMalformed);  // 2 promises another one that does not come
    body = small_sa();
    body[kTransformAt] = static_cast<std::uint8_t>(next);
    CHECK(sa_drop(body) == Drop::kMalformed);
  }
  ByteVec two = encode_sa({.proposals = {phase1_sa().proposals[0], phase1_sa().proposals[0]}});
  CHECK_FALSE(sa_drop(two).has_value());
  two[kProposalAt] = 0;  // says last, but is not
  CHECK(sa_drop(two) == Drop::kMalformed);
  ByteVec transforms = encode_sa(phase1_sa());
  transforms[kTransformAt] = 0;
  CHECK(sa_drop(transforms) == Drop::kMalformed);
}

TEST_CASE("SA: counts that lie") {
  const ByteVec two = encode_sa(phase1_sa());
  for (unsigned count = 0; count < 256; ++count) {
    INFO(count);
    ByteVec body = two;
    body[kProposalAt + 7] = static_cast<std::uint8_t>(count);
    CHECK(sa_drop(body).has_value() == (count != 2));
  }
  for (unsigned size = 1; size < 256; ++size) {
    INFO(size);
    ByteVec body = two;
    body[kProposalAt + 6] = static_cast<std::uint8_t>(size);  // of an SPI that is not there
    CHECK(sa_drop(body).has_value());
  }
  for (unsigned length = 0; length < 0x10000; ++length) {
    for (const std::size_t at : {kProposalAt, kTransformAt}) {
      ByteVec body = small_sa();
      const bool right = length == (at == kProposalAt ? 20U : 12U);
      store_be(MutBytes(body).subspan(at + 2, 2), static_cast<std::uint16_t>(length));
      if (sa_drop(body).has_value() == right) FAIL_CHECK(length);
    }
  }
}

TEST_CASE("SA: no proposal, no transform, too many") {
  CHECK(sa_drop(from_hex("0000000100000001")) == Drop::kTruncated);
  CHECK(sa_drop(from_hex("00000001000000010000000801010000")) == Drop::kMalformed);

  SaPayload many;
  many.proposals.resize(2);
  many.proposals[0].transforms.resize(limits::kTransformsMax - 1);
  many.proposals[1].transforms.resize(1);
  CHECK_FALSE(sa_drop(encode_sa(many)).has_value());
  many.proposals[1].transforms.resize(2);
  CHECK(sa_drop(encode_sa(many)) == Drop::kMalformed);

  SaPayload wide;
  wide.proposals.resize(1);
  wide.proposals[0].transforms.resize(1);
  auto& attributes = wide.proposals[0].transforms[0].attributes;
  attributes.resize(limits::kAttributesMax, Attribute::number16(1, 1));
  CHECK_FALSE(sa_drop(encode_sa(wide)).has_value());
  attributes.push_back(Attribute::number16(1, 1));
  CHECK(sa_drop(encode_sa(wide)) == Drop::kMalformed);
}

TEST_CASE("SA: SPI sizes (ISK-16)") {
  for (std::size_t size = 0; size < 40; ++size) {
    INFO(size);
    SaPayload sa = phase1_sa();
    sa.proposals[0].spi = ByteVec(size, 0x55);
    const auto phase1 = decode_sa(encode_sa(sa));
    REQUIRE(phase1.has_value() == (size <= 16));
    if (phase1) CHECK(phase1->proposals[0].spi.empty());
    sa.proposals[0].protocol = Protocol::kEsp;
    CHECK(decode_sa(encode_sa(sa)).has_value() == (size == 4));
  }
}

TEST_CASE("SA: reserved octets are not looked at, transforms we do not know are values") {
  ByteVec body = small_sa();
  body[kProposalAt + 1] = 0xff;
  body[kTransformAt + 1] = 0xff;
  body[kTransformAt + 6] = 0xff;
  body[kTransformAt + 5] = 250;
  const auto sa = decode_sa(body);
  REQUIRE(sa.has_value());
  CHECK(sa->proposals[0].transforms[0].id == 250);
}

TEST_CASE("attributes: the key length in both encodings (IKE1-04)") {
  const auto list =
      decode_attributes(from_hex("800e0100"
                                 "000e00020100"
                                 "000e000400000100"
                                 "000e00080000000000000100"
                                 "000e0009000000000000000100"
                                 "000e0000"));
  REQUIRE(list.has_value());
  REQUIRE(list->size() == 6);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK((*list)[i].type == 14);
    CHECK((*list)[i].number() == 256);
    CHECK((*list)[i].basic == (i == 0));
  }
  CHECK_FALSE((*list)[4].number().has_value());
  CHECK_FALSE((*list)[5].number().has_value());
  CHECK_FALSE((*list)[0] == (*list)[1]);  // the encoding is part of what was said

  CHECK(encode_attributes({Attribute::number16(14, 256)}) == from_hex("800e0100"));
  CHECK(encode_attributes({Attribute::number32(14, 256)}) == from_hex("000e000400000100"));
  CHECK(Attribute::number16(1, 0xabcd).number() == 0xabcd);
  CHECK(Attribute::number32(1, 0xabcdef01).number() == 0xabcdef01);
}

TEST_CASE("attributes: ends and limits") {
  CHECK(decode_attributes({})->empty());
  for (const char* cut : {"80", "800e", "800e01", "000e", "000e00", "000e0001", "000e000201"}) {
    INFO(cut);
    CHECK(drop_of(decode_attributes(from_hex(cut))) == Drop::kTruncated);
  }
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const auto list = random_attributes(random, limits::kAttributesMax);
    CHECK(decode_attributes(encode_attributes(list)) == list);
  }
}

TEST_CASE("nonce: 8 to 256 octets (IKE1-06, H10)") {
  for (std::size_t size = 0; size < 300; ++size) {
    INFO(size);
    const ByteVec body(size);
    const auto nonce = decode_nonce(body);
    REQUIRE(nonce.has_value() == (size >= 8 && size <= 256));
    if (nonce) CHECK(nonce->data() == body.data());
  }
}

TEST_CASE("notify: round trip and limits") {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    NotifyPayload notify;
    notify.doi = random.below(2);
    notify.protocol = Protocol{random.number<std::uint8_t>()};
    notify.type = Notify{random.number<std::uint16_t>()};
    notify.spi = random.octets(random.below(17));
    notify.data = random.octets(random.below(100));
    const auto decoded = decode_notify(encode_notify(notify));
    REQUIRE(decoded.has_value());
    CHECK(decoded->doi == notify.doi);
    CHECK(decoded->protocol == notify.protocol);
    CHECK(decoded->type == notify.type);
    CHECK(decoded->spi == notify.spi);
    CHECK(decoded->data == notify.data);
  }
  CHECK(encode_notify({.type = Notify::kDpdRUThere, .spi = {1, 2}, .data = {3}}) ==
        from_hex("0000000101028d28010203"));
  CHECK(drop_of(decode_notify(encode_notify({.spi = ByteVec(17)}))) == Drop::kMalformed);
  CHECK(drop_of(decode_notify(encode_notify({.doi = 2}))) == Drop::kMalformed);
  CHECK(drop_of(decode_notify(from_hex("0000000101020018ff"))) == Drop::kTruncated);
}

TEST_CASE("delete: round trip and lies about count and size (ISK-26)") {
  Random random(4);
  for (std::size_t n = 1; n < 40; ++n) {
    for (const Protocol protocol : {Protocol::kIsakmp, Protocol::kAh, Protocol::kEsp}) {
      DeletePayload payload{.protocol = protocol};
      const std::size_t size = protocol == Protocol::kIsakmp ? 16 : 4;
      for (std::size_t i = 0; i < n; ++i) payload.spis.push_back(random.octets(size));
      const auto decoded = decode_delete(encode_delete(payload));
      REQUIRE(decoded.has_value());
      CHECK(decoded->protocol == protocol);
      CHECK(decoded->spis == payload.spis);
    }
  }
  const ByteVec good = encode_delete({.protocol = Protocol::kEsp, .spis = {{1, 2, 3, 4}}});
  CHECK(good == from_hex("000000010304000101020304"));
  for (unsigned count = 0; count < 0x10000; ++count) {
    ByteVec body = good;
    store_be(MutBytes(body).subspan(6, 2), static_cast<std::uint16_t>(count));
    if (decode_delete(body).has_value() != (count == 1)) FAIL_CHECK(count);
  }
  for (unsigned size = 0; size < 256; ++size) {
    ByteVec body = good;
    body[5] = static_cast<std::uint8_t>(size);
    CHECK(decode_delete(body).has_value() == (size == 4));
  }
  // The product is right, but an SPI of ESP has four octets.
  CHECK(drop_of(decode_delete(from_hex("000000010302000201020304"))) == Drop::kMalformed);
  CHECK(drop_of(decode_delete(from_hex("00000001030400010102030405"))) == Drop::kBadLength);
  CHECK(drop_of(decode_delete(from_hex("0000000103040001010203"))) == Drop::kBadLength);
  CHECK(drop_of(decode_delete(from_hex("0000000103000000"))) == Drop::kMalformed);
  CHECK(drop_of(decode_delete(from_hex("0000000103040000"))) == Drop::kMalformed);  // of nothing
  CHECK(drop_of(decode_delete(from_hex("000000010300ffff"))) == Drop::kMalformed);
  CHECK(drop_of(decode_delete(from_hex("000000010404000101020304"))) == Drop::kMalformed);
  CHECK(drop_of(decode_delete(from_hex("000000070304000101020304"))) == Drop::kMalformed);
}

TEST_CASE("cfg: round trip and message types (MC-03)") {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    CfgPayload cfg;
    cfg.type = CfgType{static_cast<std::uint8_t>(1 + random.below(4))};
    cfg.identifier = random.number<std::uint16_t>();
    cfg.attributes = random_attributes(random, 50);
    const auto decoded = decode_cfg(encode_cfg(cfg));
    REQUIRE(decoded.has_value());
    CHECK(decoded->type == cfg.type);
    CHECK(decoded->identifier == cfg.identifier);
    CHECK(decoded->attributes == cfg.attributes);
  }
  for (unsigned type = 0; type < 256; ++type) {
    const ByteVec body{static_cast<std::uint8_t>(type), 0, 0, 1};
    CHECK(decode_cfg(body).has_value() == (type >= 1 && type <= 4));
  }
}

TEST_CASE("cfg: an attribute that crosses the end discards all of it (MC-02)") {
  CHECK(drop_of(decode_cfg(from_hex("0200000100010004c0000201"
                                    "00020005ffffff00"))) == Drop::kTruncated);
  CHECK(drop_of(decode_cfg(from_hex("02000001"
                                    "c08f"))) == Drop::kTruncated);
}

TEST_CASE("cfg: many attributes, but not any number") {
  CfgPayload cfg;
  cfg.attributes.resize(limits::kSplitNetworksMax + limits::kAttributesMax,
                        Attribute::octets(28676, ByteVec(14)));
  CHECK(decode_cfg(encode_cfg(cfg)).has_value());
  cfg.attributes.push_back(Attribute::octets(1, {}));
  CHECK(drop_of(decode_cfg(encode_cfg(cfg))) == Drop::kMalformed);
}

TEST_CASE("cfg: find") {
  CfgPayload cfg;
  cfg.attributes = {Attribute::number16(16527, 1), Attribute::octets(3, from_hex("01020304")),
                    Attribute::octets(3, from_hex("05060708"))};
  REQUIRE(cfg.find(CfgAttr::kIp4Dns) != nullptr);
  CHECK(cfg.find(CfgAttr::kIp4Dns)->value == from_hex("01020304"));
  CHECK(cfg.find(CfgAttr::kXauthStatus)->number() == 1);
  CHECK(cfg.find(CfgAttr::kUnityBanner) == nullptr);
}

TEST_CASE("split networks (MC-10)") {
  const ByteVec one = from_hex("0a010203ffff000000110035abcd");
  CHECK(drop_of(decode_split_networks(Bytes(one).first(13))) == Drop::kMalformed);
  CHECK(drop_of(decode_split_networks(ByteVec(15))) == Drop::kMalformed);
  CHECK(decode_split_networks({})->empty());
  const auto networks = decode_split_networks(one);
  REQUIRE(networks.has_value());
  REQUIRE(networks->size() == 1);
  CHECK(networks->front().to_string() == "10.1.0.0/16");

  ByteVec two = from_hex("00000000000000000000000000000a000001fffffffe000000000000");
  CHECK(decode_split_networks(two)->size() == 2);
  CHECK(decode_split_networks(two)->front().is_everything());
  for (const char* mask :
       {"ff00ff00", "00ffffff", "fffffffd", "7fffffff", "ff0f0000", "00000001"}) {
    INFO(mask);
    const ByteVec octets = from_hex(mask);
    std::copy(octets.begin(), octets.end(), two.begin() + 4);
    const auto rest = decode_split_networks(two);
    REQUIRE(rest.has_value());
    REQUIRE(rest->size() == 1);
    CHECK(rest->front().to_string() == "10.0.0.0/31");
  }
  for (int length = 0; length <= 32; ++length) {
    const Prefix prefix = *Prefix::make(IpAddress::v4(0xffffffff), length);
    ByteVec entry = to_vec(prefix.address().bytes());
    append(entry, prefix.netmask().bytes());
    entry.resize(14);
    CHECK(decode_split_networks(entry)->at(0) == prefix);
  }
}

TEST_CASE("split networks: more than we take") {
  ByteVec list;
  for (std::uint32_t i = 0; i < limits::kSplitNetworksMax; ++i) {
    ByteVec entry(14);
    store_be(MutBytes(entry), 0x0a000000U + (i << 8));
    store_be(MutBytes(entry).subspan(4), 0xffffff00U);
    append(list, entry);
  }
  CHECK(decode_split_networks(list)->size() == limits::kSplitNetworksMax);
  CHECK_FALSE(split_networks_excess(list));
  list.resize(list.size() + 14);
  CHECK(decode_split_networks(list)->size() == limits::kSplitNetworksMax);
  CHECK(split_networks_excess(list));
}
