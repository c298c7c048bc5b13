#include "core/crypto/esp_crypto.h"

#include <algorithm>
#include <array>

namespace godwit::crypto {
namespace {

constexpr std::size_t kAround = 8 + 16 + 32;  // header, the longest IV, the longest ICV
constexpr std::array<std::size_t, 4> kBodies = {16, 64, 576, 1408};

}  // namespace

EspCrypto EspCrypto::portable() { return {}; }

EspCrypto EspCrypto::made_by(Maker maker) {
  EspCrypto out;
  out.maker_ = maker;
  return out;
}

std::unique_ptr<EspProtector> EspCrypto::make(const EspSuite& suite, const SecretBytes& keymat,
                                              const Secret<16>& iv_key) const {
  if (maker_ != nullptr) return maker_(suite);
  if (multibuffer_) {
    if (auto fast = make_multibuffer(multibuffer_, suite, keymat, iv_key)) return fast;
  }
  return make_esp_protector(suite, keymat, iv_key);
}

bool agree(const EspSuite& suite, EspProtector& one, EspProtector& other) {
  constexpr std::size_t kCount = kBodies.size();
  std::array<std::array<std::uint8_t, kAround + kBodies.back()>, kCount> mine{};
  std::array<std::array<std::uint8_t, kAround + kBodies.back()>, kCount> theirs{};
  std::array<EspPacket, kCount> sealed;
  std::array<EspPacket, kCount> expected;
  for (std::size_t i = 0; i < kCount; ++i) {
    for (std::size_t k = 0; k < mine[i].size(); ++k) {
      mine[i][k] = theirs[i][k] = static_cast<std::uint8_t>(7 * k + i);
    }
    const std::size_t size = 8 + suite.iv_size() + kBodies[i] + suite.icv_size();
    sealed[i] = {MutBytes(mine[i]).first(size), i + 1, false};
    expected[i] = {MutBytes(theirs[i]).first(size), i + 1, false};
  }
  const auto same = [&] {
    return std::ranges::equal(sealed, expected,
                              [](const auto& a, const auto& b) { return equal(a.bytes, b.bytes); });
  };
  one.seal(sealed);
  other.seal(expected);
  if (!same()) return false;
  sealed.back().bytes.back() ^= 1;
  one.open(sealed);
  other.open(expected);
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!expected[i].ok || sealed[i].ok != (i + 1 < kCount)) return false;
    if (sealed[i].ok && !equal(sealed[i].bytes, expected[i].bytes)) return false;
  }
  return true;
}

}  // namespace godwit::crypto
