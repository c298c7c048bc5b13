#include "client/packet_path.h"

#include <sched.h>

#include <cstdlib>
#include <string_view>

#include "core/net/udp_encap.h"
#include "platform/clock.h"
#include "platform/resident.h"

namespace godwit::client {
namespace {

bool threads_wanted() {
  const char* const rung = std::getenv("GODWIT_THREADS");
  if (rung != nullptr) return std::string_view(rung) != "1";
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  return ::sched_getaffinity(0, sizeof cpus, &cpus) != 0 || CPU_COUNT(&cpus) > 1;
}

platform::EngineStatistics sum(platform::EngineStatistics a, const platform::EngineStatistics& b) {
  a.tun_read += b.tun_read;
  a.tun_frames += b.tun_frames;
  a.tun_refused += b.tun_refused;
  a.tun_written += b.tun_written;
  a.tun_writes += b.tun_writes;
  a.tun_write_failed += b.tun_write_failed;
  a.udp_received += b.udp_received;
  a.udp_receives += b.udp_receives;
  a.udp_sent += b.udp_sent;
  a.udp_sends += b.udp_sends;
  a.send_failed += b.send_failed;
  a.send_dropped += b.send_dropped;
  a.send_waited += b.send_waited;
  a.truncated += b.truncated;
  a.no_buffer += b.no_buffer;
  a.turns += b.turns;
  a.system_calls += b.system_calls;
  return a;
}

// Member by member: a whole packet would be written in small stores and read back in large loads,
// which wait for each other.
void fill(esp::Packet& packet, const platform::Buffer& buffer, std::uint8_t outer_tos) {
  packet.storage = buffer.storage;
  packet.begin = buffer.begin;
  packet.size = buffer.size;
  packet.outer_tos = outer_tos;
}

}  // namespace

crypto::EspCrypto esp_crypto() {
  const char* const rung = std::getenv("GODWIT_CRYPTO");
  const bool portable = rung != nullptr && std::string_view(rung) == "mbedtls";
  return portable ? crypto::EspCrypto::portable() : crypto::EspCrypto::fastest();
}

Transmit::Transmit(crypto::EspCrypto crypto, std::uint32_t socket)
    : path(std::move(crypto)), socket_(socket) {
  packets_.reserve(platform::kBatch);
}

void Transmit::on_tun(std::span<platform::Buffer> packets) {
  packets_.resize(packets.size());
  replies_.clear();
  for (std::size_t i = 0; i < packets.size(); ++i) fill(packets_[i], packets[i], 0);
  path.seal(packets_, platform::boot_now(), replies_);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const esp::Packet& packet = packets_[i];
    if (packet.size == 0 || !path.peer()) continue;
    platform::Buffer buffer = packets[i];
    buffer.begin = packet.begin;
    buffer.size = packet.size;
    engine_->send(socket_, buffer, *path.peer(), packet.outer_tos);
  }
  for (const ByteVec& reply : replies_) engine_->write_tun_copy(reply);
}

Receive::Receive(crypto::EspCrypto crypto, Ike ike)
    : path(std::move(crypto)), ike_(std::move(ike)) {
  packets_.reserve(platform::kBatch);
  sources_.reserve(platform::kBatch);
}

void Receive::on_natt(std::span<platform::Datagram> datagrams) {
  std::array<std::size_t, platform::kBatch> esp{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    const Encap encap = classify_encap(datagrams[i].buffer.packet());
    if (std::holds_alternative<EncapEsp>(encap)) {
      esp[count++] = i;
    } else if (const auto* ike = std::get_if<EncapIke>(&encap)) {
      ike_(ike->message, datagrams[i].from);
    } else {
      path.count(std::get<Drop>(encap));
    }
  }
  on_esp(datagrams, std::span(esp).first(count));
}

void Receive::on_raw_esp(std::span<platform::Datagram> datagrams) {
  std::array<std::size_t, platform::kBatch> esp{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    platform::Buffer& buffer = datagrams[i].buffer;
    if (datagrams[i].from.address.is_v4()) {
      const auto packet = esp_behind_ipv4(buffer.packet());
      if (!packet) {
        path.count(packet.error());
        continue;
      }
      buffer.begin += static_cast<std::size_t>(packet->data() - buffer.packet().data());
      buffer.size = packet->size();
    }
    esp[count++] = i;
  }
  on_esp(datagrams, std::span(esp).first(count));
}

void Receive::on_esp(std::span<platform::Datagram> datagrams, std::span<const std::size_t> which) {
  if (which.empty()) return;
  packets_.resize(which.size());
  sources_.resize(which.size());
  for (std::size_t i = 0; i < which.size(); ++i) {
    const platform::Datagram& datagram = datagrams[which[i]];
    fill(packets_[i], datagram.buffer, datagram.tos);
    sources_[i] = datagram.from;
  }
  path.open(packets_, sources_, platform::boot_now());
  for (std::size_t i = 0; i < which.size(); ++i) {
    if (packets_[i].size == 0) continue;
    platform::Buffer buffer = datagrams[which[i]].buffer;
    buffer.begin = packets_[i].begin;
    buffer.size = packets_[i].size;
    engine_->write_tun(buffer);
  }
}

