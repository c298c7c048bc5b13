// The command line: exit codes, one-line answers, flags as overrides. Nothing here needs root or
// makes a tunnel.
#include "client/cli.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/config/options.h"
#include "platform/journal.h"
#include "tests/unit/client/temp_dir.h"

using namespace godwit;

namespace {

constexpr const char* kProfile = R"(gateway = "192.0.2.1"
psk-file = "/etc/godwit/x.psk"
)";

struct Said {
  int code = -1;
  std::string out;
  std::string err;
};

// Standard output and error go to files while a command runs.
class Redirect {
 public:
  Redirect(std::FILE* stream, const std::string& path) : stream_(stream) {
    std::fflush(stream_);
    saved_ = dup(fileno(stream_));
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(dup2(file, fileno(stream_)) >= 0);
    close(file);
  }
  ~Redirect() {
    std::fflush(stream_);
    dup2(saved_, fileno(stream_));
    close(saved_);
  }

 private:
  std::FILE* stream_;
  int saved_;
};

std::string content(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class Command {
 public:
  Command() {
    setenv("GODWIT_CONF_DIR", dir.path().c_str(), 1);
    setenv("GODWIT_RUN_DIR", (dir.path() + "/run").c_str(), 1);
  }
  ~Command() {
    unsetenv("GODWIT_CONF_DIR");
    unsetenv("GODWIT_RUN_DIR");
  }
  Said run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "godwit");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    Said said;
    {
      const Redirect out(stdout, dir.path() + "/out");
      const Redirect err(stderr, dir.path() + "/err");
      said.code = client::run(static_cast<int>(argv.size()), argv.data());
    }
    said.out = content(dir.path() + "/out");
    said.err = content(dir.path() + "/err");
    return said;
  }
  TempDir dir;
};

}  // namespace

TEST_CASE("what the command line does not mean is exit code 2 and a short answer") {
  const Command godwit;
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"fly"},
                                                {"connect"},
                                                {"connect", "office", "--no-such-flag"},
                                                {"status", "a", "b"},
                                                {"check"},
                                                {"list", "--keepalive", "1s"}}) {
    const Said said = godwit.run(wrong);
    CHECK(said.code == 2);
    CHECK(said.out.empty());
    CHECK(said.err.find("godwit: ") == 0);
    CHECK(std::count(said.err.begin(), said.err.end(), '\n') <= 2);
  }
}

TEST_CASE("help and version succeed") {
  const Command godwit;
  CHECK(godwit.run({"version"}).out.find("godwit ") == 0);
  CHECK(godwit.run({"--version"}).code == 0);
  const Said help = godwit.run({"help"});
  CHECK(help.code == 0);
  for (const char* verb : {"connect", "disconnect", "status", "list", "check", "show"}) {
    CHECK(help.out.find(verb) != std::string::npos);
  }
}

TEST_CASE("the documents are made from every command, key and exit code") {
  const Command godwit;
  const auto cli = nlohmann::json::parse(godwit.run({"--dump-cli"}).out);
  std::set<std::string> commands;
  for (const auto& command : cli["command"]["commands"]) {
    commands.insert(command["name"].get<std::string>());
    CHECK_FALSE(command["help"].get<std::string>().empty());
  }
  for (const char* verb :
       {"connect", "disconnect", "status", "list", "check", "show", "clean", "import"}) {
    CHECK(commands.contains(verb));
  }
  CHECK(cli["keys"].size() == config::options().size());
  CHECK(cli["exit_codes"].size() > 20);
  CHECK(cli["command"]["commands"][0]["options"][1]["name"] == "PROFILE");
}

TEST_CASE("clean leaves alone what is not dead, and has nothing to do without a tunnel") {
  const Command godwit;
  CHECK(godwit.run({"clean"}).code == 0);
  CHECK(godwit.run({"clean", "office"}).code == 0);
  const std::string run = godwit.dir.path() + "/run";
  {
    const auto journal = platform::UndoJournal::open("office", run);
    REQUIRE(journal.has_value());
    const Said said = godwit.run({"clean", "office"});
    CHECK(said.code == (geteuid() == 0 ? 0 : 4));
    CHECK(said.out.empty());
    CHECK(access((run + "/office.journal").c_str(), F_OK) == 0);
  }
  if (geteuid() != 0) return;
  std::ofstream(run + "/office.journal") << "owner pid=1 boot=x start=1\n";
  const Said said = godwit.run({"clean"});
  CHECK(said.code == 0);
  CHECK(said.out.find("office") == 0);
  CHECK(access((run + "/office.journal").c_str(), F_OK) != 0);
}

