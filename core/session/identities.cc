#include "core/session/identities.h"

namespace godwit::session {
namespace {

Bytes octets_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

ike::v1::AuthMethod auth_method(config::Authentication auth) {
  switch (auth) {
    case config::Authentication::kCertificate:
      return ike::v1::AuthMethod::kSignature;
    case config::Authentication::kHybrid:
      return ike::v1::AuthMethod::kHybrid;
    case config::Authentication::kPsk:
      break;
  }
  return ike::v1::AuthMethod::kPsk;
}

}  // namespace

ike::IdPayload id_payload(const config::Identity& identity, const IpAddress& local) {
  using Type = config::Identity::Type;
  ike::IdPayload id;
  id.data = to_vec(octets_of(identity.text));
  switch (identity.type) {
    case Type::kIpv4:
      return ike::IdPayload::address(IpAddress::parse(identity.text).value_or(local));
    case Type::kFqdn:
      id.type = ike::IdType::kFqdn;
      break;
    case Type::kUserFqdn:
      id.type = ike::IdType::kUserFqdn;
      break;
    case Type::kKeyId:
      id.type = ike::IdType::kKeyId;
      break;
  }
  return id;
}

ike::IdPayload own_identity(const SessionConfig& config, const IpAddress& local) {
  const config::Identity& id = config.profile.local_id;
  const bool named = id.type != config::Identity::Type::kIpv4 || !id.text.empty();
  if (named || config.credentials.certificates.empty()) return id_payload(id, local);
  ike::IdPayload subject;
  subject.type = ike::IdType::kDerDn;
  subject.data = crypto::subject_of(config.credentials.certificates.front());
  return subject;
}

ike::v1::Credentials phase1_credentials(const SessionConfig& config, const Gateways& gateways) {
  const config::Profile& profile = config.profile;
  ike::v1::Credentials out;
  out.method = auth_method(profile.auth);
  out.psk = config.credentials.psk.clone();
  out.key = config.credentials.key;
  out.certificates = config.credentials.certificates;
  out.trust = config.credentials.trust;
  out.boot_time = config.boot_time;
  if (profile.remote_id) out.remote_id = id_payload(*profile.remote_id, gateways.current());
  ike::IdPayload name;
  name.type = ike::IdType::kFqdn;
  name.data = to_vec(octets_of(gateways.name()));
  out.gateway_names = {name, ike::IdPayload::address(gateways.current())};
  return out;
}

}  // namespace godwit::session
