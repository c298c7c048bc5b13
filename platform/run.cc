#include "platform/run.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstring>

#include "platform/sockaddr.h"

namespace godwit::platform {
namespace {

constexpr std::uint32_t kNoTos = 0;

template <class T>
void put_control(cmsghdr*& at, msghdr& header, int level, int type, const T& value) {
  at->cmsg_level = level;
  at->cmsg_type = type;
  at->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(at), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
  at = reinterpret_cast<cmsghdr*>(reinterpret_cast<std::uint8_t*>(at) + CMSG_SPACE(sizeof value));
}

}  // namespace

void Run::start(std::uint32_t id, MutBytes packet) {
  count = 0;
  pieces = 0;
  add(id, packet);
}

void Run::add(std::uint32_t id, MutBytes octets) {
  ids[count++] = id;
  data[pieces++] = {octets.data(), octets.size()};
}

void Run::address(const Endpoint& endpoint, std::uint8_t tos, std::size_t size) {
  header = {};
  header.msg_name = &to;
  header.msg_namelen = to_sockaddr(endpoint, to);
  header.msg_iov = data.data();
  header.msg_iovlen = pieces;
  if (tos == kNoTos && count == 1) return;
  header.msg_control = control.data();
  auto* at = reinterpret_cast<cmsghdr*>(control.data());
  const bool v4 = endpoint.address.is_v4();
  if (tos != kNoTos) {
    put_control(at, header, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, int{tos});
  }
  if (count > 1) put_control(at, header, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(size));
}

RunPool::RunPool(std::uint32_t count) : runs_(count) {
  free_.reserve(count);
  for (std::uint32_t number = count; number-- > 0;) free_.push_back(number);
}

std::uint32_t RunPool::take() {
  const std::uint32_t number = free_.back();
  free_.pop_back();
  return number;
}

TunRuns::Entry* TunRuns::open_run(Bytes packet, const RunPacket& view) {
  std::size_t seen = 0;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && seen < kOpenMax; ++entry) {
    if (!entry->open) continue;
    ++seen;
    if (entry->packets->same_flow(packet, view)) return &*entry;
  }
  return nullptr;
}

bool TunRuns::add(std::uint32_t id, MutBytes packet, const TunOffloads& joins) {
  auto view = joins.tcp ? run_packet(packet) : std::nullopt;
  if (view && view->udp && !joins.udp) view.reset();
  Entry* const entry = view ? open_run(packet, *view) : nullptr;
  if (entry != nullptr && entry->packets->try_append(packet, *view)) {
    pool_[entry->run].add(id, packet.subspan(view->headers));
    return true;
  }
  if (pool_.empty()) return false;
  if (entry != nullptr) entry->open = false;
  const std::uint32_t number = pool_.take();
  Run& run = pool_[number];
  run.count = 0;
  run.pieces = 1;  // the offload header stands first
  run.add(id, packet);
  const bool open = view && view->joins;
  entries_.push_back({number, std::nullopt, open});
  if (open) entries_.back().packets.emplace(packet, *view);
  return true;
}

void TunRuns::complete(Entry& entry, bool offload) {
  Run& run = pool_[entry.run];
  encode_tun_offload(entry.packets ? entry.packets->finish() : TunOffload{}, run.offload);
  run.data[0] = {run.offload.data(), offload ? run.offload.size() : 0};
}

}  // namespace godwit::platform
