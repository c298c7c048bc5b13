#include "client/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/config/proposal.h"

namespace godwit::client {

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '\n' || c == '\r' || c == '\t') {
      out += ' ';
    } else if (octet < 0x20 || octet > 0x7e) {
      out += fmt::format("\\x{:02x}", octet);
    } else {
      out += c;
    }
  }
  return out;
}

std::string words(Duration span) {
  const auto seconds =
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(span).count());
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
}

std::string words(const crypto::IkeSuite& suite) { return config::to_text(suite); }
std::string words(const crypto::EspSuite& suite) { return config::to_text(suite); }

std::string words(session::NattVersion version) {
  switch (version) {
    case session::NattVersion::kNone:
      return "none";
    case session::NattVersion::kDraft02:
      return "draft 02";
    case session::NattVersion::kDraft03:
      return "draft 03";
    case session::NattVersion::kRfc3947:
      return "RFC 3947";
  }
  return "unknown";
}

std::string_view words(session::Gateways::Origin origin) {
  switch (origin) {
    case session::Gateways::Origin::kProfile:
      return "profile";
    case session::Gateways::Origin::kBackup:
      return "backup";
    case session::Gateways::Origin::kRedirect:
      return "redirect";
  }
  return "unknown";
}

std::string words_of_octets(std::uint64_t count) {
  if (count < 1000) return fmt::format("{} octets", count);
  constexpr std::array units = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(count) / 1000;
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string notify_name(std::uint16_t type) {
  // RFC 2408 3.14.1, RFC 2407 4.6.3.
  static constexpr std::array<std::string_view, 31> kErrors = {"",
                                                               "INVALID-PAYLOAD-TYPE",
                                                               "DOI-NOT-SUPPORTED",
                                                               "SITUATION-NOT-SUPPORTED",
                                                               "INVALID-COOKIE",
                                                               "INVALID-MAJOR-VERSION",
                                                               "INVALID-MINOR-VERSION",
                                                               "INVALID-EXCHANGE-TYPE",
                                                               "INVALID-FLAGS",
                                                               "INVALID-MESSAGE-ID",
                                                               "INVALID-PROTOCOL-ID",
                                                               "INVALID-SPI",
                                                               "INVALID-TRANSFORM-ID",
                                                               "ATTRIBUTES-NOT-SUPPORTED",
                                                               "NO-PROPOSAL-CHOSEN",
                                                               "BAD-PROPOSAL-SYNTAX",
                                                               "PAYLOAD-MALFORMED",
                                                               "INVALID-KEY-INFORMATION",
                                                               "INVALID-ID-INFORMATION",
                                                               "INVALID-CERT-ENCODING",
                                                               "INVALID-CERTIFICATE",
                                                               "CERT-TYPE-UNSUPPORTED",
                                                               "INVALID-CERT-AUTHORITY",
                                                               "INVALID-HASH-INFORMATION",
                                                               "AUTHENTICATION-FAILED",
                                                               "INVALID-SIGNATURE",
                                                               "ADDRESS-NOTIFICATION",
                                                               "NOTIFY-SA-LIFETIME",
                                                               "CERTIFICATE-UNAVAILABLE",
                                                               "UNSUPPORTED-EXCHANGE-TYPE",
                                                               "UNEQUAL-PAYLOAD-LENGTHS"};
  if (type == 40501) return "CISCO-LOAD-BALANCE (40501)";
  if (type > 0 && type < kErrors.size()) return fmt::format("{} ({})", kErrors[type], type);
  return fmt::format("notification {}", type);
}

std::string spi_text(EspSpi spi) { return fmt::format("0x{:08x}", spi.value()); }

std::string_view slug(session::Stage stage) {
  switch (stage) {
    case session::Stage::kIdle:
      return "idle";
    case session::Stage::kPhase1:
      return "phase-1";
    case session::Stage::kPhase1Auth:
      return "phase-1-authentication";
    case session::Stage::kXauth:
      return "xauth";
    case session::Stage::kModeConfig:
      return "mode-config";
    case session::Stage::kQuickMode:
      return "quick-mode";
    case session::Stage::kUp:
      return "up";
    case session::Stage::kClosing:
      return "closing";
  }
  return "unknown";
}

std::string_view words(session::Stage stage) {
  switch (stage) {
    case session::Stage::kIdle:
      return "not started";
    case session::Stage::kPhase1:
      return "connecting (phase 1)";
    case session::Stage::kPhase1Auth:
      return "connecting (proving identities)";
    case session::Stage::kXauth:
      return "connecting (user authentication)";
    case session::Stage::kModeConfig:
      return "connecting (waiting for an address)";
    case session::Stage::kQuickMode:
      return "connecting (phase 2)";
    case session::Stage::kUp:
      return "up";
    case session::Stage::kClosing:
      return "closing";
  }
  return "unknown";
}

}  // namespace godwit::client
