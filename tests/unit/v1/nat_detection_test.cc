// RFC 3947 3.2: what the NAT-D payloads of a gateway say, and what they leave open.
#include "core/ike/v1/nat_detection.h"

#include <doctest/doctest.h>

#include "core/base/limits.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::v1;

namespace {

constexpr auto kAlg = crypto::HashAlg::kSha1;
constexpr Cookie kInitiator{0x1122334455667788};
constexpr Cookie kResponder{0x99aabbccddeeff00};
const Endpoint kOwn{*IpAddress::parse("192.168.77.10"), 500};
const Endpoint kPeer{*IpAddress::parse("203.0.113.2"), 500};

ByteVec hash_of(const Endpoint& endpoint) {
  return to_vec(nat_d_hash(kAlg, kInitiator, kResponder, endpoint).bytes());
}

Endpoint other_address(std::uint8_t n) { return {IpAddress::v4(0x0a000000u + n), 500}; }

struct Found {
  bool we;
  bool peer;
  friend bool operator==(const Found&, const Found&) = default;
};

Found find(const ChainBuilder& chain, Natt natt = Natt::kRfc3947) {
  const ByteVec octets = to_vec(chain.octets());
  const auto payloads = decode_payloads(chain.first(), octets, false);
  REQUIRE(payloads);
  const NatFindings found = find_nat(*payloads, natt, kAlg, kInitiator, kResponder, kOwn, kPeer);
  return {found.we_are_behind, found.peer_is_behind};
}

Found find(const std::vector<ByteVec>& bodies, PayloadType type = PayloadType::kNatD,
           Natt natt = Natt::kRfc3947) {
  ChainBuilder chain;
  chain.add(PayloadType::kNonce, ByteVec(16));
  for (const ByteVec& body : bodies) chain.add(type, body);
  return find(chain, natt);
}

}  // namespace

TEST_CASE(
    "NATT-05, 06: the first NAT-D is about us, each of the others may be the peer's address") {
  const ByteVec own = hash_of(kOwn), peer = hash_of(kPeer), wrong = hash_of(other_address(1));
  CHECK(find({own, peer}) == Found{false, false});
  CHECK(find({wrong, peer}) == Found{true, false});
  CHECK(find({own, wrong}) == Found{false, true});
  CHECK(find({wrong, wrong}) == Found{true, true});
  CHECK(find({peer, own}) == Found{true, true});  // in the wrong order
  Endpoint port = kOwn;
  ++port.port;
  CHECK(find({hash_of(port), peer}) == Found{true, false});

  // A multi-homed peer names all its addresses; eight are looked at.
  std::vector<ByteVec> many = {own};
  for (std::uint8_t i = 1; i <= 7; ++i) many.push_back(hash_of(other_address(i)));
  many.push_back(peer);
  CHECK(find(many) == Found{false, false});
  many.insert(many.begin() + 1, wrong);
  CHECK(find(many) == Found{false, true});
}

TEST_CASE("NATT-08: none, one, too many or oddly sized ones count as a NAT") {
  const ByteVec own = hash_of(kOwn), peer = hash_of(kPeer);
  CHECK(find(std::vector<ByteVec>{}) == Found{true, true});
  CHECK(find({own}) == Found{false, true});
  for (const std::size_t size : {0u, 1u, 4u, 19u, 21u, 300u}) {
    ByteVec odd = own;
    odd.resize(size);
    CHECK(find({odd, peer}) == Found{true, false});
    odd = peer;
    odd.resize(size);
    CHECK(find({own, odd}) == Found{false, true});
  }
}

TEST_CASE("NATT-24: payload 130 stands for 20 where there is no 20") {
  const ByteVec own = hash_of(kOwn), peer = hash_of(kPeer), wrong = hash_of(other_address(1));
  CHECK(find({own, peer}, PayloadType::kNatDDraft) == Found{false, false});
  CHECK(find({wrong, peer}, PayloadType::kNatDDraft) == Found{true, false});
  CHECK(find({own, peer}, PayloadType::kNatDDraft, Natt::kDraft02) == Found{false, false});
  // The number of the RFC says nothing to who speaks a draft.
  CHECK(find({own, peer}, PayloadType::kNatD, Natt::kDraft03) == Found{true, true});
  ChainBuilder both;
  both.add(PayloadType::kNatD, wrong).add(PayloadType::kNatD, wrong);
  both.add(PayloadType::kNatDDraft, own).add(PayloadType::kNatDDraft, peer);
  CHECK(find(both) == Found{true, true});
}

TEST_CASE("NATT-02, 23: the best of the versions that a peer says, one that we know of all") {
  const auto natt_of = [](std::initializer_list<Vendor> vendors) {
    ChainBuilder chain;
    for (const Vendor vendor : vendors) chain.add(PayloadType::kVendorId, vendor_octets(vendor));
    const ByteVec octets = to_vec(chain.octets());
    return read_vendors(*decode_payloads(chain.first(), octets, false)).natt;
  };
  using enum Vendor;
  CHECK(natt_of({kDpd}) == Natt::kNone);
  CHECK(natt_of({kNattDraft02}) == Natt::kDraft02);
  CHECK(natt_of({kNattDraft02n}) == Natt::kDraft02);
  CHECK(natt_of({kNattDraft02, kNattDraft03}) == Natt::kDraft03);
  CHECK(natt_of({kNattDraft03, kNattDraft02n}) == Natt::kDraft03);
  CHECK(natt_of({kNattRfc3947, kNattDraft03, kNattDraft02}) == Natt::kRfc3947);
  CHECK(natt_of({kNattDraft02, kNattDraft03, kNattRfc3947}) == Natt::kRfc3947);
}

TEST_CASE("NATT-16, 22: payload numbers and modes are those of the version that was agreed") {
  CHECK(nat_d_type(Natt::kRfc3947) == PayloadType{20});
  CHECK(nat_d_type(Natt::kDraft03) == PayloadType{130});
  CHECK(nat_d_type(Natt::kDraft02) == PayloadType{130});
}
