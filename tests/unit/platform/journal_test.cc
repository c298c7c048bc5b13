// The undo journal: whatever was done when the process died is taken back, once and only once.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "platform/journal.h"
#include "platform/resolver.h"
#include "platform/tun.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

Rule tunnel_rule(bool v6) {
  Rule rule;
  rule.v6 = v6;
  rule.priority = 5210;
  rule.table = 51820;
  rule.fwmark = 0x676f'0000;
  rule.fwmask = 0xffff'0000;
  rule.invert = true;
  return rule;
}

Route tunnel_route(const char* prefix, int index) {
  Route route;
  route.destination = *Prefix::parse(prefix);
  route.table = 51820;
  route.index = index;
  return route;
}

// Everything a tunnel changes, one step after the other, each in the journal before it is made.
class Changes {
 public:
  Changes(const std::string& directory, const Tun& tun, const std::string& resolv_conf)
      : journal_(must(UndoJournal::open("office", directory))),
        tun_(tun),
        resolver_({.bus = "unix:path=/nonexistent",
                   .resolvconf_program = "/nonexistent",
                   .resolv_conf = resolv_conf}),
        flag_(directory + "/flag") {}

  static constexpr int kSteps = 9;
  void step(int number) {
    switch (number) {
      case 0:
        return address("10.1.2.3");
      case 1:
        return address("2001:db8::3");
      case 2:
        return route("10.0.0.0/8");
      case 3:
        return route("0.0.0.0/0");
      case 4:
        return route("2001:db8::/32");
      case 5:
        return rule(false);
      case 6:
        return rule(true);
      case 7:
        must(resolver_.apply(tun_.index(), tun_.name(), {{IpAddress::v4(0x0a010101)}, {}, {}, true},
                             journal_));
        return;
      default:
        must(journal_.push(UndoFile{flag_}));
        write_text(flag_, "here");
    }
  }
  UndoJournal& journal() { return journal_; }

 private:
  void address(const char* text) {
    const auto value = *IpAddress::parse(text);
    must(journal_.push(UndoAddress{tun_.name(), value, value.bits()}));
    must(netlink_.add_address({tun_.index(), value, value.bits()}));
  }
  void route(const char* prefix) {
    const Route value = tunnel_route(prefix, tun_.index());
    must(journal_.push(UndoRoute{tun_.name(), value}));
    must(netlink_.add_route(value));
  }
  void rule(bool v6) {
    must(journal_.push(UndoRule{tunnel_rule(v6)}));
    must(netlink_.add_rule(tunnel_rule(v6)));
  }

  UndoJournal journal_;
  Netlink netlink_ = must(Netlink::open());
  const Tun& tun_;
  Resolver resolver_;
  std::string flag_;
};

ReplayReport replay(const std::string& directory) {
  return must(UndoJournal::replay_file("office", directory));
}

}  // namespace

