// One end of a tunnel with fixed keys: the client's packet path without IKE, for the benchmark
// alone. Two of them, on two hosts, carry what their TUN devices are given. Runs until SIGTERM,
// then prints what its engines counted.
#include <netinet/in.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "client/packet_path.h"
#include "core/config/proposal.h"
#include "platform/clock.h"
#include "platform/netlink.h"
#include "platform/signals.h"
#include "tests/bench/keys.h"
#include "tests/bench/null_crypto.h"

namespace godwit {
namespace {

struct Options {
  bool right = false;
  std::string peer;
  std::string inner;
  std::string suite = "aes128gcm16";
  std::string device = "gw-bench";
  int mtu = 1400;
  bool null = false;
  bool zero_checksum = false;
};

constexpr std::uint16_t kPort = 4500;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "godwit_bench_end: %s\n", what.c_str());
  std::exit(1);
}

template <class T>
T must(Result<T, platform::SysError> result) {
  if (!result) die(result.error().message());
  return std::move(*result);
}
void must(const Result<void, platform::SysError>& result) {
  if (!result) die(result.error().message());
}

class End : platform::Sink {
 public:
  explicit End(const Options& options)
      : tun_(must(platform::Tun::open(options.device))),
        natt_(must(platform::UdpSocket::open(*IpAddress::parse("0.0.0.0"), kPort, 0))),
        signals_(must(platform::Signals::open())),
        engine_(must(platform::make_engine(platform::EngineChoice::kAuto, 256))) {
    if (options.zero_checksum) {
      const int yes = 1;
      if (::setsockopt(natt_.fd(), SOL_SOCKET, SO_NO_CHECK, &yes, sizeof yes) != 0) {
        die("cannot leave out checksums");
      }
    }
    path_ = must(client::PacketPath::open({tun_, natt_, nullptr}, {},
                                          options.null ? bench::null_crypto : client::esp_crypto));
    must(engine_->watch(kSignals, signals_.fd()));
    client::PacketPath::Hooks hooks;
    hooks.ike = [](Bytes, const Endpoint&) {};
    hooks.refused = [](int error) { die("a datagram was refused: " + std::to_string(error)); };
    hooks.broken = [](const platform::SysError& error) { die(error.message()); };
    hooks.news = [] {};
    hooks.rung_left = [](const platform::SysError& refusal) { die(refusal.message()); };
    must(path_->start(*engine_, kPackets, std::move(hooks)));
    configure(options);
  }

  void run() {
    while (!stop_) must(engine_->turn(std::nullopt, *this));
    const client::PacketPath::Statistics seen = path_->statistics();
    std::printf(
        "{\"engine\": \"%s\", \"crypto\": \"%s\", \"threads\": %s, \"joins\": %s, \"drops\": %llu, "
        "\"tun_read\": %llu, \"tun_frames\": %llu, \"tun_written\": %llu, "
        "\"tun_writes\": %llu, "
        "\"udp_received\": %llu, \"udp_receives\": %llu, \"udp_sent\": %llu, \"udp_sends\": %llu, "
        "\"send_dropped\": %llu, \"no_buffer\": %llu, \"turns\": %llu, \"system_calls\": %llu, "
        "\"replays\": %llu, \"bad_tags\": %llu}\n",
        seen.engine.c_str(), seen.crypto.c_str(), seen.threads ? "true" : "false",
        seen.offloads.udp_joins ? "true" : "false", number(seen.drops.total()),
        number(seen.io.tun_read), number(seen.io.tun_frames), number(seen.io.tun_written),
        number(seen.io.tun_writes), number(seen.io.udp_received), number(seen.io.udp_receives),
        number(seen.io.udp_sent), number(seen.io.udp_sends), number(seen.io.send_dropped),
        number(seen.io.no_buffer), number(seen.io.turns), number(seen.io.system_calls),
        number(seen.drops.of(Drop::kReplay)), number(seen.drops.of(Drop::kBadTag)));
    path_->remove_tun();
  }

 private:
  enum : std::uint32_t { kSignals, kPackets };
  static unsigned long long number(std::uint64_t value) { return value; }

  void configure(const Options& options) {
    const auto peer = IpAddress::parse(options.peer);
    const auto inner = IpAddress::parse(options.inner);
    const auto suite = config::parse_esp_proposal(options.suite);
    if (!peer || !inner || !suite) die("an address or a suite that nobody can read");
    auto netlink = must(platform::Netlink::open());
    must(tun_.set_mtu(netlink, options.mtu));
    must(netlink.add_address({tun_.index(), *inner, 24}));
    must(tun_.set_up(netlink));
    path_->set_mtu(static_cast<std::size_t>(options.mtu));
    path_->set_peer({*peer, kPort});
    const std::uint32_t mine = options.right ? 0x2000 : 0x1000;
    path_->install(
        {bench::parameters(*suite, mine), bench::parameters(*suite, 0x3000 - mine), false});
    must(path_->add_tun());
  }

  void on_tun(std::span<platform::Buffer> packets) override { path_->on_tun(packets); }
  void on_udp(std::uint32_t socket, std::span<platform::Datagram> datagrams) override {
    path_->on_udp(socket, datagrams);
  }
  void on_readable(std::uint32_t id) override {
    if (id == kPackets) path_->run_letters();
    if (id == kSignals && signals_.read()) stop_ = true;
  }
  void on_rung_left(const platform::SysError& refusal) override { die(refusal.message()); }
  void on_send_error(std::uint32_t socket, int error, std::size_t /*size*/) override {
    path_->on_send_error(socket, error);
  }

  platform::Tun tun_;
  platform::UdpSocket natt_;
  platform::Signals signals_;
  std::unique_ptr<platform::Engine> engine_;
  std::unique_ptr<client::PacketPath> path_;
  bool stop_ = false;
};

int main_of(int argc, char** argv) {
  Options options;
  CLI::App app("One end of a tunnel with fixed keys, for the benchmark.");
  app.add_flag("--right", options.right, "the other of the two ends");
  app.add_option("--peer", options.peer, "outer address of the other end")->required();
  app.add_option("--inner", options.inner, "inner address, of a /24")->required();
  app.add_option("--suite", options.suite, "as in a profile");
  app.add_option("--device", options.device, "name of the TUN device");
  app.add_option("--mtu", options.mtu, "of the TUN device");
  app.add_flag("--null", options.null, "frame packets and do not protect them");
  app.add_flag("--zero-checksum", options.zero_checksum,
               "send single datagrams without UDP checksums");
  CLI11_PARSE(app, argc, argv);
  // UDP_SEGMENT wants checksums.
  if (options.zero_checksum) ::setenv("GODWIT_UDP", "plain", 1);
  End(options).run();
  return 0;
}

}  // namespace
}  // namespace godwit

int main(int argc, char** argv) { return godwit::main_of(argc, argv); }
