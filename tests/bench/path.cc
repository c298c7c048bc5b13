// What the data path's own code costs a packet, out and in, without a system call for it: frames of
// a TUN device are cut and sealed, the datagrams are opened and joined again. Nanoseconds of this
// thread, the best of several rounds.
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "client/packet_path.h"
#include "core/config/proposal.h"
#include "platform/engine_base.h"
#include "platform/fd.h"
#include "tests/bench/keys.h"
#include "tests/bench/null_crypto.h"
#include "tests/support/packets.h"

namespace godwit {
namespace {

constexpr std::uint32_t kSocket = 1;
constexpr std::uint32_t kSpi = 0x1000;
constexpr std::size_t kSegment = 1348;  // of TCP with timestamps in an MTU of 1400
constexpr std::size_t kSegments = 48;
constexpr std::size_t kHeaders = 52;
constexpr std::size_t kFramesTogether = 4;
constexpr std::size_t kRounds = 200;

double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// What a socket would have delivered at once: datagrams of one size, the last one at most.
struct Joined {
  ByteVec octets;
  std::size_t segment;
};

// An engine that reads what it is given and remembers what it would have sent.
class Engine final : public platform::EngineBase {
 public:
  explicit Engine(int socket) : EngineBase("none", 1024) {
    tun_ = 0;
    offloads_ = joins_ = {true, true, true};
    open_socket(kSocket, socket, platform::Way::kBoth, true);
  }

  void read(Bytes frame) {
    const auto id = frames_.take();
    if (!id) std::abort();
    std::ranges::copy(frame, frames_.storage(*id).begin());
    keep_frame(*id, frame.size());
  }
  // Cuts what was read, has it sealed and makes up the calls that would send it.
  void send_all(platform::Sink& sink) {
    deliver_frames(sink);
    while (const auto run = form_sends(kSocket)) calls_.push_back(*run);
  }
  std::vector<Joined> sent() {
    std::vector<Joined> out;
    for (const std::uint32_t run : calls_) {
      out.push_back({{}, runs_[run].data[0].iov_len});
      for (std::size_t i = 0; i < runs_[run].pieces; ++i) {
        const iovec& piece = runs_[run].data[i];
        append(out.back().octets, {static_cast<std::uint8_t*>(piece.iov_base), piece.iov_len});
      }
    }
    return out;
  }
  void end_sends(platform::Sink& sink) {
    for (const std::uint32_t run : calls_) sends_ended(run, 0, sink);
    calls_.clear();
  }

  void receive(const Joined& joined) {
    const auto id = pieces_.frames().take();
    if (!id) std::abort();
    std::ranges::copy(joined.octets, pieces_.frames().storage(*id).begin() + kBegin);
    arrived_.push_back({*id, joined.octets.size(), joined.segment});
  }
  // Has what arrived opened, joins the packets and makes up the calls that would write them.
  void write_all(platform::Sink& sink, const Endpoint& from) {
    for (const Arrived& one : arrived_) {
      keep_joined(kSocket, one.frame, kBegin, one.size, {from, 0, one.segment}, sink);
    }
    arrived_.clear();
    flush_udp(sink);
    form_writes([this](std::uint32_t run) { calls_.push_back(run); });
    for (const std::uint32_t run : calls_) writes_ended(run, 0);
    calls_.clear();
  }

  Result<void, platform::SysError> add_tun(int, const platform::TunOffloads&,
                                           platform::Way) override {
    return {};
  }
  void remove_tun() override {}
  Result<void, platform::SysError> add_udp(std::uint32_t, int, platform::Way, bool) override {
    return {};
  }
  void remove_udp(std::uint32_t) override {}
  Result<void, platform::SysError> watch(std::uint32_t, int) override { return {}; }
  void unwatch(std::uint32_t) override {}
  Result<void, platform::SysError> turn(std::optional<Instant>, platform::Sink&) override {
    return {};
  }

 private:
  static constexpr std::size_t kBegin = 128;  // behind what io_uring writes before a payload
  struct Arrived {
    std::uint32_t frame;
    std::size_t size;
    std::size_t segment;
  };

