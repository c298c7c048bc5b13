// The campaign of connects: a random path, a random trouble, and the reasons with which a connect
// may end under it (reliability bar: connected, or failed with the right reason, within 90 s).
#include <algorithm>
#include <array>
#include <initializer_list>

#include "tests/sim/campaign.h"

namespace godwit::sim {
namespace {

using session::EndCause;

// ---- paths
// ------------------------------------------------------------------------------------------

struct Path {
  std::string_view name;
  Faults faults;
  bool bad = false;       // silence is then a reason that needs no other
  bool hopeless = false;  // so much is damaged that both sides see wrong keys and wrong offers
};

constexpr std::array kPaths = {
    Path{"clean path", {}},
    Path{"good path", {50, 50, 100, 50, 0, 0}},
    Path{"drop 20 %, dup 10 %, corrupt 2 %", {200, 100, 250, 60, 20, 10}, true},
    Path{"drop 40 %, dup 10 %, corrupt 2 %", {400, 100, 250, 60, 20, 10}, true},
    Path{"drop 60 %, dup 30 %, corrupt 10 %", {600, 300, 250, 60, 100, 10}, true, true},
};

// ---- troubles -----------------------------------------------------------------------------------

// What happens to one connect besides its path.
struct Plan {
  WorldConfig config;
  std::optional<Duration> reboot_at;
  std::optional<Duration> rebind_at;
  std::optional<Duration> sleep_at;
  std::uint16_t blocked_port = 0;  // of the gateway: nothing gets there
};

struct Trouble {
  std::string_view name;
  void (*apply)(Plan&, SeededRng&);
  std::initializer_list<EndCause> causes;  // with which the connect may end
  bool may_connect = false;
  bool only_on_bad_path = false;  // the causes; a good path must connect
  bool in_plaintext = false;      // a lie that damage on the path may undo
};

Duration moment(SeededRng& rng, std::uint64_t milliseconds) {
  return std::chrono::milliseconds(rng.below(milliseconds));
}

void with_user(Plan& plan) {
  plan.config.profile.xauth = true;
  plan.config.gateway.users = {{"alice", "wonderland"}};
}

void other_suite(Plan& plan, SeededRng&) {
  // One that the profile does not offer: it has fewer than there are hashes here.
  using crypto::HashAlg;
  for (const HashAlg hash : {HashAlg::kMd5, HashAlg::kSha1, HashAlg::kSha256, HashAlg::kSha384}) {
    const crypto::IkeSuite suite{{128}, hash, crypto::DhGroup::kModp1024};
    if (std::ranges::find(plan.config.profile.ike, suite) != plan.config.profile.ike.end())
      continue;
    plan.config.gateway.ike = {suite};
    return;
  }
}

template <Step kStep>
void silent_from(Plan& plan, SeededRng&) {
  plan.config.gateway.silent_from = kStep;
}

template <bool Lies::*kLie>
void lie(Plan& plan, SeededRng&) {
  plan.config.gateway.lies.*kLie = true;
}

// Lies of Quick Mode that need PFS, and of XAuth that need a user.
template <bool Lies::*kLie>
void lie_about_pfs(Plan& plan, SeededRng&) {
  plan.config.profile.pfs = plan.config.gateway.pfs = crypto::DhGroup::kEcp256;
  plan.config.gateway.lies.*kLie = true;
}

template <bool Lies::*kLie>
void lie_about_user(Plan& plan, SeededRng&) {
  with_user(plan);
  plan.config.gateway.lies.*kLie = true;
}

template <bool Lies::*kLie>
void lie_about_config(Plan& plan, SeededRng&) {
  plan.config.profile.mode_config = config::ConfigMode::kAuto;
  plan.config.gateway.mode_config = true;
  plan.config.profile.address.reset();
  plan.config.profile.networks.clear();
  plan.config.gateway.lies.*kLie = true;
}

const std::array kTroubles = {
    Trouble{"nothing", [](Plan&, SeededRng&) {}, {}, true},
    Trouble{"another pre-shared key",
            [](Plan& p, SeededRng& rng) {
              p.config.psk = "halibut";
              p.config.gateway.notify_bad_auth = rng.one_in(2);
            },
            {EndCause::kGatewayAuthFailed, EndCause::kWeAreRefused, EndCause::kNoAnswerAfterFloat}},
    Trouble{"a wrong password",
            [](Plan& p, SeededRng&) {
              with_user(p);
              p.config.user.password = "looking-glass";
            },
            {EndCause::kUserRejected}},
    Trouble{"nobody knows the password",
            [](Plan& p, SeededRng&) {
              with_user(p);
              p.config.user.kind = User::Kind::kCannot;
            },
            {EndCause::kInputNeeded}},
    Trouble{"no common IKE suite", other_suite, {EndCause::kProposalRefused}},
    Trouble{"no common ESP suite",
            [](Plan& p, SeededRng&) {
              p.config.profile.esp = {{crypto::EspCipher::kAesGcm16, 128, {}}};
              p.config.gateway.esp = {{crypto::EspCipher::kAesGcm16, 256, {}}};
            },
            {EndCause::kPhase2Refused}},
    Trouble{"phase 1 refused",
            [](Plan& p, SeededRng&) {
              p.config.gateway.refuse_phase1 = ike::Notify::kAuthenticationFailed;
            },
            {EndCause::kWeAreRefused}},
    Trouble{"Quick Mode refused",
            [](Plan& p, SeededRng&) {
              p.config.gateway.refuse_quick = ike::Notify::kInvalidIdInformation;
            },
            {EndCause::kSelectorsRefused}},
    Trouble{"a gateway of another name",
            [](Plan& p, SeededRng&) {
              p.config.profile.remote_id = {config::Identity::Type::kFqdn, "gw.example"};
            },
            {EndCause::kGatewayIdentity}},
    Trouble{"no NAT traversal",
            [](Plan& p, SeededRng&) { p.config.gateway.natt.clear(); },
            {EndCause::kNoNatTraversal}},
    Trouble{"silent at once", silent_from<Step::kMessage1>, {EndCause::kNoAnswer}},
    Trouble{"silent from message 3",
            silent_from<Step::kMessage3>,
            {EndCause::kNoAnswer, EndCause::kNoAnswerAfterFloat}},
    Trouble{"silent from message 5", silent_from<Step::kMessage5>, {EndCause::kNoAnswerAfterFloat}},
    Trouble{"silent from Mode Config",
            silent_from<Step::kModeConfig>,
            {EndCause::kNoAnswerAfterFloat, EndCause::kNoAddress}},
    Trouble{"silent from Quick Mode", silent_from<Step::kQuick>, {EndCause::kNoAnswerAfterFloat}},
    Trouble{"port 500 blocked",
            [](Plan& p, SeededRng&) { p.blocked_port = kIkePort; },
            {EndCause::kNoAnswer}},
    Trouble{"port 4500 blocked",
            [](Plan& p, SeededRng&) { p.blocked_port = kNattPort; },
            {EndCause::kNoAnswerAfterFloat}},
    Trouble{"a slow gateway",
            [](Plan& p, SeededRng& rng) { p.config.gateway_delay = moment(rng, 6'000); },
            {EndCause::kNoAnswer, EndCause::kNoAnswerAfterFloat},
            true},
    Trouble{"the gateway reboots",
            [](Plan& p, SeededRng& rng) { p.reboot_at = moment(rng, 2'000); },
            {EndCause::kNoAnswer, EndCause::kNoAnswerAfterFloat},
            true},
    Trouble{"the NAPT forgets its mappings",
            [](Plan& p, SeededRng& rng) { p.rebind_at = moment(rng, 2'000); },
            {},
            true},
    Trouble{"the laptop sleeps for a day",
            [](Plan& p, SeededRng& rng) { p.sleep_at = moment(rng, 2'000); },
            {EndCause::kNoAnswer, EndCause::kNoAnswerAfterFloat},
            true},
    Trouble{"lie: HASH_R", lie<&Lies::wrong_hash_r>, {EndCause::kGatewayAuthFailed}},
    Trouble{"lie: HASH(2)", lie<&Lies::wrong_hash_2>, {EndCause::kNoAnswerAfterFloat}},
    Trouble{"lie: a suite that was not offered",
            lie<&Lies::unoffered_transform>,
            {EndCause::kProposalRefused},
            false,
            false,
            true},
    Trouble{"lie: another key length",
            lie<&Lies::other_key_length>,
            {EndCause::kProposalRefused},
            false,
            false,
            true},
    Trouble{"lie: two transforms",
            lie<&Lies::two_transforms>,
            {EndCause::kProposalRefused},
            false,
            false,
            true},
    Trouble{
        "lie: two SA payloads", lie<&Lies::second_sa>, {EndCause::kProtocol}, false, false, true},
    Trouble{"lie: NAT-D", lie<&Lies::wrong_nat_d>, {}, true},
    Trouble{"lie: short NAT-D", lie<&Lies::short_nat_d>, {}, true},
    Trouble{"lie: another cookie",
            lie<&Lies::stale_cookie>,
            {EndCause::kNoAnswer, EndCause::kProtocol},
            true},
    Trouble{"lie: a KE of zeros",
            lie<&Lies::zero_key>,
            {EndCause::kBadKeyExchange},
            false,
            false,
            true},
    Trouble{
        "lie: a short nonce", lie<&Lies::short_nonce>, {EndCause::kProtocol}, false, false, true},
    Trouble{"lie: plaintext Delete", lie<&Lies::plaintext_delete>, {}, true},
    Trouble{"lie: plaintext AUTHENTICATION-FAILED",
            lie<&Lies::plaintext_notify>,
            {EndCause::kWeAreRefused},
            true,
            true},
    Trouble{"lie: every answer twice", lie<&Lies::answers_twice>, {}, true},
    Trouble{"lie: SPI 0", lie<&Lies::esp_spi_zero>, {EndCause::kPhase2Refused}},
    Trouble{"lie: our own SPI", lie<&Lies::esp_spi_echoed>, {EndCause::kPhase2Refused}},
    Trouble{"lie: another ESP suite", lie<&Lies::esp_other_suite>, {EndCause::kPhase2Refused}},
    Trouble{"lie: other selectors", lie<&Lies::esp_other_ids>, {EndCause::kSelectorsRefused}},
    Trouble{"lie: no KE for PFS", lie_about_pfs<&Lies::no_pfs_key>, {EndCause::kPhase2Refused}},
    Trouble{"lie: lifetime 0", lie<&Lies::lifetime_zero>, {}, true},
    Trouble{"lie: unknown payloads",
            lie<&Lies::unknown_payloads>,
            {EndCause::kProtocol},
            false,
            false,
            true},
    Trouble{"lie: address 127.0.0.1", lie_about_config<&Lies::bad_address>, {EndCause::kNoAddress}},
    Trouble{"lie: thousands of networks", lie_about_config<&Lies::many_networks>, {}, true},
    Trouble{"lie: early success",
            lie_about_user<&Lies::early_success>,
            {EndCause::kNoAnswerAfterFloat},
            true},
};

constexpr std::size_t kRowCount = kPaths.size() + kTroubles.size() - 1;

const Path& random_path(SeededRng& rng, std::size_t& index) {
  // Most runs go to the paths that the bar names.
  const std::uint64_t of = rng.below(100);
  index = of < 30 ? 0 : of < 50 ? 1 : of < 80 ? 2 : of < 92 ? 3 : 4;
  return kPaths[index];
}

void run_plan(const Plan& plan, World& w) {
  if (plan.blocked_port != 0) {
    w.tap = [&](Flight& flight) { return flight.to_client || flight.to.port != plan.blocked_port; };
  }
  const auto until = [&](Duration at, auto happening) {
    w.run_until([&] { return w.up() || w.finished(); }, at);
    if (!w.up() && !w.finished()) happening();
  };
  w.start();
  if (plan.reboot_at) until(*plan.reboot_at, [&] { w.gateway().reboot(); });
  if (plan.rebind_at && w.napt()) until(*plan.rebind_at, [&] { w.napt()->rebind(); });
  if (plan.sleep_at) until(*plan.sleep_at, [&] { w.suspend(24h); });
  // 90 s, and what the user takes.
  w.run_until([&] { return w.up() || w.finished(); }, 90s + w.config().user.delay * 2);
}

std::string judge_end(const Path& path, const Trouble& trouble, EndCause cause) {
  const bool expected = (path.bad || !trouble.only_on_bad_path) &&
                        std::ranges::find(trouble.causes, cause) != trouble.causes.end();
  const bool silence = cause == EndCause::kNoAnswer || cause == EndCause::kNoAnswerAfterFloat ||
                       cause == EndCause::kNoAddress;
  const bool damage = cause == EndCause::kWeAreRefused || cause == EndCause::kProposalRefused ||
                      cause == EndCause::kGatewayAuthFailed || cause == EndCause::kNoNatTraversal ||
                      cause == EndCause::kProtocol || cause == EndCause::kBadKeyExchange;
  if (expected || (path.bad && silence) || (path.hopeless && damage)) return {};
  return "ended with the wrong reason, " + std::string(name(cause));
}

// The tunnel is up and the path is good from here on: traffic flows, and disconnect ends it.
std::string judge_tunnel(World& w, const Path& path, const Trouble& trouble) {
  if (!trouble.may_connect && !(path.bad && trouble.in_plaintext))
    return "connected, although it must not";
  w.faults = {};
  const bool silent = w.config().gateway.silent_from != Step::kNever;
  bool answered = silent;
  // What was lost of the last exchange is repeated within a minute.
  // A gateway that rebooted right after its last message has to be missed first.
  const bool patient = path.bad || trouble.name == "the gateway reboots";
  for (int i = 0; i < (patient ? 60 : 12) && !answered && !w.finished(); ++i) {
    answered = w.ping(2s + w.config().gateway_delay);
  }
  if (!answered) return "connected, but nothing comes back";
  w.user(session::UserDisconnects{});
  if (!w.finished()) return "disconnect does not finish";
  if (w.finished()->cause != EndCause::kUserRequest) return "disconnect ends with another reason";
  return {};
}

}  // namespace

std::span<const Row> connect_rows() {
  static const auto rows = [] {
    std::array<Row, kRowCount> all;
    constexpr std::array kMinima = {1000u, 1000u, 999u, 950u, 0u};
    for (std::size_t i = 0; i < kPaths.size(); ++i) all[i] = {kPaths[i].name, kMinima[i]};
    for (std::size_t i = 1; i < kTroubles.size(); ++i) {
      all[kPaths.size() + i - 1] = {kTroubles[i].name, 0};
    }
    return all;
  }();
  return rows;
}

Outcome run_connect(std::uint64_t seed, bool record) {
  SeededRng rng(seed ^ 0xc0ec'7000);
  Plan plan{random_world(seed, rng, record), {}, {}, {}, 0};
  std::size_t path_index = 0;
  const Path& path = random_path(rng, path_index);
  plan.config.faults = path.faults;
  const std::size_t which = rng.one_in(2) ? 0 : 1 + rng.below(kTroubles.size() - 1);
  const Trouble& trouble = kTroubles[which];
  trouble.apply(plan, rng);

  Outcome outcome;
  outcome.label = which == 0 ? path_index : kPaths.size() + which - 1;
  World w(plan.config);
  run_plan(plan, w);
  outcome.connected = w.up();
  if (w.up()) {
    outcome.problem = judge_tunnel(w, path, trouble);
  } else if (w.finished()) {
    outcome.cause = w.finished()->cause;
    outcome.problem = judge_end(path, trouble, w.finished()->cause);
  } else {
    outcome.problem = "STUCK: neither connected nor ended after 90 s";
  }
  finish_outcome(w, outcome);
  return outcome;
}

}  // namespace godwit::sim