struct PacketPath::Side : platform::Sink {
  explicit Side(PacketPath& path) : owner(path) {}

  void on_tun(std::span<platform::Buffer> packets) override {
    owner.transmit_.on_tun(packets);
    owner.tell_news(owner.transmit_.path.take_news());
  }
  void on_udp(std::uint32_t socket, std::span<platform::Datagram> datagrams) override {
    socket == kEspSocket ? owner.receive_.on_raw_esp(datagrams) : owner.receive_.on_natt(datagrams);
    owner.tell_news(owner.receive_.path.take_news());
  }
  void on_readable(std::uint32_t /*id*/) override {}
  void on_send_error(std::uint32_t /*socket*/, int error, std::size_t /*size*/) override {
    owner.transmit_.path.count(Drop::kSendFailed);
    owner.tell_refused(error);
  }

  void on_rung_left(const platform::SysError& refusal) override { owner.tell_rung_left(refusal); }

  PacketPath& owner;
  std::unique_ptr<Mover> mover;
};

PacketPath::PacketPath(Parts parts, crypto::EspCrypto (*crypto)())
    : parts_(parts),
      transmit_(crypto(), esp_socket()),
      receive_(crypto(), [this](Bytes message, const Endpoint& from) { tell_ike(message, from); }) {
  transmit_.path.copy_dscp(parts.copy_dscp);
}

// The threads end before what they use.
PacketPath::~PacketPath() {
  transmit_side_.reset();
  receive_side_.reset();
}

Result<std::unique_ptr<PacketPath>, platform::SysError> PacketPath::open(
    Parts parts, const std::function<Result<void, platform::SysError>()>& prepare,
    crypto::EspCrypto (*crypto)()) {
  auto path = std::unique_ptr<PacketPath>(new PacketPath(parts, crypto));
  // Each manager of libipsec-mb tests every algorithm there is: three megabytes of code.
  platform::forget_code();
  path->mailbox_ = GODWIT_TRY(Mailbox::open());
  if (!threads_wanted()) return path;
  PacketPath* const self = path.get();
  const Mover::Hooks hooks = {
      prepare, [self](const platform::SysError& error) { self->tell_broken(error); }};
  path->transmit_side_ = std::make_unique<Side>(*self);
  path->receive_side_ = std::make_unique<Side>(*self);
  path->transmit_side_->mover =
      GODWIT_TRY(Mover::start("godwit-transmit", *path->transmit_side_, hooks));
  path->receive_side_->mover =
      GODWIT_TRY(Mover::start("godwit-receive", *path->receive_side_, hooks));
  return path;
}

void PacketPath::outside(const std::function<void(platform::Engine&)>& work) {
  threads() ? transmit_side_->mover->call(work) : work(*control_);
}

void PacketPath::inside(const std::function<void(platform::Engine&)>& work) {
  threads() ? receive_side_->mover->call(work) : work(*control_);
}

Result<void, platform::SysError> PacketPath::start(platform::Engine& control, std::uint32_t id,
                                                   Hooks hooks) {
  using platform::Way;
  control_ = &control;
  hooks_ = std::move(hooks);
  const int natt = parts_.natt.fd();
  const int esp = parts_.esp != nullptr ? parts_.esp->fd() : -1;
  GODWIT_TRY(control.watch(id, mailbox_->fd()));
  GODWIT_TRY(
      control.add_udp(kNattSocket, natt, threads() ? Way::kOut : Way::kBoth, !parts_.transport));
  if (!threads() && esp >= 0) GODWIT_TRY(control.add_udp(kEspSocket, esp, Way::kBoth));
  Result<void, platform::SysError> added;
  outside([&](platform::Engine& engine) {
    transmit_.attach(engine);
    if (threads()) added = engine.add_udp(esp_socket(), esp >= 0 ? esp : natt, Way::kOut);
  });
  GODWIT_TRY(added);
  inside([&](platform::Engine& engine) {
    receive_.attach(engine);
    if (!threads()) return;
    added = engine.add_udp(kNattSocket, natt, Way::kIn, !parts_.transport);
    if (added && esp >= 0) added = engine.add_udp(kEspSocket, esp, Way::kIn);
  });
  return added;
}

void PacketPath::run_letters() { mailbox_->run(); }

void PacketPath::on_udp(std::uint32_t socket, std::span<platform::Datagram> datagrams) {
  socket == kEspSocket ? receive_.on_raw_esp(datagrams) : receive_.on_natt(datagrams);
}

void PacketPath::on_send_error(std::uint32_t socket, int error) {
  drops_.drop(Drop::kSendFailed);
  if (!threads() && socket == esp_socket()) hooks_.refused(error);
}

