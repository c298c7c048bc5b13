// What one thread wants to run on another's: letters are run in order by the owner, whose loop
// watches fd(). Nothing here is on a packet's way.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "platform/event.h"

namespace godwit::client {

class Mailbox {
 public:
  using Letter = std::function<void()>;

  static Result<std::unique_ptr<Mailbox>, platform::SysError> open();

  // From any thread. False when the owner is `kRoom` letters behind: this one was not taken.
  bool post(Letter letter);
  // Posts and waits until it was run. Never from the owner's own thread, nor while the owner may
  // wait for the caller.
  void call(const Letter& letter);

  // The owner's side.
  int fd() const { return bell_.fd(); }
  void run();

 private:
  static constexpr std::size_t kRoom = 1024;

  explicit Mailbox(platform::Event bell) : bell_(std::move(bell)) {}

  platform::Event bell_;
  std::mutex mutex_;
  std::vector<Letter> letters_;
};

}  // namespace godwit::client
