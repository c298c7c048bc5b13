#include "platform/ring_engine.h"

#include <poll.h>
#include <sys/mman.h>

#include <algorithm>

#include "core/base/check.h"

namespace godwit::platform {
namespace {

// What stands before the payload of a multishot recvmsg: a header, the name and the control data.
// The name's room is rounded up so that the control data behind it is aligned.
constexpr std::size_t kNameRoom = 32;
static_assert(kNameRoom >= sizeof(sockaddr_in6) && kNameRoom % alignof(cmsghdr) == 0);
static_assert(sizeof(io_uring_recvmsg_out) + kNameRoom >= limits::kHeadRoom);

}  // namespace

std::uint64_t RingEngine::key(Kind kind, std::uint32_t generation, std::uint32_t number) {
  return (std::uint64_t{static_cast<std::uint8_t>(kind)} << 56) |
         (std::uint64_t{generation & 0xff'ffff} << 32) | number;
}

io_uring_sqe* RingEngine::sqe() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry == nullptr) {
    (void)io_uring_submit(&ring_);
    ++stats_.system_calls;
    entry = io_uring_get_sqe(&ring_);
  }
  CHECK(entry != nullptr);
  return entry;
}

void RingEngine::refill(Group& group) {
  if (group.ring == nullptr) return;
  int added = 0;
  while (group.lent < group.entries) {
    const auto id = group.pool->take();
    if (!id) {
      if (group.pool == &pool_) ++stats_.no_buffer;
      break;
    }
    io_uring_buf_ring_add(group.ring, group.pool->storage(*id).data(),
                          static_cast<unsigned>(group.room), static_cast<unsigned short>(*id),
                          io_uring_buf_ring_mask(group.entries), added++);
    ++group.lent;
  }
  if (added != 0) io_uring_buf_ring_advance(group.ring, added);
}

// Takes the frames back that the kernel has, for the rung below.
void RingEngine::leave_multishot_tun() {
  multishot_tun_ = false;
  if (io_uring_unregister_buf_ring(&ring_, kTunGroup) != 0) return;
  for (std::uint32_t id = 0; id < frames_.count(); ++id) {
    const bool cut = std::ranges::find(cutting_, id, &Frame::id) != cutting_.end();
    if (!cut && frames_.state(id) != BufferPool::State::kFree) frames_.give_back(id);
  }
  ::munmap(tun_group_.ring, tun_group_.entries * sizeof(io_uring_buf));
  tun_group_ = Group{};
}

// The frames for joined datagrams stay with the kernel, so the rung below does without.
void RingEngine::leave_multishot_udp() {
  multishot_udp_ = false;
  for (Socket& socket : sockets_) socket.joins.possible = socket.joins.wanted = false;
}

void RingEngine::arm_poll(int fd, unsigned events, std::uint64_t user_data) {
  io_uring_sqe* const entry = sqe();
  io_uring_prep_poll_add(entry, fd, events);
  io_uring_sqe_set_data64(entry, user_data);
}

void RingEngine::arm_tun() {
  const std::uint64_t user_data = key(Kind::kTun, tun_source_.generation, 0);
  if (!multishot_tun_) {
    if (!may_read_tun()) return;
    arm_poll(tun_, POLLIN, user_data);
  } else {
    if (tun_group_.lent == 0) return;
    io_uring_sqe* const entry = sqe();
    io_uring_prep_rw(kOpReadMultishot, entry, tun_, nullptr, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = kTunGroup;
    io_uring_sqe_set_data64(entry, user_data);
  }
  tun_source_.armed = true;
}

void RingEngine::arm_udp(std::uint32_t number) {
  Source& source = sources_[number];
  if (!multishot_udp_) {
    source.joined = false;
    arm_poll(sockets_[number].fd, POLLIN, read_key(number));
  } else {
    source.joined = sockets_[number].joins.on;
    Group& group = source.joined ? joined_group_ : udp_group_;
    refill(group);
    if (group.lent == 0) return;
    source.header = {};
    source.header.msg_namelen = kNameRoom;
    source.header.msg_controllen = kControlRoom;
    io_uring_sqe* const entry = sqe();
    io_uring_prep_recvmsg_multishot(entry, sockets_[number].fd, &source.header, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = static_cast<std::uint16_t>(source.joined ? kJoinedGroup : kUdpGroup);
    io_uring_sqe_set_data64(entry, read_key(number));
  }
  source.armed = true;
}

// A request that reads the wrong way is called back; when its last completion is there, what the
// socket holds is read without it, and the next request reads the other way.
void RingEngine::follow_joins(std::uint32_t number, Sink& sink) {
  Source& source = sources_[number];
  const Joins& joins = sockets_[number].joins;
  if (!multishot_udp_ || joins.on == joins.wanted || source.stopping) return;
  if (source.armed) {
    cancel(read_key(number));
    source.stopping = true;
    return;
  }
  while (is_open(number) && joins.on != joins.wanted && !broken_) {
    if (const auto read = receive_batch(number, sink); !read) broken_ = read.error();
  }
}

void RingEngine::arm_all(Sink& sink) {
  refill(udp_group_);
  // Before Linux 6.7 the frames are for the reads of the rung below.
  if (multishot_tun_) refill(tun_group_);
  if (tun_ >= 0 && reads_tun_ && !tun_source_.armed) arm_tun();
  for (std::uint32_t number = 0; number < kSocketsMax; ++number) {
    if (!sockets_[number].receives || !is_open(number)) continue;
    follow_joins(number, sink);
    if (!is_open(number)) continue;
    if (sources_[number].joined) refill(joined_group_);
    if (!sources_[number].armed) arm_udp(number);
  }
  for (Watch& watch : watches_) {
    if (watch.armed) continue;
    arm_poll(watch.fd, POLLIN, key(Kind::kWatch, watch.generation, watch.id));
    watch.armed = true;
  }
  if (!timer_armed_) {
    arm_poll(timer_.get(), POLLIN, key(Kind::kTimer, 0, 0));
    timer_armed_ = true;
  }
}

void RingEngine::queue_sends() {
  if (tun_ >= 0) {
    form_writes([this](std::uint32_t number) {
      io_uring_sqe* const entry = sqe();
      io_uring_prep_writev(entry, tun_, runs_[number].data.data(),
                           static_cast<unsigned>(runs_[number].pieces), 0);
      io_uring_sqe_set_data64(entry, key(Kind::kWrite, 0, number));
    });
  }
  for (std::uint32_t socket = 0; socket < kSocketsMax; ++socket) {
    while (sockets_[socket].fd >= 0 && !sockets_[socket].blocked) {
      const auto run = form_sends(socket);
      if (!run) break;
      io_uring_sqe* const entry = sqe();
      // Never poll-armed by the kernel: a later datagram would overtake this one.
      io_uring_prep_sendmsg(entry, sockets_[socket].fd, &runs_[*run].header, MSG_DONTWAIT);
      io_uring_sqe_set_data64(entry, key(Kind::kSend, 0, *run));
    }
  }
}

void RingEngine::cancel(std::uint64_t user_data) {
  io_uring_sqe* const entry = sqe();
  io_uring_prep_cancel64(entry, user_data, 0);
  io_uring_sqe_set_data64(entry, key(Kind::kCancel, 0, 0));
}

Result<void, SysError> RingEngine::add_tun(int fd, const TunOffloads& offloads, Way way) {
  remove_tun();
  tun_ = fd;
  reads_tun_ = way != Way::kOut;
  offloads_ = joins_ = offloads;
  tun_source_.generation = ++next_generation_;
  tun_source_.armed = false;
  return {};
}

void RingEngine::remove_tun() {
  if (tun_ < 0) return;
  if (tun_source_.armed) {
    cancel(key(Kind::kTun, tun_source_.generation, 0));
    // Ends the request now: it holds the file, and with it the device.
    (void)io_uring_submit_and_get_events(&ring_);
  }
  tun_ = -1;
  tun_source_.generation = ++next_generation_;
  tun_source_.armed = false;
  drop_frames();
  drop_tun_queue();
}

Result<void, SysError> RingEngine::add_udp(std::uint32_t socket, int fd, Way way, bool may_join) {
  if (socket >= kSocketsMax) return fail(SysError{"add a UDP socket", EINVAL, {}});
  remove_udp(socket);
  open_socket(socket, fd, way, may_join);
  sources_[socket].generation = ++next_generation_;
  sources_[socket].armed = sources_[socket].stopping = false;
  return {};
}

void RingEngine::remove_udp(std::uint32_t socket) {
  if (!is_open(socket)) return;
  if (sources_[socket].armed) {
    cancel(read_key(socket));
    (void)io_uring_submit_and_get_events(&ring_);
  }
  drop_queue(sockets_[socket]);
  sockets_[socket].fd = -1;
  ++sockets_[socket].generation;
  sources_[socket].generation = ++next_generation_;
  sources_[socket].armed = sources_[socket].stopping = false;
}

Result<void, SysError> RingEngine::watch(std::uint32_t id, int fd) {
  unwatch(id);
  watches_.push_back({id, fd, false, ++next_generation_});
  return {};
}

void RingEngine::unwatch(std::uint32_t id) {
  const auto it = std::find_if(watches_.begin(), watches_.end(),
                               [id](const Watch& watch) { return watch.id == id; });
  if (it == watches_.end()) return;
  if (it->armed) cancel(key(Kind::kWatch, it->generation, id));
  watches_.erase(it);
}

Result<void, SysError> RingEngine::turn(std::optional<Instant> until, Sink& sink) {
  ++stats_.turns;
  const std::uint64_t received = stats_.udp_received;
  arm_all(sink);
  queue_sends();
  // Who was told something already may want something before it waits.
  const bool passed = GODWIT_TRY(arm_timer(until)) || stats_.udp_received != received;
  int status = 0;
  if (passed) {
    // Without a wait the kernel keeps deferred completions back unless they are asked for.
    status = io_uring_submit_and_get_events(&ring_);
  } else {
    const auto most = gather_time();
    status = most ? wait_for_many(*most) : io_uring_submit_and_wait(&ring_, 1);
    at_wait_ = stats_.udp_received;
  }
  ++stats_.system_calls;
  if (status < 0 && status != -EINTR && status != -EAGAIN && status != -EBUSY) {
    return fail(SysError{"io_uring_enter", -status, {}});
  }
  drain(sink);
  tell_rungs(sink);
  if (broken_) return fail(*broken_);
  return {};
}

// Datagrams that come one by one, but many, are worth a short wait for more: to wake up and to
// write into the TUN cost more than to open one of them. The waits are those of a network card that
// moderates its interrupts. What reads the TUN must not wait, for its queue is short.
std::optional<Duration> RingEngine::gather_time() const {
  constexpr std::uint64_t kSome = 2;
  constexpr std::uint64_t kMany = 4;
  if ((ring_.features & IORING_FEAT_EXT_ARG) == 0 || tun_source_.armed) return std::nullopt;
  const std::uint64_t received = stats_.udp_received - at_wait_;
  const bool joined =
      std::any_of(sources_.begin(), sources_.end(), [](const Source& s) { return s.joined; });
  if (joined || received < kSome) return std::nullopt;
  return received < kMany ? 200us : 400us;
}

int RingEngine::wait_for_many(Duration most) {
  __kernel_timespec timeout{0, std::chrono::nanoseconds(most).count()};
  io_uring_cqe* first = nullptr;
  const int status = io_uring_submit_and_wait_timeout(&ring_, &first, kBatch, &timeout, nullptr);
  return status == -ETIME ? 0 : status;
}

void RingEngine::drain(Sink& sink) {
  // io_uring_peek_cqe enters the kernel for completions that it keeps back (IORING_SQ_TASKRUN). A
  // turn takes a bounded number, so that a flood cannot keep the caller from its deadlines.
  io_uring_cqe* cqe = nullptr;
  for (unsigned seen = 0; seen < 4 * kEntries && io_uring_peek_cqe(&ring_, &cqe) == 0; ++seen) {
    const io_uring_cqe copy = *cqe;
    io_uring_cqe_seen(&ring_, cqe);
    handle(copy, sink);
  }
  deliver_frames(sink);
  flush_udp(sink);
  for (std::uint32_t number = 0; number < kSocketsMax; ++number) requeue(number);
}

void RingEngine::handle(const io_uring_cqe& cqe, Sink& sink) {
  const auto kind = static_cast<Kind>(cqe.user_data >> 56);
  const auto generation = static_cast<std::uint32_t>((cqe.user_data >> 32) & 0xff'ffff);
  const auto number = static_cast<std::uint32_t>(cqe.user_data);
  switch (kind) {
    case Kind::kTimer:
      timer_armed_ = false;
      clear_timer();
      return;
    case Kind::kTun:
      if (generation == (tun_source_.generation & 0xff'ffff)) return on_tun(cqe, sink);
      break;
    case Kind::kUdp:
    case Kind::kJoined:
      if (generation == (sources_[number].generation & 0xff'ffff)) {
        return on_udp(number, kind, cqe, sink);
      }
      break;
    case Kind::kWatch:
      for (Watch& watch : watches_) {
        if (watch.id != number || (watch.generation & 0xff'ffff) != generation) continue;
        watch.armed = false;
        return sink.on_readable(number);
      }
      return;
    case Kind::kWritable:
      sockets_[number].blocked = false;
      return;
    case Kind::kSend:
      return on_sent(number, cqe.res, sink);
    case Kind::kWrite:
      return writes_ended(number, cqe.res < 0 ? -cqe.res : 0);
    case Kind::kCancel:
      return;
  }
  // A packet for a source that was removed meanwhile.
  if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
    Group& group = group_of(kind);
    --group.lent;
    group.pool->give_back(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
  }
}

void RingEngine::on_tun(const io_uring_cqe& cqe, Sink& sink) {
  if (!multishot_tun_) {
    tun_source_.armed = false;
    if (tun_ < 0) return;
    if (const auto read = read_tun_batch(sink); !read) broken_ = read.error();
    return;
  }
  if ((cqe.flags & IORING_CQE_F_MORE) == 0) tun_source_.armed = false;
  if ((cqe.flags & IORING_CQE_F_BUFFER) == 0) {
    // EINVAL, EBADFD, EOPNOTSUPP: the opcode is there, the device cannot.
    if (cqe.res < 0 && cqe.res != -ENOBUFS && cqe.res != -EAGAIN && cqe.res != -EINTR &&
        cqe.res != -ECANCELED) {
      leave_multishot_tun();
      leave_rung("read the TUN device again and again", -cqe.res);
    }
    return;
  }
  const std::uint32_t id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
  --tun_group_.lent;
  if (cqe.res <= 0) return frames_.give_back(id);
  keep_frame(id, static_cast<std::size_t>(cqe.res));
}

void RingEngine::on_udp(std::uint32_t number, Kind kind, const io_uring_cqe& cqe, Sink& sink) {
  Source& source = sources_[number];
  if (!multishot_udp_) {
    source.armed = false;
    if (!is_open(number)) return;
    if (const auto read = receive_batch(number, sink); !read) broken_ = read.error();
    return;
  }
  if ((cqe.flags & IORING_CQE_F_MORE) == 0) source.armed = source.stopping = false;
  if ((cqe.flags & IORING_CQE_F_BUFFER) == 0) {
    // Errors that ICMP left on the socket come here as well; only a refused request changes rungs.
    if (cqe.res == -EINVAL || cqe.res == -EOPNOTSUPP) {
      leave_multishot_udp();
      leave_rung("receive again and again", -cqe.res);
    }
    return;
  }
  const std::uint32_t id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
  Group& group = group_of(kind);
  --group.lent;
  if (cqe.res < 0) return group.pool->give_back(id);
  keep_message(number, id, static_cast<std::size_t>(cqe.res), sink);
}

void RingEngine::keep_message(std::uint32_t number, std::uint32_t id, std::size_t size,
                              Sink& sink) {
  Group& group = sources_[number].joined ? joined_group_ : udp_group_;
  const MutBytes storage = group.pool->storage(id);
  msghdr& wanted = sources_[number].header;
  io_uring_recvmsg_out* const out =
      io_uring_recvmsg_validate(storage.data(), static_cast<int>(size), &wanted);
  if (out == nullptr) return group.pool->give_back(id);
  msghdr header{};
  header.msg_name = io_uring_recvmsg_name(out);
  header.msg_namelen = std::min<socklen_t>(out->namelen, kNameRoom);
  header.msg_control = static_cast<std::uint8_t*>(header.msg_name) + wanted.msg_namelen;
  header.msg_controllen = std::min<std::size_t>(out->controllen, kControlRoom);
  header.msg_flags = static_cast<int>(out->flags);
  const auto arrival = decode_arrival(header);
  if (!arrival) {
    ++stats_.truncated;
    return group.pool->give_back(id);
  }
  const auto* payload = static_cast<const std::uint8_t*>(io_uring_recvmsg_payload(out, &wanted));
  const auto begin = static_cast<std::size_t>(payload - storage.data());
  if (sources_[number].joined) return keep_joined(number, id, begin, size - begin, *arrival, sink);
  keep_datagram(number, id, begin, size - begin, *arrival, sink);
}

void RingEngine::on_sent(std::uint32_t number, int result, Sink& sink) {
  const Run& run = runs_[number];
  const std::uint32_t socket = run.socket;
  const bool current = is_open(socket) && sockets_[socket].generation == run.generation;
  if (current && result == -EAGAIN) {
    refused_[socket].push_back(number);
    return;
  }
  if (current && part_run(run, -result)) {
    parted_[socket].push_back(number);
    return;
  }
  if (result >= 0 && current) {
    // It went although an earlier one did not: that one is late now, and late is lost.
    for (const std::uint32_t late : refused_[socket]) sends_ended(late, ENOBUFS, sink);
    refused_[socket].clear();
  }
  sends_ended(number, result < 0 ? -result : 0, sink);
}

// What a full socket refused goes back to the front of its queue, in order.
void RingEngine::requeue(std::uint32_t number) {
  std::vector<std::uint32_t>& parted = parted_[number];
  for (auto run = parted.rbegin(); run != parted.rend(); ++run) sends_refused(*run);
  parted.clear();
  std::vector<std::uint32_t>& refused = refused_[number];
  if (refused.empty()) return;
  Socket& socket = sockets_[number];
  ++stats_.send_waited;
  for (auto run = refused.rbegin(); run != refused.rend(); ++run) sends_refused(*run);
  refused.clear();
  if (socket.fd < 0 || socket.blocked) return;
  socket.blocked = true;
  arm_poll(socket.fd, POLLOUT, key(Kind::kWritable, 0, number));
}

}  // namespace godwit::platform
