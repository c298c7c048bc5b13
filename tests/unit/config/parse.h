// What the tests of this room share: parse a text, or say what was wrong with it.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/config/profile_parser.h"

namespace godwit::config {

using Flags = std::vector<Override>;

inline std::vector<std::string> mistakes(std::string_view text, const Flags& flags = {}) {
  std::vector<std::string> lines;
  const auto result = parse_profile(text, "p.toml", "p", flags);
  if (result) return lines;
  for (const Diagnostic& d : result.error()) lines.push_back(d.to_string());
  return lines;
}

// All mistakes in one text, one a line.
inline std::string said(std::string_view text, const Flags& flags = {}) {
  std::string all;
  for (const std::string& line : mistakes(text, flags)) all += (all.empty() ? "" : "\n") + line;
  return all;
}

inline Profile good(std::string_view text, const Flags& flags = {}) {
  INFO(text);
  auto result = parse_profile(text, "p.toml", "p", flags);
  INFO(said(text, flags));
  REQUIRE(result.has_value());
  return std::move(*result);
}

// A profile of one more line: the line's mistakes, without their place when they are in line 2.
inline std::string said_of(const std::string& line) {
  return said("gateway = \"vpn.example.com\"\n" + line + "\n");
}

inline Profile good_with(const std::string& line) {
  return good("gateway = \"vpn.example.com\"\n" + line + "\n");
}

}  // namespace godwit::config
