// Sends UDP datagrams of one size as fast as asked for, or counts those that arrive; many in a
// system call, so that the generator is not what is measured.
//   godwit_bench_udp send ADDRESS PORT SIZE SECONDS RATE    RATE packets a second; 0: all it can
//   godwit_bench_udp count ADDRESS PORT SECONDS             prints packets and the seconds they
//   took
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
constexpr unsigned kBatch = 64;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in endpoint(const std::string& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &out.sin_addr) != 1) die("address");
  return out;
}

int make_socket() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int room = 4 << 20;
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  return fd;
}

// The same datagrams `kBatch` times, sent or received at once.
struct Batch {
  explicit Batch(std::size_t size) : octets(kBatch, std::vector<char>(size, 'x')) {
    for (unsigned i = 0; i < kBatch; ++i) {
      data[i] = {octets[i].data(), octets[i].size()};
      headers[i].msg_hdr.msg_iov = &data[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::vector<std::vector<char>> octets;
  std::array<iovec, kBatch> data{};
  std::array<mmsghdr, kBatch> headers{};
};

void send(const std::string& address, std::uint16_t port, std::size_t size, double seconds,
          double rate) {
  const int fd = make_socket();
  const sockaddr_in to = endpoint(address, port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) die("connect");
  Batch batch(size);
  std::uint64_t sent = 0;
  const auto begin = Clock::now();
  double passed = 0;
  while ((passed = Seconds(Clock::now() - begin).count()) < seconds) {
    unsigned count = kBatch;
    if (rate > 0) {
      const double due = passed * rate - static_cast<double>(sent);
      if (due < 1) {
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        continue;
      }
      count = static_cast<unsigned>(std::min<double>(due, kBatch));
    }
    const int done = ::sendmmsg(fd, batch.headers.data(), count, 0);
    if (done > 0) sent += static_cast<std::uint64_t>(done);
    if (done < 0 && errno != ENOBUFS && errno != ECONNREFUSED) die("sendmmsg");
  }
  std::printf("%llu %.6f\n", static_cast<unsigned long long>(sent), passed);
  ::close(fd);
}

void count(const std::string& address, std::uint16_t port, double seconds) {
  const int fd = make_socket();
  const sockaddr_in at = endpoint(address, port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) die("bind");
  std::puts("ready");
  std::fflush(stdout);
  Batch batch(2048);
  std::uint64_t received = 0;
  Clock::time_point first{};
  Clock::time_point last{};
  const auto begin = Clock::now();
  while (Seconds(Clock::now() - begin).count() < seconds) {
    pollfd wanted{fd, POLLIN, 0};
    if (::poll(&wanted, 1, 100) <= 0) continue;
    const int got = ::recvmmsg(fd, batch.headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (got <= 0) continue;
    last = Clock::now();
    if (received == 0) first = last;
    received += static_cast<std::uint64_t>(got);
  }
  std::printf("%llu %.6f\n", static_cast<unsigned long long>(received),
              Seconds(last - first).count());
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Sends or counts UDP datagrams, for the benchmark.");
  app.require_subcommand(1);
  std::string address;
  std::uint16_t port = 0;
  std::size_t size = 64;
  double seconds = 1;
  double rate = 0;
  CLI::App* const sender = app.add_subcommand("send", "send datagrams");
  CLI::App* const counter = app.add_subcommand("count", "count datagrams");
  for (CLI::App* command : {sender, counter}) {
    command->add_option("address", address)->required();
    command->add_option("port", port)->required();
  }
  sender->add_option("size", size, "octets of payload")->required();
  for (CLI::App* command : {sender, counter}) command->add_option("seconds", seconds)->required();
  sender->add_option("rate", rate, "packets a second; 0: as many as it can")->required();
  CLI11_PARSE(app, argc, argv);
  if (sender->parsed()) send(address, port, size, seconds, rate);
  if (counter->parsed()) count(address, port, seconds);
  return 0;
}
