#include "tests/sim/campaign.h"

#include <array>

namespace godwit::sim {
namespace {

using crypto::DhGroup;
using crypto::EspCipher;
using crypto::HashAlg;

constexpr std::array kHashes = {HashAlg::kMd5, HashAlg::kSha1, HashAlg::kSha256, HashAlg::kSha384,
                                HashAlg::kSha512};
constexpr std::array kGroups = {DhGroup::kModp1024, DhGroup::kModp1536, DhGroup::kModp2048,
                                DhGroup::kModp3072, DhGroup::kModp4096, DhGroup::kModp6144,
                                DhGroup::kModp8192, DhGroup::kEcp256,   DhGroup::kEcp384,
                                DhGroup::kEcp521};
constexpr std::array<std::uint16_t, 3> kKeyBits = {128, 192, 256};

template <class T, std::size_t N>
T pick(const std::array<T, N>& from, SeededRng& rng) {
  return from[rng.below(N)];
}

crypto::IkeSuite random_ike(SeededRng& rng, KeyExchange exchange) {
  // The large MODP groups take too long where the real thing is computed.
  const DhGroup group = exchange == KeyExchange::kReal
                            ? pick(std::array{DhGroup::kEcp256, DhGroup::kEcp384,
                                              DhGroup::kModp2048, DhGroup::kEcp256},
                                   rng)
                            : pick(kGroups, rng);
  if (rng.one_in(8)) {
    return {{192, crypto::IkeCipher::Alg::k3des}, pick(kHashes, rng), group};
  }
  return {{pick(kKeyBits, rng)}, pick(kHashes, rng), group};
}

crypto::EspSuite random_esp(SeededRng& rng) {
  if (rng.one_in(2)) return {EspCipher::kAesGcm16, pick(kKeyBits, rng), std::nullopt};
  if (rng.one_in(8)) return {EspCipher::k3desCbc, 192, pick(kHashes, rng)};
  return {EspCipher::kAesCbc, pick(kKeyBits, rng), pick(kHashes, rng)};
}

config::Identity random_identity(SeededRng& rng) {
  using Type = config::Identity::Type;
  switch (rng.below(4)) {
    case 0:
      return {Type::kIpv4, ""};
    case 1:
      return {Type::kUserFqdn, "alice@example.com"};
    case 2:
      return {Type::kKeyId, "road-warriors"};
    default:
      return {Type::kFqdn, "laptop.example"};
  }
}

constexpr std::array kOneRow = {Row{"all", 1000}};
constexpr std::array kCollisions = {
    Row{"both start Quick Mode", 1000}, Row{"a delete meets Quick Mode", 1000},
    Row{"Quick Mode meets a new phase 1", 1000}, Row{"both ask for life during Quick Mode", 1000}};
constexpr std::array kSleeps = {Row{"a second", 1000}, Row{"a minute", 1000},
                                Row{"twenty minutes", 1000}, Row{"eight hours", 1000},
                                Row{"three days", 1000}};

constexpr std::array kCampaigns = {
    Campaign{"connect", "connect through NATs, bad paths and bad gateways", {}, run_connect},
    Campaign{"rekey", "new keys under load, no packet lost", kOneRow, run_rekey},
    Campaign{"collide", "both sides act at the same moment", kCollisions, run_collide},
    Campaign{"rebind", "the NAPT forgets its mappings under traffic", kOneRow, run_rebind},
    Campaign{"reboot", "the gateway forgets everything", kOneRow, run_reboot},
    Campaign{"suspend", "the laptop sleeps for seconds or days", kSleeps, run_suspend},
    Campaign{"roam", "the laptop changes its network", kOneRow, run_roam},
    Campaign{"month", "thirty days of a laptop's life", kOneRow, run_month},
};

}  // namespace

std::string_view name(session::EndCause cause) {
  constexpr auto kNames = std::to_array<std::string_view>({"user-request",
                                                           "no-answer",
                                                           "no-answer-after-float",
                                                           "proposal-refused",
                                                           "gateway-auth",
                                                           "we-are-refused",
                                                           "gateway-identity",
                                                           "certificate-absent",
                                                           "certificate-untrusted",
                                                           "certificate-expired",
                                                           "certificate-too-young",
                                                           "certificate-revoked",
                                                           "certificate-no-list",
                                                           "certificate-not-pinned",
                                                           "certificate-unusable",
                                                           "certificate-name",
                                                           "cannot-sign",
                                                           "user-rejected",
                                                           "input-needed",
                                                           "no-address",
                                                           "phase2-refused",
                                                           "selectors-refused",
                                                           "no-nat-traversal",
                                                           "encapsulation-port",
                                                           "bad-key-exchange",
                                                           "redirected",
                                                           "gateway-closed",
                                                           "gateway-lost",
                                                           "expired",
                                                           "cannot-apply",
                                                           "protocol"});
  static_assert(kNames.size() == static_cast<std::size_t>(session::EndCause::kProtocol) + 1);
  return kNames[static_cast<std::size_t>(cause)];
}

std::span<const Campaign> campaigns() {
  static const auto list = [] {
    auto all = kCampaigns;
    all[0].rows = connect_rows();
    return all;
  }();
  return list;
}

WorldConfig random_world(std::uint64_t seed, SeededRng& rng, bool record) {
  WorldConfig config;
  config.seed = seed;
  config.record = record;
  const KeyExchange exchange = seed % 100 == 0 ? KeyExchange::kReal : KeyExchange::kStandIn;
  config.gateway.key_exchange = exchange;
  config::Profile& profile = config.profile;
  profile.aggressive = rng.one_in(2);
  profile.local_id = random_identity(rng);
  profile.ike = {random_ike(rng, exchange)};
  // Aggressive Mode fixes the group with its first message; the rest may still be chosen.
  if (rng.one_in(2)) {
    profile.ike.push_back(random_ike(rng, exchange));
    profile.ike.back().group = profile.ike.front().group;
  }
  config.gateway.ike = {profile.ike[rng.below(profile.ike.size())]};
  profile.esp = {random_esp(rng), random_esp(rng)};
  config.gateway.esp = {profile.esp[rng.below(2)]};
  if (rng.one_in(3)) {
    profile.pfs = config.gateway.pfs = random_ike(rng, exchange).group;
  }
  if (rng.one_in(2)) {
    profile.xauth = true;
    config.gateway.users = {{"alice", "wonderland"}};
    config.gateway.xauth_type = rng.one_in(2);
  }
  if (rng.one_in(4)) {
    profile.mode_config = config::ConfigMode::kOff;
    config.gateway.mode_config = false;
    profile.address = *IpAddress::parse("10.9.0.1");
    profile.networks = config.gateway.networks;
  }
  config.client_natted = !rng.one_in(4);
  config.gateway_natted = rng.one_in(4);
  config.nat_expiry = pick(std::array<Duration, 4>{30s, 60s, 120s, 600s}, rng);
  if (rng.one_in(4)) config.gateway.natt = {rng.one_in(2) ? Natt::kDraft03 : Natt::kDraft02};
  config.latency = std::chrono::milliseconds(1 + rng.below(150));
  return config;
}

void finish_outcome(const World& world, Outcome& outcome) {
  outcome.datagrams = world.datagrams();
  outcome.pings = world.pings_sent();
  outcome.pings_lost = world.pings_sent() - world.pings_answered();
  outcome.virtual_days =
      std::chrono::duration<double>(world.now() - (Instant{} + 1000s)).count() / 86'400;
  if (!world.violations().empty()) outcome.problem = "VIOLATION: " + world.violations().front();
  if (world.config().record) outcome.ladder = world.ladder();
}

}  // namespace godwit::sim
