#include "platform/engine_base.h"

#include <netinet/udp.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "core/base/check.h"
#include "platform/clock.h"
#include "platform/sockaddr.h"

namespace godwit::platform {
namespace {

constexpr std::uint32_t kRuns = 256;

// Errors of a send that say nothing about the datagram: a queue below the socket was full.
bool is_lost_below(int error) { return error == ENOBUFS || error == ENOMEM; }

// What kernels and drivers say of UDP_SEGMENT where they cannot: before 6.11 EIO for a device that
// does not sum, else EINVAL and EOPNOTSUPP.
bool is_segment_refusal(int error) {
  return error == EIO || error == EINVAL || error == EOPNOTSUPP;
}

}  // namespace

EngineBase::EngineBase(std::string name, std::uint32_t buffers)
    : name_(std::move(name)),
      pool_(buffers),
      pieces_(buffers),
      frames_(kFrames, kFrameSize),
      waiting_(buffers + pieces_.count()),
      runs_(kRuns),
      tun_runs_(runs_),
      tun_queue_(buffers + pieces_.count()) {
  cutting_.reserve(kFrames);
}

void EngineBase::send(std::uint32_t socket, const Buffer& buffer, const Endpoint& to,
                      std::uint8_t tos) {
  queue(buffer.id);
  if (!is_open(socket)) {
    ++stats_.send_dropped;
    recycle(buffer.id);
    return;
  }
  // Member by member: a whole one would be written in small stores and read back in large loads,
  // which wait for each other.
  Waiting& waiting = waiting_[buffer.id];
  waiting.packet = buffer.packet();
  waiting.to = to;
  waiting.tos = tos;
  waiting.alone = false;
  if (!sockets_[socket].queue.push_back(buffer.id)) {
    ++stats_.send_dropped;
    recycle(buffer.id);
  }
}

void EngineBase::write_tun(const Buffer& buffer) {
  queue(buffer.id);
  waiting_[buffer.id].packet = buffer.packet();
  if (tun_ < 0 || !tun_queue_.push_back(buffer.id)) write_ended(buffer.id, false);
}

std::optional<Buffer> EngineBase::allocate() {
  const auto id = pool_.take();
  if (!id) {
    ++stats_.no_buffer;
    return std::nullopt;
  }
  return Buffer{pool_.storage(*id), kTunHead, 0, *id};
}

void EngineBase::release(const Buffer& buffer) {
  queue(buffer.id);
  recycle(buffer.id);
}

void EngineBase::deliver_tun(Sink& sink, std::span<Buffer> packets) {
  if (packets.empty()) return;
  // The sink may scribble over its views, so the numbers are kept here.
  std::array<std::uint32_t, kBatch> ids;
  for (std::size_t i = 0; i < packets.size(); ++i) lend(ids[i] = packets[i].id);
  stats_.tun_read += packets.size();
  sink.on_tun(packets);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (is_lent(ids[i])) recycle(ids[i]);
  }
}

void EngineBase::deliver_udp(Sink& sink, std::uint32_t socket, std::span<Datagram> datagrams) {
  if (datagrams.empty()) return;
  std::array<std::uint32_t, kBatch> ids;
  for (std::size_t i = 0; i < datagrams.size(); ++i) lend(ids[i] = datagrams[i].buffer.id);
  stats_.udp_received += datagrams.size();
  sink.on_udp(socket, datagrams);
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    if (is_lent(ids[i])) recycle(ids[i]);
  }
}

Result<void, SysError> EngineBase::read_tun_batch(Sink& sink) {
  int error = 0;
  for (std::size_t count = 0; count < kBatch && error == 0;) {
    const auto id = frames_.take();
    if (!id) {
      // All are waiting to be cut: the packets before them have to leave first.
      deliver_frames(sink);
      if (tun_ < 0 || frames_.free_count() == 0) return {};
      continue;
    }
    const ssize_t got = ::read(tun_, frames_.storage(*id).data(), kFrameSize);
    ++stats_.system_calls;
    if (got > 0) {
      ++count;
      keep_frame(*id, static_cast<std::size_t>(got));
      continue;
    }
    frames_.give_back(*id);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) error = errno;
    break;
  }
  deliver_frames(sink);
  if (error != 0) return fail(SysError{"read from the TUN device", error, {}});
  return {};
}

