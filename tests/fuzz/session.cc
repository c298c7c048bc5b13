// Whole session steps from a byte string: messages with our cookies in front, deadlines, jobs,
// answers of the user and passing time, in any order. Whatever comes, the invariants of the machine
// hold. Diffie-Hellman is answered by a stand-in: octets of the right size, and what the real one
// says to a value of the wrong size.
#include <algorithm>

#include "core/ike/wire/message.h"
#include "core/session/session.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;
using namespace godwit::session;

namespace {

class ByteRng : public Rng {
 public:
  void fill_public(MutBytes out) override { fill(out); }
  void fill_secret(MutBytes out) override { fill(out); }

 private:
  void fill(MutBytes out) {
    for (std::uint8_t& octet : out) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      octet = static_cast<std::uint8_t>(state_ >> 56);
    }
  }
  std::uint64_t state_ = 1;
};

const IpAddress& gateway() {
  static const IpAddress address = *IpAddress::parse("203.0.113.2");
  return address;
}

SessionConfig make_config(std::uint8_t kind) {
  static const IpAddress laptop = *IpAddress::parse("192.168.77.10");
  SessionConfig config;
  config.profile.aggressive = (kind & 1) != 0;
  config.profile.xauth = (kind & 2) != 0;
  config.profile.mode_config =
      (kind & 4) != 0 ? config::ConfigMode::kAuto : config::ConfigMode::kOff;
  config.profile.ike = {{{128}, crypto::HashAlg::kSha256, crypto::DhGroup::kEcp256}};
  config.profile.esp = {{crypto::EspCipher::kAesGcm16, 128, {}}};
  config.credentials.psk = SecretBytes::copy_of(ByteVec(16, 0x61));
  config.gateway = gateway();
  config.local = {{laptop, 500}, {laptop, 4500}};
  return config;
}

// What run_job() would give, without the public-key operation.
JobDone answer_job(const StartJob& start, Rng& rng) {
  if (const auto* generate = std::get_if<DhGenerate>(&start.job)) {
    crypto::DhKeyPair pair{generate->group, ByteVec(crypto::dh_public_size(generate->group)),
                           SecretBytes(crypto::dh_shared_size(generate->group))};
    rng.fill_public(pair.public_value);
    return {start.id, std::move(pair)};
  }
  const auto& compute = std::get<DhCompute>(start.job);
  using Shared = Result<SecretBytes, crypto::DhError>;
  const Bytes peer = compute.peer_public;
  if (peer.size() != crypto::dh_public_size(compute.ours.group)) {
    return {start.id, Shared(fail(crypto::DhError::kWrongSize))};
  }
  if (peer[0] == 0xff) return {start.id, Shared(fail(crypto::DhError::kBadValue))};
  SecretBytes shared(crypto::dh_shared_size(compute.ours.group));
  std::copy_n(peer.begin(), shared.size(), shared.fill().begin());
  return {start.id, Shared(std::move(shared))};
}

constexpr int kSpinsMax = 4;

struct Driver {
  explicit Driver(std::uint8_t kind) : session(make_config(kind), rng) {
    session.start(now, out);
    drain();
  }

  // Carries actions out and looks at what must always hold.
  void drain() {
    for (Action& action : out.list()) {
      FUZZ_REQUIRE(!finished);
      if (auto* send = std::get_if<SendDatagram>(&action)) {
        FUZZ_REQUIRE(!send->bytes.empty());
        if (send->bytes.size() > 1) last_sent = send->bytes;
        if (send->from == LocalPort::kNatt && send->bytes.size() > 4) {
          last_sent.erase(last_sent.begin(), last_sent.begin() + 4);
        }
      } else if (auto* job = std::get_if<StartJob>(&action)) {
        jobs.push_back(std::move(*job));
      } else if (auto* form = std::get_if<AskUser>(&action)) {
        form_id = form->form_id;
        fields = form->fields.size();
      } else if (std::holds_alternative<Finished>(action)) {
        finished = true;
      } else {
        // Without the key nobody gets this far.
        FUZZ_REQUIRE(!std::holds_alternative<InstallSa>(action));
        FUZZ_REQUIRE(!std::holds_alternative<ApplyTunnel>(action));
      }
    }
    out.clear();
    FUZZ_REQUIRE(session.finished() == finished);
    const auto at = session.next_deadline();
    FUZZ_REQUIRE(at.has_value() != finished);
    // What a served deadline leads to may be due at once, but the loop must not spin.
    spins = !finished && served && *at <= now ? spins + 1 : 0;
    FUZZ_REQUIRE(spins < kSpinsMax);
    served = false;
  }

  void deadline() {
    if (const auto due = session.next_deadline()) now = std::max(now, *due);
    session.on_deadline(now, out);
    served = true;
  }

  void message(Bytes body, std::uint8_t port) {
    ByteVec bytes(std::max<std::size_t>(16 + body.size(), ike::kHeaderSize));
    if (last_sent.size() >= 16) std::copy_n(last_sent.begin(), 16, bytes.begin());
    if ((port & 2) != 0) std::fill_n(bytes.begin() + 8, 8, std::uint8_t{0x77});
    std::copy(body.begin(), body.end(), bytes.begin() + 16);
    store_be(MutBytes(bytes).subspan(24), static_cast<std::uint32_t>(bytes.size()));
    const LocalPort local = (port & 1) != 0 ? LocalPort::kNatt : LocalPort::kIke;
    session.on_message(bytes, local, {gateway(), 500}, now, out);
  }

  void job() {
    if (jobs.empty()) return;
    const StartJob next = std::move(jobs.front());
    jobs.erase(jobs.begin());
    session.on_job(answer_job(next, rng), now, out);
  }

  ByteRng rng;
  Instant now{std::chrono::seconds(1000)};
  Actions out;
  Session session;
  std::vector<StartJob> jobs;
  ByteVec last_sent;
  std::uint32_t form_id = 0;
  std::size_t fields = 0;
  bool finished = false;
  bool served = false;
  int spins = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 8192) return 0;
  Driver driver(data[0]);
  std::size_t at = 1;
  while (at + 2 <= size && !driver.finished) {
    const std::uint8_t op = data[at];
    const std::uint8_t argument = data[at + 1];
    at += 2;
    switch (op % 6) {
      case 0: {
        const std::size_t length = std::min<std::size_t>(argument * 4u, size - at);
        driver.message(Bytes(data + at, length), op / 6);
        at += length;
        break;
      }
      case 1:
        driver.job();
        break;
      case 2:
        driver.deadline();
        break;
      case 3:
        driver.now += argument * 100ms;
        break;
      case 4: {
        UserAnswer answer{driver.form_id, {}};
        for (std::size_t i = 0; i < driver.fields; ++i) answer.values.emplace_back(argument);
        driver.session.on_user(std::move(answer), driver.now, driver.out);
        break;
      }
      default:
        if (argument == 0xff) driver.session.on_user(UserDisconnects{}, driver.now, driver.out);
    }
    driver.drain();
  }
  return 0;
}
