// What the resolver gets back. The bytes of a D-Bus reply are parsed by libsystemd alone, and of a
// reply godwit takes only whether it succeeded and the words of its error; so the target chooses
// what our code does with values. By the first octet: an error's words, on their way to a terminal;
// names and addresses, on their way into a resolv.conf; a line of the journal, from which a later
// process reverts the link over the bus.
#include "platform/resolver.h"

#include <algorithm>
#include <string>

#include "core/net/dns_name.h"
#include "platform/journal.h"
#include "platform/resolver_text.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;
using namespace godwit::platform;

namespace {

bool is_plain(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

void error_words(std::string_view text) {
  const std::string shown = bus_text(text);
  FUZZ_REQUIRE(shown.size() <= kBusTextMax && is_plain(shown));
  FUZZ_REQUIRE(bus_text(shown) == shown);
  const SysError error{"SetLinkDNS", EIO, shown};
  FUZZ_REQUIRE(is_plain(error.message()));
}

// Words separated by blanks: addresses become servers, names become domains.
void settings(std::string_view text) {
  DnsSettings settings;
  while (!text.empty()) {
    const std::string word(text.substr(0, text.find(' ')));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (const auto address = IpAddress::parse(word)) {
      settings.servers.push_back(*address);
    } else if (is_domain_name(word)) {
      settings.search_domains.push_back(word);
    }
  }
  // A line for each server and at most one more: no name brings a line of its own.
  const std::string lines = resolv_lines(settings);
  const auto count = static_cast<std::size_t>(std::ranges::count(lines, '\n'));
  FUZZ_REQUIRE(count == settings.servers.size() + (settings.search_domains.empty() ? 0 : 1));
  FUZZ_REQUIRE(lines.empty() || lines.back() == '\n');
  std::string flat = lines;
  std::ranges::replace(flat, '\n', ' ');
  FUZZ_REQUIRE(is_plain(flat));
}

void journal_line(const std::string& line) {
  const auto undo = parse_undo(line);
  if (!undo) return;
  const std::string again = to_line(*undo);
  FUZZ_REQUIRE(is_plain(again));
  const auto twice = parse_undo(again);
  FUZZ_REQUIRE(twice && to_line(*twice) == again && twice->index() == undo->index());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      error_words(text);
      break;
    case 1:
      settings(text);
      break;
    default:
      journal_line(text);
  }
  return 0;
}
