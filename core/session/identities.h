// Who we are and whom we expect, as phase 1 says it.
#pragma once

#include "core/ike/v1/authentication.h"
#include "core/session/session.h"

namespace godwit::session {

// `local`: for who is known by his address.
ike::IdPayload id_payload(const config::Identity& identity, const IpAddress& local);

// The profile's identity; without one the subject of our certificate, else our address.
ike::IdPayload own_identity(const SessionConfig& config, const IpAddress& local);

ike::v1::Credentials phase1_credentials(const SessionConfig& config, const Gateways& gateways);

}  // namespace godwit::session
