// Texts and lists that are too long, and what a mistake shows of a text that is not for terminals.
#include "parse.h"

#include "core/base/limits.h"

namespace godwit::config {
namespace {

TEST_CASE("texts and lists have a limit, and the mistake says it") {
  const std::string user(limits::kXauthFieldMax + 1, 'u');
  CHECK(said_of("user = \"" + user + "\"").find("octets; at most") != std::string::npos);
  const std::string longest = "auth = \"xauth-psk\"\nuser = \"" + user.substr(1) + "\"";
  CHECK(good_with(longest).user.size() == limits::kXauthFieldMax);

  const std::string text(1025, 'x');
  CHECK(said_of("id = \"" + text + "\"").find("holds a text of 1025 octets; at most 1024") !=
        std::string::npos);

  std::string list = "dns = [";
  for (std::size_t i = 0; i <= limits::kDnsServersMax; ++i) list += "\"10.0.0.1\", ";
  CHECK(said_of(list + "]")
            .find("dns lists " + std::to_string(limits::kDnsServersMax + 1) + " values; at most") !=
        std::string::npos);
}

TEST_CASE("control characters of both sets are escaped in what is shown") {
  CHECK(printable("a\x1b[1mb") == "a\\x1b[1mb");
  CHECK(printable("a\xc2\x9b"
                  "1mb") == "a\\u009b1mb");
  CHECK(toml_string("a\"\\\x1b\x7f") == "\"a\\\"\\\\\\u001b\\u007f\"");
}

}  // namespace
}  // namespace godwit::config
