// Secrets from files with every wrong mode and content, from pipes and from askpass programs.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "client/pinentry.h"
#include "client/secrets.h"
#include "tests/unit/client/temp_dir.h"

using namespace godwit;
using namespace godwit::client;

namespace {

struct Pipe {
  Pipe() { REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  void put(const std::string& text) const {
    REQUIRE(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void end() {
    close(ends[1]);
    ends[1] = -1;
  }
  std::array<int, 2> ends{};
};

std::string text_of(const Result<SecretBytes, Failure>& secret) {
  if (!secret) return "refused: " + secret.error().what;
  return {secret->expose().begin(), secret->expose().end()};
}

SecretBytes bytes_of(const std::string& text) {
  return SecretBytes::copy_of(
      Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string psk(const std::string& written) { return text_of(decode_psk(bytes_of(written))); }

}  // namespace

TEST_CASE("a secret file gives its octets without the last newline") {
  const TempDir dir;
  CHECK(text_of(read_secret_file(dir.file("a", "s3cret\n"))) == "s3cret");
  CHECK(text_of(read_secret_file(dir.file("b", "s3cret"))) == "s3cret");
  CHECK(text_of(read_secret_file(dir.file("c", " two\nlines \n\n"))) == " two\nlines \n");
  CHECK(text_of(read_secret_file(dir.file("d", std::string(4096, 'x')))) == std::string(4096, 'x'));
}

TEST_CASE("a file that others can read is refused with the command that mends it") {
  const TempDir dir;
  for (const mode_t mode : {0640u, 0604u, 0660u, 0644u, 0610u, 0602u}) {
    const auto path = dir.file("loose", "s3cret\n", mode);
    const auto secret = read_secret_file(path);
    REQUIRE_FALSE(secret);
    CHECK(secret.error().code == ExitCode::kSecret);
    CHECK(secret.error().remedy == "chmod 600 " + path);
    CHECK(secret.error().what.find("s3cret") == std::string::npos);
  }
}

TEST_CASE("files that hold no secret are refused") {
  const TempDir dir;
  using namespace std::string_literals;
  CHECK_FALSE(read_secret_file(dir.path() + "/missing"));
  CHECK_FALSE(read_secret_file(dir.path()));
  CHECK_FALSE(read_secret_file("/dev/zero"));
  CHECK_FALSE(read_secret_file(dir.file("empty", "")));
  CHECK_FALSE(read_secret_file(dir.file("newline", "\n")));
  CHECK_FALSE(read_secret_file(dir.file("nul", "a\0b"s)));
  CHECK_FALSE(read_secret_file(dir.file("long", std::string(4097, 'x'))));
  CHECK_FALSE(read_secret_file(dir.file("huge", std::string(10 * 1024 * 1024, 'x'))));
  const auto link = dir.path() + "/link";
  REQUIRE(symlink(dir.file("target", "s3cret").c_str(), link.c_str()) == 0);
  CHECK_FALSE(read_secret_file(link));
  const auto fifo = dir.path() + "/fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK_FALSE(read_secret_file(fifo));
}

TEST_CASE("a file of another user is refused") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root can give a file away");
    return;
  }
  const TempDir dir;
  const auto path = dir.file("theirs", "s3cret");
  REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
  CHECK_FALSE(read_secret_file(path));
}

TEST_CASE("IKE1-39: pre-shared keys as text, hexadecimal and base64") {
  CHECK(psk("plain") == "plain");
  CHECK(psk(" 0xnot at the start") == " 0xnot at the start");
  CHECK(psk("0x414243") == "ABC");
  CHECK(psk("0xAbCd") == "\xab\xcd");
  CHECK(psk("0sQUJD") == "ABC");
  CHECK(psk("0sQUI=") == "AB");
  CHECK(psk("0sQUI") == "AB");
  CHECK(psk("0sQQ==") == "A");
  CHECK(psk("0s+/+/") == "\xfb\xff\xbf");
  for (const char* wrong :
       {"0x", "0x4", "0x4g", "0s", "0sQ", "0sQUJ=D", "0sQQ=", "0s=", "0sQU D"}) {
    CAPTURE(wrong);
    CHECK_FALSE(decode_psk(bytes_of(wrong)));
  }
}

TEST_CASE("standard input: the first line is the key, the second the password") {
  const Pipe input;
  const Pipe cancel;
  input.put("first\nsecond\nrest");
  CHECK(text_of(read_secret_line(input.ends[0], cancel.ends[0])) == "first");
  CHECK(text_of(read_secret_line(input.ends[0], cancel.ends[0])) == "second");
}

TEST_CASE("standard input without a line, with an empty or an endless one is refused") {
  const Pipe cancel;
  Pipe nothing;
  nothing.end();
  CHECK_FALSE(read_secret_line(nothing.ends[0], cancel.ends[0]));
  const Pipe blank;
  blank.put("\n");
  CHECK_FALSE(read_secret_line(blank.ends[0], cancel.ends[0]));
  const Pipe endless;
  endless.put(std::string(5000, 'x'));
  CHECK_FALSE(read_secret_line(endless.ends[0], cancel.ends[0]));
}

TEST_CASE("waiting for a secret ends when it is cancelled") {
  const Pipe silent;
  const Pipe cancel;
  cancel.put("!");
  const auto secret = read_secret_line(silent.ends[0], cancel.ends[0]);
  REQUIRE_FALSE(secret);
  CHECK(secret.error().code == ExitCode::kInterrupted);
}

TEST_CASE("askpass gets the prompt as its argument and answers with a line") {
  const TempDir dir;
  const Pipe cancel;
  const auto echo = dir.file("echo", "#!/bin/sh\nprintf '%s|%s\\n' \"$#\" \"$1\"\n", 0700);
  CHECK(text_of(run_askpass(echo, "Password of $(id) for 'x'", cancel.ends[0])) ==
        "1|Password of $(id) for 'x'");
  const auto no = dir.file("no", "#!/bin/sh\necho answer\nexit 1\n", 0700);
  const auto refused = run_askpass(no, "p", cancel.ends[0]);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ExitCode::kInputNeeded);
  CHECK_FALSE(run_askpass(dir.file("plain", "x", 0600), "p", cancel.ends[0]));
  CHECK_FALSE(run_askpass("relative", "p", cancel.ends[0]));
  CHECK_FALSE(run_askpass(dir.path() + "/missing", "p", cancel.ends[0]));
  if (geteuid() == 0) {
    CHECK_FALSE(run_askpass(dir.file("loose", "#!/bin/sh\necho x\n", 0777), "p", cancel.ends[0]));
  }
}

TEST_CASE("pinentry is asked by the Assuan protocol") {
  const TempDir dir;
  const Pipe cancel;
  const std::string log = dir.path() + "/log";
  const auto pinentry = [&](const std::string& answer) {
    return dir.file("pinentry-fake",
                    "#!/bin/sh\necho 'OK Pleased to meet you'\nwhile read -r line; do\n"
                    "echo \"$line\" >> '" +
                        log +
                        "'\ncase $line in\n"
                        "GETPIN) " +
                        answer +
                        " ;;\nOPTION*) echo 'ERR 83886254 unknown' ;;\n"
                        "BYE) exit 0 ;;\n*) echo OK ;;\nesac\ndone\n",
                    0755);
  };
  const std::string two = "The gateway says: 50%\nPassword of alice for office";
  CHECK(text_of(run_askpass(pinentry("echo '# c'; echo 'S PIN'; echo 'D a%25b%20%'; echo OK"), two,
                            cancel.ends[0])) == "a%b %");
  std::ifstream said(log);
  const std::string all((std::istreambuf_iterator<char>(said)), {});
  CHECK(all.find("SETDESC The gateway says: 50%25%0APassword of alice for office\n") !=
        std::string::npos);
  for (const char* answer : {"echo 'ERR 83886179 canceled'", "echo OK", "exit 1"}) {
    CAPTURE(std::string(answer));
    const auto none = run_askpass(pinentry(answer), "p", cancel.ends[0]);
    REQUIRE_FALSE(none);
    CHECK(none.error().code == ExitCode::kInputNeeded);
  }
  CHECK(is_pinentry("/usr/bin/pinentry-gnome3"));
  CHECK_FALSE(is_pinentry("/opt/pinentry/askpass"));
}

TEST_CASE("an askpass that hangs is ended when the user cancels") {
  const TempDir dir;
  const Pipe cancel;
  cancel.put("!");
  const auto slow = dir.file("slow", "#!/bin/sh\nexec sleep 1000\n", 0700);
  const auto secret = run_askpass(slow, "p", cancel.ends[0]);
  REQUIRE_FALSE(secret);
  CHECK(secret.error().code == ExitCode::kInterrupted);
}

TEST_CASE("secrets of a vpnc.conf are read from it, under the same rules as others") {
  TempDir dir;
  using Kind = config::SecretSource::Kind;
  const std::string text = "IPSec gateway g\nIPSec secret swallow\n";
  const std::string path = dir.file("vpnc.conf", text);
  const auto secret = obtain_secret({Kind::kVpncSecret, path}, "", -1);
  REQUIRE(secret.has_value());
  CHECK(std::string(secret->expose().begin(), secret->expose().end()) == "swallow");
  const auto password = obtain_secret({Kind::kVpncPassword, path}, "", -1);
  REQUIRE_FALSE(password.has_value());
  CHECK(password.error().what == path + " has no Xauth password");
  const std::string open = dir.file("open.conf", text, 0644);
  CHECK_FALSE(obtain_secret({Kind::kVpncSecret, open}, "", -1).has_value());
}
