#include "platform/engine_base.h"

#include <sys/timerfd.h>

#include "core/base/check.h"
#include "platform/clock.h"
#include "platform/sockaddr.h"

namespace godwit::platform {
namespace {

// Errors of a send that say nothing about the datagram: a queue below the socket was full.
bool is_lost_below(int error) { return error == ENOBUFS || error == ENOMEM; }

void set_tos(msghdr& header, MutBytes room, bool v4, int tos) {
  if (tos == 0) {
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    return;
  }
  header.msg_control = room.data();
  header.msg_controllen = CMSG_SPACE(sizeof(int));
  cmsghdr* const control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  control->cmsg_type = v4 ? IP_TOS : IPV6_TCLASS;
  control->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(control), &tos, sizeof tos);
}

}  // namespace

bool decode_header(const msghdr& header, Datagram& datagram) {
  if ((header.msg_flags & MSG_TRUNC) != 0) return false;
  datagram.from = from_sockaddr(header.msg_name, header.msg_namelen);
  datagram.tos = 0;
  auto* const mutable_header = const_cast<msghdr*>(&header);  // CMSG_NXTHDR wants it so
  for (cmsghdr* control = CMSG_FIRSTHDR(mutable_header); control != nullptr;
       control = CMSG_NXTHDR(mutable_header, control)) {
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_TOS) {
      datagram.tos = *CMSG_DATA(control);  // one octet
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_TCLASS) {
      int traffic_class = 0;
      std::memcpy(&traffic_class, CMSG_DATA(control), sizeof traffic_class);
      datagram.tos = static_cast<std::uint8_t>(traffic_class);
    }
  }
  return true;
}

EngineBase::EngineBase(std::string name, std::uint32_t buffers)
    : name_(std::move(name)),
      pool_(buffers),
      slots_(buffers),
      writes_(buffers),
      tun_queue_(buffers) {}

void EngineBase::send(std::uint32_t socket, const Buffer& buffer, const Endpoint& to,
                      std::uint8_t tos) {
  pool_.queue(buffer.id);
  if (!is_open(socket)) {
    ++stats_.send_dropped;
    recycle(buffer.id);
    return;
  }
  Socket& owner = sockets_[socket];
  SendSlot& slot = slots_[buffer.id];
  const MutBytes packet = buffer.packet();
  slot.socket = socket;
  slot.generation = owner.generation;
  slot.data = {packet.data(), packet.size()};
  slot.header.msg_name = &slot.to;
  slot.header.msg_namelen = to_sockaddr(to, slot.to);
  slot.header.msg_iov = &slot.data;
  slot.header.msg_iovlen = 1;
  set_tos(slot.header, slot.control, to.address.is_v4(), tos);
  if (!owner.queue.push_back(buffer.id)) {
    ++stats_.send_dropped;
    recycle(buffer.id);
  }
}

void EngineBase::write_tun(const Buffer& buffer) {
  pool_.queue(buffer.id);
  const MutBytes packet = buffer.packet();
  writes_[buffer.id] = {packet.data(), packet.size()};
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
  pool_.queue(buffer.id);
  recycle(buffer.id);
}

void EngineBase::deliver_tun(Sink& sink, std::span<Buffer> packets) {
  if (packets.empty()) return;
  // The sink may scribble over its views, so the numbers are kept here.
  std::array<std::uint32_t, kBatch> ids;
  for (std::size_t i = 0; i < packets.size(); ++i) pool_.lend(ids[i] = packets[i].id);
  stats_.tun_read += packets.size();
  sink.on_tun(packets);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (pool_.state(ids[i]) == BufferPool::State::kLent) recycle(ids[i]);
  }
}

void EngineBase::deliver_udp(Sink& sink, std::uint32_t socket, std::span<Datagram> datagrams) {
  if (datagrams.empty()) return;
  std::array<std::uint32_t, kBatch> ids;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    pool_.lend(ids[i] = datagrams[i].buffer.id);
  }
  stats_.udp_received += datagrams.size();
  sink.on_udp(socket, datagrams);
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    if (pool_.state(ids[i]) == BufferPool::State::kLent) recycle(ids[i]);
  }
}

Result<void, SysError> EngineBase::read_tun_batch(Sink& sink) {
  std::array<Buffer, kBatch> batch;
  std::size_t count = 0;
  int error = 0;
  while (count < kBatch) {
    const auto id = pool_.take();
    if (!id) {
      ++stats_.no_buffer;
      break;
    }
    const MutBytes storage = pool_.storage(*id);
    const ssize_t got = ::read(tun_, storage.data() + kTunHead, kPacketMax);
    ++stats_.system_calls;
    if (got <= 0) {
      pool_.give_back(*id);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno != EAGAIN) error = errno;
      break;
    }
    batch[count++] = Buffer{storage, kTunHead, static_cast<std::size_t>(got), *id};
  }
  deliver_tun(sink, std::span(batch).first(count));
  if (error != 0) return fail(SysError{"read from the TUN device", error, {}});
  return {};
}

Result<void, SysError> EngineBase::receive_batch(std::uint32_t socket, Sink& sink) {
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> data;
  std::array<sockaddr_storage, kBatch> from;
  alignas(cmsghdr) std::array<std::array<std::uint8_t, kControlRoom>, kBatch> control;
  std::array<std::uint32_t, kBatch> ids;
  unsigned room = 0;
  for (; room < kBatch; ++room) {
    const auto id = pool_.take();
    if (!id) break;
    ids[room] = *id;
    const MutBytes storage = pool_.storage(*id);
    data[room] = {storage.data() + kTunHead, kPacketMax};
    headers[room].msg_hdr = {
        &from[room], sizeof from[room], &data[room], 1, &control[room], kControlRoom, 0};
  }
  if (room == 0) ++stats_.no_buffer;
  const int got = ::recvmmsg(sockets_[socket].fd, headers.data(), room, MSG_DONTWAIT, nullptr);
  const int error = got < 0 ? errno : 0;
  ++stats_.system_calls;
  const unsigned count = got < 0 ? 0 : static_cast<unsigned>(got);
  std::array<Datagram, kBatch> batch;
  std::size_t kept = 0;
  for (unsigned i = 0; i < room; ++i) {
    Datagram& datagram = batch[kept];
    if (i < count && decode_header(headers[i].msg_hdr, datagram)) {
      datagram.buffer = {pool_.storage(ids[i]), kTunHead, headers[i].msg_len, ids[i]};
      ++kept;
      continue;
    }
    if (i < count) ++stats_.truncated;
    pool_.give_back(ids[i]);
  }
  deliver_udp(sink, socket, std::span(batch).first(kept));
  if (error == EBADF || error == ENOTSOCK) {
    return fail(SysError{"receive from a UDP socket", error, {}});
  }
  return {};
}

void EngineBase::send_ended(std::uint32_t id, int error, Sink& sink) {
  const std::uint32_t socket = slots_[id].socket;
  const std::size_t size = slots_[id].data.iov_len;
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

void EngineBase::write_ended(std::uint32_t id, bool ok) {
  ++(ok ? stats_.tun_written : stats_.tun_write_failed);
  recycle(id);
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