TEST_CASE("entries survive being written and read") {
  Rule rule = tunnel_rule(true);
  rule.to = *Prefix::parse("2001:db8::/32");
  rule.suppress_prefix_length = 0;
  rule.protocol = 17;
  rule.port = 1701;
  Route route = tunnel_route("10.0.0.0/8", 0);
  route.gateway = *IpAddress::parse("10.0.0.1");
  route.metric = 50;
  route.kind = RouteKind::kUnreachable;
  UndoResolvConf conf{
      "/etc/resolv.conf", UndoResolvConf::Kind::kSymlink, "", "../run/a b%\n=c", 0640, 7, 8};
  const std::vector<Undo> all{UndoLink{"godwit0"},
                              UndoAddress{"godwit0", *IpAddress::parse("2001:db8::1"), 128},
                              UndoRoute{"godwit0", route},
                              UndoRule{rule},
                              conf,
                              UndoResolvedLink{"godwit0", "unix:path=/run/x,guid=1"},
                              UndoResolvconf{"/sbin/resolvconf", "godwit0.godwit"},
                              UndoFile{"/run/godwit/with space"},
                              UndoFirewall{"godwit_office_2d2"},
                              UndoValidMark{}};
  for (const Undo& undo : all) {
    const std::string line = to_line(undo);
    CAPTURE(line);
    CHECK(line.find('\n') == std::string::npos);
    const auto back = parse_undo(line);
    REQUIRE(back);
    CHECK(back->index() == undo.index());
    CHECK(to_line(*back) == line);
    // What is cut off is no entry, or the same one with a shorter value; it never crashes.
    for (std::size_t size = 0; size < line.size(); ++size) (void)parse_undo(line.substr(0, size));
  }
  CHECK(std::get<UndoResolvConf>(*parse_undo(to_line(conf))).target == conf.target);
  CHECK(std::get<UndoRule>(*parse_undo(to_line(UndoRule{rule}))).rule == rule);
  CHECK(std::get<UndoRoute>(*parse_undo(to_line(UndoRoute{"x", route}))).route == route);
  for (const char* line : {"", "  ", "delete-everything now=1", "delete-address device=godwit0",
                           "delete-rule v6=0 priority=1 table=1 invert=0 protocol=256",
                           "delete-rule v6=0 priority=1 table=1 invert=0 port=65536",
                           "delete-rule v6=0 priority=1 table=1 invert=0 port=",
                           "delete-address device=a/b address=1.2.3.4 length=32",
                           "delete-address device=x address=1.2.3.4 length=4294967328",
                           "delete-route device=x destination=10/8 table=1 kind=0 metric=0",
                           "remove-file path=", "remove-file path=%zz", "remove-file path",
                           "remove-file path=a path=b", "delete-nft-table table=filter",
                           "delete-nft-table table=godwit_office-2"}) {
    CAPTURE(std::string(line));
    CHECK_FALSE(parse_undo(line));
  }
}

TEST_CASE("what the whole machine shares is found in other journals") {
  const TemporaryDirectory folder;
  auto first = must(UndoJournal::open("first", folder.path()));
  auto second = must(UndoJournal::open("second", folder.path()));
  must(first.push(UndoFile{"/nowhere"}));
  must(first.push(UndoValidMark{}));
  CHECK_FALSE(first.is_written_elsewhere(UndoValidMark{}));
  CHECK(second.is_written_elsewhere(UndoValidMark{}));
  must(second.push(UndoValidMark{}));
  CHECK(first.is_written_elsewhere(UndoValidMark{}));
  must(first.cancel_last());
  CHECK_FALSE(second.is_written_elsewhere(UndoValidMark{}));
  CHECK(second.is_written_elsewhere(UndoFile{"/nowhere"}));
  CHECK_FALSE(second.is_written_elsewhere(UndoFile{"/nowhere/else"}));
  must(second.cancel_last());
}

TEST_CASE("a process that dies after any step leaves nothing behind once it is replayed") {
  REQUIRE_ROOT();
  const Namespace space;
  auto netlink = must(Netlink::open());
  const auto tun = must(Tun::open("gw0"));  // outlives the process, so that nothing goes by itself
  must(tun.set_up(netlink));
  const Listing before = list_all();
  for (int last = 0; last < Changes::kSteps; ++last) {
    CAPTURE(last);
    const TemporaryDirectory directory;
    const std::string conf = directory / "resolv.conf";
    const std::string run = directory / "run";
    write_text(conf, "nameserver 192.0.2.53\n");
    const int code = in_child([&] {
      Changes changes(run, tun, conf);
      for (int i = 0; i <= last; ++i) changes.step(i);
      ::_exit(42);  // no destructor runs
      return 0;
    });
    REQUIRE(code == 42);
    const auto owner = UndoJournal::owner_of("office", run);
    REQUIRE(owner);
    CHECK_FALSE(owner->is_alive());
    CHECK(UndoJournal::open("office", run).error().error == EEXIST);
    const ReplayReport report = replay(run);
    CHECK(report.complete());
    CHECK(report.undone >= static_cast<std::size_t>(last) + 1);
    CHECK(report.ignored == 0);
    CHECK(list_all() == before);
    CHECK(read_text(conf) == "nameserver 192.0.2.53\n");
    CHECK_FALSE(exists(run + "/flag"));
    CHECK_FALSE(exists(run + "/office.journal"));
    CHECK_FALSE(exists(run + "/office.resolv.conf"));
    CHECK(replay(run).undone == 0);
  }
}

