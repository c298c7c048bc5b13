// Small pieces of text that several reports share. Everything that came from a peer passes through
// printable() before it reaches a terminal or a log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.h"
#include "core/config/profile.h"
#include "core/crypto/suite.h"
#include "core/net/address.h"
#include "core/session/event.h"
#include "core/session/gateways.h"

namespace godwit::client {

// Control characters, escape sequences and octets outside ASCII become \xNN; newlines become
// blanks.
std::string printable(std::string_view text);

std::string words(Duration span);                  // "42 s", "12 min", "3 h 5 min", "2 d 4 h"
std::string words(const crypto::IkeSuite& suite);  // "aes256-sha256-modp2048"
std::string words(const crypto::EspSuite& suite);  // "aes128-sha1", "aes256gcm16"
std::string words(session::NattVersion version);
std::string_view words(session::Gateways::Origin origin);  // "RFC 3947", "draft 02", "none"
std::string words_of_octets(std::uint64_t count);          // "17 octets", "3.2 MB"
std::string notify_name(std::uint16_t type);               // "NO-PROPOSAL-CHOSEN (14)"
std::string spi_text(EspSpi spi);                          // "0x0badcafe"
std::string_view slug(session::Stage stage);  // "phase-1", "up", ...; stable, used in JSON
std::string_view words(session::Stage stage);

template <class T>
std::string join(const std::vector<T>& items, std::string_view glue = ", ") {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += glue;
    if constexpr (requires { item.to_string(); }) {
      out += item.to_string();
    } else if constexpr (requires { words(item); }) {
      out += words(item);
    } else {
      out += printable(item);
    }
  }
  return out;
}

}  // namespace godwit::client
