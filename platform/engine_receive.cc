// How datagrams come in, by plain system calls and in parts of joined ones; see engine_base.h.
#include <netinet/udp.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "platform/clock.h"
#include "platform/engine_base.h"
#include "platform/sockaddr.h"

namespace godwit::platform {
namespace {

// How many datagrams it takes to see whether the kernel joins any, and when to ask it again.
constexpr std::uint32_t kJoinsLook = 2048;
constexpr std::uint32_t kJoinsBatches = 64;  // read before they are left
constexpr Duration kJoinsPauseMin = std::chrono::seconds(1);
constexpr Duration kJoinsPauseMax = std::chrono::minutes(1);

}  // namespace

std::optional<Arrival> decode_arrival(const msghdr& header) {
  if ((header.msg_flags & MSG_TRUNC) != 0) return std::nullopt;
  Arrival out;
  out.from = from_sockaddr(header.msg_name, header.msg_namelen);
  const auto number = [](const cmsghdr& control) {
    int value = 0;
    std::memcpy(&value, CMSG_DATA(&control), sizeof value);
    return value;
  };
  auto* const mutable_header = const_cast<msghdr*>(&header);  // CMSG_NXTHDR wants it so
  for (cmsghdr* control = CMSG_FIRSTHDR(mutable_header); control != nullptr;
       control = CMSG_NXTHDR(mutable_header, control)) {
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_TOS) {
      out.tos = *CMSG_DATA(control);  // one octet
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_TCLASS) {
      out.tos = static_cast<std::uint8_t>(number(*control));
    } else if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
      out.segment = static_cast<std::size_t>(std::max(number(*control), 0));
    }
  }
  return out;
}

Datagram& EngineBase::next_datagram(std::uint32_t socket, Sink& sink) {
  if (udp_count_ == kBatch || (udp_count_ != 0 && udp_socket_ != socket)) flush_udp(sink);
  udp_socket_ = socket;
  return udp_batch_[udp_count_++];
}

void EngineBase::flush_udp(Sink& sink) {
  const std::size_t count = std::exchange(udp_count_, 0);
  deliver_udp(sink, udp_socket_, std::span(udp_batch_).first(count));
}

void EngineBase::keep_datagram(std::uint32_t socket, std::uint32_t id, std::size_t begin,
                               std::size_t size, const Arrival& arrival, Sink& sink) {
  ++stats_.udp_receives;
  count_joins(sockets_[socket], 1);
  next_datagram(socket, sink) = {{pool_.storage(id), begin, size, id}, arrival.from, arrival.tos};
}

void EngineBase::keep_joined(std::uint32_t socket, std::uint32_t frame, std::size_t begin,
                             std::size_t size, const Arrival& arrival, Sink& sink) {
  ++stats_.udp_receives;
  const std::size_t end = begin + size;
  const std::size_t segment = arrival.segment == 0 ? size : arrival.segment;
  const MutBytes storage = pieces_.frames().storage(frame);
  std::size_t datagrams = 0;
  pieces_.begin_cut(frame);
  do {
    const auto id = pieces_.cut(frame);
    if (!id) {
      ++stats_.truncated;
      break;
    }
    Datagram& datagram = next_datagram(socket, sink);
    datagram.buffer.storage = storage;
    datagram.buffer.begin = begin;
    datagram.buffer.size = std::min(segment, end - begin);
    datagram.buffer.id = *id;
    datagram.from = arrival.from;
    datagram.tos = arrival.tos;
    begin += datagram.buffer.size;
    ++datagrams;
  } while (begin < end);
  pieces_.end_cut(frame);
  if (is_open(socket)) count_joins(sockets_[socket], datagrams);
}