TEST_CASE("an entry whose change was never made is harmless") {
  REQUIRE_ROOT();
  const Namespace space;
  const TemporaryDirectory directory;
  const Listing before = list_all();
  auto journal = must(UndoJournal::open("office", directory.path()));
  must(journal.push(UndoAddress{"gone0", IpAddress::v4(0x0a010203), 32}));
  must(journal.push(UndoRoute{"gone0", tunnel_route("10.0.0.0/8", 0)}));
  must(journal.push(UndoRule{tunnel_rule(false)}));
  must(journal.push(UndoFile{directory / "absent"}));
  must(journal.push(UndoResolvedLink{"gone0", "unix:path=/nonexistent"}));
  must(journal.push(UndoResolvconf{"/nonexistent", "gone0.godwit"}));
  must(journal.push(UndoResolvConf{directory / "conf", UndoResolvConf::Kind::kAbsent, {}, {}}));
  const ReplayReport report = must(journal.replay_all());
  CHECK(report.complete());
  CHECK(report.undone == 0);
  CHECK(report.absent == 7);
  CHECK(list_all() == before);
  // The journal can be used again, for a reconnect.
  must(journal.push(UndoFile{directory / "absent"}));
  CHECK(exists(journal.path()));
  CHECK(must(journal.replay_all()).absent == 1);
  CHECK_FALSE(exists(journal.path()));
}

TEST_CASE("a device that outlived its owner is deleted, one that is no TUN device is not") {
  REQUIRE_ROOT();
  const Namespace space;
  const TemporaryDirectory directory;
  auto netlink = must(Netlink::open());
  const auto tun = must(Tun::open("gw0"));
  auto journal = must(UndoJournal::open("office", directory.path()));
  must(journal.push(UndoLink{"gw0"}));
  CHECK(must(journal.replay_all()).undone == 1);
  CHECK(must(netlink.links()).size() == 1);  // the loopback
  must(journal.push(UndoLink{"gw0"}));
  CHECK(must(journal.replay_all()).absent == 1);
  must(journal.push(UndoLink{"lo"}));
  CHECK(must(journal.replay_all()).undone == 0);
  CHECK(must(netlink.links()).size() == 1);
}

TEST_CASE("what existed before is not undone") {
  REQUIRE_ROOT();
  const Namespace space;
  const TemporaryDirectory directory;
  auto netlink = must(Netlink::open());
  must(netlink.add_rule(tunnel_rule(false)));
  const Listing before = list_all();
  const int code = in_child([&] {
    auto journal = must(UndoJournal::open("office", directory.path()));
    must(journal.push(UndoRule{tunnel_rule(true)}));
    must(netlink.add_rule(tunnel_rule(true)));
    must(journal.push(UndoRule{tunnel_rule(false)}));
    const bool refused = netlink.add_rule(tunnel_rule(false)).error().error == EEXIST;
    must(journal.cancel_last());
    ::_exit(refused ? 42 : 1);
    return 0;
  });
  REQUIRE(code == 42);
  CHECK(replay(directory.path()).undone == 1);
  CHECK(list_all() == before);
}

