// Which format a text is in, and the sentence for those that are none.
#include "tests/unit/importers/samples.h"

using namespace godwit;
using namespace godwit::importers;

TEST_CASE("a format is known by its content") {
  CHECK(detect(sample("vpnc.conf"), "x") == Format::kVpnc);
  CHECK(detect(sample("group.pcf"), "x") == Format::kPcf);
  CHECK(detect("\xef\xbb\xbf[main]\r\nHost=a\r\n", "x") == Format::kPcf);
}

TEST_CASE("what is in no known format is refused with a way out") {
  const auto said = [](std::string_view text) {
    const auto format = detect(text, "file");
    REQUIRE_FALSE(format.has_value());
    CHECK(format.error().what.starts_with("file: "));
    CHECK_FALSE(format.error().remedy.empty());
    return format.error().what;
  };
  CHECK(said("") == "file: is empty");
  CHECK(said(" \t") == "file: is empty");
  CHECK(said(std::string_view("a\0b", 3)) == "file: is not text");
  CHECK(said("\xff\xfe[\0m\0") == "file: is written in UTF-16");
  CHECK(said("gateway = \"vpn.example.com\"\n") == "file: is in no format that is known");
  CHECK(said(std::string(kSourceMax + 1, 'x')).starts_with("file: has more than"));
}
