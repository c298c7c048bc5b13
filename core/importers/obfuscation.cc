// The octets are h1 (20), h4 (20) and the encrypted password. h1 is where the key comes from: with
// its last octet raised by 1 its SHA-1 is h2, by 3 it is h3; the key of 3DES is h2 and the
// first four octets of h3, the IV the first eight of h1. h4 is the SHA-1 of what was encrypted, and
// the last octet of the text says how many were padding.
#include "core/importers/obfuscation.h"

#include <algorithm>
#include <array>

#include "core/crypto/cbc.h"
#include "core/crypto/hash.h"

namespace godwit::importers {
namespace {

constexpr std::size_t kHash = 20;
constexpr std::size_t kBlock = 8;
constexpr std::size_t kHidingMax = 4096;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<ByteVec> from_hex(std::string_view text) {
  if (text.size() % 2 != 0 || text.size() > kHidingMax) return std::nullopt;
  ByteVec out(text.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

Secret<24> key_from(Bytes h1) {
  std::array<std::uint8_t, kHash> seed;
  std::copy(h1.begin(), h1.end(), seed.begin());
  Secret<24> key;
  seed.back() = static_cast<std::uint8_t>(seed.back() + 1);
  const auto h2 = crypto::hash(crypto::HashAlg::kSha1, {seed});
  seed.back() = static_cast<std::uint8_t>(seed.back() + 2);
  const auto h3 = crypto::hash(crypto::HashAlg::kSha1, {seed});
  std::copy_n(h2.bytes().begin(), kHash, key.fill().begin());
  std::copy_n(h3.bytes().begin(), 4, key.fill().begin() + kHash);
  return key;
}

}  // namespace

std::optional<SecretBytes> reveal(std::string_view hex) {
  const auto hidden = from_hex(hex);
  if (!hidden || hidden->size() < 2 * kHash + kBlock) return std::nullopt;
  const Bytes h1 = Bytes(*hidden).first(kHash);
  const Bytes h4 = Bytes(*hidden).subspan(kHash, kHash);
  const Bytes encrypted = Bytes(*hidden).subspan(2 * kHash);
  if (encrypted.size() % kBlock != 0) return std::nullopt;
  if (!equal(crypto::hash(crypto::HashAlg::kSha1, {encrypted}), h4)) return std::nullopt;
  SecretBytes text = SecretBytes::copy_of(encrypted);
  crypto::cbc_decrypt(key_from(h1).expose(), h1.first(kBlock), text.fill());
  const std::size_t padding = text.expose().back();
  if (padding == 0 || padding > text.size()) return std::nullopt;
  text.truncate(text.size() - padding);
  return text;
}

}  // namespace godwit::importers
