#include "core/session/ike_settings.h"

#include "core/session/identities.h"
#include "core/session/tunnel_config.h"

namespace godwit::session {

IkeSettings ike_settings(const SessionConfig& config, const IpAddress& identity_address,
                         const Gateways& gateways) {
  const config::Profile& profile = config.profile;
  IkeSettings settings;
  settings.phase1.aggressive = profile.aggressive;
  settings.phase1.xauth = profile.xauth;
  settings.phase1.mode_config = profile.mode_config != config::ConfigMode::kOff;
  settings.phase1.fragmentation = profile.fragmentation != config::Fragmentation::kOff;
  settings.fragmentation = profile.fragmentation;
  settings.phase1.suites = profile.ike;
  settings.phase1.lifetime = profile.ike_lifetime;
  settings.phase1.credentials = phase1_credentials(config, gateways);
  settings.phase1.own_id = own_identity(config, identity_address);
  settings.phase1.nat_traversal = speaks_nat_traversal(profile.natt);
  settings.phase1.force_natt = profile.natt == config::NatTraversal::kForce;
  settings.phase1.initial_contact = profile.initial_contact;
  if (profile.quirks) settings.phase1.quirks = ike::v1::quirks_named(*profile.quirks);
  settings.transactions.xauth = profile.xauth;
  settings.transactions.mode_config = profile.mode_config;
  settings.transactions.wishes = config_wishes(profile);
  settings.transactions.wishes.udp_port = profile.natt == config::NatTraversal::kCiscoUdp;
  if (profile.natt == config::NatTraversal::kCiscoUdp) settings.esp_port = profile.cisco_udp_port;
  if (profile.natt == config::NatTraversal::kOff) settings.esp_port = 0;
  settings.transactions.known = {profile.user, profile.user_domain};
  settings.transactions.user_optional = profile.xauth_optional;
  settings.local = config.local;
  settings.gateway_ike = {gateways.current(), profile.gateway_port};
  settings.gateway_natt = {gateways.current(), profile.gateway_natt_port};
  settings.dpd_delay = profile.dpd_delay;
  settings.dpd_attempts = profile.dpd_attempts;
  settings.log_keys = config.log_keys;
  return settings;
}

}  // namespace godwit::session
