#include <doctest/doctest.h>

#include "tests/unit/wire/samples.h"

using namespace godwit;
using namespace godwit::ike;
using namespace godwit::ike::test;

namespace {

std::string escaped(std::string_view text, std::size_t max = 1000, bool keep_newlines = false) {
  return escape_text(as_bytes(text), max, keep_newlines);
}

}  // namespace

TEST_CASE("text: printable ASCII stays, controls do not") {
  for (unsigned octet = 0; octet < 256; ++octet) {
    INFO(octet);
    const std::string text = escape_text(ByteVec{static_cast<std::uint8_t>(octet)}, 10);
    const bool printable = octet >= 0x20 && octet < 0x7f;
    CHECK(text.size() == (printable ? 1U : 4U));
    for (const char c : text) CHECK((c >= 0x20 && c < 0x7f));
  }
  CHECK(escaped("DOMAIN\\user 50% $(id) `id`") == "DOMAIN\\user 50% $(id) `id`");
  CHECK(escaped(std::string_view("a\0b", 3)) == "a\\x00b");
}

TEST_CASE("text: escape sequences of terminals (A22, A23)") {
  CHECK(escaped("\x1b]0;title\x07") == "\\x1b]0;title\\x07");
  CHECK(escaped("\x1b[2J\x1b[H") == "\\x1b[2J\\x1b[H");
  CHECK(escaped("\x9b"
                "31m") == "\\x9b31m");
  CHECK(escaped("\xc2\x9b"
                "31m") == "\\xc2\\x9b31m");  // the same control, as UTF-8
}

TEST_CASE("text: newlines only where they are asked for") {
  CHECK(escaped("a\r\nb\n") == "a\\x0d\\x0ab\\x0a");
  CHECK(escaped("a\r\nb\n", 100, true) == "a\nb\n");
  CHECK(escaped("over\rwritten\r", 100, true) == "over\\x0dwritten\\x0d");
  CHECK(escaped("a\tb", 100, true) == "a\\x09b");
}

TEST_CASE("text: visible UTF-8 stays") {
  for (const char* text : {"Grüße", "Привет", "日本語", "€ “quoted”", "𝒳", "한국어"}) {
    CHECK(escaped(text) == text);
  }
}

TEST_CASE("text: characters that hide or turn text do not stay") {
  CHECK(escaped("a\u202eb") == "a\\xe2\\x80\\xaeb");  // right-to-left override
  for (const char* text : {"\u200b", "\u00a0", "\u00ad", "\u2028", "\u2066", "\ufeff", "\ue000",
                           "\U000e0041", "\u3164", "\ufffd"}) {
    CHECK(escaped(text).front() == '\\');
  }
}

TEST_CASE("text: invalid UTF-8") {
  CHECK(escaped("\xc3") == "\\xc3");                             // cut off
  CHECK(escaped("\xc3(") == "\\xc3(");                           // no continuation
  CHECK(escaped("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(escaped("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");           // overlong
  CHECK(escaped("\xf0\x80\x80\xaf") == "\\xf0\\x80\\x80\\xaf");  // overlong
  CHECK(escaped("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(escaped("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(escaped("\xf8\x88\x80\x80\x80") == "\\xf8\\x88\\x80\\x80\\x80");
  CHECK(escaped("\x80\xc3\xa4") == "\\x80\xc3\xa4");  // goes on behind it
}

TEST_CASE("text: the cut never splits a character or an escape") {
  CHECK(escaped("abcdef", 3) == "abc");
  CHECK(escaped("abcdef", 0).empty());
  CHECK(escaped("ab\x01", 5) == "ab");
  CHECK(escaped("ab\x01", 6) == "ab\\x01");
  CHECK(escaped("aä", 2) == "a");
  CHECK(escaped("aä", 3) == "aä");
  Random random(5);
  for (std::size_t max = 0; max < 300; ++max) {
    CHECK(escape_text(random.octets(400), max, true).size() <= max);
  }
}
