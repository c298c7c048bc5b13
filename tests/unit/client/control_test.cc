// The control socket under hostile input: nothing but a request has an effect, nobody stays.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "client/control.h"
#include "tests/unit/client/temp_dir.h"

#include <nlohmann/json.hpp>

using namespace godwit;
using namespace godwit::client;

namespace {

Fd dial(const std::string& path) {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  return fd;
}

bool put(const Fd& fd, const std::string& text) {
  return send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(text.size());
}

// What arrived so far; "closed" when the server closed without a word.
std::string got(const Fd& fd) {
  char block[65536];
  const auto size = recv(fd.get(), block, sizeof(block), MSG_DONTWAIT);
  if (size > 0) return {block, static_cast<std::size_t>(size)};
  return size == 0 || errno == ECONNRESET ? "closed" : "";
}

struct Served {
  Served() : path(dir.path() + "/t.sock"), server(*ControlServer::open(path)) {}
  void turn(Duration at = 0s) {
    server.turn(Instant(at), [this](const ControlRequest& request) {
      asked.push_back(request.op);
      return std::string(R"({"ok":true})");
    });
  }
  TempDir dir;
  std::string path;
  ControlServer server;
  std::vector<ControlOp> asked;
};

}  // namespace

TEST_CASE("a request is one of two JSON objects and nothing else") {
  CHECK(parse_request(R"({"op":"status"})") == ControlOp::kStatus);
  CHECK(parse_request(R"( { "op" : "disconnect" } )") == ControlOp::kDisconnect);
  CHECK(parse_request(R"({"op":"routes"})") == ControlOp::kRoutes);
  for (const int seconds : {0, 300, 1800}) {
    const ControlRequest portal{ControlOp::kPortal, std::chrono::seconds(seconds)};
    CHECK(parse_request(request_line(portal)) == portal);
  }
  for (const char* line :
       {R"({"op":"portal"})", R"({"op":"portal","seconds":-1})",
        R"({"op":"portal","seconds":1801})", R"({"op":"portal","seconds":1.5})",
        R"({"op":"portal","seconds":"300"})", R"({"op":"portal","seconds":99999999999999999999})",
        R"({"op":"status","seconds":300})", R"({"op":"portal","seconds":300,"x":1})"}) {
    CAPTURE(std::string(line));
    CHECK_FALSE(parse_request(line));
  }
  for (const char* wrong :
       {"", "{", "{}", "[]", "null", "1e999", "\"status\"", R"({"op":1})", R"({"op":null})",
        R"({"op":["status"]})", R"({"op":"STATUS"})", R"({"op":"status\u0000"})",
        R"({"op":"status","x":1})", R"({"op":"status"}{"op":"status"})", R"({"op":"stat)",
        "{\"op\":\"\xff\xfe\"}", R"({"op":"reboot"})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_request(wrong));
  }
  CHECK_FALSE(parse_request(std::string(4000, '[')));
  CHECK_FALSE(parse_request(R"({"op":"status"})" + std::string(5000, ' ')));
}

