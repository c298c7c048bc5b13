// Proposals in strongSwan's syntax: aes256-sha256-modp2048 for IKE, aes256gcm16 or aes256-sha256
// for ESP. What is weak but named, and what godwit does not offer at all.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/config/report.h"
#include "core/crypto/suite.h"

namespace godwit::config {

using Faults = std::vector<Fault>;

// Every mistake of one proposal.
Result<crypto::IkeSuite, Faults> parse_ike_proposal(std::string_view text);
Result<crypto::EspSuite, Faults> parse_esp_proposal(std::string_view text);
Result<crypto::DhGroup, Faults> parse_group(std::string_view text);  // "modp2048", "dh14"

std::string to_text(const crypto::IkeSuite& suite);
std::string to_text(const crypto::EspSuite& suite);
std::string to_text(crypto::DhGroup group);

// A choice that is taken only when allow-weak names it.
struct WeakChoice {
  std::string_view word;
  std::string_view risk;                 // one sentence without its full stop
  std::optional<crypto::DhGroup> group;  // nothing: Aggressive Mode with a pre-shared key
};

std::span<const WeakChoice> weak_choices();

}  // namespace godwit::config