void EngineBase::count_joins(Socket& socket, std::size_t datagrams) {
  Joins& joins = socket.joins;
  if (!joins.possible) return;
  joins.datagrams += static_cast<std::uint32_t>(datagrams);
  if (datagrams > 1) ++joins.joined;
  if (joins.datagrams < kJoinsLook) return;
  joins.datagrams = 0;
  const bool useful = std::exchange(joins.joined, 0) > 0;
  if (!joins.on) {
    joins.wanted = boot_now() >= joins.retry_at;
    return;
  }
  joins.wanted = useful;
  joins.pause = useful ? Duration{} : std::clamp(2 * joins.pause, kJoinsPauseMin, kJoinsPauseMax);
  if (!useful) joins.retry_at = boot_now() + joins.pause;
}

void EngineBase::switch_joins(Socket& socket) {
  Joins& joins = socket.joins;
  if (joins.on == joins.wanted) return;
  const int value = joins.wanted ? 1 : 0;
  if (::setsockopt(socket.fd, SOL_UDP, UDP_GRO, &value, sizeof value) != 0) {
    joins = {};
    return leave_rung("receive joined datagrams", errno);
  }
  joins.on = joins.wanted;
  joins.batches = 0;
}

Result<void, SysError> EngineBase::receive_batch(std::uint32_t socket, Sink& sink) {
  Joins& joins = sockets_[socket].joins;
  if (!joins.on) switch_joins(sockets_[socket]);
  if (joins.on) {
    const bool drained = GODWIT_TRY(receive_joined(socket, sink));
    // Under a flood the queue is never empty; then a joined one is as unlikely in it as elsewhere.
    const bool leave = !joins.wanted && (drained || ++joins.batches == kJoinsBatches);
    if (leave && is_open(socket)) switch_joins(sockets_[socket]);
    return {};
  }
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
  for (unsigned i = 0; i < room; ++i) {
    const auto arrival = i < count ? decode_arrival(headers[i].msg_hdr) : std::nullopt;
    if (arrival) {
      keep_datagram(socket, ids[i], kTunHead, headers[i].msg_len, *arrival, sink);
      continue;
    }
    if (i < count) ++stats_.truncated;
    pool_.give_back(ids[i]);
  }
  flush_udp(sink);
  if (error == EBADF || error == ENOTSOCK) {
    return fail(SysError{"receive from a UDP socket", error, {}});
  }
  return {};
}

Result<bool, SysError> EngineBase::receive_joined(std::uint32_t socket, Sink& sink) {
  std::array<mmsghdr, kJoinedBatch> headers{};
  std::array<iovec, kJoinedBatch> data;
  std::array<sockaddr_storage, kJoinedBatch> from;
  alignas(cmsghdr) std::array<std::array<std::uint8_t, kControlRoom>, kJoinedBatch> control;
  std::array<std::uint32_t, kJoinedBatch> ids;
  unsigned room = 0;
  for (; room < kJoinedBatch; ++room) {
    const auto id = pieces_.frames().take();
    if (!id) break;
    ids[room] = *id;
    data[room] = {pieces_.frames().storage(*id).data(), kFrameSize};
    headers[room].msg_hdr = {
        &from[room], sizeof from[room], &data[room], 1, &control[room], kControlRoom, 0};
  }
  if (room == 0) ++stats_.no_buffer;
  const int got = ::recvmmsg(sockets_[socket].fd, headers.data(), room, MSG_DONTWAIT, nullptr);
  const int error = got < 0 ? errno : 0;
  ++stats_.system_calls;
  const unsigned count = got < 0 ? 0 : static_cast<unsigned>(got);
  for (unsigned i = 0; i < room; ++i) {
    const auto arrival = i < count ? decode_arrival(headers[i].msg_hdr) : std::nullopt;
    if (arrival) {
      keep_joined(socket, ids[i], 0, headers[i].msg_len, *arrival, sink);
      continue;
    }
    if (i < count) ++stats_.truncated;
    pieces_.frames().give_back(ids[i]);
  }
  flush_udp(sink);
  if (error == EBADF || error == ENOTSOCK) {
    return fail(SysError{"receive from a UDP socket", error, {}});
  }
  return count < room;
}

}  // namespace godwit::platform
