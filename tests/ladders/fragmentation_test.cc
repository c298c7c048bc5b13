// IKE fragments both ways ([MS-IKEE] 2.2.3.1), and hostile ones.
#include <algorithm>

#include "core/ike/v1/fragmentation.h"
#include "tests/ladders/hostile.h"

namespace godwit::sim {
namespace {

using config::Fragmentation;
using ike::PayloadType;
using session::LocalPort;

// The largest IKE datagram that the client sent, and how many were fragments.
struct Sizes {
  std::size_t largest = 0;
  std::size_t fragments = 0;
};
Sizes sizes(const World& w) {
  Sizes found;
  for (const Sent& sent : w.sent()) {
    if (!sent.is_ike()) continue;
    found.largest = std::max(found.largest, sent.flight.bytes.size());
    const auto header = ike::decode_header(sent.message());
    found.fragments += header && header->first == PayloadType::kFragment ? 1u : 0u;
  }
  return found;
}

WorldConfig large_messages() {
  auto config = with_xauth();
  config.profile.fragmentation = Fragmentation::kAlways;
  config.profile.ike = {{.group = crypto::DhGroup::kModp4096}};
  config.profile.pfs = crypto::DhGroup::kModp4096;
  config.gateway.ike = config.profile.ike;
  config.gateway.pfs = config.profile.pfs;
  return config;
}

TEST_CASE("a connect and a rekey in fragments, both ways") {
  auto config = large_messages();
  config.gateway.fragment_max = 128;
  config.profile.esp_lifetime = 600s;
  SUBCASE("main") {}
  SUBCASE("aggressive") { config.profile.aggressive = true; }
  Run w(config);
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  CHECK(w.ping());
  w.run_for(600s);
  CHECK(w.status().rekeys >= 1);
  CHECK(w.ping());
  CHECK(sizes(w).fragments >= 4);
  CHECK(w.gateway().fragments_read() == sizes(w).fragments);
  CHECK(w.session().counters().of(Drop::kBadFragment) == 0);
}

TEST_CASE("the client sends fragments only to who reads them (FR-02)") {
  auto config = large_messages();
  SUBCASE("a gateway that does not") {
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(sizes(w).fragments == 0);
    CHECK(sizes(w).largest > 576);
  }
  SUBCASE("a gateway that does, from message 3 on") {
    config.gateway.fragment_max = 1200;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(sizes(w).fragments >= 4);
    for (const Sent& sent : w.sent()) {
      const auto header = ike::decode_header(sent.message());
      if (!sent.is_ike() || !header || header->responder == Cookie{}) continue;
      CHECK(sent.flight.bytes.size() <= 576 - 28);
    }
  }
  SUBCASE("switched off, none is announced, sent or read") {
    config.profile.fragmentation = Fragmentation::kOff;
    config.gateway.fragment_max = 128;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(sizes(w).fragments == 0);
  }
  SUBCASE("by themselves, only those that the path may not take") {
    config.profile.fragmentation = Fragmentation::kAuto;
    config.gateway.fragment_max = 128;
    Run w(config);
    CAPTURE(w.ladder());
    REQUIRE(w.connect());
    CHECK(sizes(w).fragments == 0);
    CHECK(w.gateway().fragments_read() == 0);
  }
}

TEST_CASE("lost fragments are completed by a copy") {
  auto config = large_messages();
  config.gateway.fragment_max = 128;
  config.faults.drop = 100;  // a tenth of all fragments
  int connected = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Run w(seeded(config, seed));
    connected += w.connect() ? 1 : 0;
  }
  CHECK(connected >= 30);
}

// The gateway's genuine fragments arrive; one of somebody who saw the cookies comes between them.
TEST_CASE("H17: a forged fragment costs one repetition at most (FR-05)") {
  auto config = large_messages();
  config.gateway.fragment_max = 128;
  Run w(config);
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.gateway().ike() != nullptr; }, 5s));
  ike::Header header = observed(w);
  header.first = PayloadType::kFragment;
  int sent = 0;
  while (!w.up() && w.step()) {
    if (w.gateway().ike() == nullptr || w.status().floated || ++sent > 3) continue;
    ByteVec body{0, 0, 0, 12, 0, 1, 1, 0, 1, 2, 3, 4};
    header.responder = w.gateway().ike()->in.responder;
    w.inject(LocalPort::kIke, w.gateway_endpoint(false), ike::encode_message(header, body));
  }
  CHECK(w.up());
  CHECK(w.ping());
}

// Before phase 1 has ended a plaintext error with our cookie is a hint; one that came in the
// fragment of another exchange is nothing.
TEST_CASE("FR-04: a fragment of one phase 1 makes no message of another") {
  Run w;
  CAPTURE(w.ladder());
  w.start();
  REQUIRE(w.run_until([&] { return w.gateway().ike() != nullptr; }, 5s));
  ike::Header header = observed(w);
  header.responder = w.gateway().ike()->in.responder;
  ike::Header other = header;
  other.responder = Cookie{1};
  ByteVec body{0, 0, 0, 0, 0, 9, 1, 1};
  append(body, notify_message(other, ike::Notify::kNoProposalChosen));
  store_be(MutBytes(body).subspan(2), static_cast<std::uint16_t>(body.size()));
  header.first = PayloadType::kFragment;
  w.inject(LocalPort::kIke, w.gateway_endpoint(false), ike::encode_message(header, body));
  CHECK(w.event_count<session::HintReceived>() == 0);
  CHECK(w.session().counters().of(Drop::kBadFragment) == 1);
  CHECK(w.run_until([&] { return w.up(); }, 10s));
}

TEST_CASE("H17, FR-04: what fragments make is checked like any message") {
  Run w;
  CAPTURE(w.ladder());
  REQUIRE(w.connect());
  w.run_for(1s);
  const ike::Header seen = observed(w);
  std::vector<ByteVec> inner;
  inner.push_back(notify_message(seen, ike::Notify::kAuthenticationFailed));
  inner.push_back(delete_message(seen));
  ike::Header other = seen;
  other.initiator = Cookie{1};
  inner.push_back(delete_message(other));
  other = seen;
  other.responder = Cookie{1};
  inner.push_back(delete_message(other));
  inner.push_back(ByteVec(60, 0xff));
  inner.push_back(ike::v1::fragment_message(inner[0], ike::Exchange::kMain,
                                            200)[0]);  // a fragment of fragments
  for (const ByteVec& message : inner) {
    ike::Header header = seen;
    header.first = PayloadType::kFragment;
    header.flags = 0;
    header.exchange = ike::Exchange::kMain;
    header.message_id = MessageId{};
    ByteVec body{0, 0, 0, 0, 0, 9, 1, 1};
    append(body, message);
    store_be(MutBytes(body).subspan(2), static_cast<std::uint16_t>(body.size()));
    CHECK(harmless(w, LocalPort::kNatt, w.gateway_endpoint(true),
                   marked(ike::encode_message(header, body))));
  }
  CHECK(w.ping());
}

}  // namespace
}  // namespace godwit::sim
