// Which gateway the tunnel is tried with: the profile's, its backups, those that the gateway itself
// named (Unity BACKUP_SERVERS, MC-16), or the one that it redirected us to (Cisco's notify 40501).
// Only authentic messages get here, and only addresses of the first gateway's family are used: the
// sockets have one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/net/address.h"

namespace godwit::session {

struct NamedGateway {
  std::string name;  // as the profile writes it; empty: known by its address alone
  IpAddress address;
};

// What the profile's names lead to.
struct GatewayNames {
  IpAddress gateway;
  std::vector<NamedGateway> backups;
};

class Gateways {
 public:
  enum class Origin : std::uint8_t { kProfile, kBackup, kRedirect };
  enum class Redirect : std::uint8_t {
    kFollowed,  // current() is new
    kIgnored,   // no other gateway, or none that may be tried
    kCircle,    // to one that sent us away before, or too many in a row
  };

  // `learn`: what the gateway names is tried as well, at a reconnect.
  Gateways(NamedGateway first, std::vector<NamedGateway> backups, bool learn);

  const IpAddress& current() const { return current_.address; }
  // What its certificate may name beside the address; empty: nothing else.
  const std::string& name() const { return current_.name; }
  Origin origin() const { return origin_; }
  std::uint64_t redirects() const { return redirects_; }  // followed, in all

  // current() does not answer: turns to the next, round and round. False: there is no other.
  // `reconnecting`: a tunnel was up, so what its gateway named counts.
  bool advance(bool reconnecting);
  void learn(const std::vector<IpAddress>& named);
  Redirect redirect(const IpAddress& to);
  // The names were looked up again. A backup that is not there was not found and stays where it
  // was; addresses of the other family are left out. True: current() came from a name and is none
  // of them any more, so that advance() leads elsewhere.
  bool renew(GatewayNames&& names);
  void settled() { visited_.clear(); }  // a tunnel is up: later redirects are a matter of their own

 private:
  void add(std::vector<NamedGateway> backups);
  void go_to(NamedGateway gateway, Origin origin);

  std::vector<NamedGateway> known_;    // the profile's, the first of all in front
  std::vector<NamedGateway> learned_;  // newest Mode Config
  bool learns_;
  NamedGateway current_;
  Origin origin_ = Origin::kProfile;
  std::vector<IpAddress> visited_;  // that redirected us since the last tunnel
  std::uint64_t redirects_ = 0;
};

}  // namespace godwit::session
