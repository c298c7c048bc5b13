// Runs campaigns of seeds in several processes and prints what came out. Exit 1: a finding.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/campaign.h"

namespace godwit::sim {
namespace {

constexpr std::size_t kRowsMax = 64;
constexpr std::size_t kCauses = static_cast<std::size_t>(session::EndCause::kProtocol) + 1;
constexpr std::size_t kJobsMax = 64;
constexpr std::uint64_t kLaddersMax = 3;  // printed in one campaign

struct Options {
  std::vector<std::string> names;
  std::uint64_t seed = 0;  // only this one, with its ladder
  std::uint64_t first = 1;
  std::uint64_t seeds = 0;
  double minutes = 0;
  bool list_ended = false;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
};

// What the workers of one campaign share; atomic, because each is a process of its own.
struct Tally {
  struct Count {
    std::atomic<std::uint64_t> runs, connected, problems;
    std::array<std::atomic<std::uint64_t>, kCauses> causes;
  };
  std::array<Count, kRowsMax> rows;
  std::array<std::atomic<std::uint64_t>, kJobsMax> at;  // the seed a worker is busy with
  std::atomic<std::uint64_t> next, printed;
  std::atomic<std::uint64_t> datagrams, pings, pings_lost, rekeys, happenings, virtual_hours;
};

Tally* new_tally() {
  void* shared =
      mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    std::perror("mmap");
    std::exit(2);
  }
  return new (shared) Tally{};
}

void say(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_problem(const Campaign& campaign, std::uint64_t seed, const Outcome& outcome,
                   Tally& tally) {
  const std::string name(campaign.name);
  const std::string row(campaign.rows[outcome.label].name);
  const bool whole = tally.printed.fetch_add(1) < kLaddersMax;
  say((whole ? campaign.run(seed, true).ladder : "") + "FINDING " + name + " (" + row +
      "): " + outcome.problem + "\nreplay: tests/sim/run " + name + " --seed " +
      std::to_string(seed) + "\n");
}

void enter(const Campaign& campaign, std::uint64_t seed, const Outcome& outcome, Tally& tally) {
  Tally::Count& row = tally.rows[outcome.label];
  ++row.runs;
  if (outcome.connected) ++row.connected;
  if (outcome.cause) ++row.causes[static_cast<std::size_t>(*outcome.cause)];
  tally.datagrams += outcome.datagrams;
  tally.pings += outcome.pings;
  tally.pings_lost += outcome.pings_lost;
  tally.rekeys += outcome.rekeys;
  tally.happenings += outcome.happenings;
  tally.virtual_hours += static_cast<std::uint64_t>(outcome.virtual_days * 24);
  if (outcome.problem.empty()) return;
  ++row.problems;
  print_problem(campaign, seed, outcome, tally);
}

using WallClock = std::chrono::steady_clock;

void list_end(std::uint64_t seed, const Campaign& campaign, const Outcome& outcome) {
  if (!outcome.cause) return;
  say(std::string(campaign.name) + " --seed " + std::to_string(seed) + ": " +
      std::string(campaign.rows[outcome.label].name) + ", " + std::string(name(*outcome.cause)) +
      "\n");
}

void work(const Campaign& campaign, const Options& options, std::uint64_t end,
          WallClock::time_point until, unsigned worker, Tally& tally) {
  while (WallClock::now() < until) {
    const std::uint64_t seed = tally.next.fetch_add(1);
    if (seed >= end) break;
    tally.at[worker] = seed;
    const Outcome outcome = campaign.run(seed, false);
    if (options.list_ended) list_end(seed, campaign, outcome);
    enter(campaign, seed, outcome, tally);
  }
  tally.at[worker] = 0;
}

// True: every worker ended as it should.
bool wait_for_all(const Campaign& campaign, const std::vector<pid_t>& workers, const Tally& tally) {
  bool good = true;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    int status = 0;
    waitpid(workers[i], &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    good = false;
    const std::string seed = std::to_string(tally.at[i].load());
    say("FINDING " + std::string(campaign.name) + ": a worker died\nreplay: tests/sim/run " +
        std::string(campaign.name) + " --seed " + seed + "\n");
  }
  return good;
}

// "; ended: no-answer 3, ..."
std::string ends(const Tally::Count& row) {
  std::string text;
  for (std::size_t i = 0; i < kCauses; ++i) {
    if (row.causes[i] == 0) continue;
    text += text.empty() ? "  ended: " : ", ";
    text += std::string(name(static_cast<session::EndCause>(i))) + " ";
    text += std::to_string(row.causes[i].load());
  }
  return text;
}

// Of many runs as few as required connect, exactly; of fewer, chance alone takes up to four
// standard errors. Rows where none may fail report each failure as a problem of its own.
bool fewer_than_required(std::uint64_t connected, std::uint64_t runs, unsigned permille) {
  constexpr std::uint64_t kMany = 50'000;
  if (permille == 0 || permille == 1000) return false;
  const double rate = permille / 1000.0, count = static_cast<double>(runs);
  const double chance = runs >= kMany ? 0 : 4 * std::sqrt(count * rate * (1 - rate));
  return static_cast<double>(connected) < count * rate - chance;
}

// Prints the table of one campaign; the number of findings in it.
std::uint64_t report(const Campaign& campaign, const Tally& tally, double seconds) {
  std::uint64_t runs = 0, findings = 0;
  for (std::size_t i = 0; i < campaign.rows.size(); ++i) {
    const Row& row = campaign.rows[i];
    const std::uint64_t count = tally.rows[i].runs, connected = tally.rows[i].connected;
    const std::uint64_t problems = tally.rows[i].problems;
    runs += count;
    findings += problems;
    if (count == 0) continue;
    const bool low = fewer_than_required(connected, count, row.connected_permille_min);
    findings += low ? 1 : 0;
    std::printf("  %-40.*s %9lu runs %9lu connected %8.3f %% %6lu problems%s%s\n",
                static_cast<int>(row.name.size()), row.name.data(), count, connected,
                100.0 * static_cast<double>(connected) / static_cast<double>(count), problems,
                low ? "  FINDING: fewer than required" : "", ends(tally.rows[i]).c_str());
  }
  std::printf(
      "%-8.*s %lu seeds, %lu datagrams, %lu pings (%lu lost), %lu rekeys, %lu happenings, %.1f "
      "virtual days, %.0f s: %lu findings\n",
      static_cast<int>(campaign.name.size()), campaign.name.data(), runs, tally.datagrams.load(),
      tally.pings.load(), tally.pings_lost.load(), tally.rekeys.load(), tally.happenings.load(),
      static_cast<double>(tally.virtual_hours.load()) / 24, seconds, findings);
  std::fflush(stdout);
  return findings;
}

bool run_campaign(const Campaign& campaign, const Options& options) {
  Tally& tally = *new_tally();
  tally.next = options.first;
  const std::uint64_t end = options.minutes > 0 ? UINT64_MAX : options.first + options.seeds;
  const auto begin = WallClock::now();
  const auto until =
      options.minutes > 0
          ? begin + std::chrono::milliseconds(static_cast<std::int64_t>(options.minutes * 60'000))
          : WallClock::time_point::max();
  std::vector<pid_t> workers;
  for (unsigned i = 0; i < options.jobs; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      work(campaign, options, end, until, i, tally);
      std::fflush(stdout);
      _exit(0);
    }
    workers.push_back(pid);
  }
  const bool alive = wait_for_all(campaign, workers, tally);
  const double seconds = std::chrono::duration<double>(WallClock::now() - begin).count();
  const bool good = report(campaign, tally, seconds) == 0 && alive;
  munmap(&tally, sizeof tally);
  return good;
}

int replay(const Campaign& campaign, std::uint64_t seed) {
  const Outcome outcome = campaign.run(seed, true);
  const std::string row(campaign.rows[outcome.label].name);
  say(outcome.ladder + row + ": " + (outcome.connected ? "connected" : "not connected") + "\n" +
      (outcome.problem.empty() ? "no finding" : "FINDING: " + outcome.problem) + "\n");
  return outcome.problem.empty() ? 0 : 1;
}

int run(const Options& options) {
  std::vector<const Campaign*> chosen;
  for (const Campaign& campaign : campaigns()) {
    if (options.names.empty() ||
        std::ranges::find(options.names, campaign.name) != options.names.end()) {
      chosen.push_back(&campaign);
    }
  }
  if (options.seed != 0) return replay(*chosen.front(), options.seed);
  unsigned failed = 0;
  for (const Campaign* campaign : chosen) failed += run_campaign(*campaign, options) ? 0u : 1u;
  std::printf("%zu passed, %u failed\n", chosen.size() - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace godwit::sim

int main(int argc, char** argv) {
  using namespace godwit::sim;
  CLI::App app{"Whole client sessions against a simulated gateway, on virtual time."};
  Options options;
  std::vector<std::string> known;
  std::string about = "Campaigns:";
  for (const Campaign& campaign : campaigns()) {
    known.emplace_back(campaign.name);
    about += "\n  " + known.back() + std::string(10 - known.back().size(), ' ') +
             std::string(campaign.sentence);
  }
  app.footer(about);
  app.add_option("CAMPAIGN", options.names, "which ones; default: all")
      ->check(CLI::IsMember(known));
  app.add_option("--seed", options.seed, "replays one seed of one campaign, with its ladder");
  app.add_option("--seeds", options.seeds, "how many seeds of each campaign");
  app.add_option("--first", options.first, "the first seed")->check(CLI::PositiveNumber);
  app.add_option("--minutes", options.minutes, "fresh seeds until the time is over, each campaign");
  app.add_flag("--list-ended", options.list_ended, "names each seed that ended without a tunnel");
  app.add_option("--jobs", options.jobs, "processes")->check(CLI::Range(1u, 64u));
  CLI11_PARSE(app, argc, argv);
  if (options.seed != 0 && options.names.size() != 1) {
    std::fprintf(stderr, "godwit_sim: --seed needs the name of one campaign\n");
    return 2;
  }
  if (options.seed == 0 && options.seeds == 0 && options.minutes <= 0) options.seeds = 200;
  return run(options);
}