void EngineBase::keep_frame(std::uint32_t id, std::size_t size) {
  ++stats_.tun_frames;
  MutBytes frame = frames_.storage(id).first(size);
  TunOffload offload;
  const bool whole = !offloads_.header || size > TunOffload::kSize;
  if (offloads_.header && whole) {
    offload = decode_tun_offload(frame);
    frame = frame.subspan(TunOffload::kSize);
  }
  const auto segments = whole ? Segments::of(offload, frame) : fail(Drop::kBadInner);
  if (!segments) {
    ++stats_.tun_refused;
    frames_.give_back(id);
    return;
  }
  cutting_.push_back({id, *segments, 0});
}

void EngineBase::deliver_frames(Sink& sink) {
  std::size_t count = 0;
  while (!cutting_.empty()) {
    Frame& frame = cutting_.front();
    if (frame.next == frame.segments.count()) {
      frames_.give_back(frame.id);
      cutting_.erase(cutting_.begin());
      continue;
    }
    const std::size_t size = frame.segments.size(frame.next);
    if (size > kPacketMax) {
      ++stats_.truncated;
      ++frame.next;
      continue;
    }
    if (!may_read_tun()) break;  // what was delivered has to leave first
    const auto id = pool_.take();
    CHECK(id);
    const MutBytes storage = pool_.storage(*id);
    frame.segments.write(frame.next++, storage.subspan(kTunHead, size));
    Buffer& buffer = tun_batch_[count++];
    buffer.storage = storage;
    buffer.begin = kTunHead;
    buffer.size = size;
    buffer.id = *id;
    if (count < kBatch) continue;
    deliver_tun(sink, tun_batch_);
    count = 0;
  }
  deliver_tun(sink, std::span(tun_batch_).first(count));
}

void EngineBase::drop_frames() {
  for (const Frame& frame : cutting_) frames_.give_back(frame.id);
  cutting_.clear();
}

std::optional<std::uint32_t> EngineBase::form_sends(std::uint32_t socket) {
  Socket& owner = sockets_[socket];
  if (owner.queue.empty() || runs_.empty()) return std::nullopt;
  const std::uint32_t number = runs_.take();
  Run& run = runs_[number];
  const std::uint32_t first_id = owner.queue.pop_front();
  const Waiting& first = waiting_[first_id];
  const std::size_t size = first.packet.size();
  run.start(first_id, first.packet);
  std::size_t octets = size;
  // UDP_SEGMENT: all of one size, the last one may be shorter.
  bool open = owner.runs && size > 0 && !first.alone;
  while (open && !owner.queue.empty() && run.count < kRunMax) {
    const std::uint32_t id = owner.queue.at(0);
    const Waiting& next = waiting_[id];
    octets += next.packet.size();
    if (next.alone || next.packet.size() > size || next.packet.empty() || octets > kRunOctetsMax ||
        next.tos != first.tos || next.to != first.to) {
      break;
    }
    run.add(owner.queue.pop_front(), next.packet);
    open = next.packet.size() == size;
  }
  run.socket = socket;
  run.generation = owner.generation;
  run.address(first.to, first.tos, size);
  ++stats_.udp_sends;
  return number;
}

bool EngineBase::part_run(const Run& run, int error) {
  if (run.count == 1 || error <= 0 || error == EAGAIN || is_lost_below(error) ||
      !is_open(run.socket)) {
    return false;
  }
  for (std::size_t i = 0; i < run.count; ++i) waiting_[run.ids[i]].alone = true;
  if (is_segment_refusal(error) && std::exchange(sockets_[run.socket].runs, false)) {
    leave_rung("send joined datagrams", error);
  }
  return true;
}

