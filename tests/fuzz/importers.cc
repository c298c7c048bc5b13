// Configurations of other clients: any text gives a profile that the checker takes, or one sentence
// of refusal; and no format's reader minds the text of another.
#include <string>

#include "core/config/profile_parser.h"
#include "core/importers/importers.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;

namespace {

void require_useful(const Result<importers::Imported, importers::Refusal>& imported) {
  if (!imported) {
    FUZZ_REQUIRE(!imported.error().what.empty());
    return;
  }
  FUZZ_REQUIRE(config::parse_profile(imported->profile, "fuzz.toml", "fuzz"));
  for (const auto& file : imported->companions) FUZZ_REQUIRE(!file.octets.empty());
  for (const auto& remark : imported->remarks) FUZZ_REQUIRE(!remark.why.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  importers::Source source;
  source.text = text;
  source.file = "fuzz";
  source.stem = "/etc/godwit/fuzz";
  source.secrets = text;
  const auto format = importers::detect(text, source.file);
  FUZZ_REQUIRE(format || !format.error().what.empty());
  for (const auto each : importers::all_formats()) {
    require_useful(importers::import_profile(each, source));
  }
  require_useful(importers::read_vpnc_in_place(text, "/etc/vpnc/fuzz.conf"));
  importers::vpnc_group_secret(text);
  importers::vpnc_user_password(text);
  return 0;
}