  std::vector<std::uint32_t> calls_;
  std::vector<Arrived> arrived_;
};

class Path : public platform::Sink {
 public:
  Path(crypto::EspCrypto (*crypto)(), const crypto::EspSuite& suite, const Endpoint& peer)
      : transmit_(crypto(), kSocket), receive_(crypto(), [](Bytes, const Endpoint&) {}) {
    transmit_.path.set_peer(peer);
    transmit_.path.install(bench::parameters(suite, kSpi), EspSpi{kSpi + 1}, false);
    receive_.path.install(bench::parameters(suite, kSpi), EspSpi{kSpi + 1});
  }
  void attach(platform::Engine& engine) {
    transmit_.attach(engine);
    receive_.attach(engine);
  }
  std::uint64_t drops() const {
    return transmit_.path.counters().total() + receive_.path.counters().total();
  }
  std::string_view backend() const { return transmit_.path.backend(); }

  void on_tun(std::span<platform::Buffer> packets) override { transmit_.on_tun(packets); }
  void on_udp(std::uint32_t, std::span<platform::Datagram> datagrams) override {
    receive_.on_natt(datagrams);
  }
  void on_readable(std::uint32_t) override {}
  void on_send_error(std::uint32_t, int, std::size_t) override {}
  void on_rung_left(const platform::SysError&) override {}

 private:
  client::Transmit transmit_;
  client::Receive receive_;
};

// A frame as a TUN device with offloads hands it over: kSegments segments of one TCP flow.
ByteVec tun_frame() {
  ByteVec tcp(32 + kSegment * kSegments - 400);
  for (std::size_t i = 0; i < tcp.size(); ++i) tcp[i] = static_cast<std::uint8_t>(7 * i);
  const std::array<std::uint8_t, 32> header = {0x14, 0x51, 0x80, 0, 0, 0, 0, 1, 0, 0, 0,
                                               1,    0x80, 0x10, 1, 0, 0, 0, 0, 0, 1, 1,
                                               8,    10,   0,    0, 0, 1, 0, 0, 0, 1};
  std::ranges::copy(header, tcp.begin());
  ByteVec packet = test::ip_packet(
      {*IpAddress::parse("10.9.0.1"), *IpAddress::parse("10.9.0.2"), 6, 0, true, tcp});
  TunOffload offload;
  offload.needs_checksum = true;
  offload.type = TunOffload::Type::kTcp4;
  offload.header_size = kHeaders;
  offload.segment_size = kSegment;
  offload.checksum_start = 20;
  offload.checksum_offset = 16;
  ByteVec frame(TunOffload::kSize);
  encode_tun_offload(offload, frame);
  append(frame, packet);
  return frame;
}

void row(const std::string& name, crypto::EspCrypto (*crypto)(), const crypto::EspSuite& suite) {
  const platform::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Endpoint peer{*IpAddress::parse("203.0.113.2"), 4500};
  const ByteVec frame = tun_frame();
  Engine engine(socket.get());
  Path path(crypto, suite, peer);
  path.attach(engine);
  double out = 1e18, in = 1e18;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kFramesTogether; ++i) engine.read(frame);
    double begin = thread_ns();
    engine.send_all(path);
    const double spent = thread_ns() - begin;
    const std::vector<Joined> sent = engine.sent();
    begin = thread_ns();
    engine.end_sends(path);
    out = std::min(out, spent + thread_ns() - begin);
    for (const Joined& joined : sent) engine.receive(joined);
    begin = thread_ns();
    engine.write_all(path, peer);
    in = std::min(in, thread_ns() - begin);
  }
  constexpr double kPackets = kFramesTogether * kSegments;
  const platform::EngineStatistics& seen = engine.statistics();
  if (path.drops() != 0 || seen.tun_written != kRounds * kFramesTogether * kSegments) {
    std::fprintf(stderr, "godwit_bench_path: packets were lost\n");
    std::exit(1);
  }
  std::printf("%-16s out %6.1f ns  in %6.1f ns a packet   %s\n", name.c_str(), out / kPackets,
              in / kPackets, std::string(path.backend()).c_str());
}

}  // namespace
}  // namespace godwit

int main() {
  using namespace godwit;
  row("null", bench::null_crypto, *config::parse_esp_proposal("aes128gcm16"));
  for (const char* const suite : {"aes128gcm16", "aes256gcm16", "aes128-sha1", "aes256-sha256"}) {
    row(suite, client::esp_crypto, *config::parse_esp_proposal(suite));
  }
  return 0;
}
