// What `godwit status` shows of a session: facts, no words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.h"
#include "core/session/event.h"
#include "core/session/gateways.h"

namespace godwit::session {

struct Status {
  Stage stage = Stage::kIdle;
  bool aggressive = false;
  Endpoint local;    // where the tunnel's datagrams leave from
  Endpoint gateway;  // and where they go
  Gateways::Origin gateway_origin = Gateways::Origin::kProfile;
  std::uint64_t redirects = 0;  // to other gateways, followed
  bool floated = false;
  bool offline = false;     // waits for a network
  bool recovering = false;  // up, but the gateway is lost and connected to anew
  NatFound nat;
  NattVersion natt = NattVersion::kNone;
  std::string_view maker;                // of the gateway; empty when it names none
  std::vector<std::string_view> quirks;  // switches thrown for it
  std::string gateway_identity;
  std::optional<crypto::IkeSuite> ike;
  std::optional<crypto::EspSuite> esp;
  std::optional<EspSpi> inbound;
  std::optional<EspSpi> outbound;
  std::vector<Prefix> addresses;
  std::vector<Prefix> networks;
  std::vector<Prefix> excluded;  // inside of networks, but outside the tunnel
  std::vector<IpAddress> dns;
  std::vector<IpAddress> nbns;        // WINS servers; only shown
  std::string gateway_version;        // what the gateway says it is; escaped
  std::optional<bool> save_password;  // the gateway's advice (MC-18); nothing follows from it
  bool pfs_wanted = false;            // by the gateway, in Mode Config
  std::optional<Duration> address_expires_in;
  std::vector<std::string> search_domains;
  std::size_t mtu = 0;
  std::optional<Duration> up_for;                // since traffic could flow
  std::optional<Duration> esp_rekey_in;          // until we start to replace the ESP SAs
  std::optional<std::uint64_t> esp_rekey_after;  // octets until then, where a limit was agreed on
  std::optional<Duration> ike_expires_in;
  std::optional<Duration> heard_ago;  // since something authentic came from the gateway
  std::uint64_t keepalives_sent = 0;
  std::uint64_t rekeys = 0;
  std::uint64_t retransmissions = 0;
};

}  // namespace godwit::session
