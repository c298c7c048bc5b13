#include "platform/epoll_engine.h"

#include <sys/epoll.h>

#include <algorithm>

namespace godwit::platform {
namespace {
constexpr std::size_t kEventsMax = 32;
}  // namespace

Result<std::unique_ptr<Engine>, SysError> EpollEngine::make(std::string name,
                                                            std::uint32_t buffers) {
  auto engine = std::unique_ptr<EpollEngine>(new EpollEngine(std::move(name), buffers));
  engine->epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!engine->epoll_) return fail(last_error("epoll_create1"));
  GODWIT_TRY(engine->arm_timer(std::nullopt));
  GODWIT_TRY(engine->control(EPOLL_CTL_ADD, engine->timer_.get(), EPOLLIN, Kind::kTimer, 0));
  return std::unique_ptr<Engine>(std::move(engine));
}

Result<void, SysError> EpollEngine::control(int op, int fd, std::uint32_t events, Kind kind,
                                            std::uint32_t number) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = (std::uint64_t{static_cast<std::uint32_t>(kind)} << 32) | number;
  if (::epoll_ctl(epoll_.get(), op, fd, &event) != 0) return fail(last_error("epoll_ctl"));
  return {};
}

Result<void, SysError> EpollEngine::add_tun(int fd, const TunOffloads& offloads, Way way) {
  remove_tun();
  reads_tun_ = way != Way::kOut;
  if (reads_tun_) GODWIT_TRY(control(EPOLL_CTL_ADD, fd, EPOLLIN, Kind::kTun, 0));
  tun_ = fd;
  offloads_ = joins_ = offloads;
  tun_paused_ = false;
  return {};
}

void EpollEngine::remove_tun() {
  if (tun_ < 0) return;
  if (reads_tun_) (void)control(EPOLL_CTL_DEL, tun_, 0, Kind::kTun, 0);
  tun_ = -1;
  drop_frames();
  drop_tun_queue();
}

Result<void, SysError> EpollEngine::add_udp(std::uint32_t socket, int fd, Way way, bool may_join) {
  if (socket >= kSocketsMax) return fail(SysError{"add a UDP socket", EINVAL, {}});
  remove_udp(socket);
  const std::uint32_t events = way == Way::kOut ? 0U : EPOLLIN;
  GODWIT_TRY(control(EPOLL_CTL_ADD, fd, events, Kind::kUdp, socket));
  open_socket(socket, fd, way, may_join);
  return {};
}

void EpollEngine::remove_udp(std::uint32_t socket) {
  if (!is_open(socket)) return;
  (void)control(EPOLL_CTL_DEL, sockets_[socket].fd, 0, Kind::kUdp, socket);
  drop_queue(sockets_[socket]);
  sockets_[socket].fd = -1;
  ++sockets_[socket].generation;
}

Result<void, SysError> EpollEngine::watch(std::uint32_t id, int fd) {
  unwatch(id);
  GODWIT_TRY(control(EPOLL_CTL_ADD, fd, EPOLLIN, Kind::kWatch, id));
  watches_.push_back({id, fd});
  return {};
}

void EpollEngine::unwatch(std::uint32_t id) {
  const auto it = std::find_if(watches_.begin(), watches_.end(),
                               [id](const Watch& watch) { return watch.id == id; });
  if (it == watches_.end()) return;
  (void)control(EPOLL_CTL_DEL, it->fd, 0, Kind::kWatch, id);
  watches_.erase(it);
}

Result<void, SysError> EpollEngine::set_blocked(std::uint32_t number, bool blocked) {
  Socket& socket = sockets_[number];
  if (socket.blocked == blocked) return {};
  socket.blocked = blocked;
  std::uint32_t events = socket.receives ? EPOLLIN : 0U;
  if (blocked) events |= EPOLLOUT;
  return control(EPOLL_CTL_MOD, socket.fd, events, Kind::kUdp, number);
}

