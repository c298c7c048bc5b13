// The one table of what a profile may say. The parser, the client's flags and --help, and the man
// pages are all made from it; a flag is `--` and the key.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::config {

enum class OptionType : std::uint8_t {
  kText,          // "text"
  kPath,          // "text", an absolute path
  kPathOrUri,     // "text", an absolute path or a pkcs11: URI
  kChoice,        // "text", one of the words of the metavar: a|b|c
  kInteger,       // 500
  kBool,          // true, false
  kDuration,      // "8h" or a number of seconds
  kOctets,        // "4GiB" or a number of octets
  kTextList,      // ["a", "b"]; on the command line a,b or the flag repeated
  kTextOrList,    // one of the words of the metavar, or a list
  kChoiceOrBool,  // kChoice, or true and false, which mean the first and the last word
};

struct Option {
  std::string_view key;
  OptionType type;
  std::string_view metavar;
  std::string_view default_text;  // as TOML; empty when there is none
  std::string_view example;       // as TOML
  std::string_view help;          // one sentence, with the consequence
  bool required = false;
};

std::span<const Option> options();
const Option* find_option(std::string_view key);
std::vector<std::string_view> option_keys();

// The words of a kChoice or kTextOrList metavar (lower case only: HOST is a placeholder).
std::vector<std::string_view> option_words(const Option& option);

}  // namespace godwit::config
