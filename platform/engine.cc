#include "platform/engine.h"

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "platform/epoll_engine.h"
#include "platform/ring_engine.h"

namespace godwit::platform {

bool Engine::send_copy(std::uint32_t socket, Bytes datagram, const Endpoint& to, std::uint8_t tos) {
  auto buffer = allocate();
  if (!buffer) return false;
  if (datagram.size() > buffer->storage.size() - buffer->begin) {
    release(*buffer);
    return false;
  }
  buffer->size = datagram.size();
  std::memcpy(buffer->packet().data(), datagram.data(), datagram.size());
  send(socket, *buffer, to, tos);
  return true;
}

bool Engine::write_tun_copy(Bytes packet) {
  auto buffer = allocate();
  if (!buffer) return false;
  if (packet.size() > buffer->storage.size() - buffer->begin) {
    release(*buffer);
    return false;
  }
  buffer->size = packet.size();
  std::memcpy(buffer->packet().data(), packet.data(), packet.size());
  write_tun(*buffer);
  return true;
}

Result<std::unique_ptr<Engine>, SysError> make_engine(EngineChoice choice, std::uint32_t buffers) {
  const char* const rung = std::getenv("GODWIT_RING");
  const std::string_view most = rung == nullptr ? "multi" : rung;
  const Multishot multishot = most == "single" ? Multishot::kNothing
                              : most == "udp"  ? Multishot::kSockets
                                               : Multishot::kAll;
  std::string name = "epoll";
  if (choice != EngineChoice::kEpoll && most != "off") {
    auto engine = RingEngine::make(buffers, multishot);
    if (engine || choice == EngineChoice::kRing) return engine;
    name += " (io_uring: " + std::string(std::strerror(engine.error().error)) + ")";
  }
  return EpollEngine::make(name, buffers);
}

}  // namespace godwit::platform
