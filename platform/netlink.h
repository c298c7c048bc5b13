// Addresses, routes, rules and link state over rtnetlink. Every call is one request and waits for
// its answer. Adding what exists is EEXIST, deleting what is absent is ESRCH, ENOENT,
// EADDRNOTAVAIL or ENODEV (see is_absent()): the caller decides what that means.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/net/address.h"
#include "platform/sys_error.h"

struct nl_sock;
struct nl_msg;
struct nlmsghdr;

namespace godwit::platform {

struct InterfaceAddress {
  int index = 0;
  IpAddress address;
  int length = 0;

  std::string to_string() const;
  friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

enum class RouteKind : std::uint8_t { kUnicast, kUnreachable, kBlackhole, kThrow, kOther };

struct Route {
  Prefix destination;
  std::uint32_t table = 254;  // RT_TABLE_MAIN
  int index = 0;              // output device; 0 for the kinds that have none
  RouteKind kind = RouteKind::kUnicast;
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> source;  // preferred source address
  std::uint32_t metric = 0;
  std::uint32_t mtu = 0;  // 0: that of the device

  std::string to_string() const;
  friend auto operator<=>(const Route&, const Route&) = default;
};

struct Rule {
  bool v6 = false;
  std::uint32_t priority = 0;
  std::uint32_t table = 0;
  std::optional<std::uint32_t> fwmark;
  std::uint32_t fwmask = ~0U;  // which of its bits are compared
  bool invert = false;         // "not fwmark M": everything but the tunnel's own socket
  std::optional<std::uint32_t> suppress_prefix_length;  // 0: ignore default routes of the table
  std::optional<Prefix> to;
  std::optional<Prefix> from;
  std::optional<std::uint8_t> protocol;  // above IP; 17 is UDP
  std::optional<std::uint16_t> port;     // the destination's; needs a protocol

  std::string to_string() const;
  friend auto operator<=>(const Rule&, const Rule&) = default;
};

struct Link {
  int index = 0;
  std::string name;
  int mtu = 0;
  bool up = false;       // IFF_UP
  bool running = false;  // IFF_RUNNING: has a carrier
};

// Whether `error` (of a delete) says that there was nothing to delete.
bool is_absent(const SysError& error);

class Netlink {
 public:
  static Result<Netlink, SysError> open();
  Netlink(Netlink&&) noexcept;
  Netlink& operator=(Netlink&&) noexcept;
  ~Netlink();

  Result<void, SysError> add_address(const InterfaceAddress& address);
  Result<void, SysError> delete_address(const InterfaceAddress& address);
  Result<void, SysError> add_route(const Route& route);
  Result<void, SysError> delete_route(const Route& route);
  Result<void, SysError> add_rule(const Rule& rule);
  Result<void, SysError> delete_rule(const Rule& rule);
  Result<void, SysError> set_mtu(int index, int mtu);
  Result<void, SysError> set_queue_length(int index, int packets);
  Result<void, SysError> set_group(int index, std::uint32_t group);
  Result<void, SysError> set_up(int index, bool up);
  // Only a TUN or TAP device; anything else is ENODEV, whatever took the index over.
  Result<void, SysError> delete_tun(int index);

  // Sorted, so that two listings can be compared.
  Result<std::vector<Link>, SysError> links();
  Result<std::vector<InterfaceAddress>, SysError> addresses();
  Result<std::vector<Route>, SysError> routes();  // all tables, both families, no cache entries
  Result<std::vector<Rule>, SysError> rules();
  Result<int, SysError> index_of(const std::string& name);

 private:
  Result<void, SysError> set_link(const char* op, int index, int attribute, int value);
  struct Close {
    void operator()(nl_sock* socket) const;
  };
  explicit Netlink(nl_sock* socket) : socket_(socket) {}
  Result<void, SysError> request(const char* op, nl_msg* message, const std::string& detail);
  template <class Visit>
  Result<void, SysError> dump(const char* op, int type, int family, Visit visit);

  std::unique_ptr<nl_sock, Close> socket_;
};

// One change of the network, reduced to what a tunnel cares about: its path may have moved.
struct LinkChange {
  enum class Kind : std::uint8_t {
    kLinkUp,    // exists, is up and has a carrier
    kLinkDown,  // exists, but is down or without carrier
    kLinkRemoved,
    kAddressAdded,
    kAddressRemoved,
    kRouteChanged,  // a route outside the local table came or went
    kOverrun,       // changes were lost; look at everything again
  };
  Kind kind = Kind::kOverrun;
  int index = 0;                      // of the link; 0 when unknown
  std::string name;                   // of the link, for link changes
  std::optional<IpAddress> address;   // for address changes
  std::optional<Prefix> destination;  // for route changes
  std::uint32_t table = 0;            // for route changes
};

// Subscribes to changes. fd() is readable when read() has something to say.
class LinkMonitor {
 public:
  static Result<LinkMonitor, SysError> open();
  LinkMonitor(LinkMonitor&&) noexcept;
  LinkMonitor& operator=(LinkMonitor&&) noexcept;
  ~LinkMonitor();

  int fd() const;
  Result<std::vector<LinkChange>, SysError> read();  // never blocks; empty when nothing waits

 private:
  struct Close {
    void operator()(nl_sock* socket) const;
  };
  explicit LinkMonitor(nl_sock* socket) : socket_(socket) {}

  std::unique_ptr<nl_sock, Close> socket_;
};

}  // namespace godwit::platform