void EngineBase::sends_ended(std::uint32_t number, int error, Sink& sink) {
  const Run& run = runs_[number];
  for (std::size_t i = 0; i < run.count; ++i) send_ended(run.socket, run.ids[i], error, sink);
  runs_.give_back(number);
}

void EngineBase::sends_refused(std::uint32_t number) {
  const Run& run = runs_[number];
  Socket& socket = sockets_[run.socket];
  for (std::size_t i = run.count; i-- > 0;) {
    if (socket.fd >= 0 && socket.queue.push_front(run.ids[i])) continue;
    ++stats_.send_dropped;
    recycle(run.ids[i]);
  }
  runs_.give_back(number);
}

void EngineBase::writes_ended(std::uint32_t number, int error) {
  const Run& run = runs_[number];
  // Kernels exist that refuse joined frames (6.6.44 and its like); the packets of this one are
  // lost, for its first header says what the whole was.
  if (error == EINVAL && run.count > 1 && joins_.tcp) {
    joins_ = {};
    leave_rung("join packets for the TUN device", error);
  }
  ++stats_.tun_writes;
  for (std::size_t i = 0; i < run.count; ++i) write_ended(run.ids[i], error == 0);
  runs_.give_back(number);
}

void EngineBase::send_ended(std::uint32_t socket, std::uint32_t id, int error, Sink& sink) {
  const std::size_t size = waiting_[id].packet.size();
  recycle(id);
  if (error == 0) {
    ++stats_.udp_sent;
  } else if (is_lost_below(error)) {
    ++stats_.send_dropped;
  } else {
    ++stats_.send_failed;
    sink.on_send_error(socket, error, size);
  }
}

void EngineBase::tell_rungs(Sink& sink) {
  for (const SysError& refusal : rungs_left_) sink.on_rung_left(refusal);
  rungs_left_.clear();
}

void EngineBase::write_ended(std::uint32_t id, bool ok) {
  ++(ok ? stats_.tun_written : stats_.tun_write_failed);
  recycle(id);
}

void EngineBase::open_socket(std::uint32_t number, int fd, Way way, bool may_join) {
  const char* const rung = std::getenv("GODWIT_UDP");
  Socket& socket = sockets_[number];
  socket.fd = fd;
  socket.receives = way != Way::kOut;
  socket.blocked = false;
  // A raw socket would take no notice of UDP_SEGMENT and send the whole run as one packet.
  int protocol = 0;
  socklen_t size = sizeof protocol;
  const bool udp =
      ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_UDP;
  const std::string_view most = rung == nullptr ? "" : rung;
  socket.runs = udp && most != "plain";
  socket.joins = {};
  socket.joins.possible = socket.joins.wanted =
      udp && socket.receives && may_join && most != "plain" && most != "send";
}

void EngineBase::drop_queue(Socket& socket) {
  while (!socket.queue.empty()) {
    ++stats_.send_dropped;
    recycle(socket.queue.pop_front());
  }
}

void EngineBase::drop_tun_queue() {
  while (!tun_queue_.empty()) write_ended(tun_queue_.pop_front(), false);
}

Result<bool, SysError> EngineBase::arm_timer(std::optional<Instant> until) {
  if (!timer_) {
    // A timer of this clock fires right after a resume, where a relative timeout of epoll_wait or
    // io_uring would first wait for the rest of its time: those stand still during suspend.
    timer_ = Fd(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!timer_) return fail(last_error("timerfd_create"));
  }
  if (!until) return false;
  if (*until <= boot_now()) return true;
  // A deadline moves later with almost every packet. The old, earlier one only costs a wake-up.
  if (timer_at_ && *timer_at_ <= *until) return false;
  const auto since_boot = until->time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  const itimerspec when{{0, 0}, {seconds.count(), (since_boot - seconds).count()}};
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) != 0) {
    return fail(last_error("timerfd_settime"));
  }
  timer_at_ = until;
  return false;
}

void EngineBase::clear_timer() {
  std::uint64_t ticks = 0;
  if (::read(timer_.get(), &ticks, sizeof ticks) > 0) timer_at_.reset();
}

}  // namespace godwit::platform
