// DNS: which way is chosen, what each is told, and that every file comes back byte for byte.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/bus_watch.h"
#include "platform/resolver.h"
#include "platform/resolver_text.h"
#include "platform/tun.h"
#include "tests/unit/platform/fake_resolved.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

const DnsSettings kSettings{{IpAddress::v4(0x0a010101), *IpAddress::parse("2001:db8::53")},
                            {"office.example"},
                            {"lab.example"},
                            false};
constexpr const char* kOurLines =
    "nameserver 10.1.1.1\nnameserver 2001:db8::53\nsearch office.example lab.example\n";

// A resolv.conf in a folder of its own, with neither D-Bus nor resolvconf.
struct Plain {
  TemporaryDirectory directory;
  std::string conf = directory / "resolv.conf";
  Resolver resolver{{.bus = "unix:path=" + (directory / "no-bus"),
                     .resolvconf_program = directory / "no-program",
                     .resolv_conf = conf}};
  UndoJournal journal = must(UndoJournal::open("office", directory / "run"));

  void apply() {
    CHECK(must(resolver.apply(1, "lo", kSettings, journal)) == ResolverBackend::kResolvConfFile);
    CHECK(read_text(conf).ends_with(kOurLines));
    CHECK(read_text(conf).starts_with("#"));
  }
  void undo() {
    const ReplayReport report = must(journal.replay_all());
    CHECK(report.complete());
    CHECK(report.undone > 0);
    CHECK_FALSE(exists(conf + ".godwit"));
    CHECK_FALSE(exists(directory / "run/office.resolv.conf"));
  }
};

struct stat status_of(const std::string& path) {
  struct stat out {};
  REQUIRE(::lstat(path.c_str(), &out) == 0);
  return out;
}

}  // namespace

TEST_CASE("the words of an error reply are one short plain line") {
  CHECK(bus_text("Link 7 not known.") == "Link 7 not known.");
  CHECK(bus_text("\x1b[31mno\r\n\xc2\x9b") == "?[31mno????");
  CHECK(bus_text(std::string(5000, 'a')) == std::string(kBusTextMax, 'a'));
}

TEST_CASE("a resolv.conf that is a file comes back byte for byte") {
  Plain plain;
  CHECK(plain.resolver.choose() == ResolverBackend::kResolvConfFile);
  const std::string text = std::string("# mine\r\n\0\xff nameserver 192.0.2.1", 31);  // no newline
  write_text(plain.conf, text);
  REQUIRE(::chmod(plain.conf.c_str(), 0640) == 0);
  if (is_root()) REQUIRE(::chown(plain.conf.c_str(), 12, 34) == 0);
  const struct stat before = status_of(plain.conf);
  plain.apply();
  CHECK((status_of(plain.conf).st_mode & 07777) == 0644);
  plain.undo();
  CHECK(read_text(plain.conf) == text);
  CHECK(status_of(plain.conf).st_mode == before.st_mode);
  CHECK(status_of(plain.conf).st_uid == before.st_uid);
  CHECK(status_of(plain.conf).st_gid == before.st_gid);
}

TEST_CASE("a resolv.conf that is a symlink comes back as one, dangling or not") {
  for (const bool dangling : {false, true}) {
    Plain plain;
    const std::string target = plain.directory / "stub.conf";
    if (!dangling) write_text(target, "nameserver 127.0.0.53\n");
    REQUIRE(::symlink("stub.conf", plain.conf.c_str()) == 0);
    plain.apply();
    CHECK(S_ISREG(status_of(plain.conf).st_mode));
    if (!dangling) CHECK(read_text(target) == "nameserver 127.0.0.53\n");
    plain.undo();
    std::array<char, 100> link{};
    REQUIRE(::readlink(plain.conf.c_str(), link.data(), link.size()) == 9);
    CHECK(std::string(link.data()) == "stub.conf");
    CHECK(exists(target) == !dangling);
  }
}

TEST_CASE("a resolv.conf that was absent is absent again") {
  Plain plain;
  plain.apply();
  plain.undo();
  CHECK_FALSE(exists(plain.conf));
}

