#include "core/importers/names.h"

#include <algorithm>

#include "core/config/report.h"

namespace godwit::importers {

Result<std::size_t, Refusal> choose(const std::vector<std::string>& names, const Source& source) {
  const auto named = std::find(names.begin(), names.end(), source.connection);
  if (named != names.end()) return static_cast<std::size_t>(named - names.begin());
  if (names.size() == 1 && source.connection.empty()) return 0;
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + config::quote(name);
  if (!source.connection.empty()) {
    return fail(Refusal{source.file + ": has no connection " + config::quote(source.connection),
                        "it has " + (all.empty() ? "none" : all)});
  }
  return fail(
      Refusal{source.file + ": has " + (names.empty() ? "no connection" : "several connections"),
              names.empty() ? "is this the right file?" : "name one by --connection: " + all});
}

}  // namespace godwit::importers
