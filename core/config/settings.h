// The entries of a document and the flags over them, read key by key with the type the option table
// gives. A mistake goes to the report, and the caller sees the key as absent.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/document.h"
#include "core/config/options.h"
#include "core/config/report.h"
#include "core/config/values.h"

namespace godwit::config {

struct Override;

class Settings {
 public:
  Settings(Document document, std::span<const Override> overrides, Report& report);

  // Reports keys that do not exist or may not, once.
  void check_keys();

  // The entry of a key, whatever its value; null when the text has none.
  const Entry* find(std::string_view key) const;
  // The text names the key, even if its value could not be read.
  bool mentions(std::string_view key) const;
  // The text names the key with a value that was, or will be, reported: what it means is unknown.
  bool is_unclear(std::string_view key) const;

  // Reports each of the keys that the text names: it `why`; `remedy`.
  void refuse(std::initializer_list<std::string_view> keys, std::string_view why,
              std::string_view remedy);
  // Reports, at the value of `key`, each of the others that the text does not name.
  void need(std::string_view key, std::initializer_list<std::string_view> others);

  std::optional<std::string> text(std::string_view key);
  std::optional<std::string> path(std::string_view key);
  std::optional<std::string> path_or_uri(std::string_view key);
  std::optional<std::string> choice(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max,
                                      bool or_zero = false);
  std::optional<bool> boolean(std::string_view key);
  // A word of a kChoiceOrBool key, true and false as the words that they mean.
  std::optional<std::string> choice_or_boolean(std::string_view key);

  struct Range {
    Duration min;
    Duration max;
    bool or_zero = false;
  };
  std::optional<Duration> duration(std::string_view key, Range range);

  // 0 says that there is no limit.
  std::optional<std::uint64_t> octets(std::string_view key, std::uint64_t min, std::uint64_t max);

  // The texts of a list, at most `max` of them, none twice; nothing when the key is absent.
  std::optional<std::vector<Item>> list(std::string_view key, std::size_t max);

 private:
  void fault(std::string_view key, const Where& where, std::string message, std::string hint);
  bool has_type(const Entry& entry, Item::Kind kind, std::string_view what);
  bool is_plain_text(const std::string& text, const Where& where, std::string_view key);

  std::vector<Entry> entries_;
  std::vector<std::string> unclear_;
  Report& report_;
};

}  // namespace godwit::config