TEST_CASE("a damaged or foreign journal gives what it can") {
  REQUIRE_ROOT();
  const Namespace space;
  const TemporaryDirectory directory;
  const std::string path = directory / "office.journal";
  write_text(directory / "one", "");
  write_text(directory / "two", "");
  write_text(directory / "three", "");
  std::string text = "owner pid=1 boot=x\n" + to_line(UndoFile{directory / "one"}) + "\n";
  text += "remove-everything path=/\n\xff\xfe" + std::string(3, '\0') + "garbage\n\n";
  text += to_line(UndoFile{directory / "two"}) + "\n";
  text += to_line(UndoFile{directory / "three"});  // no newline
  write_text(path, text);
  CHECK_FALSE(UndoJournal::owner_of("office", directory.path()));
  const ReplayReport report = replay(directory.path());
  CHECK(report.complete());
  CHECK(report.undone == 2);
  CHECK(report.ignored >= 3);
  CHECK_FALSE(exists(directory / "one"));
  CHECK_FALSE(exists(directory / "two"));
  CHECK(exists(directory / "three"));  // its change had not been made: the line was being written
  CHECK_FALSE(exists(path));
  write_text(path, "");
  CHECK(replay(directory.path()).undone == 0);
}

TEST_CASE("what cannot be undone keeps the journal") {
  REQUIRE_ROOT();
  const Namespace space;
  const TemporaryDirectory directory;
  const std::string stubborn = directory / "folder";
  REQUIRE(::mkdir(stubborn.c_str(), 0700) == 0);
  auto journal = must(UndoJournal::open("office", directory.path()));
  write_text(directory / "file", "");
  must(journal.push(UndoFile{directory / "file"}));
  must(journal.push(UndoFile{stubborn}));  // unlink of a folder fails
  const ReplayReport report = must(journal.replay_all());
  CHECK(report.failures.size() == 1);
  CHECK(report.undone == 1);  // one failure does not keep the others
  CHECK(exists(journal.path()));
  REQUIRE(::rmdir(stubborn.c_str()) == 0);
  CHECK(must(journal.replay_all()).complete());
  CHECK_FALSE(exists(journal.path()));
}

TEST_CASE("two commands do not work on one journal") {
  const TemporaryDirectory directory;
  {
    const auto journal = must(UndoJournal::open("office", directory.path()));
    const auto owner = UndoJournal::owner_of("office", directory.path());
    REQUIRE(owner);
    CHECK(owner->pid == ::getpid());
    CHECK(owner->is_alive());
    CHECK_FALSE(JournalOwner{owner->pid, owner->boot_id, owner->start_time + 1}.is_alive());
    CHECK_FALSE(JournalOwner{owner->pid, "another boot", owner->start_time}.is_alive());
    const int code = in_child([&] {
      const bool open = UndoJournal::open("office", directory.path()).error().error == EWOULDBLOCK;
      const bool replayed =
          UndoJournal::replay_file("office", directory.path()).error().error == EWOULDBLOCK;
      const bool other = UndoJournal::open("home", directory.path()).has_value();
      return open && replayed && other ? 42 : 1;
    });
    CHECK(code == 42);
  }
  for (const char* profile : {"", ".", "..", "a/b", "../x"}) {
    CHECK(UndoJournal::open(profile, directory.path()).error().error == EINVAL);
    CHECK_FALSE(UndoJournal::owner_of(profile, directory.path()));
  }
}

TEST_CASE("what a tunnel changed is taken back without what it stands on") {
  const TemporaryDirectory directory;
  const auto file = [&](const char* name) { return directory / name; };
  {
    auto journal = must(UndoJournal::open("office", directory.path()));
    for (const char* name : {"a", "b", "c", "d"}) {
      CHECK(journal.push(UndoFile{file(name)}));
      write_text(file(name), "x");
    }
    CHECK(journal.cancel_last());
    CHECK(must(journal.replay_down_to(1)).undone == 2);
    CHECK(journal.size() == 1);
    CHECK((exists(file("a")) && !exists(file("b")) && !exists(file("c")) && exists(file("d"))));
    CHECK(must(journal.replay_down_to(1)).undone == 0);
    write_text(file("b"), "not ours any more");
  }
  // As a later command reads it.
  CHECK(must(UndoJournal::replay_file("office", directory.path())).undone == 1);
  CHECK((!exists(file("a")) && exists(file("b"))));
}

}  // namespace godwit::platform::test
