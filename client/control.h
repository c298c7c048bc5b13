// The control socket of one tunnel: /run/godwit/NAME.sock, for root and the group godwit. A request
// is one line of JSON, {"op":"status"}, {"op":"disconnect"} or {"op":"events"}; the answer is one
// line too, and then the connection ends. That of events stays: a line for each event follows, and
// a reader who does not keep up is closed. Whoever is slow, foreign or says something else is
// closed without effect.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "client/fd.h"
#include "client/report.h"
#include "core/base/instant.h"
#include "core/base/result.h"

namespace godwit::client {

enum class ControlOp : std::uint8_t { kStatus, kDisconnect, kEvents, kRoutes, kPortal };

struct ControlRequest {
  ControlOp op = ControlOp::kStatus;
  std::chrono::seconds span{};  // kPortal: how long; zero ends it

  // NOLINTNEXTLINE(google-explicit-constructor): most requests are no more than their name
  ControlRequest(ControlOp op_, std::chrono::seconds span_ = {}) : op(op_), span(span_) {}
  friend bool operator==(const ControlRequest&, const ControlRequest&) = default;
};
inline constexpr std::chrono::seconds kPortalDefault{5 * 60};
inline constexpr std::chrono::seconds kPortalMax{30 * 60};

inline constexpr std::size_t kControlLineMax = 4096;
inline constexpr std::size_t kControlAnswerMax = 1024 * 1024;
inline constexpr std::size_t kControlClientsMax = 16;
inline constexpr Duration kControlPatience = 5s;
inline constexpr std::size_t kControlReadersMax = 8;  // of events; the others are for asking
inline constexpr std::size_t kControlBacklogMax = 256 * 1024;  // that a reader of events may leave

// One line without its newline. Nothing for anything that is not exactly a request.
std::optional<ControlRequest> parse_request(std::string_view line);
std::string request_line(const ControlRequest& request);

// What a tunnel's process says of itself; whoever runs under its name may say anything. An object
// of no more than kControlDepthMax levels, or nothing.
inline constexpr int kControlDepthMax = 16;
std::optional<nlohmann::json> parse_answer(std::string_view line);

class ControlServer {
 public:
  // One line, without the newline.
  using Answer = std::function<std::string(const ControlRequest&)>;

  // Replaces a socket left behind: the caller holds the tunnel's lock.
  static Result<ControlServer, Failure> open(const std::string& path);
  ControlServer(ControlServer&&) noexcept = default;
  ControlServer& operator=(ControlServer&&) noexcept = default;
  ~ControlServer();

  int fd() const { return epoll_.get(); }  // readable when turn() has something to do
  void turn(Instant now, const Answer& answer);
  // To all who read events.
  void publish(const std::string& line);
  std::optional<Instant> next_deadline() const;
  std::size_t clients() const { return clients_.size(); }
  // Only for tests: who is let in is decided by uid and groups, see may_ask().
  void allow_uid(uid_t uid) { extra_uid_ = uid; }

 private:
  struct Client {
    Fd fd;
    std::string in;
    std::string out;
    Instant deadline;
    bool reads_events = false;
  };
  ControlServer() = default;
  void accept_all(Instant now);
  bool serve(Client& client, const Answer& answer);  // false: close it
  bool serve_reader(Client& client);                 // the same
  bool wait_for_room(const Client& client);          // the same
  bool may_ask(int fd) const;

  std::string path_;
  Fd epoll_;
  Fd listener_;
  std::optional<gid_t> group_;
  std::optional<uid_t> extra_uid_;
  std::list<Client> clients_;
};

Result<Fd, Failure> control_connect(const std::string& path);

// Hands each line of the tunnel's events to `line`, until the tunnel ends.
Result<void, Failure> control_events(const std::string& path,
                                     const std::function<void(const std::string&)>& line);

// Asks the tunnel whose socket is at `path`. kNotConnected: nobody listens there.
Result<nlohmann::json, Failure> control_ask(const std::string& path, const ControlRequest& request,
                                            std::chrono::milliseconds patience);

}  // namespace godwit::client
