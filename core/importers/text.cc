#include "core/importers/text.h"

#include <algorithm>

#include "core/config/document.h"
#include "core/config/report.h"
#include "core/config/values.h"

namespace godwit::importers {
namespace {

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

// Windows' editors put a mark before UTF-8.
Lines::Lines(std::string_view text) : rest_(text) {
  if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
}

std::optional<Line> Lines::next() {
  if (rest_.empty()) return std::nullopt;
  const auto end = rest_.find_first_of("\r\n");
  const Line line{rest_.substr(0, end), ++number_};
  if (end == std::string_view::npos) {
    rest_ = {};
  } else {
    rest_.remove_prefix(end + (rest_.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return line;
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = small(c);
  return out;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return small(x) == small(y); });
}

bool starts_with_word(std::string_view text, std::string_view w) {
  return same_word(text.substr(0, w.size()), w);
}

std::string_view unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

// TOML's reader knows what UTF-8 is, and a comment may hold all that a text may.
bool is_text(std::string_view text) {
  if (text.find_first_of("\r\n") != std::string_view::npos) return false;
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (plain) return true;
  config::Report report("");
  config::read_document("# " + std::string(text), report);
  return report.empty();
}

std::string_view take_part(std::string_view& text, std::string_view separators) {
  const auto end = text.find_first_of(separators);
  const std::string_view part = trim(text.substr(0, end));
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

std::optional<std::int64_t> number_of(std::string_view text) { return config::parse_integer(text); }

Bytes octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view text_of(Bytes octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

SecretBytes secret_of(std::string_view text) { return SecretBytes::copy_of(octets_of(text)); }

SecretBytes written_psk(Bytes key) {
  const std::string_view text = text_of(key);
  const bool coded = text.starts_with("0x") || text.starts_with("0s");
  const bool plain = std::none_of(key.begin(), key.end(),
                                  [](std::uint8_t c) { return c == 0 || c == '\n' || c == '\r'; });
  if (plain && !coded) return SecretBytes::copy_of(key);
  constexpr std::string_view kDigits = "0123456789abcdef";
  SecretBytes out(2 + 2 * key.size());
  const MutBytes to = out.fill();
  to[0] = '0';
  to[1] = 'x';
  for (std::size_t i = 0; i < key.size(); ++i) {
    to[2 + 2 * i] = static_cast<std::uint8_t>(kDigits[key[i] >> 4]);
    to[3 + 2 * i] = static_cast<std::uint8_t>(kDigits[key[i] & 15]);
  }
  return out;
}

}  // namespace godwit::importers
