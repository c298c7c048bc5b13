// The control socket, from both ends. The first octet chooses: what somebody writes to a tunnel's
// socket, or what somebody who stands where a tunnel's process should be answers to `status`.
#include "client/control.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "client/status.h"
#include "tests/fuzz/fuzz.h"

using namespace godwit;
using namespace godwit::client;

namespace {

void request(std::string_view line) {
  const auto op = parse_request(line);
  if (!op) return;
  FUZZ_REQUIRE(line.size() <= kControlLineMax);
  const auto said = nlohmann::json::parse(line, nullptr, false);
  FUZZ_REQUIRE(said == nlohmann::json::parse(request_line(*op)));
  FUZZ_REQUIRE(parse_request(request_line(*op)) == op);
}

int depth(const nlohmann::json& value) {
  int deepest = 0;
  if (value.is_structured()) {
    for (const auto& member : value) deepest = std::max(deepest, depth(member));
  }
  return deepest + (value.is_structured() ? 1 : 0);
}

void answer(std::string_view line) {
  const auto status = parse_answer(line);
  if (!status) return;
  FUZZ_REQUIRE(status->is_object() && depth(*status) <= kControlDepthMax);
  FUZZ_REQUIRE(parse_answer(status->dump()) == status);
  static_cast<void>(status_state(*status));
  const auto up_for = status_up_for(*status);
  FUZZ_REQUIRE(!up_for || *up_for >= Duration::zero());
  // Nothing in it drives the terminal it is shown on, or makes it scroll for ever.
  const std::string text = status_text(*status);
  FUZZ_REQUIRE(
      std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c <= 0x7e); }));
  FUZZ_REQUIRE(text.size() <= 64 * line.size() + 4096);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  (data[0] & 1) != 0 ? request(text) : answer(text);
  return 0;
}
