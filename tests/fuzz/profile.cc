// Profiles: any text gives a complete profile or a list of diagnostics with places; and what a
// profile shows of itself is a profile again.
#include <string>

#include "core/config/profile_parser.h"
#include "core/config/show.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto profile = config::parse_profile(text, "fuzz.toml", "fuzz");
  if (!profile) {
    FUZZ_REQUIRE(!profile.error().empty());
    for (const auto& diagnostic : profile.error()) {
      FUZZ_REQUIRE(diagnostic.line >= 1 && !diagnostic.message.empty());
    }
    return 0;
  }
  FUZZ_REQUIRE(!profile->ike.empty() && !profile->esp.empty());
  FUZZ_REQUIRE(config::parse_profile(config::show_profile(*profile), "fuzz.toml", "fuzz"));
  return 0;
}
