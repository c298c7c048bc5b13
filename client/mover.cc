#include "client/mover.h"

#include <poll.h>
#include <sys/prctl.h>

#include <future>

#include "platform/clock.h"

namespace godwit::client {

Result<std::unique_ptr<Mover>, platform::SysError> Mover::start(const char* name,
                                                                platform::Sink& sink, Hooks hooks) {
  auto mailbox = GODWIT_TRY(Mailbox::open());
  auto mover = std::unique_ptr<Mover>(new Mover(sink, std::move(hooks), std::move(mailbox)));
  std::promise<std::optional<platform::SysError>> opened;
  auto outcome = opened.get_future();
  Mover* const self = mover.get();
  mover->thread_ = std::thread([self, name, &opened] {
    (void)::prctl(PR_SET_NAME, name, 0, 0, 0);
    const auto refused = self->open();
    opened.set_value(refused);
    if (!refused) self->run();
  });
  if (const auto refused = outcome.get()) {
    mover->thread_.join();
    return fail(*refused);
  }
  return mover;
}

Mover::~Mover() {
  if (!thread_.joinable()) return;
  mailbox_->call([this] { stop_ = true; });
  thread_.join();
}

void Mover::call(const std::function<void(platform::Engine&)>& work) {
  mailbox_->call([&] { work(*engine_); });
}

// An io_uring belongs to the thread that made it.
std::optional<platform::SysError> Mover::open() {
  auto engine = platform::make_engine();
  if (!engine) return engine.error();
  engine_ = std::move(*engine);
  if (const auto watched = engine_->watch(0, mailbox_->fd()); !watched) return watched.error();
  if (hooks_.prepare) {
    if (const auto prepared = hooks_.prepare(); !prepared) return prepared.error();
  }
  return std::nullopt;
}

void Mover::run() {
  bool broken = false;
  while (!stop_) {
    if (broken) {
      wait_for_mail();
      continue;
    }
    const auto turned = engine_->turn(std::nullopt, *this);
    if (turned) continue;
    broken = true;
    hooks_.broken(turned.error());
  }
  if (!broken) (void)engine_->turn(platform::boot_now(), *this);
  engine_.reset();
}

// The control thread may wait for an answer, so letters are read to the end.
void Mover::wait_for_mail() const {
  pollfd wanted{mailbox_->fd(), POLLIN, 0};
  if (::poll(&wanted, 1, -1) > 0) mailbox_->run();
}

}  // namespace godwit::client
