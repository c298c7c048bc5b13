// What moves packets between the TUN device and the socket of ESP: transmit and receive, each with
// a thread, an engine and a crypto library of its own; on a machine with one CPU both on the
// control thread's engine. All calls are for the control thread. One owner per fact: transmit has
// the sequence numbers, receive the replay windows. SAs and settings reach them as letters, so no
// packet meets a lock.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/mailbox.h"
#include "client/mover.h"
#include "core/session/data_path.h"
#include "platform/engine.h"
#include "platform/tun.h"
#include "platform/udp.h"

namespace godwit::client {

// The engines' numbers of the sockets.
inline constexpr std::uint32_t kIkeSocket = 0;
inline constexpr std::uint32_t kNattSocket = 1;
inline constexpr std::uint32_t kEspSocket = 2;

// TUN -> ESP -> socket, on the thread of `engine`.
class Transmit {
 public:
  Transmit(crypto::EspCrypto crypto, std::uint32_t socket);
  void attach(platform::Engine& engine) { engine_ = &engine; }
  void on_tun(std::span<platform::Buffer> packets);

  session::OutboundPath path;

 private:
  platform::Engine* engine_ = nullptr;
  std::uint32_t socket_;
  std::vector<esp::Packet> packets_;
  std::vector<ByteVec> replies_;
};

// Socket -> ESP -> TUN, on the thread of `engine`. IKE messages are handed on without their marker.
class Receive {
 public:
  using Ike = std::function<void(Bytes message, const Endpoint& from)>;
  Receive(crypto::EspCrypto crypto, Ike ike);
  void attach(platform::Engine& engine) { engine_ = &engine; }
  void on_natt(std::span<platform::Datagram> datagrams);
  void on_raw_esp(std::span<platform::Datagram> datagrams);

  session::InboundPath path;

 private:
  void on_esp(std::span<platform::Datagram> datagrams, std::span<const std::size_t> which);

  platform::Engine* engine_ = nullptr;
  Ike ike_;
  std::vector<esp::Packet> packets_;
  std::vector<Endpoint> sources_;
};

// libipsec-mb where it can be used; GODWIT_CRYPTO=mbedtls in the environment, for tests, does
// without it.
crypto::EspCrypto esp_crypto();

class PacketPath {
 public:
  struct Parts {
    platform::Tun& tun;
    const platform::UdpSocket& natt;
    const platform::RawEspSocket* esp;  // where ESP goes without UDP; else nullptr
    bool transport = false;             // mode, whose packets need room for an IP header
    bool copy_dscp = false;
  };
  // Called on the control thread, from run_letters() or, on one CPU, from the engine's turn.
  struct Hooks {
    std::function<void(Bytes message, const Endpoint& from)> ike;
    std::function<void(int error)> refused;  // a datagram of ESP, for good; often once for many
    std::function<void(const platform::SysError&)> broken;
    // The kernel refused an offload at run time; see platform::Sink. One line for the user.
    std::function<void(const platform::SysError&)> rung_left;
    std::function<void()> news;  // facts() says something that should be known soon
  };
  struct Statistics {
    std::string engine;
    bool threads = false;
    platform::EngineStatistics io;
    platform::Offloads offloads;
    std::string crypto;
    Counters drops;
  };

  // Threads are started where there are CPUs for them; GODWIT_THREADS=1 in the environment, for
  // tests, forbids them, and 3 asks for them on one CPU too. `prepare` is run on each.
  static Result<std::unique_ptr<PacketPath>, platform::SysError> open(
      Parts parts, const std::function<Result<void, platform::SysError>()>& prepare,
      crypto::EspCrypto (*crypto)() = esp_crypto);
  PacketPath(const PacketPath&) = delete;
  PacketPath& operator=(const PacketPath&) = delete;
  ~PacketPath();

  // Adds what the control thread's engine has to do for the NAT-T port: all without threads, else
  // sending IKE. `id` is what it calls on_readable with to have run_letters() called.
  Result<void, platform::SysError> start(platform::Engine& control, std::uint32_t id, Hooks hooks);
  void run_letters();
  // From the control engine's sink; the first two without threads only.
  void on_tun(std::span<platform::Buffer> packets) { transmit_.on_tun(packets); }
  void on_udp(std::uint32_t socket, std::span<platform::Datagram> datagrams);
  void on_send_error(std::uint32_t socket, int error);

  Result<void, platform::SysError> add_tun();
  void remove_tun();

  // When it returns, packets under the new SA are opened; see session::InstallSa.
  void install(session::InstallSa&& sas);
  void use(const session::UseSa& sa);
  void remove(const session::RemoveSa& sas);
  void set_peer(const Endpoint& peer);
  void set_mtu(std::size_t mtu);

  // The largest inner packet for a path of this MTU to a gateway of this family; 0 without an SA.
  std::size_t inner_max(std::size_t path_mtu, bool v6);

  session::TrafficFacts facts();
  Statistics statistics();

 private:
  struct Side;  // one thread, and what its engine calls

  PacketPath(Parts parts, crypto::EspCrypto (*crypto)());
  std::uint32_t esp_socket() const { return parts_.esp != nullptr ? kEspSocket : kNattSocket; }
  bool threads() const { return transmit_side_ != nullptr; }
  // Runs `work` with the engine that has the way out or in, and waits for it.
  void outside(const std::function<void(platform::Engine&)>& work);
  void inside(const std::function<void(platform::Engine&)>& work);
  // From a mover's thread.
  void tell_news(bool news);
  void tell_refused(int error);
  void tell_ike(Bytes message, const Endpoint& from);
  void tell_rung_left(const platform::SysError& refusal);
  void tell_broken(const platform::SysError& error);

  Parts parts_;
  Hooks hooks_;
  platform::Engine* control_ = nullptr;
  std::unique_ptr<Mailbox> mailbox_;  // the control thread's
  Counters drops_;                    // the control thread's
  std::atomic<bool> news_told_ = false;
  std::atomic<bool> refused_told_ = false;
  Transmit transmit_;
  Receive receive_;
  std::unique_ptr<Side> transmit_side_;
  std::unique_ptr<Side> receive_side_;
};

}  // namespace godwit::client
