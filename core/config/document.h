// TOML text -> the keys and values of a profile with their positions. Knows TOML, not godwit's
// keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/report.h"

namespace godwit::config {

struct Item {
  enum class Kind : std::uint8_t { kText, kInteger, kBool, kList, kOther };
  Kind kind = Kind::kOther;
  std::string text;          // kText
  std::int64_t integer = 0;  // kInteger
  bool boolean = false;      // kBool
  Where where;
};

struct Entry {
  std::string key;
  Where key_where;
  Item value;               // of kind kList: see items
  std::vector<Item> items;  // lists inside a list are kOther
  bool is_table = false;    // a.b = 1, or { ... }
};

struct Document {
  std::vector<Entry> entries;       // in the order of the text, each key once
  std::vector<std::string> broken;  // keys that stand in the text with a value TOML cannot read
};

inline constexpr std::size_t kProfileMax = 64 * 1024;

// The line and column of an octet of the text.
Where locate(std::string_view text, std::size_t at);

// Keys whose value must never be shown: somebody wrote a secret where none may stand.
bool is_secret_key(std::string_view key);

// Every mistake against TOML goes to `report`: one per statement, for each is read by itself.
Document read_document(std::string_view text, Report& report);

}  // namespace godwit::config
