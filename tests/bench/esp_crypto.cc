// What one packet of ESP costs in each library, alone and in batches: nanoseconds of this thread,
// the best of several rounds, and how many times mbedTLS needs as long.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "core/crypto/esp_crypto.h"

namespace godwit {
namespace {

constexpr std::size_t kRounds = 40;
constexpr std::size_t kPerClock = 256;

double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Subject {
  const char* name;
  crypto::EspSuite suite;
};

// Nanoseconds a packet. Opening what was sealed before is what a receiver does, so each round works
// on kPerClock fresh packets that were made before the clock started: reading it costs as much as
// sealing a few.
double cost(crypto::EspProtector& protector, const crypto::EspSuite& suite, std::size_t body,
            std::size_t batch, bool open) {
  const std::size_t size = 8 + suite.iv_size() + body + suite.icv_size();
  std::vector<ByteVec> octets(kPerClock, ByteVec(size, 0x5a));
  std::vector<crypto::EspPacket> packets;
  std::uint64_t sequence = 0;
  for (ByteVec& packet : octets) packets.push_back({packet, ++sequence, false});
  protector.seal(packets);
  const std::vector<ByteVec> sealed = octets;
  double best = 1e18;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kPerClock; ++i) std::ranges::copy(sealed[i], octets[i].begin());
    const double begin = thread_ns();
    for (std::size_t done = 0; done < kPerClock; done += batch) {
      const auto some = std::span(packets).subspan(done, batch);
      if (open) {
        protector.open(some);
      } else {
        protector.seal(some);
      }
    }
    best = std::min(best, (thread_ns() - begin) / kPerClock);
  }
  return best;
}

void row(const Subject& subject, std::size_t body, std::size_t batch, bool open) {
  SecretBytes keymat(subject.suite.keymat_size());
  const Secret<16> iv_key;
  const auto slow = crypto::EspCrypto::portable().make(subject.suite, keymat, iv_key);
  const auto fast = crypto::EspCrypto::fastest().make(subject.suite, keymat, iv_key);
  const double mbedtls = cost(*slow, subject.suite, body, batch, open);
  const double best = cost(*fast, subject.suite, body, batch, open);
  std::printf("%6.1fx  %-18s %5zu octets  batch %3zu  %-4s  mbedtls %7.0f ns  %s %7.0f ns\n",
              mbedtls / best, subject.name, body, batch, open ? "open" : "seal", mbedtls,
              std::string(fast->backend()).c_str(), best);
}

}  // namespace
}  // namespace godwit

int main() {
  using namespace godwit;
  using crypto::EspCipher;
  using crypto::HashAlg;
  const std::vector<Subject> subjects = {
      {"aes128gcm16", {EspCipher::kAesGcm16, 128, std::nullopt}},
      {"aes256gcm16", {EspCipher::kAesGcm16, 256, std::nullopt}},
      {"aes256-sha1", {EspCipher::kAesCbc, 256, HashAlg::kSha1}},
      {"aes256-sha256", {EspCipher::kAesCbc, 256, HashAlg::kSha256}},
      {"aes256-sha512", {EspCipher::kAesCbc, 256, HashAlg::kSha512}},
  };
  for (const Subject& subject : subjects) {
    for (const std::size_t body : {std::size_t{64}, std::size_t{1408}}) {
      for (const std::size_t batch : {std::size_t{1}, std::size_t{8}, std::size_t{32}}) {
        row(subject, body, batch, false);
        row(subject, body, batch, true);
      }
    }
  }
  return 0;
}