TEST_CASE("connect --help names a flag for every key of a profile") {
  const Command godwit;
  const Said help = godwit.run({"connect", "--help"});
  CHECK(help.code == 0);
  for (const auto key : config::option_keys()) {
    CAPTURE(key);
    CHECK(help.out.find("--" + std::string(key)) != std::string::npos);
  }
}

TEST_CASE("check and show need no root, no gateway and no secret") {
  const Command godwit;
  godwit.dir.file("office.toml", kProfile, 0644);
  CHECK(godwit.run({"check", "office"}).code == 0);
  CHECK(godwit.run({"check", godwit.dir.path() + "/office.toml"}).code == 0);
  const Said shown = godwit.run({"show", "office"});
  CHECK(shown.code == 0);
  CHECK(shown.out.find("192.0.2.1") != std::string::npos);
  CHECK(shown.out.find("/etc/godwit/x.psk") != std::string::npos);
}

TEST_CASE("every mistake of a profile is shown with its place, exit code 3") {
  const Command godwit;
  godwit.dir.file("office.toml", "gatway = \"x\"\nmtu = \"big\"\n", 0644);
  const Said said = godwit.run({"check", "office"});
  CHECK(said.code == 3);
  CHECK(said.err.find("office.toml:1:1") != std::string::npos);
  CHECK(said.err.find("gateway") != std::string::npos);
  CHECK(said.err.find("office.toml:2:") != std::string::npos);
  CHECK(godwit.run({"check", "missing"}).code == 3);
  CHECK(godwit.run({"connect", "missing"}).code == 3);
}

TEST_CASE("connect --json answers with one object, whatever fails") {
  const Command godwit;
  const Said said = godwit.run({"connect", "--json", "missing"});
  CHECK(said.code == 3);
  const auto answer = nlohmann::json::parse(said.out, nullptr, false);
  REQUIRE(answer.is_object());
  CHECK(answer["result"] == "failed");
  CHECK(answer["code"] == 3);
  CHECK(answer["slug"] == "profile-invalid");
  CHECK(answer["message"].is_string());
}

TEST_CASE("a flag takes the place of the profile's key, and its mistakes are its own") {
  const Command godwit;
  godwit.dir.file("office.toml", kProfile, 0644);
  const Said said = godwit.run({"connect", "office", "--mtu", "enormous"});
  CHECK(said.code == 3);
  CHECK(said.err.find("--mtu") != std::string::npos);
}

TEST_CASE("without a tunnel: status and disconnect are exit code 5, list is empty") {
  const Command godwit;
  CHECK(godwit.run({"status"}).code == 5);
  CHECK(godwit.run({"status", "office"}).code == 5);
  const Said json = godwit.run({"status", "office", "--json"});
  CHECK(json.code == 5);
  CHECK(nlohmann::json::parse(json.out)["state"] == "down");
  CHECK(godwit.run({"status", "--json"}).out == "[]\n");
  CHECK(godwit.run({"disconnect", "office"}).code == 5);
  CHECK(godwit.run({"down"}).code == 5);
  CHECK(godwit.run({"list"}).code == 0);
  CHECK(access((godwit.dir.path() + "/run").c_str(), F_OK) != 0);
}

TEST_CASE("list shows the profiles of both endings, each once") {
  const Command godwit;
  godwit.dir.file("office.toml", kProfile);
  godwit.dir.file("home.conf", kProfile);
  godwit.dir.file("home.toml", kProfile);
  godwit.dir.file("notes.txt", "x");
  const auto listed = nlohmann::json::parse(godwit.run({"list", "--json"}).out);
  REQUIRE(listed.size() == 2);
  CHECK(listed[0]["name"] == "home");
  CHECK(listed[1]["name"] == "office");
  CHECK(listed[1]["up"] == false);
  CHECK(listed[1]["state"] == "down");
}

namespace {

constexpr const char* kVpncFile = R"(IPSec gateway 192.0.2.1
IPSec ID sales
IPSec secret swallow
Xauth username alice
Debug 1
)";