TEST_CASE("a resolv.conf that somebody wrote meanwhile is newer than the backup and stays") {
  Plain plain;
  write_text(plain.conf, "nameserver 192.0.2.1\n");
  plain.apply();
  write_text(plain.conf, "nameserver 192.0.2.2\n");
  CHECK(must(plain.journal.replay_all()).complete());
  CHECK(read_text(plain.conf) == "nameserver 192.0.2.2\n");
}

TEST_CASE("a second apply does not take our own file for the user's") {
  Plain plain;
  write_text(plain.conf, "nameserver 192.0.2.1\n");
  plain.apply();
  plain.apply();
  plain.undo();
  CHECK(read_text(plain.conf) == "nameserver 192.0.2.1\n");
}

TEST_CASE("a resolv.conf of a tunnel that went, or that it put back, is not this tunnel's") {
  Plain plain;
  const auto file = ResolverBackend::kResolvConfFile;
  write_text(plain.conf, "nameserver 192.0.2.1\n");
  must(plain.resolver.apply(1, "lo", kSettings, plain.journal));
  const std::string ours = read_text(plain.conf);
  CHECK_FALSE(plain.resolver.is_replaced(file));
  CHECK_FALSE(plain.resolver.is_replaced(ResolverBackend::kResolved));
  must(plain.resolver.apply(7, "godwit-gone", kSettings, plain.journal));
  CHECK(plain.resolver.is_replaced(file));
  must(plain.resolver.reassert(file, 1, "lo", kSettings, plain.journal));
  CHECK(read_text(plain.conf) == ours);
  write_text(plain.conf, "nameserver 192.0.2.1\n");
  CHECK(plain.resolver.is_replaced(file));
  plain.undo();
  CHECK(read_text(plain.conf) == "nameserver 192.0.2.1\n");
}

TEST_CASE("what is no address of a server or no domain is refused before anything changes") {
  Plain plain;
  write_text(plain.conf, "mine\n");
  for (const char* name :
       {"", ".", "a b", "a\nnameserver 6.6.6.6", ".a", "a..b", "x;y", "$(x)", "a.-b-.\xc3\xa4"}) {
    CAPTURE(std::string(name));
    DnsSettings settings = kSettings;
    settings.search_domains = {name};
    CHECK(plain.resolver.apply(1, "lo", settings, plain.journal).error().error == EINVAL);
    settings = kSettings;
    settings.routing_domains = {name};
    CHECK(plain.resolver.apply(1, "lo", settings, plain.journal).error().error == EINVAL);
  }
  for (const char* server : {"0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::fb"}) {
    CAPTURE(std::string(server));
    DnsSettings settings = kSettings;
    settings.servers = {*IpAddress::parse(server)};
    CHECK(plain.resolver.apply(1, "lo", settings, plain.journal).error().error == EINVAL);
  }
  CHECK(must(plain.resolver.apply(1, "lo", {}, plain.journal)) == ResolverBackend::kNone);
  CHECK(read_text(plain.conf) == "mine\n");
  CHECK(plain.journal.size() == 0);
}

TEST_CASE("resolvconf is run without a shell and told on its standard input") {
  const TemporaryDirectory directory;
  const std::string program = directory / "resolvconf";
  const std::string log = directory / "log";
  write_text(program, "#!/bin/sh\n{ echo \"$# $1 $2\"; cat; } >> '" + log + "'\n");
  REQUIRE(::chmod(program.c_str(), 0755) == 0);
  const Resolver resolver({.bus = "unix:path=" + (directory / "no-bus"),
                           .resolvconf_program = program,
                           .resolv_conf = directory / "resolv.conf"});
  CHECK(resolver.choose() == ResolverBackend::kResolvconf);
  auto journal = must(UndoJournal::open("office", directory / "run"));
  Resolver copy = resolver;
  CHECK(must(copy.apply(1, "gw0", kSettings, journal)) == ResolverBackend::kResolvconf);
  CHECK(read_text(log) == std::string("2 -a gw0.godwit\n") + kOurLines);
  CHECK(must(journal.replay_all()).undone == 1);
  CHECK(read_text(log).ends_with("2 -d gw0.godwit\n"));
  CHECK_FALSE(exists(directory / "resolv.conf"));
  // One that fails is an error, and the undo stays in the journal.
  write_text(program, "#!/bin/sh\nexit 3\n");
  CHECK_FALSE(copy.apply(1, "gw0", kSettings, journal));
}

