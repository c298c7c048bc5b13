// A thread that moves packets: an engine of its own, and a mailbox by which the control thread
// tells it what changes. It never waits for the control thread, so that may wait for it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "client/mailbox.h"
#include "platform/engine.h"

namespace godwit::client {

class Mover : private platform::Sink {
 public:
  struct Hooks {
    // On the new thread, when its engine is open: gives up what the thread does not need.
    std::function<Result<void, platform::SysError>()> prepare;
    // On the thread, once, when the engine can move nothing any more.
    std::function<void(const platform::SysError&)> broken;
  };

  // `sink` hears of packets on the mover's thread and must outlive it; its on_readable is not
  // called. `name` is what tools show of the thread, at most 15 characters.
  static Result<std::unique_ptr<Mover>, platform::SysError> start(const char* name,
                                                                  platform::Sink& sink,
                                                                  Hooks hooks);
  Mover(const Mover&) = delete;
  Mover& operator=(const Mover&) = delete;
  ~Mover() override;  // what is queued in the engine leaves first

  // Runs `work` on the thread and waits for it.
  void call(const std::function<void(platform::Engine&)>& work);

 private:
  Mover(platform::Sink& sink, Hooks hooks, std::unique_ptr<Mailbox> mailbox)
      : sink_(sink), hooks_(std::move(hooks)), mailbox_(std::move(mailbox)) {}

  std::optional<platform::SysError> open();
  void run();
  void wait_for_mail() const;

  void on_tun(std::span<platform::Buffer> packets) override { sink_.on_tun(packets); }
  void on_udp(std::uint32_t socket, std::span<platform::Datagram> datagrams) override {
    sink_.on_udp(socket, datagrams);
  }
  void on_readable(std::uint32_t /*id*/) override { mailbox_->run(); }
  void on_send_error(std::uint32_t socket, int error, std::size_t size) override {
    sink_.on_send_error(socket, error, size);
  }

  void on_rung_left(const platform::SysError& refusal) override { sink_.on_rung_left(refusal); }

  platform::Sink& sink_;
  Hooks hooks_;
  std::unique_ptr<Mailbox> mailbox_;
  std::unique_ptr<platform::Engine> engine_;  // the thread's
  bool stop_ = false;                         // the thread's
  std::thread thread_;
};

}  // namespace godwit::client