mode_t mode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(stat(path.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

}  // namespace

TEST_CASE("import writes a profile and its secrets for their owner alone, and says what is left") {
  const Command godwit;
  const std::string source = godwit.dir.file("Head Office.conf.old", kVpncFile);
  const Said said = godwit.run({"import", source, "--name", "Head Office"});
  CHECK(said.code == 0);
  CHECK(said.err == source + ":5: Debug, is about the process of vpnc and not about the tunnel\n");
  CHECK(said.out.find("godwit connect Head-Office") != std::string::npos);
  const std::string profile = godwit.dir.path() + "/Head-Office.toml";
  CHECK(mode_of(profile) == 0600);
  CHECK(mode_of(godwit.dir.path() + "/Head-Office.psk") == 0600);
  CHECK(content(godwit.dir.path() + "/Head-Office.psk") == "swallow");
  CHECK(content(profile).find("swallow") == std::string::npos);
  CHECK(godwit.run({"check", "Head-Office"}).code == 0);
}

TEST_CASE("import overwrites nothing unless it is told to") {
  const Command godwit;
  const std::string source = godwit.dir.file("x.conf", kVpncFile, 0644);
  godwit.dir.file("office.psk", "mine");
  const Said refused = godwit.run({"import", source, "--name", "office"});
  CHECK(refused.code == 2);
  CHECK(refused.err.find("office.psk exists already") != std::string::npos);
  CHECK(content(godwit.dir.path() + "/office.psk") == "mine");
  CHECK(access((godwit.dir.path() + "/office.toml").c_str(), F_OK) != 0);
  const Said forced = godwit.run({"import", source, "--name", "office", "--force"});
  CHECK(forced.code == 0);
  CHECK(forced.err.find("holds secrets, others may read it") != std::string::npos);
  CHECK(content(godwit.dir.path() + "/office.psk") == "swallow");
  CHECK(mode_of(godwit.dir.path() + "/office.psk") == 0600);
}

TEST_CASE("import to standard output writes no file, to a path of one's own it does") {
  const Command godwit;
  const std::string source = godwit.dir.file("x.conf", kVpncFile);
  const Said shown = godwit.run({"import", source, "--output", "-"});
  CHECK(shown.code == 0);
  CHECK(shown.out.find("gateway = \"192.0.2.1\"") != std::string::npos);
  CHECK(shown.err.find("was not written") != std::string::npos);
  CHECK(access((godwit.dir.path() + "/x.toml").c_str(), F_OK) != 0);
  const std::string own = godwit.dir.path() + "/mine.toml";
  CHECK(godwit.run({"import", source, "--output", own}).code == 0);
  CHECK(content(own).find(godwit.dir.path() + "/mine.psk") != std::string::npos);
}

TEST_CASE("import of what is no configuration is exit code 3 and leaves nothing") {
  const Command godwit;
  for (const char* text : {"", "hello\n", "IPSec ID sales\n"}) {
    const std::string source = godwit.dir.file("x.conf", text);
    const Said said = godwit.run({"import", source});
    CHECK(said.code == 3);
    CHECK(said.err.find("godwit: " + source) == 0);
  }
  CHECK(godwit.run({"import", godwit.dir.path() + "/missing"}).code == 3);
  CHECK(godwit.run({"import", godwit.dir.path()}).code == 3);
  CHECK(access((godwit.dir.path() + "/x.toml").c_str(), F_OK) != 0);
}

TEST_CASE("a vpnc.conf among the profiles is one") {
  const Command godwit;
  const std::string path = godwit.dir.file("office.conf", kVpncFile);
  const Said checked = godwit.run({"check", "office"});
  CHECK(checked.code == 0);
  CHECK(checked.err.find("office.conf:5: Debug") != std::string::npos);
  const Said shown = godwit.run({"show", "office"});
  CHECK(shown.out.find("psk-source = \"vpnc\"") != std::string::npos);
  CHECK(shown.out.find("psk-file = \"" + path + "\"") != std::string::npos);
  CHECK(shown.out.find("swallow") == std::string::npos);
}

TEST_CASE("import of an ipsec.conf reads the secrets beside it, and one connection of several") {
  const Command godwit;
  const std::string source = godwit.dir.file("ipsec.conf",
                                             "conn a\n  keyexchange=ikev1\n  right=192.0.2.1\n"
                                             "  authby=secret\n  leftsourceip=%config\n"
                                             "conn b\n  right=192.0.2.2\n");
  godwit.dir.file("ipsec.secrets", "192.0.2.1 : PSK \"swallow\"\n");
  const Said several = godwit.run({"import", source});
  CHECK(several.code == 3);
  CHECK(several.err.find("name one by --connection: \"a\", \"b\"") != std::string::npos);
  const Said one = godwit.run({"import", source, "--connection", "a", "--name", "office"});
  CHECK(one.code == 0);
  CHECK(one.err.empty());
  CHECK(content(godwit.dir.path() + "/office.psk") == "swallow");
}