TEST_CASE("systemd-resolved is preferred, told over D-Bus and reverted") {
  REQUIRE_ROOT();
  const Namespace space;
  const auto tun = must(Tun::open("gw0"));
  const TemporaryDirectory directory;
  FakeResolved fake(directory.path());
  if (!fake.start()) {
    MESSAGE("skipped: no dbus-daemon");
    return;
  }
  ResolverOptions options{.bus = fake.address(),
                          .resolvconf_program = "/bin/true",
                          .resolv_conf = directory / "resolv.conf"};
  Resolver resolver(options);
  CHECK(resolver.choose() == ResolverBackend::kResolved);
  auto journal = must(UndoJournal::open("office", directory / "run"));
  CHECK(must(resolver.apply(tun.index(), tun.name(), kSettings, journal)) ==
        ResolverBackend::kResolved);
  CHECK(Resolver::can_split(ResolverBackend::kResolved));
  const std::string index = std::to_string(tun.index());
  CHECK(fake.log() == "SetLinkDNS " + index +
                          " 2:0a010101 10:20010db8000000000000000000000053\n"
                          "SetLinkDomains " +
                          index +
                          " office.example lab.example~\n"
                          "SetLinkDefaultRoute " +
                          index + " 0\nSetLinkLLMNR " + index + " no\nSetLinkMulticastDNS " +
                          index + " no\n");
  // Told again, word for word, and undone once.
  const std::string told = fake.log();
  CHECK(resolver.reassert(ResolverBackend::kResolved, tun.index(), tun.name(), kSettings, journal));
  CHECK(fake.log() == told + told);
  CHECK(must(journal.replay_all()).undone == 1);
  CHECK(fake.log().ends_with("RevertLink " + index + "\n"));

  DnsSettings everything = kSettings;
  everything.default_route = true;
  CHECK(must(resolver.apply(tun.index(), tun.name(), everything, journal)) ==
        ResolverBackend::kResolved);
  CHECK(fake.log().find("lab.example~ .~\nSetLinkDefaultRoute " + index + " 1\n") !=
        std::string::npos);
  // A bus without resolved: the next way is chosen, and the undo has nothing to do.
  fake.stop_service();
  CHECK(resolver.choose() == ResolverBackend::kResolvconf);
  CHECK(must(journal.replay_all()).absent == 1);
  CHECK_FALSE(exists(directory / "resolv.conf"));
}

TEST_CASE("a resolv.conf that a network manager wrote gives way again, and comes back in the end") {
  Plain plain;
  write_text(plain.conf, "nameserver 192.0.2.1\n");
  plain.apply();
  const auto again = [&] {
    CHECK(plain.resolver.reassert(ResolverBackend::kResolvConfFile, 1, "lo", kSettings,
                                  plain.journal));
    CHECK(read_text(plain.conf).ends_with(kOurLines));
  };
  again();
  write_text(plain.conf, "nameserver 192.0.2.2\n");
  again();
  plain.undo();
  CHECK(read_text(plain.conf) == "nameserver 192.0.2.2\n");
}

TEST_CASE("the bus tells that systemd-resolved was started again") {
  const TemporaryDirectory directory;
  FakeResolved fake(directory.path());
  if (!fake.start()) {
    MESSAGE("skipped: no dbus-daemon");
    return;
  }
  auto watch = must(BusWatch::open(fake.address()));
  CHECK_FALSE(must(watch.read()).resolver_started);
  const auto news = [&] {
    pollfd wait{watch.fd(), POLLIN, 0};
    CHECK(::poll(&wait, 1, 5000) == 1);
    return must(watch.read());
  };
  fake.stop_service();
  CHECK_FALSE(news().resolver_started);
  fake.start_service();
  CHECK(news().resolver_started);
  CHECK_FALSE(must(watch.read()).woke_up);
}

}  // namespace godwit::platform::test
