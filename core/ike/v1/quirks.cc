#include "core/ike/v1/quirks.h"

#include <algorithm>

namespace godwit::ike::v1 {

const std::vector<QuirkRow>& quirk_table() {
  static const std::vector<QuirkRow> table = {
      {"plain-main-6", &Quirks::plain_main6, {Vendor::kSonicWall}}};
  return table;
}

Quirks quirks_of(std::optional<Vendor> maker) {
  Quirks out;
  if (!maker) return out;
  for (const QuirkRow& row : quirk_table()) {
    out.*row.flag = std::find(row.makers.begin(), row.makers.end(), *maker) != row.makers.end();
  }
  return out;
}

Quirks quirks_named(const std::vector<std::string>& names) {
  Quirks out;
  for (const QuirkRow& row : quirk_table()) {
    out.*row.flag = std::find(names.begin(), names.end(), row.name) != names.end();
  }
  return out;
}

std::vector<std::string_view> names_of(const Quirks& quirks) {
  std::vector<std::string_view> out;
  for (const QuirkRow& row : quirk_table()) {
    if (quirks.*row.flag) out.push_back(row.name);
  }
  return out;
}

}  // namespace godwit::ike::v1
