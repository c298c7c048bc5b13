// Text of a peer, which may try to be a terminal's commands (XA-12, MC-12).
#include <algorithm>
#include <array>
#include <optional>

#include "core/base/reader.h"
#include "core/ike/wire/payloads.h"

namespace godwit::ike {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// Code points that show nothing or change how the text around them shows.
constexpr std::array<Range, 22> kHidden{{
    {0x0080, 0x00a0},     // C1 controls, no-break space
    {0x00ad, 0x00ad},     // soft hyphen
    {0x034f, 0x034f},     // combining grapheme joiner
    {0x061c, 0x061c},     // Arabic letter mark
    {0x115f, 0x1160},     // Hangul fillers
    {0x1680, 0x1680},     // Ogham space
    {0x17b4, 0x17b5},     // Khmer inherent vowels
    {0x180b, 0x180f},     // Mongolian selectors
    {0x2000, 0x200f},     // spaces, joiners, direction marks
    {0x2028, 0x202f},     // line and paragraph separators, embeddings
    {0x205f, 0x206f},     // invisible operators, isolates
    {0x2800, 0x2800},     // blank Braille pattern
    {0x3000, 0x3000},     // ideographic space
    {0x3164, 0x3164},     // Hangul filler
    {0xd800, 0xf8ff},     // surrogates, private use
    {0xfdd0, 0xfdef},     // noncharacters
    {0xfe00, 0xfe0f},     // variation selectors
    {0xfeff, 0xfeff},     // byte order mark
    {0xffa0, 0xffa0},     // halfwidth Hangul filler
    {0xfff0, 0xffff},     // specials, noncharacters
    {0x1d173, 0x1d17a},   // musical controls
    {0xe0000, 0x10ffff},  // tags, private use
}};

bool is_hidden(std::uint32_t code) {
  return std::any_of(kHidden.begin(), kHidden.end(),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

// The octets of the visible character of more than one octet at the start of `text`; 0 when there
// is none (RFC 3629 3: overlong forms, surrogates and what lies above U+10FFFF are no characters).
std::size_t visible_sequence(Bytes text) {
  const std::uint8_t head = text[0];
  std::size_t size = 0;
  std::uint32_t code = 0;
  std::uint32_t smallest = 0;
  if ((head & 0xe0) == 0xc0) {
    size = 2, code = head & 0x1fU, smallest = 0x80;
  } else if ((head & 0xf0) == 0xe0) {
    size = 3, code = head & 0x0fU, smallest = 0x800;
  } else if ((head & 0xf8) == 0xf0) {
    size = 4, code = head & 0x07U, smallest = 0x10000;
  }
  if (size == 0 || text.size() < size) return 0;
  for (const std::uint8_t octet : text.subspan(1, size - 1)) {
    if ((octet & 0xc0) != 0x80) return 0;
    code = (code << 6) | (octet & 0x3fU);
  }
  if (code < smallest || code > 0x10ffff || is_hidden(code)) return 0;
  return size;
}

std::string escaped(std::uint8_t octet) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'\\', 'x', kDigits[octet >> 4], kDigits[octet & 0x0f]};
}

}  // namespace

std::string escape_text(Bytes text, std::size_t max, bool keep_newlines) {
  std::string result;
  while (!text.empty()) {
    const std::uint8_t octet = text[0];
    std::size_t taken = 1;
    std::string piece;
    if (octet >= 0x20 && octet < 0x7f) {
      piece = static_cast<char>(octet);
    } else if (keep_newlines && octet == '\n') {
      piece = "\n";
    } else if (keep_newlines && octet == '\r' && text.size() > 1 && text[1] == '\n') {
      taken = 2;
      piece = "\n";
    } else if (const std::size_t size = visible_sequence(text); size != 0) {
      taken = size;
      piece.assign(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    } else {
      piece = escaped(octet);
    }
    // Neither an escape nor a character is cut in half.
    if (result.size() + piece.size() > max) break;
    result += piece;
    text = text.subspan(taken);
  }
  return result;
}

}  // namespace godwit::ike
