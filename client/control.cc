#include "client/control.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace godwit::client {
namespace {

constexpr const char* kPortalName = "portal";
constexpr std::pair<const char*, ControlOp> kNames[] = {{"status", ControlOp::kStatus},
                                                        {"disconnect", ControlOp::kDisconnect},
                                                        {"events", ControlOp::kEvents},
                                                        {"routes", ControlOp::kRoutes}};

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Failure broken(const std::string& path, const char* op) {
  return failure(ExitCode::kInternal, fmt::format("{} {}: {}", op, path, std::strerror(errno)));
}

std::optional<gid_t> group_named(const char* name) {
  std::vector<char> storage(16384);
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name, &entry, storage.data(), storage.size(), &found) != 0) return std::nullopt;
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

bool send_some(int fd, std::string& out) {
  while (!out.empty()) {
    const ssize_t put = send(fd, out.data(), out.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno == EAGAIN;
    out.erase(0, static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace

std::optional<ControlRequest> parse_request(std::string_view line) {
  if (line.size() > kControlLineMax) return std::nullopt;
  const auto request = nlohmann::json::parse(line, nullptr, false);
  if (!request.is_object()) return std::nullopt;
  const auto op = request.find("op");
  if (op == request.end() || !op->is_string()) return std::nullopt;
  const auto& name = op->get_ref<const std::string&>();
  if (name == kPortalName) {
    const auto seconds = request.find("seconds");
    if (request.size() != 2 || seconds == request.end() || !seconds->is_number_unsigned()) {
      return std::nullopt;
    }
    const auto count = seconds->get<std::uint64_t>();
    if (count > static_cast<std::uint64_t>(kPortalMax.count())) return std::nullopt;
    return ControlRequest{ControlOp::kPortal, std::chrono::seconds(count)};
  }
  if (request.size() != 1) return std::nullopt;
  for (const auto& [known, which] : kNames) {
    if (name == known) return ControlRequest{which};
  }
  return std::nullopt;
}

std::string request_line(const ControlRequest& request) {
  if (request.op == ControlOp::kPortal) {
    return nlohmann::json{{"op", kPortalName}, {"seconds", request.span.count()}}.dump();
  }
  for (const auto& [known, which] : kNames) {
    if (request.op == which) return nlohmann::json{{"op", known}}.dump();
  }
  return {};
}

std::optional<nlohmann::json> parse_answer(std::string_view line) {
  if (line.size() > kControlAnswerMax) return std::nullopt;
  // Reading needs no stack, but whoever walks through what was read does.
  bool deep = false;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, const nlohmann::json&) {
    using Event = nlohmann::json::parse_event_t;
    const bool opens = event == Event::object_start || event == Event::array_start;
    deep |= opens && depth >= kControlDepthMax;
    return !deep;
  };
  auto parsed = nlohmann::json::parse(line, watch, false);
  if (deep || !parsed.is_object()) return std::nullopt;
  return parsed;
}

Result<ControlServer, Failure> ControlServer::open(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return fail(failure(ExitCode::kInternal, path + " is too long for a socket"));
  ControlServer server;
  server.path_ = path;
  server.group_ = group_named("godwit");
  server.epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  server.listener_ = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!server.epoll_ || !server.listener_) return fail(broken(path, "socket"));
  unlink(path.c_str());
  // The umask makes the socket appear with no more than its final mode.
  const mode_t before = umask(0117);
  const int bound =
      bind(server.listener_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address));
  umask(before);
  if (bound != 0) return fail(broken(path, "bind"));
  if (server.group_ && chown(path.c_str(), static_cast<uid_t>(-1), *server.group_) != 0) {
    return fail(broken(path, "chown"));
  }
  if (listen(server.listener_.get(), 64) != 0) return fail(broken(path, "listen"));
  epoll_event event{.events = EPOLLIN, .data = {.fd = server.listener_.get()}};
  if (epoll_ctl(server.epoll_.get(), EPOLL_CTL_ADD, server.listener_.get(), &event) != 0) {
    return fail(broken(path, "epoll"));
  }
  return server;
}

ControlServer::~ControlServer() {
  if (listener_) unlink(path_.c_str());
}

bool ControlServer::may_ask(int fd) const {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  if (peer.uid == 0 || peer.uid == geteuid() || peer.uid == extra_uid_) return true;
  if (!group_) return false;
  if (peer.gid == *group_) return true;
  std::vector<gid_t> groups(1024);
  size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
  groups.resize(size / sizeof(gid_t));
  return std::ranges::find(groups, *group_) != groups.end();
}

void ControlServer::accept_all(Instant now) {
  // Bounded: a flood of connections does not keep the tunnel's loop from its packets.
  for (std::size_t i = 0; i < kControlClientsMax; ++i) {
    Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    if (clients_.size() >= kControlClientsMax || !may_ask(fd.get())) continue;
    epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.fd = fd.get()}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) continue;
    clients_.push_back(Client{std::move(fd), {}, {}, now + kControlPatience});
  }
}