TEST_CASE("an answer is an object that is not too deep") {
  const auto nested = [](std::size_t lists) {
    return R"({"a":)" + std::string(lists, '[') + std::string(lists, ']') + "}";
  };
  CHECK(parse_answer("{}\n") == nlohmann::json::object());
  CHECK(parse_answer(nested(kControlDepthMax - 1)) ==
        nlohmann::json::parse(nested(kControlDepthMax - 1)));
  CHECK_FALSE(parse_answer(nested(kControlDepthMax)));
  CHECK_FALSE(parse_answer(nested(400'000)));  // whoever walked through it would need stack
  CHECK_FALSE(parse_answer("[]"));
  CHECK_FALSE(parse_answer("{\"a\":"));
  CHECK_FALSE(parse_answer("{\"a\":\"" + std::string(kControlAnswerMax, 'x') + "\"}"));
  for (const ControlOp op : {ControlOp::kStatus, ControlOp::kDisconnect}) {
    CHECK(parse_request(request_line(op)) == op);
  }
}

TEST_CASE("a status request is answered in one line and the connection ends") {
  Served s;
  const auto client = dial(s.path);
  REQUIRE(put(client, "{\"op\":\"status\"}\n"));
  s.turn();
  s.turn();
  CHECK(got(client) == "{\"ok\":true}\n");
  CHECK(got(client) == "closed");
  CHECK(s.asked == std::vector{ControlOp::kStatus});
  CHECK(s.server.clients() == 0);
}

TEST_CASE("H30: partial JSON is closed when its time is over") {
  Served s;
  const auto client = dial(s.path);
  REQUIRE(put(client, "{\"op\":"));
  s.turn(1s);
  s.turn(2s);
  CHECK(got(client).empty());
  REQUIRE(s.server.next_deadline());
  CHECK(*s.server.next_deadline() == Instant(1s + kControlPatience));
  s.turn(1s + kControlPatience);
  CHECK(got(client) == "closed");
  CHECK(s.asked.empty());
  CHECK_FALSE(s.server.next_deadline());
}

TEST_CASE("a request in small pieces is understood") {
  Served s;
  const auto client = dial(s.path);
  s.turn();
  for (const char c : std::string("{\"op\":\"disconnect\"}\n")) {
    REQUIRE(put(client, std::string(1, c)));
    s.turn();
  }
  CHECK(s.asked == std::vector{ControlOp::kDisconnect});
}

TEST_CASE("H30: a line of 16 MB is cut off after 4 KiB") {
  Served s;
  const auto client = dial(s.path);
  const std::string block(65536, 'x');
  std::size_t sent = 0;
  bool open = true;
  for (int i = 0; i < 1000 && open; ++i) {
    const auto size = send(client.get(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size > 0) sent += static_cast<std::size_t>(size);
    open = size > 0 || errno == EAGAIN;
    s.turn();
  }
  CHECK_FALSE(open);
  CHECK(sent < 16 * 1024 * 1024);
  CHECK(s.asked.empty());
  CHECK(s.server.clients() == 0);
}

TEST_CASE("H30: ten thousand clients leave room for none but are let go") {
  Served s;
  std::vector<Fd> clients;
  for (int i = 0; i < 10000; ++i) {
    clients.push_back(dial(s.path));
    s.turn();
    if (clients.size() > 100) clients.erase(clients.begin());
    CHECK(s.server.clients() <= kControlClientsMax);
  }
  s.turn(kControlPatience);
  clients.clear();
  s.turn(kControlPatience + 1s);
  s.turn(3 * kControlPatience);
  CHECK(s.server.clients() == 0);
  const auto client = dial(s.path);
  REQUIRE(put(client, "{\"op\":\"status\"}\n"));
  s.turn(60s);
  s.turn(60s);
  CHECK(got(client) == "{\"ok\":true}\n");
}

TEST_CASE("the socket is for its owner and group, and goes with the server (B15)") {
  const TempDir dir;
  const auto path = dir.path() + "/t.sock";
  {
    const auto server = ControlServer::open(path);
    REQUIRE(server);
    struct stat st {};
    REQUIRE(stat(path.c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0660);
  }
  CHECK(access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a socket left behind is replaced") {
  const TempDir dir;
  const auto path = dir.file("t.sock", "left behind");
  CHECK(ControlServer::open(path));
  CHECK_FALSE(ControlServer::open(dir.path() + "/" + std::string(200, 'x')));
}

TEST_CASE("asking: an answer, nobody there, and one that never answers") {
  Served s;
  CHECK(control_ask(s.dir.path() + "/none.sock", ControlOp::kStatus, 100ms).error().code ==
        ExitCode::kNotConnected);
  CHECK(control_ask(s.path, ControlOp::kStatus, 10ms).error().code == ExitCode::kInternal);
  s.turn();
  s.turn();
  s.asked.clear();
  Result<nlohmann::json, Failure> answer = fail(failure(ExitCode::kInternal, "unset"));
  std::thread asker([&] { answer = control_ask(s.path, ControlOp::kDisconnect, 10s); });
  while (s.asked.empty()) s.turn();
  asker.join();
  REQUIRE(answer);
  CHECK((*answer)["ok"] == true);
  CHECK(s.asked == std::vector{ControlOp::kDisconnect});
}