Result<void, SysError> EpollEngine::flush_socket(std::uint32_t number, Sink& sink) {
  Socket& socket = sockets_[number];
  while (!socket.queue.empty() && !socket.blocked) {
    std::array<mmsghdr, kBatch> headers;
    std::array<std::uint32_t, kBatch> runs;
    std::size_t count = 0;
    while (count < kBatch) {
      const auto run = form_sends(number);
      if (!run) break;
      runs[count] = *run;
      headers[count++] = {runs_[*run].header, 0};
    }
    const int sent =
        ::sendmmsg(socket.fd, headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    const int error = sent < 0 ? errno : 0;
    ++stats_.system_calls;
    std::size_t ended = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    const bool again = error == EINTR || error == EAGAIN || part_run(runs_[runs[0]], error);
    // sendmmsg reports the error of the first message only; the rest gets its own try, behind it.
    if (error != 0 && !again) ended = 1;
    for (std::size_t i = count; i-- > ended;) sends_refused(runs[i]);
    for (std::size_t i = 0; i < ended; ++i) sends_ended(runs[i], error, sink);
    if (error != EAGAIN) continue;
    ++stats_.send_waited;
    return set_blocked(number, true);
  }
  return {};
}

void EpollEngine::flush_tun() {
  form_writes([this](std::uint32_t number) {
    Run& run = runs_[number];
    ssize_t wrote = 0;
    do {
      wrote = ::writev(tun_, run.data.data(), static_cast<int>(run.pieces));
      ++stats_.system_calls;
    } while (wrote < 0 && errno == EINTR);
    writes_ended(number, wrote < 0 ? errno : 0);
  });
}

Result<void, SysError> EpollEngine::flush(Sink& sink) {
  while (tun_ >= 0 && !tun_queue_.empty()) flush_tun();
  for (std::uint32_t number = 0; number < kSocketsMax; ++number) {
    if (sockets_[number].fd >= 0) GODWIT_TRY(flush_socket(number, sink));
  }
  if (tun_ >= 0 && reads_tun_ && tun_paused_ == may_read_tun()) {
    tun_paused_ = !tun_paused_;
    GODWIT_TRY(control(EPOLL_CTL_MOD, tun_, tun_paused_ ? 0U : EPOLLIN, Kind::kTun, 0));
  }
  return {};
}

Result<void, SysError> EpollEngine::turn(std::optional<Instant> until, Sink& sink) {
  ++stats_.turns;
  GODWIT_TRY(flush(sink));
  // Frames that waited for buffers go on now that packets have left.
  const bool waiting = !cutting_.empty();
  if (waiting) {
    deliver_frames(sink);
    GODWIT_TRY(flush(sink));
  }
  const bool passed = GODWIT_TRY(arm_timer(until)) || waiting;
  std::array<epoll_event, kEventsMax> events;
  const int ready = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, passed ? 0 : -1);
  ++stats_.system_calls;
  if (ready < 0) {
    if (errno == EINTR) return {};
    return fail(last_error("epoll_wait"));
  }
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const std::uint64_t key = event.data.u64;
    GODWIT_TRY(
        handle(static_cast<Kind>(key >> 32), static_cast<std::uint32_t>(key), event.events, sink));
  }
  tell_rungs(sink);
  return {};
}

Result<void, SysError> EpollEngine::handle(Kind kind, std::uint32_t number, std::uint32_t events,
                                           Sink& sink) {
  switch (kind) {
    case Kind::kTimer:
      clear_timer();
      return {};
    case Kind::kTun:
      // A callback of this turn may have removed what a later event is about.
      if (tun_ < 0 || tun_paused_) return {};
      return read_tun_batch(sink);
    case Kind::kUdp:
      if (!is_open(number)) return {};
      if ((events & EPOLLOUT) != 0) GODWIT_TRY(set_blocked(number, false));
      // EPOLLERR alone is an error to fetch: recvmmsg does that.
      if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return {};
      if (!sockets_[number].receives) {
        // What arrives is another engine's; only the error is fetched.
        int error = 0;
        socklen_t size = sizeof error;
        (void)::getsockopt(sockets_[number].fd, SOL_SOCKET, SO_ERROR, &error, &size);
        return {};
      }
      return receive_batch(number, sink);
    case Kind::kWatch:
      for (const Watch& watch : watches_) {
        if (watch.id != number) continue;
        sink.on_readable(number);
        break;
      }
      return {};
  }
  return {};
}

}  // namespace godwit::platform
