// What the tests of this room share: the samples, which also are where the fuzz target begins.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "core/config/profile_parser.h"
#include "core/importers/importers.h"
#include "tests/support/source_dir.h"

namespace godwit::importers {

inline std::string sample(const std::string& name) {
  std::ifstream in(test::source_dir() + "/tests/fuzz/corpus/importers/" + name, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  REQUIRE_MESSAGE(!out.str().empty(), name);
  return out.str();
}

inline Result<Imported, Refusal> try_import(const std::string& name, const std::string& text) {
  const auto format = detect(text, name);
  REQUIRE(format.has_value());
  Source source;
  source.text = text;
  source.file = name;
  source.stem = "/etc/godwit/office";
  return import_profile(*format, source);
}

// A sample as a profile that the checker took, with what was said and written beside it.
struct Taken {
  config::Profile profile;
  std::string text;
  std::string remarks;  // a line each
  std::vector<Companion> companions;

  std::string companion(const std::string& ending) const {
    for (const Companion& one : companions) {
      if (one.path != "/etc/godwit/office" + ending) continue;
      return {one.octets.expose().begin(), one.octets.expose().end()};
    }
    return "";
  }
  bool says(const std::string& words) const { return remarks.find(words) != std::string::npos; }
};

inline Taken take(const std::string& name, const std::string& text) {
  auto imported = try_import(name, text);
  REQUIRE_MESSAGE(imported.has_value(), (imported ? "" : imported.error().what));
  INFO(imported->profile);
  auto profile = config::parse_profile(imported->profile, name, "office");
  std::string mistakes;
  if (!profile) {
    for (const auto& one : profile.error()) mistakes += one.to_string() + "\n";
  }
  REQUIRE_MESSAGE(profile.has_value(), mistakes);
  Taken taken{std::move(*profile), imported->profile, "", std::move(imported->companions)};
  for (const Remark& one : imported->remarks) taken.remarks += one.to_string() + "\n";
  return taken;
}

inline Taken take(const std::string& name) { return take(name, sample(name)); }

}  // namespace godwit::importers