void ControlServer::publish(const std::string& line) {
  std::erase_if(clients_, [&](Client& client) {
    if (!client.reads_events) return false;
    client.out += line + "\n";
    if (!send_some(client.fd.get(), client.out)) return true;
    return client.out.size() > kControlBacklogMax || !wait_for_room(client);
  });
}

// What did not fit the socket leaves when there is room; else only the reader's end is waited for.
bool ControlServer::wait_for_room(const Client& client) {
  const bool waits = !client.out.empty();
  epoll_event event{.events = EPOLLRDHUP | (waits ? EPOLLOUT : 0U),
                    .data = {.fd = client.fd.get()}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.fd.get(), &event) == 0;
}

bool ControlServer::serve_reader(Client& client) {
  char unasked = 0;
  const ssize_t got = recv(client.fd.get(), &unasked, 1, MSG_PEEK);
  if (got >= 0 || (errno != EAGAIN && errno != EINTR)) return false;  // it went, or says more
  return send_some(client.fd.get(), client.out) && wait_for_room(client);
}

bool ControlServer::serve(Client& client, const Answer& answer) {
  if (client.reads_events) return serve_reader(client);
  if (client.out.empty()) {
    std::array<char, kControlLineMax> block;
    const ssize_t got = recv(client.fd.get(), block.data(), block.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    client.in.append(block.data(), static_cast<std::size_t>(got));
    const auto end = client.in.find('\n');
    if (end == std::string::npos) return client.in.size() <= kControlLineMax;
    const auto op = parse_request(std::string_view(client.in).substr(0, end));
    if (!op) return false;
    client.out = answer(*op) + "\n";
    if (op->op == ControlOp::kEvents) {
      const auto readers = std::ranges::count_if(clients_, &Client::reads_events);
      if (static_cast<std::size_t>(readers) >= kControlReadersMax) return false;
      client.reads_events = true;
      return send_some(client.fd.get(), client.out) && wait_for_room(client);
    }
  }
  if (!send_some(client.fd.get(), client.out) || client.out.empty()) return false;
  epoll_event event{.events = EPOLLOUT, .data = {.fd = client.fd.get()}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.fd.get(), &event) == 0;
}

void ControlServer::turn(Instant now, const Answer& answer) {
  std::array<epoll_event, kControlClientsMax + 1> events;
  const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const int fd = events[static_cast<std::size_t>(i)].data.fd;
    if (fd == listener_.get()) continue;
    const auto client = std::ranges::find_if(clients_, [&](auto& c) { return c.fd.get() == fd; });
    if (client != clients_.end() && !serve(*client, answer)) clients_.erase(client);
  }
  std::erase_if(clients_, [&](const Client& client) {
    return !client.reads_events && client.deadline <= now;
  });
  accept_all(now);
}

std::optional<Instant> ControlServer::next_deadline() const {
  std::optional<Instant> soonest;
  for (const auto& client : clients_) {
    if (!client.reads_events) soonest = earlier(soonest, client.deadline);
  }
  return soonest;
}

Result<Fd, Failure> control_connect(const std::string& path) {
  const auto address = address_of(path);
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!address || !fd) return fail(broken(path, "socket"));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
    if (errno == EACCES || errno == EPERM) {
      return fail(failure(ExitCode::kPermission, "this tunnel belongs to root",
                          "run it with sudo, or join the group godwit"));
    }
    return fail(failure(ExitCode::kNotConnected, "nobody answers at " + path));
  }
  return fd;
}

Result<void, Failure> control_events(const std::string& path,
                                     const std::function<void(const std::string&)>& line) {
  const Fd fd = GODWIT_TRY(control_connect(path));
  std::string request = request_line(ControlOp::kEvents) + "\n";
  if (!send_some(fd.get(), request)) return fail(broken(path, "send"));
  std::string in;
  std::array<char, 4096> block;
  while (in.size() < kControlAnswerMax) {
    const ssize_t got = recv(fd.get(), block.data(), block.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    in.append(block.data(), static_cast<std::size_t>(got));
    for (auto end = in.find('\n'); end != std::string::npos; end = in.find('\n')) {
      line(in.substr(0, end));
      in.erase(0, end + 1);
    }
  }
  return fail(failure(ExitCode::kInternal, "the tunnel's process sends a line without an end"));
}

Result<nlohmann::json, Failure> control_ask(const std::string& path, const ControlRequest& request,
                                            std::chrono::milliseconds patience) {
  const Fd fd = GODWIT_TRY(control_connect(path));
  std::string line = request_line(request) + "\n";
  if (!send_some(fd.get(), line)) return fail(broken(path, "send"));
  std::string answer;
  std::array<char, 4096> block;
  while (answer.size() < kControlAnswerMax && answer.find('\n') == std::string::npos) {
    pollfd wait{fd.get(), POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(patience.count()));
    if (ready < 0 && errno == EINTR) continue;
    const ssize_t got = ready > 0 ? recv(fd.get(), block.data(), block.size(), 0) : 0;
    if (got <= 0) break;
    answer.append(block.data(), static_cast<std::size_t>(got));
  }
  if (auto parsed = parse_answer(answer)) return std::move(*parsed);
  return fail(failure(ExitCode::kInternal, "the tunnel's process does not answer"));
}

}  // namespace godwit::client
