#include "core/crypto/base64.h"

#include <mbedtls/base64.h>

#include <algorithm>

#include "core/base/check.h"

namespace godwit::crypto {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

std::optional<SecretBytes> base64_decode(std::string_view text) {
  SecretBytes digits(text.size());
  std::size_t count = 0;
  for (const char c : text) {
    if (!is_blank(c)) digits.fill()[count++] = static_cast<std::uint8_t>(c);
  }
  if (count % 4 != 0) return std::nullopt;  // the library would leave out what is not whole
  digits.truncate(count);
  SecretBytes out(count);  // three octets for four digits
  std::size_t size = 0;
  if (mbedtls_base64_decode(out.fill().data(), out.size(), &size, digits.expose().data(), count) !=
      0) {
    return std::nullopt;
  }
  out.truncate(size);
  return out;
}

std::string certificate_pem(Bytes der) {
  std::string digits((der.size() + 2) / 3 * 4 + 1, '\0');  // the library ends it with a NUL
  std::size_t size = 0;
  CHECK(mbedtls_base64_encode(reinterpret_cast<unsigned char*>(digits.data()), digits.size(), &size,
                              der.data(), der.size()) == 0);
  std::string out = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < size; at += 64) {
    out += digits.substr(at, std::min<std::size_t>(64, size - at)) + "\n";
  }
  return out + "-----END CERTIFICATE-----\n";
}

}  // namespace godwit::crypto
