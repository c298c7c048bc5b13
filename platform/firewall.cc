#include "platform/firewall.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <functional>
#include <memory>

#include "core/base/bytes.h"
#include "platform/netlink_messages.h"
#include "platform/program.h"
#include "platform/tun.h"

namespace godwit::platform {
namespace {

constexpr std::string_view kTablePrefix = "godwit_";
constexpr std::size_t kReadableMax = 120;  // of NFT_NAME_MAXLEN, 256
constexpr const char* kPortalSet = "portal";
constexpr std::uint8_t kFamilyInet = 1;  // NFPROTO_INET

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

// A batch of nf_tables: nothing of it happens unless all of it does.
class Batch {
 public:
  using Fill = std::function<void(nl_msg*)>;

  Batch() { add(NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0, {}); }

  void add_table_message(int type, int flags, const Fill& fill) {
    add((NFNL_SUBSYS_NFTABLES << 8) | type, kFamilyInet, 0, flags | NLM_F_ACK, fill);
    last_ = sequence_;
  }

  Result<void, SysError> send(const char* op, const std::string& table) {
    const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(nl_socket_alloc(),
                                                                     &nl_socket_free);
    if (!socket) return fail(SysError{op, ENOMEM, table});
    if (nl_connect(socket.get(), NETLINK_NETFILTER) < 0) return fail(last_error(op, table));
    add(NFNL_MSG_BATCH_END, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0, {});
    if (nl_sendto(socket.get(), octets_.data(), octets_.size()) < 0) {
      return fail(last_error(op, table));
    }
    while (true) {
      sockaddr_nl from{};
      unsigned char* buffer = nullptr;
      const int size = nl_recv(socket.get(), &from, &buffer, nullptr);
      if (size <= 0) return fail(SysError{op, size == 0 ? EAGAIN : errno, table});
      const std::unique_ptr<unsigned char, decltype(&::free)> owner(buffer, &::free);
      std::optional<int> error;
      bool done = false;
      for_each_message({buffer, static_cast<std::size_t>(size)}, [&](nlmsghdr* header) {
        error = read_error(header);
        done = error && (*error != 0 || header->nlmsg_seq == last_);
        return !done;
      });
      if (!done) continue;
      if (*error != 0) return fail(SysError{op, *error, table});
      return {};
    }
  }

 private:
  void add(int type, std::uint8_t family, std::uint16_t resource, int flags, const Fill& fill) {
    const Message message = make_message(type, flags);
    nlmsg_hdr(message.get())->nlmsg_seq = ++sequence_;
    const nfgenmsg fixed{family, NFNETLINK_V0, htons(resource)};
    nlmsg_append(message.get(), const_cast<nfgenmsg*>(&fixed), sizeof fixed, NLMSG_ALIGNTO);
    if (fill) fill(message.get());
    const auto* octets = reinterpret_cast<const std::uint8_t*>(nlmsg_hdr(message.get()));
    octets_.insert(octets_.end(), octets,
                   octets + NLMSG_ALIGN(nlmsg_hdr(message.get())->nlmsg_len));
  }

  ByteVec octets_;
  std::uint32_t sequence_ = 0;
  std::uint32_t last_ = 0;
};

// The protocols that may pass, each for so long.
void put_elements(nl_msg* message, std::chrono::milliseconds span) {
  nlattr* const elements = nla_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
  constexpr std::uint8_t kProtocols[] = {IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6};
  for (const std::uint8_t protocol : kProtocols) {
    nlattr* const element = nla_nest_start(message, NFTA_LIST_ELEM | NLA_F_NESTED);
    nlattr* const key = nla_nest_start(message, NFTA_SET_ELEM_KEY | NLA_F_NESTED);
    nla_put_u8(message, NFTA_DATA_VALUE, protocol);
    nla_nest_end(message, key);
    std::array<std::uint8_t, 8> timeout{};
    store_be(timeout, static_cast<std::uint64_t>(span.count()));
    nla_put(message, NFTA_SET_ELEM_TIMEOUT, static_cast<int>(timeout.size()), timeout.data());
    nla_nest_end(message, element);
  }
  nla_nest_end(message, elements);
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
  // The first two lines make the third a replacement, whether or not there is something to replace.
  return "table inet " + firewall.table + " {}\ndelete table inet " + firewall.table +
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
         "}\n";
}

Result<void, SysError> apply_firewall(const Firewall& firewall) {
  const int status = GODWIT_TRY(run_program(
      {{"nft", "-f", "-"}, {}, std::chrono::milliseconds(10'000), firewall_text(firewall)}));
  if (status == 0) return {};
  return fail(SysError{"run", status == 127 ? ENOENT : EPROTO, "nft"});
}

Result<void, SysError> delete_firewall(const std::string& table) {
  Batch batch;
  batch.add_table_message(NFT_MSG_DELTABLE, 0, [&](nl_msg* message) {
    nla_put_string(message, NFTA_TABLE_NAME, table.c_str());
  });
  return batch.send("delete nft table", table);
}

Result<void, SysError> open_portal(const std::string& table, std::chrono::seconds span) {
  Batch batch;
  const auto name = [&](nl_msg* message) {
    nla_put_string(message, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
    nla_put_string(message, NFTA_SET_ELEM_LIST_SET, kPortalSet);
  };
  // Without elements: all of them.
  batch.add_table_message(NFT_MSG_DELSETELEM, 0, name);
  if (span.count() > 0) {
    batch.add_table_message(NFT_MSG_NEWSETELEM, NLM_F_CREATE, [&](nl_msg* message) {
      name(message);
      put_elements(message, span);
    });
  }
  return batch.send("open the kill switch for a while", table);
}

}  // namespace godwit::platform
