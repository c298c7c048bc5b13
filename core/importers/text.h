// Lines and words of configuration files. Views point into the text, so nothing secret is copied.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/secret.h"

namespace godwit::importers {

struct Line {
  std::string_view text;  // without its end, which may be \n, \r\n or \r
  int number = 0;
};

// Cuts a text into lines, one by one.
class Lines {
 public:
  explicit Lines(std::string_view text);
  std::optional<Line> next();

 private:
  std::string_view rest_;
  int number_ = 0;
};

std::string_view trim(std::string_view text);                      // blanks and tabs
std::string lower(std::string_view text);                          // ASCII
bool same_word(std::string_view a, std::string_view b);            // without regard to ASCII case
bool starts_with_word(std::string_view text, std::string_view w);  // likewise
std::string_view unquote(std::string_view text);  // without a pair of double quotation marks
bool is_text(std::string_view text);              // UTF-8 without control characters

// `text` up to the next `separator`, trimmed; both are taken from the front of `text`.
std::string_view take_part(std::string_view& text, std::string_view separators);

std::optional<std::int64_t> number_of(std::string_view text);
Bytes octets_of(std::string_view text);
std::string_view text_of(Bytes octets);
SecretBytes secret_of(std::string_view text);

// A pre-shared key as psk-file holds it: as it is, or in hexadecimal where the first octets, a
// newline or a NUL would be read as something else.
SecretBytes written_psk(Bytes key);

}  // namespace godwit::importers
