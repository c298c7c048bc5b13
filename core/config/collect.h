// Values of a list in a profile, collected one by one; what is wrong with one is reported.
#pragma once

#include <algorithm>
#include <vector>

#include "core/base/result.h"
#include "core/config/document.h"
#include "core/config/report.h"

namespace godwit::config {

// False, with a report, for the same thing under another name: sha and sha1.
template <class T>
bool is_new(const std::vector<T>& known, const T& value, const Item& item, Report& report) {
  if (std::find(known.begin(), known.end(), value) == known.end()) return true;
  report.add(item.where, quote(item.text) + " repeats an earlier value of this list", "keep one");
  return false;
}

template <class T>
void append_value(std::vector<T>& out, Result<T, Fault> value, const Item& item, Report& report) {
  if (!value) {
    report.add(item.where, std::move(value.error()));
  } else if (is_new(out, *value, item, report)) {
    out.push_back(std::move(*value));
  }
}

}  // namespace godwit::config
