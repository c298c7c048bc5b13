// Proposals in strongSwan's syntax: aes256-sha256-modp2048 for IKE, aes256gcm16 or aes256-sha256
// for ESP, and the spellings that vendors' manuals use. What is weak but named, and what godwit
// does not offer at all.
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
  enum class Kind : std::uint8_t { kGroup, kCipher, kHash, kAggressivePsk };
  std::string_view word;
  std::string_view risk;  // one sentence without its full stop
  Kind kind{};
  std::optional<crypto::DhGroup> group;  // of kGroup
};

std::span<const WeakChoice> weak_choices();
// Whether a suite makes it.
bool makes(const WeakChoice& weak, const crypto::IkeSuite& suite);
bool makes(const WeakChoice& weak, const crypto::EspSuite& suite);

}  // namespace godwit::config
