// RFC 2409 5.7: what an Informational under an ISAKMP SA says, and what of it concerns us.
#include "core/ike/v1/informational.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::v1;

namespace {

constexpr MessageId kId{0x01020304};

IsakmpSa make_sa() {
  const ByteVec psk(8, 0x31), nonce(16, 0x32), g_xy(256, 0x33);
  const Cookie initiator{0x1122334455667788};
  const Cookie responder{0x99aabbccddeeff00};
  constexpr auto kAlg = crypto::HashAlg::kSha256;
  return IsakmpSa(initiator, responder,
                  derive_phase1_keys(kAlg, {128}, skeyid_psk(kAlg, psk, nonce, nonce), g_xy,
                                     initiator, responder));
}

struct Reader {
  std::vector<Information> read(Bytes message) {
    const auto header = decode_header(message);
    REQUIRE(header);
    auto opened = sa.open(*header, message, sa.iv_for(header->message_id));
    REQUIRE(opened);
    REQUIRE(sa.verify_hash(*opened));
    return read_informational(sa, *opened, counters);
  }
  std::vector<Information> read(const NotifyPayload& notify) {
    ChainBuilder rest;
    rest.add(PayloadType::kNotify, encode_notify(notify));
    Iv iv = sa.iv_for(kId);
    return read(sa.seal_hashed(Exchange::kInformational, kId, rest, iv));
  }

  IsakmpSa sa = make_sa();
  Counters counters;
};

ByteVec cookies(const IsakmpSa& sa) {
  ByteVec octets(16);
  store_be(MutBytes(octets).first(8), sa.initiator().value());
  store_be(MutBytes(octets).last(8), sa.responder().value());
  return octets;
}

NotifyPayload lifetime_notify(const IsakmpSa& sa, std::uint16_t unit, std::uint32_t amount) {
  NotifyPayload notify;
  notify.type = Notify::kResponderLifetime;
  notify.spi = cookies(sa);
  notify.data = encode_attributes(
      {Attribute::number16(static_cast<std::uint16_t>(Phase1Attr::kLifeType), unit),
       Attribute::number32(static_cast<std::uint16_t>(Phase1Attr::kLifeDuration), amount)});
  return notify;
}

}  // namespace

TEST_CASE(
    "RFC 2407 4.6.3.1: a RESPONDER-LIFETIME for this SA is its lifetime in seconds or in "
    "kilobytes") {
  Reader r;
  const auto told = r.read(lifetime_notify(r.sa, kLifeSeconds, 7200));
  REQUIRE(told.size() == 1);
  REQUIRE(std::holds_alternative<LifetimeNotified>(told[0]));
  CHECK(std::get<LifetimeNotified>(told[0]).lifetime == 7200s);
  CHECK_FALSE(std::get<LifetimeNotified>(told[0]).kilobytes);
  const auto limit = r.read(lifetime_notify(r.sa, kLifeKilobytes, 7200));
  REQUIRE(limit.size() == 1);
  CHECK(std::get<LifetimeNotified>(limit[0]).kilobytes == 7200u);
  CHECK_FALSE(std::get<LifetimeNotified>(limit[0]).lifetime);
  CHECK(r.counters.total() == 0);
}

TEST_CASE("a RESPONDER-LIFETIME that does not concern this SA says nothing") {
  Reader r;
  NotifyPayload notify = lifetime_notify(r.sa, kLifeSeconds, 7200);
  SUBCASE("a unit that nobody knows") { notify = lifetime_notify(r.sa, 3, 7200); }
  SUBCASE("data that ends within an attribute") { notify.data.pop_back(); }
  SUBCASE("no data") { notify.data.clear(); }
  SUBCASE("foreign cookies") { notify.spi[0] ^= 1; }
  SUBCASE("of an ESP SA") { notify.protocol = Protocol::kEsp; }
  CHECK(r.read(notify).empty());
}

TEST_CASE("Cisco's load balancing: four octets say where to go") {
  Reader r;
  NotifyPayload notify;
  notify.type = Notify::kLoadBalance;
  notify.data = {203, 0, 113, 9};
  const auto told = r.read(notify);
  REQUIRE(told.size() == 1);
  CHECK(std::get<Redirected>(told[0]).to == *IpAddress::parse("203.0.113.9"));
  notify.data.pop_back();
  CHECK(r.read(notify).empty());
  CHECK(r.counters.of(Drop::kBadRedirect) == 1);
}

TEST_CASE("an error notify that we send is one that we would read") {
  Reader r;
  const auto told = r.read(error_message(r.sa, Notify::kInvalidIdInformation, kId));
  REQUIRE(told.size() == 1);
  REQUIRE(std::holds_alternative<ErrorNotified>(told[0]));
  CHECK(std::get<ErrorNotified>(told[0]).type == Notify::kInvalidIdInformation);
}

TEST_CASE("deletes and R-U-THERE that we send are ones that we would read") {
  Reader r;
  auto told = r.read(delete_esp_message(r.sa, EspSpi{0xc0de0001}, kId));
  REQUIRE(told.size() == 1);
  CHECK(std::get<EspDeleted>(told[0]).spis == std::vector<EspSpi>{EspSpi{0xc0de0001}});
  told = r.read(delete_isakmp_message(r.sa, kId));
  REQUIRE(told.size() == 1);
  CHECK(std::holds_alternative<IsakmpDeleted>(told[0]));
  told = r.read(dpd_message(r.sa, Notify::kDpdRUThereAck, 77, kId));
  REQUIRE(told.size() == 1);
  CHECK(std::get<DpdAnswer>(told[0]).sequence == 77);
}

TEST_CASE("DPD-04: R-U-THERE as it stands on the wire (RFC 3706 5.3)") {
  const IsakmpSa sa = make_sa();
  for (const Notify type : {Notify::kDpdRUThere, Notify::kDpdRUThereAck}) {
    const ByteVec message = dpd_message(sa, type, 0x01020304, kId);
    const auto header = decode_header(message);
    REQUIRE(header);
    CHECK(header->exchange == Exchange::kInformational);
    const auto opened = sa.open(*header, message, sa.iv_for(kId));
    REQUIRE(opened);
    ByteVec body{0, 0, 0, 1, 1, 16, 0, 0};  // DOI of IPsec, protocol ISAKMP, SPI size, type
    store_be(MutBytes(body).subspan(6), static_cast<std::uint16_t>(type));
    append(body, cookies(sa));
    append(body, ByteVec{1, 2, 3, 4});
    CHECK(equal(opened->payloads.first(PayloadType::kNotify)->body, body));
  }
}

TEST_CASE("DPD-04, DPD-06: other cookies, or no number of four octets, is no DPD") {
  Reader r;
  NotifyPayload notify;
  notify.spi = cookies(r.sa);
  notify.data = ByteVec(4, 1);
  SUBCASE("the cookies in the wrong order") {
    std::rotate(notify.spi.begin(), notify.spi.begin() + 8, notify.spi.end());
  }
  SUBCASE("no cookies") { notify.spi.clear(); }
  SUBCASE("other cookies") { notify.spi[15] ^= 1; }
  SUBCASE("a short number") { notify.data.pop_back(); }
  SUBCASE("a long number") { notify.data.push_back(1); }
  SUBCASE("no number") { notify.data.clear(); }
  for (const Notify type : {Notify::kDpdRUThere, Notify::kDpdRUThereAck}) {
    notify.type = type;
    CHECK(r.read(notify).empty());
  }
  CHECK(r.counters.of(Drop::kStaleDpd) == 2);
}
