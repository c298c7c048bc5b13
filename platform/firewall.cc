#include "platform/firewall.h"

#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "core/base/bytes.h"
#include "platform/nft.h"
#include "platform/tun.h"

namespace godwit::platform {
namespace {

constexpr std::string_view kTablePrefix = "godwit_";
constexpr std::size_t kReadableMax = 120;  // of NFT_NAME_MAXLEN, 256
constexpr const char* kPortalSet = "portal";

constexpr const char* kPrivate4 =
    "{ 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, 224.0.0.0/24, "
    "255.255.255.255 }";
constexpr const char* kPrivate6 = "{ fe80::/10, fc00::/7, ff02::/16 }";

std::string hex(std::uint64_t number, int digits) {
  char text[17];
  std::snprintf(text, sizeof text, "%0*llx", digits, static_cast<unsigned long long>(number));
  return text;
}

// FNV-1a, for names that are too long to be shown.
std::uint64_t digest(std::string_view text) {
  std::uint64_t out = 0xcbf2'9ce4'8422'2325;
  for (const char c : text) out = (out ^ static_cast<unsigned char>(c)) * 0x0000'0100'0000'01b3;
  return out;
}

std::string accept_destinations(const std::vector<Prefix>& networks) {
  std::string out;
  for (const Prefix& network : networks) {
    out += network.address().is_v4() ? "    ip daddr " : "    ip6 daddr ";
    out += network.to_string() + " accept\n";
  }
  return out;
}

}  // namespace

std::string firewall_table(std::string_view profile) {
  std::string out(kTablePrefix);
  for (const char c : profile.substr(0, kReadableMax / 3)) {
    const auto octet = static_cast<unsigned char>(c);
    const bool plain = octet < 0x80 && std::isalnum(octet) != 0;
    out += plain ? std::string(1, c) : "_" + hex(octet, 2);
  }
  if (profile.size() > kReadableMax / 3) out += "__" + hex(digest(profile), 16);
  return out;
}

bool is_firewall_table(std::string_view table) {
  return table.size() > kTablePrefix.size() && table.size() <= 2 * kReadableMax &&
         table.starts_with(kTablePrefix) &&
         std::all_of(table.begin(), table.end(), [](unsigned char c) {
           return c < 0x80 && (std::isalnum(c) != 0 || c == '_');
         });
}

std::string firewall_text(const Firewall& firewall) {
  const std::string group = std::to_string(kTunGroup);
  std::string beside = accept_destinations(firewall.excluded);
  if (firewall.local_networks) {
    beside += std::string("    ip daddr ") + kPrivate4 + " accept\n    ip6 daddr " + kPrivate6 +
              " accept\n";
  }
  // A table of that name may be there: its rules and the set's elements are replaced, its chains
  // stay. Deleting a table and making it anew lets a packet pass in between, in one transaction too
  // (seen with Linux 6.18).
  return "table inet " + firewall.table + " {}\nflush table inet " + firewall.table +
         "\ntable inet " + firewall.table +
         " {\n"
         "  set " +
         kPortalSet +
         " {\n    type inet_proto\n    flags timeout\n  }\n"
         "  chain output {\n"
         "    type filter hook output priority 0; policy drop;\n"
         "    oifname \"lo\" accept\n"
         "    oifgroup " +
         group +
         " accept\n"
         "    meta mark & 0x" +
         hex(firewall.mask, 8) + " == 0x" + hex(firewall.mark & firewall.mask, 8) + " meta skuid " +
         std::to_string(firewall.owner) +
         " meta l4proto { udp, esp } accept\n"
         // Without an address and neighbours nothing reaches the gateway.
         "    udp sport 68 udp dport 67 accept\n"
         "    udp sport 546 udp dport 547 accept\n"
         "    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept\n" +
         beside +
         "    meta l4proto @portal tcp dport { 53, 80, 443, 8080, 8443 } accept\n"
         "    meta l4proto @portal udp dport { 53, 443 } accept\n"
         "    meta l4proto @portal ip daddr " +
         kPrivate4 + " accept\n    meta l4proto @portal ip6 daddr " + kPrivate6 +
         " accept\n"
         "  }\n"
         "  chain forward {\n"
         "    type filter hook forward priority 0; policy drop;\n"
         "    oifgroup " +
         group + " accept\n    iifgroup " + group + " accept\n" + beside +
         "  }\n"
         "}\n"
         "flush set inet " +
         firewall.table + " " + kPortalSet + "\n";
}

Result<void, SysError> apply_firewall(const Firewall& firewall) {
  return run_nft(firewall_text(firewall));
}

Result<void, SysError> delete_firewall(const std::string& table) {
  NftBatch batch;
  batch.delete_table(table);
  return batch.send("delete nft table", table);
}

Result<void, SysError> open_portal(const std::string& table, std::chrono::seconds span) {
  static constexpr std::uint8_t kProtocols[] = {IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP,
                                                IPPROTO_ICMPV6};
  NftBatch batch;
  batch.empty_set(table, kPortalSet);
  for (const std::uint8_t& protocol : kProtocols) {
    if (span.count() > 0) batch.add_element(table, kPortalSet, Bytes(&protocol, 1), span);
  }
  return batch.send("open the kill switch for a while", table);
}

}  // namespace godwit::platform
