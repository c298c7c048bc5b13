// The kill switch: what it says, and what the kernel makes of it.
#include "platform/firewall.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "platform/guard.h"
#include "platform/program.h"
#include "platform/tun.h"
#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

Firewall office() {
  Firewall out;
  out.table = firewall_table("office");
  out.mark = 0x676f'0000;
  out.mask = 0xffff'0000;
  return out;
}

bool has(const std::string& text, const char* what) { return text.find(what) != std::string::npos; }

// Whether a command of nft succeeds.
bool nft(const std::string& script) {
  const auto status = run_program({{"nft", "-f", "-"}, {}, std::chrono::seconds(10), script});
  return status && *status == 0;
}

// EPERM says that the kill switch dropped it; everything else got further.
int send_to(const char* address, std::uint16_t port, int type = SOCK_DGRAM) {
  const Fd fd(::socket(AF_INET, type | SOCK_NONBLOCK, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &to.sin_addr);
  return ::sendto(fd.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0 ? errno : 0;
}

}  // namespace

TEST_CASE("each profile has a table of its own, whose name nft can read") {
  CHECK(firewall_table("office") == "godwit_office");
  CHECK(firewall_table("office-2") == "godwit_office_2d2");
  CHECK(firewall_table("office_2d2") != firewall_table("office-2"));
  const std::string long_name(200, 'a');
  CHECK(firewall_table(long_name) != firewall_table(long_name + "b"));
  for (const std::string& name : {std::string("b\xc3\xbcro \"}"), long_name, std::string("1")}) {
    CHECK(is_firewall_table(firewall_table(name)));
  }
  for (const char* name : {"filter", "godwit_", "godwit_a-b", "godwit_a b", ""}) {
    CHECK_FALSE(is_firewall_table(name));
  }
}

TEST_CASE("what is let pass beside the tunnel is what the profile says") {
  Firewall firewall = office();
  const std::string closed = firewall_text(firewall);
  CHECK(has(closed, "meta mark & 0xffff0000 == 0x676f0000 meta skuid 0"));
  CHECK_FALSE(has(closed, "    ip daddr { 10.0.0.0/8"));
  CHECK_FALSE(has(closed, "192.0.2.0/24"));
  firewall.local_networks = true;
  firewall.excluded = {*Prefix::parse("192.0.2.0/24"), *Prefix::parse("2001:db8::/32")};
  const std::string lan = firewall_text(firewall);
  CHECK(has(lan, "    ip daddr { 10.0.0.0/8"));
  CHECK(has(lan, "    ip daddr 192.0.2.0/24 accept"));
  CHECK(has(lan, "    ip6 daddr 2001:db8::/32 accept"));
}

TEST_CASE("the kernel closes, lets a portal through for a while, and opens") {
  REQUIRE_ROOT();
  const Namespace space;
  const Firewall firewall = office();
  if (!nft("list ruleset\n")) return;  // no nft on this machine
  // A device that leads outside, and one that is a tunnel's.
  auto netlink = must(Netlink::open());
  auto outside = must(Tun::open("outside"));
  auto tunnel = must(Tun::open("tunnel"));
  CHECK(netlink.set_group(outside.index(), 0));
  for (const Tun* tun : {&outside, &tunnel}) CHECK(tun->set_up(netlink));
  CHECK(netlink.add_address({outside.index(), IpAddress::v4(0xc612'0001), 24}));  // 198.18.0.1
  CHECK(netlink.add_address({tunnel.index(), IpAddress::v4(0x0a32'0001), 24}));
  CHECK(send_to("198.18.0.9", 53) == 0);

  CHECK(apply_firewall(firewall));
  CHECK(apply_firewall(firewall));  // in its own place
  CHECK(send_to("198.18.0.9", 53) == EPERM);
  CHECK(send_to("10.50.0.9", 53) == 0);
  // Another tunnel's table holds none of this one's packets back.
  Firewall other = firewall;
  other.table = firewall_table("other");
  CHECK(apply_firewall(other));
  CHECK(send_to("10.50.0.9", 53) == 0);
  CHECK(delete_firewall(other.table));

  CHECK(open_portal(firewall.table, std::chrono::seconds(60)));
  CHECK(open_portal(firewall.table, std::chrono::seconds(30)));  // again
  CHECK(send_to("198.18.0.9", 53) == 0);
  CHECK(send_to("198.18.0.9", 9) == EPERM);
  CHECK(open_portal(firewall.table, std::chrono::seconds(0)));
  CHECK(send_to("198.18.0.9", 53) == EPERM);
  // Nobody has to take it back.
  CHECK(open_portal(firewall.table, std::chrono::seconds(1)));
  CHECK(send_to("198.18.0.9", 53) == 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(1300));
  CHECK(send_to("198.18.0.9", 53) == EPERM);

  CHECK(delete_firewall(firewall.table));
  CHECK(send_to("198.18.0.9", 53) == 0);
  CHECK(is_absent(delete_firewall(firewall.table).error()));
  CHECK(is_absent(open_portal(firewall.table, std::chrono::seconds(1)).error()));
}

TEST_CASE("a kill switch that is put in its own place lets nothing pass meanwhile") {
  REQUIRE_ROOT();
  const Namespace space;
  const Firewall firewall = office();
  if (!nft("list ruleset\n")) return;  // no nft on this machine
  auto netlink = must(Netlink::open());
  auto outside = must(Tun::open("outside"));
  CHECK(netlink.set_group(outside.index(), 0));
  CHECK(outside.set_up(netlink));
  CHECK(netlink.add_address({outside.index(), IpAddress::v4(0xc612'0001), 24}));  // 198.18.0.1
  CHECK(apply_firewall(firewall));
  CHECK(open_portal(firewall.table, std::chrono::seconds(60)));
  CHECK(apply_firewall(firewall));
  std::atomic<bool> stop = false;
  std::atomic<int> dropped = 0, passed = 0;
  std::vector<std::thread> programs;
  for (int i = 0; i < 3; ++i) {
    programs.emplace_back([&] {
      while (!stop) ++(send_to("198.18.0.9", 53) == EPERM ? dropped : passed);
    });
  }
  for (int i = 0; i < 60; ++i) CHECK(apply_firewall(firewall));
  stop = true;
  for (std::thread& program : programs) program.join();
  CHECK(passed == 0);
  CHECK(dropped > 1000);
}

TEST_CASE("a guard has a table that no kill switch has, and takes inner addresses") {
  CHECK(guard_table("office") == "godwit_office___guard");
  CHECK(is_firewall_table(guard_table("office")));
  CHECK(guard_table("office") != firewall_table("office___guard"));
  const Guard guard{guard_table("office"), 0x676f'0007, {500, 4500}, true};
  const std::string text = guard_text(guard);
  CHECK(has(text, "udp dport 4500 meta mark set 0x676f0007"));
  CHECK(has(text, "meta l4proto esp meta mark set 0x676f0007"));
  REQUIRE_ROOT();
  const Namespace space;
  const std::vector<IpAddress> inner = {*IpAddress::parse("10.60.0.7"),
                                        *IpAddress::parse("fd00::7")};
  CHECK(is_absent(guard_addresses(guard.table, inner).error()));
  if (!nft("list ruleset\n")) return;  // no nft on this machine
  CHECK(apply_guard(guard));
  CHECK(apply_guard(guard));
  CHECK(guard_addresses(guard.table, inner));
  CHECK(guard_addresses(guard.table, inner));  // again, after another address
  CHECK(nft("get element inet godwit_office___guard inner4 { 10.60.0.7 }\n"));
  CHECK(nft("get element inet godwit_office___guard inner6 { fd00::7 }\n"));
  CHECK(delete_firewall(guard.table));
}

}  // namespace godwit::platform::test