Result<void, platform::SysError> PacketPath::add_tun() {
  platform::forget_code();  // what ran to connect will not run again soon
  Result<void, platform::SysError> added;
  outside([&](platform::Engine& engine) {
    added = engine.add_tun(parts_.tun.fd(), parts_.tun.offloads());
  });
  if (!added || !threads()) return added;
  inside([&](platform::Engine& engine) {
    added = engine.add_tun(parts_.tun.fd(), parts_.tun.offloads(), platform::Way::kOut);
  });
  return added;
}

void PacketPath::remove_tun() {
  outside([](platform::Engine& engine) { engine.remove_tun(); });
  inside([](platform::Engine& engine) { engine.remove_tun(); });
}

void PacketPath::install(session::InstallSa&& sas) {
  const EspSpi inbound = sas.inbound.spi;
  const EspSpi outbound = sas.outbound.spi;
  inside([&](platform::Engine&) { receive_.path.install(std::move(sas.inbound), outbound); });
  outside([&](platform::Engine&) {
    transmit_.path.install(std::move(sas.outbound), inbound, sas.hold_outbound);
  });
}

void PacketPath::use(const session::UseSa& sa) {
  outside([&](platform::Engine&) { transmit_.path.use(sa.outbound); });
}

void PacketPath::remove(const session::RemoveSa& sas) {
  outside([&](platform::Engine&) { transmit_.path.remove(sas.outbound, sas.inbound); });
  inside([&](platform::Engine&) { receive_.path.remove(sas.inbound, sas.outbound); });
}

void PacketPath::set_peer(const Endpoint& peer) {
  outside([&](platform::Engine&) { transmit_.path.set_peer(peer); });
}

void PacketPath::set_mtu(std::size_t mtu) {
  outside([&](platform::Engine&) { transmit_.path.set_mtu(mtu); });
  inside([&](platform::Engine&) { receive_.path.set_mtu(mtu); });
}

std::size_t PacketPath::inner_max(std::size_t path_mtu, bool v6) {
  const std::size_t around = (v6 ? 40u : 20u) + (parts_.esp == nullptr ? 8u : 0u);
  if (path_mtu <= around) return 0;
  std::size_t inner = 0;
  outside([&](platform::Engine&) { inner = transmit_.path.inner_max(path_mtu - around); });
  return inner;
}

session::TrafficFacts PacketPath::facts() {
  session::InboundFacts in;
  session::OutboundFacts out;
  inside([&](platform::Engine&) { in = receive_.path.facts(); });
  outside([&](platform::Engine&) { out = transmit_.path.facts(); });
  return session::join(in, out);
}

PacketPath::Statistics PacketPath::statistics() {
  Statistics all;
  all.threads = threads();
  Counters drops = drops_;
  outside([&](platform::Engine& engine) {
    all.engine = engine.name();
    all.io = engine.statistics();
    all.offloads = engine.offloads(esp_socket());
    all.crypto = transmit_.path.backend();
    drops.add(transmit_.path.counters());
  });
  inside([&](platform::Engine& engine) {
    if (threads()) {
      all.io = sum(all.io, engine.statistics());
      const platform::Offloads in = engine.offloads(esp_socket());
      all.offloads.tun.tcp = all.offloads.tun.tcp && in.tun.tcp;
      all.offloads.tun.udp = all.offloads.tun.udp && in.tun.udp;
      all.offloads.udp_joins = in.udp_joins;
    }
    drops.add(receive_.path.counters());
  });
  all.drops = drops;
  if (threads()) all.io = sum(all.io, control_->statistics());
  return all;
}

// One letter of a kind at a time: whoever reads it asks for all there is.
void PacketPath::tell_news(bool news) {
  if (!news || news_told_.exchange(true)) return;
  (void)mailbox_->post([this] {
    news_told_ = false;
    hooks_.news();
  });
}

void PacketPath::tell_refused(int error) {
  if (refused_told_.exchange(true)) return;
  (void)mailbox_->post([this, error] {
    refused_told_ = false;
    hooks_.refused(error);
  });
}

void PacketPath::tell_ike(Bytes message, const Endpoint& from) {
  if (!threads()) return hooks_.ike(message, from);
  if (message.size() > limits::kIkeMessageMax) return receive_.path.count(Drop::kTooLarge);
  const bool taken =
      mailbox_->post([this, copy = to_vec(message), from] { hooks_.ike(Bytes(copy), from); });
  if (!taken) receive_.path.count(Drop::kRateLimited);
}

void PacketPath::tell_rung_left(const platform::SysError& refusal) {
  (void)mailbox_->post([this, refusal] { hooks_.rung_left(refusal); });
}

void PacketPath::tell_broken(const platform::SysError& error) {
  (void)mailbox_->post([this, error] { hooks_.broken(error); });
}

}  // namespace godwit::client
