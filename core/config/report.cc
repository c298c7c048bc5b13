#include "core/config/report.h"

#include <algorithm>
#include <array>

namespace godwit::config {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::string Diagnostic::to_string() const {
  std::string text = file;
  if (line > 0) text += ":" + std::to_string(line) + ":" + std::to_string(column);
  text += ": " + message;
  if (!hint.empty()) text += "; " + hint;
  return text;
}

void Report::add(const Where& where, std::string message, std::string hint) {
  if (is_full()) return;
  const bool from_flag = !where.flag.empty();
  found_.push_back({from_flag ? where.flag : file_, from_flag ? 0 : where.line,
                    from_flag ? 0 : where.column, std::move(message), std::move(hint)});
}

void Report::add(const Where& where, Fault fault) {
  add(where, std::move(fault.message), std::move(fault.hint));
}

std::vector<Diagnostic> Report::take() {
  std::stable_sort(found_.begin(), found_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    if ((a.line == 0) != (b.line == 0)) return b.line == 0;
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  if (is_full()) {
    const Diagnostic& last = found_.back();
    found_.push_back({file_, last.line, last.column,
                      "there may be more mistakes; only the first " + std::to_string(kMistakesMax) +
                          " are listed",
                      "mend these and check again"});
  }
  return std::move(found_);
}

std::string printable(std::string_view text, std::size_t shown_max) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    // Cut between characters: 10xxxxxx continues one.
    if (i >= shown_max && (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return out + "...";
    const auto octet = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, the other control characters, are 0xc2 and one octet.
    const bool c1 =
        octet == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) {
      out += "\\u00";
      const auto second = static_cast<unsigned char>(text[++i]);
      out += {kHex[second >> 4], kHex[second & 15]};
    } else if (is_control(text[i])) {
      out += {'\\', 'x', kHex[octet >> 4], kHex[octet & 15]};
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string quote(std::string_view text) { return '"' + printable(text) + '"'; }

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (is_control(c)) {
      const auto octet = static_cast<unsigned char>(c);
      out += {'\\', 'u', '0', '0', kHex[octet >> 4], kHex[octet & 15]};
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace godwit::config
