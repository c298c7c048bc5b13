// What the tunnel carries, and the invariants of the data path.
#include <algorithm>
#include <array>

#include "core/net/checksum.h"
#include "tests/sim/l2tp.h"
#include "tests/sim/world.h"

namespace godwit::sim {
namespace {

// In every ping's data: seen outside the tunnel, it is a leak.
constexpr std::array<std::uint8_t, 12> kMark = {'i', 'n', 's', 'i', 'd', 'e',
                                                ' ', 'o', 'n', 'l', 'y', '!'};

}  // namespace

void World::on_esp(const Flight& flight, Bytes packet) {
  ByteVec storage(limits::kHeadRoom);
  append(storage, packet);
  std::array<esp::Packet, 1> batch{esp::Packet{storage, limits::kHeadRoom, packet.size(), 0}};
  const std::array<Endpoint, 1> from{flight.from};
  data_path_.inbound(batch, from, now_);
  if (batch[0].size != 0) {
    check_inner(batch[0].bytes());
    if (awaited_ == comparable(batch[0].bytes())) awaited_.clear();
    if (config_.record) tun_.push_back(to_vec(batch[0].bytes()));
  }
  pull_facts();
}

void World::pull_facts() {
  if (finished_) return;
  session::Actions out;
  session_->on_traffic(data_path_.facts(), now_, out);
  apply(out);
}

void World::check_sent(const Flight& flight) {
  check_plaintext(flight.bytes);
  if (flight.from == local_.natt && flight.bytes.size() >= 8 &&
      load_be<std::uint32_t>(flight.bytes) != 0) {
    check_sequence(flight.bytes);
  }
}

// No inner packet leaves as it is: each holds kMark.
void World::check_plaintext(Bytes datagram) {
  const auto found = std::search(datagram.begin(), datagram.end(), kMark.begin(), kMark.end());
  if (found != datagram.end()) violate("plaintext outside the tunnel");
}

// RFC 4303 3.3.3: under one SA each number is sent once, and they go up.
void World::check_sequence(Bytes esp) {
  const auto spi = load_be<std::uint32_t>(esp);
  const auto number = load_be<std::uint32_t>(esp.subspan(4));
  std::uint32_t& highest = sequences_[spi];
  if (number <= highest) violate("a sequence number used twice");
  highest = number;
}

// Nothing comes out of the tunnel that the office did not send, and nothing twice.
void World::check_inner(Bytes inner) {
  const auto found = office_sent_.find(comparable(inner));
  if (found == office_sent_.end()) {
    violate("an inner packet that was not sent, or twice");
  } else {
    office_sent_.erase(found);
  }
  if (config_.profile.l2tp && inner.size() >= 30) {
    const auto number = load_be<std::uint16_t>(inner.subspan(28));
    pings_answered_ += answered_[number] ? 0u : 1u;
    answered_[number] = true;
    return;
  }
  // An echo reply: type 0 behind a header without options.
  if (inner.size() >= 28 && inner[9] == 1 && inner[20] == 0) {
    ++pings_answered_;
    answered_[load_be<std::uint16_t>(inner.subspan(26))] = true;
  }
}

ByteVec World::comparable(Bytes inner) const {
  return config_.profile.l2tp ? l2tp_words(inner) : to_vec(inner);
}

ByteVec World::echo_request(bool from_laptop, std::uint16_t number) const {
  const IpAddress laptop =
      tunnel_ && !tunnel_->addresses.empty() ? tunnel_->addresses[0].address() : IpAddress{};
  if (config_.profile.l2tp) {
    ByteVec words(2);
    store_be(MutBytes(words), number);
    append(words, kMark);
    const IpAddress gateway = gateway_.config().own.address;
    // The gateway knows the laptop by the NAT's address.
    if (!from_laptop && gateway_.ike() != nullptr) {
      return l2tp_packet(gateway, gateway_.ike()->peer.address, words);
    }
    return l2tp_packet(laptop, gateway_endpoint(true).address, words);
  }
  const IpAddress office = *IpAddress::parse("10.1.0.10");
  ByteVec packet(config_.ping_size);
  const MutBytes p(packet);
  p[0] = 0x45;
  store_be<std::uint16_t>(p.subspan(2), static_cast<std::uint16_t>(packet.size()));
  store_be<std::uint16_t>(p.subspan(4), number);
  p[8] = 64;
  p[9] = 1;
  std::ranges::copy((from_laptop ? laptop : office).bytes(), p.begin() + 12);
  std::ranges::copy((from_laptop ? office : laptop).bytes(), p.begin() + 16);
  store_be<std::uint16_t>(p.subspan(10), checksum(p.first(20)));
  p[20] = 8;
  store_be<std::uint16_t>(p.subspan(26), number);
  std::ranges::copy(kMark, p.begin() + 28);
  store_be<std::uint16_t>(p.subspan(22), checksum(p.subspan(20)));
  return packet;
}

bool World::send_inner(Bytes packet) {
  ByteVec storage(limits::kHeadRoom + packet.size() + limits::kTailRoom);
  std::ranges::copy(packet, storage.begin() + limits::kHeadRoom);
  std::array<esp::Packet, 1> batch{esp::Packet{storage, limits::kHeadRoom, packet.size(), 0}};
  std::vector<ByteVec> replies;
  data_path_.outbound(batch, now_, replies);
  const bool sent = batch[0].size != 0 && data_path_.peer().has_value();
  if (sent) fly({false, local_.natt, *data_path_.peer(), to_vec(batch[0].bytes())});
  pull_facts();
  return sent;
}

std::uint16_t World::send_ping() {
  const std::uint16_t number = next_ping_++;
  ++pings_sent_;
  answered_[number] = false;
  send_inner(echo_request(true, number));
  return number;
}

bool World::ping(Duration max) {
  const std::uint16_t number = send_ping();
  return run_until([&] { return ping_answered(number); }, max);
}

bool World::ping_from_office(Duration max) {
  const ByteVec packet = echo_request(false, next_ping_++);
  if (!gateway_does([&](Gateway& g, Instant, Outbox& out) { return g.send_inner(packet, out); })) {
    return false;
  }
  awaited_ = comparable(packet);
  return run_until([&] { return awaited_.empty(); }, max);
}

std::uint64_t World::total_drops() const {
  return session_->counters().total() + data_path_.counters().total() + encap_counters_.total();
}

}  // namespace godwit::sim
