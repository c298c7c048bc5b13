#include "client/totp.h"

#include <fmt/format.h>
#include <liboath/oath.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "core/base/check.h"

namespace godwit::client {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kUri = "otpauth://";
constexpr std::string_view kTotpUri = "otpauth://totp/";
constexpr auto kPeriodMin = 5s;
constexpr auto kPeriodMax = 300s;
// RFC 4226 4 wants 128 bits; some gateways give 80.
constexpr std::size_t kSecretMin = 10;

Failure bad(std::string_view from, std::string_view what) {
  return failure(
      ExitCode::kSecret, fmt::format("{} {}", from, what),
      "write the secret in base32 as the gateway's owner gave it, or the otpauth:// URI");
}

int base32_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

// RFC 4648 6. Nothing for what is no base32.
std::optional<SecretBytes> from_base32(std::string_view text) {
  SecretBytes out(text.size());
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t used = 0;
  bool padded = false;
  for (const char c : text) {
    if (c == ' ' || c == '-' || c == '\n' || c == '\r') continue;
    padded = padded || c == '=';
    if (c == '=') continue;
    const int digit = base32_digit(c);
    if (digit < 0 || padded) return std::nullopt;
    bits = (bits << 5 | static_cast<std::uint32_t>(digit)) & 0xfff;
    held += 5;
    if (held < 8) continue;
    held -= 8;
    out.fill()[used++] = static_cast<std::uint8_t>(bits >> held);
  }
  out.truncate(used);
  return out;
}

std::optional<unsigned> number_of(std::string_view text) {
  unsigned value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<TotpHash> hash_of(std::string_view word) {
  if (word == "SHA1") return TotpHash::kSha1;
  if (word == "SHA256") return TotpHash::kSha256;
  if (word == "SHA512") return TotpHash::kSha512;
  return std::nullopt;
}

// A URI may write the padding of base32 as %3D.
std::string_view without_padding(std::string_view value) {
  while (value.ends_with("%3D") || value.ends_with("%3d")) value.remove_suffix(3);
  return value;
}

// Reads one name=value of the URI into the key; what is wrong with it otherwise.
std::string_view read_parameter(std::string_view parameter, TotpKey& key) {
  const auto equals = parameter.find('=');
  const std::string_view name = parameter.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);
  if (name == "secret") {
    auto secret = from_base32(without_padding(value));
    if (!secret) return "holds a secret that is not base32";
    key.secret = std::move(*secret);
  } else if (name == "digits") {
    const auto digits = number_of(value);
    if (!digits || *digits < 6 || *digits > 8) return "asks for other than 6 to 8 digits";
    key.digits = *digits;
  } else if (name == "period") {
    const auto period = number_of(value);
    if (!period || std::chrono::seconds(*period) < kPeriodMin ||
        std::chrono::seconds(*period) > kPeriodMax) {
      return "asks for a period that is not 5 to 300 seconds";
    }
    key.period = std::chrono::seconds(*period);
  } else if (name == "algorithm") {
    const auto hash = hash_of(value);
    if (!hash) return "asks for an algorithm other than SHA1, SHA256 and SHA512";
    key.hash = *hash;
  }
  return {};  // issuer and image are for people
}

}  // namespace

std::uint64_t TotpKey::step_of(std::chrono::seconds since_1970) const {
  return static_cast<std::uint64_t>(since_1970 / period);
}

SecretBytes TotpKey::code(std::uint64_t step) const {
  static const bool ready = oath_init() == OATH_OK;
  CHECK(ready);
  const int flags = hash == TotpHash::kSha256   ? OATH_TOTP_HMAC_SHA256
                    : hash == TotpHash::kSha512 ? OATH_TOTP_HMAC_SHA512
                                                : 0;
  Secret<16> text;
  const int made = oath_totp_generate2(reinterpret_cast<const char*>(secret.expose().data()),
                                       secret.size(), static_cast<time_t>(step), 1, 0, digits,
                                       flags, reinterpret_cast<char*>(text.fill().data()));
  CHECK(made == OATH_OK);
  return SecretBytes::copy_of(text.expose().first(digits));
}

Result<TotpKey, Failure> read_totp_key(Bytes written, std::string_view from) {
  std::string_view text(reinterpret_cast<const char*>(written.data()), written.size());
  while (text.ends_with('\n') || text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
  TotpKey key;
  if (!text.starts_with(kUri)) {
    auto secret = from_base32(text);
    if (!secret) return fail(bad(from, "holds a secret that is not base32"));
    key.secret = std::move(*secret);
  } else if (!text.starts_with(kTotpUri)) {
    return fail(bad(from, "holds a URI of another kind than otpauth://totp/"));
  } else {
    text.remove_prefix(std::min(text.size(), text.find('?')));
    while (!text.empty()) {
      text.remove_prefix(1);  // ? or &
      const std::string_view parameter = text.substr(0, text.find('&'));
      text.remove_prefix(parameter.size());
      if (const auto fault = read_parameter(parameter, key); !fault.empty()) {
        return fail(bad(from, fault));
      }
    }
  }
  if (key.secret.size() < kSecretMin) {
    return fail(bad(from, "holds a secret of less than 80 bits, or none"));
  }
  return key;
}

}  // namespace godwit::client
