#include "client/mailbox.h"

#include <future>

namespace godwit::client {

Result<std::unique_ptr<Mailbox>, platform::SysError> Mailbox::open() {
  auto bell = platform::Event::open();
  if (!bell) return fail(bell.error());
  return std::unique_ptr<Mailbox>(new Mailbox(std::move(*bell)));
}

bool Mailbox::post(Letter letter) {
  {
    const std::lock_guard lock(mutex_);
    if (letters_.size() >= kRoom) return false;
    letters_.push_back(std::move(letter));
  }
  bell_.notify();
  return true;
}

void Mailbox::call(const Letter& letter) {
  std::promise<void> done;
  {
    const std::lock_guard lock(mutex_);
    letters_.emplace_back([&] {
      letter();
      done.set_value();
    });
  }
  bell_.notify();
  done.get_future().wait();
}

void Mailbox::run() {
  if (!bell_.clear()) return;
  std::vector<Letter> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(letters_);
  }
  for (const Letter& letter : taken) letter();
}

}  // namespace godwit::client
