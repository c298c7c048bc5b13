// The engine for systems that refuse io_uring. For engine.cc only.
#pragma once

#include "platform/engine_base.h"

namespace godwit::platform {

class EpollEngine final : public EngineBase {
 public:
  static Result<std::unique_ptr<Engine>, SysError> make(std::string name, std::uint32_t buffers);

  Result<void, SysError> add_tun(int fd, const TunOffloads& offloads, Way way) override;
  void remove_tun() override;
  Result<void, SysError> add_udp(std::uint32_t socket, int fd, Way way, bool may_join) override;
  void remove_udp(std::uint32_t socket) override;
  Result<void, SysError> watch(std::uint32_t id, int fd) override;
  void unwatch(std::uint32_t id) override;
  Result<void, SysError> turn(std::optional<Instant> until, Sink& sink) override;

 private:
  enum class Kind : std::uint32_t { kTimer, kTun, kUdp, kWatch };
  struct Watch {
    std::uint32_t id;
    int fd;
  };

  using EngineBase::EngineBase;
  Result<void, SysError> control(int op, int fd, std::uint32_t events, Kind kind,
                                 std::uint32_t number);
  Result<void, SysError> flush(Sink& sink);
  Result<void, SysError> flush_socket(std::uint32_t number, Sink& sink);
  Result<void, SysError> set_blocked(std::uint32_t number, bool blocked);
  Result<void, SysError> handle(Kind kind, std::uint32_t number, std::uint32_t events, Sink& sink);
  void flush_tun();

  Fd epoll_;
  std::vector<Watch> watches_;
  bool tun_paused_ = false;
};

}  // namespace godwit::platform
