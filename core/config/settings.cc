#include "core/config/settings.h"

#include <algorithm>

#include "core/config/nearest.h"
#include "core/config/profile_parser.h"

namespace godwit::config {
namespace {

constexpr std::size_t kTextMax = 1024;

// How the right value looks where the wrong one stands: in the file or on the command line.
std::string example_hint(std::string_view key, const Where& where) {
  const Option* option = find_option(key);
  if (option == nullptr) return {};
  if (where.flag.empty()) {
    return "write " + std::string(key) + " = " + std::string(option->example);
  }
  std::string plain;
  for (const char c : option->example) {
    if (std::string_view("[]\" ").find(c) == std::string_view::npos) plain += c;
  }
  return "write --" + std::string(key) + "=" + plain;
}

Item text_item(std::string_view text, const Where& where) {
  Item item;
  item.kind = Item::Kind::kText;
  item.text = text;
  item.where = where;
  return item;
}

// A flag's value as the file would have had it. What does not fit stays text, and is then reported
// with the type that was wanted.
Item flag_item(const Option& option, std::string_view value, const Where& where) {
  Item item = text_item(value, where);
  if (option.type == OptionType::kInteger) {
    if (const auto number = parse_integer(value)) {
      item.kind = Item::Kind::kInteger;
      item.integer = *number;
    }
  } else if (option.type == OptionType::kBool || option.type == OptionType::kChoiceOrBool) {
    if (value == "true" || value == "false" || value.empty()) {
      item.kind = Item::Kind::kBool;
      item.boolean = value != "false";
    }
  }
  return item;
}

void append_split(std::vector<Item>& items, std::string_view value, const Where& where) {
  while (true) {
    const auto comma = value.find(',');
    std::string_view part = value.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    items.push_back(text_item(part, where));
    if (comma == std::string_view::npos) return;
    value.remove_prefix(comma + 1);
  }
}

void apply_flag(Entry& entry, const Override& flag, const Option* option) {
  const Where where{0, 0, "--" + flag.key};
  const bool repeated = entry.key_where.flag == where.flag;
  if (!repeated) entry = Entry{flag.key, where, {}, {}, false};
  if (option == nullptr) return;
  bool is_list = option->type == OptionType::kTextList;
  if (option->type == OptionType::kTextOrList) {
    const auto words = option_words(*option);
    is_list = std::find(words.begin(), words.end(), flag.value) == words.end();
  }
  if (!is_list) {
    entry.value = flag_item(*option, flag.value, where);
    entry.items.clear();
    return;
  }
  entry.value.kind = Item::Kind::kList;
  entry.value.where = where;
  append_split(entry.items, flag.value, where);
}

std::string list_name(const Entry& entry) {
  const Option* option = find_option(entry.key);
  std::string name;
  if (option != nullptr && option->type == OptionType::kTextOrList) {
    for (const auto word : option_words(*option)) name += quote(word) + ", ";
  }
  return name.empty() ? "a list" : name + "or a list";
}

std::string secret_hint(std::string_view key) {
  const std::string kind = key == "password"                           ? "password"
                           : key.find("otp") != std::string_view::npos ? "totp"
                                                                       : "psk";
  return "write it to a file, chmod 600 the file, and say " + kind +
         "-file = \"/etc/godwit/office." + kind + "\"";
}

}  // namespace

Settings::Settings(Document document, std::span<const Override> overrides, Report& report)
    : entries_(std::move(document.entries)), unclear_(std::move(document.broken)), report_(report) {
  for (const Override& flag : overrides) {
    auto entry = std::find_if(entries_.begin(), entries_.end(),
                              [&](const Entry& e) { return e.key == flag.key; });
    if (entry == entries_.end()) entry = entries_.insert(entry, Entry{flag.key, {}, {}, {}, false});
    apply_flag(*entry, flag, find_option(flag.key));
  }
}

void Settings::check_keys() {
  const auto keys = option_keys();
  const auto check = [&](const std::string& key, const Where& where) {
    if (find_option(key) != nullptr) return;
    if (is_secret_key(key)) {
      report_.add(where,
                  "a secret may not stand in a profile or on the command line: " + quote(key),
                  secret_hint(key));
      return;
    }
    const std::string meant = nearest(key, keys);
    const std::string mark = where.flag.empty() ? "" : "--";
    report_.add(where, "unknown key " + quote(key),
                meant.empty() ? "see the list of keys in the manual"
                              : "did you mean \"" + mark + meant + "\"?");
  };
  for (const Entry& entry : entries_) check(entry.key, entry.key_where);
}

const Entry* Settings::find(std::string_view key) const {
  const auto entry =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  return entry == entries_.end() ? nullptr : &*entry;
}

bool Settings::mentions(std::string_view key) const {
  return find(key) != nullptr || is_unclear(key);
}

bool Settings::is_unclear(std::string_view key) const {
  return std::find(unclear_.begin(), unclear_.end(), key) != unclear_.end();
}

void Settings::fault(std::string_view key, const Where& where, std::string message,
                     std::string hint) {
  unclear_.emplace_back(key);
  report_.add(where, std::move(message), std::move(hint));
}

bool Settings::has_type(const Entry& entry, Item::Kind kind, std::string_view what) {
  if (entry.value.kind == kind) return true;
  fault(entry.key, entry.is_table ? entry.key_where : entry.value.where,
        entry.key + " must be " + std::string(what), example_hint(entry.key, entry.key_where));
  return false;
}

bool Settings::is_plain_text(const std::string& text, const Where& where, std::string_view key) {
  if (text.empty()) {
    fault(key, where, std::string(key) + " holds an empty text",
          "remove it, or " + example_hint(key, where));
    return false;
  }
  if (text.size() > kTextMax) {
    fault(key, where,
          std::string(key) + " holds a text of " + std::to_string(text.size()) + " octets",
          "at most " + std::to_string(kTextMax) + " are allowed");
    return false;
  }
  // A newline in a name would end up in other programs' files.
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (control) {
    fault(key, where, std::string(key) + " holds a control character", "write printable text");
    return false;
  }
  return true;
}

std::optional<std::string> Settings::text(std::string_view key) {
  const Entry* entry = find(key);
  if (entry == nullptr || !has_type(*entry, Item::Kind::kText, "a text")) return std::nullopt;
  if (!is_plain_text(entry->value.text, entry->value.where, key)) return std::nullopt;
  return entry->value.text;
}

void Settings::refuse(std::initializer_list<std::string_view> keys, std::string_view why,
                      std::string_view remedy) {
  for (const std::string_view key : keys) {
    const Entry* entry = find(key);
    if (entry == nullptr) continue;
    report_.add(entry->key_where, std::string(key) + " " + std::string(why), std::string(remedy));
  }
}

void Settings::need(std::string_view key, std::initializer_list<std::string_view> others) {
  for (const std::string_view other : others) {
    if (mentions(other)) continue;
    report_.add(find(key)->value.where, "this " + std::string(key) + " needs " + std::string(other),
                "write " + std::string(other) + " = " + std::string(find_option(other)->example));
  }
}

std::optional<std::string> Settings::path(std::string_view key) {
  const Entry* entry = find(key);
  const auto path = text(key);
  if (!path || path->starts_with('/')) return path;
  // At a shell the current directory is plain to see; in a file it is whoever reads it. The value
  // is not repeated: it may be the secret itself.
  if (!entry->value.where.flag.empty()) return path;
  fault(key, entry->value.where, std::string(key) + " must be an absolute path",
        example_hint(key, entry->value.where));
  return std::nullopt;
}

std::optional<std::string> Settings::path_or_uri(std::string_view key) {
  const Entry* entry = find(key);
  if (entry == nullptr || !is_token_uri(entry->value.text)) return path(key);
  const auto uri = text(key);
  if (!uri) return std::nullopt;
  // What stands in a profile is shown by `show`, and a module runs in this process.
  if (uri->find("pin-value=") != uri->npos || uri->find("pin-source=") != uri->npos) {
    fault(key, entry->value.where, std::string(key) + " must not say a PIN or where it is",
          "remove it from the URI, and write key-passphrase-file if nobody shall be asked");
    return std::nullopt;
  }
  if (uri->find("module-path=") != uri->npos || uri->find("module-name=") != uri->npos) {
    fault(key, entry->value.where, std::string(key) + " must not name a module",
          "remove it from the URI, and write " + std::string("pkcs11-module = ") +
              std::string(find_option("pkcs11-module")->example));
    return std::nullopt;
  }
  return uri;
}

std::optional<std::string> Settings::choice(std::string_view key) {
  const auto word = text(key);
  if (!word) return std::nullopt;
  const auto words = option_words(*find_option(key));
  if (std::find(words.begin(), words.end(), *word) != words.end()) return word;
  const std::string meant = nearest(*word, words);
  std::string hint = meant.empty() ? "write one of " : "did you mean \"" + meant + "\"?";
  if (meant.empty()) {
    for (const auto& w : words) hint += (w == words.front() ? "" : ", ") + quote(w);
  }
  fault(key, find(key)->value.where, std::string(key) + " cannot be " + quote(*word), hint);
  return std::nullopt;
}

std::optional<std::int64_t> Settings::integer(std::string_view key, std::int64_t min,
                                              std::int64_t max, bool or_zero) {
  const Entry* entry = find(key);
  if (entry == nullptr || !has_type(*entry, Item::Kind::kInteger, "a whole number")) {
    return std::nullopt;
  }
  const std::int64_t value = entry->value.integer;
  if ((value >= min && value <= max) || (or_zero && value == 0)) return value;
  fault(key, entry->value.where, std::string(key) + " cannot be " + std::to_string(value),
        "write " + std::string(or_zero ? "0 or " : "") + "a number from " + std::to_string(min) +
            " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<bool> Settings::boolean(std::string_view key) {
  const Entry* entry = find(key);
  if (entry == nullptr || !has_type(*entry, Item::Kind::kBool, "true or false")) {
    return std::nullopt;
  }
  return entry->value.boolean;
}

std::optional<std::string> Settings::choice_or_boolean(std::string_view key) {
  const Entry* entry = find(key);
  if (entry == nullptr || entry->value.kind != Item::Kind::kBool) return choice(key);
  const auto words = option_words(*find_option(key));
  return std::string(entry->value.boolean ? words.front() : words.back());
}

std::optional<Duration> Settings::duration(std::string_view key, Range range) {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const Item& item = entry->value;
  std::optional<Duration> value;
  std::string shown;
  if (item.kind == Item::Kind::kInteger) {
    shown = std::to_string(item.integer);
    value = parse_duration(shown);
  } else {
    if (!has_type(*entry, Item::Kind::kText, "a duration")) return std::nullopt;
    if (!is_plain_text(item.text, item.where, key)) return std::nullopt;
    shown = quote(item.text);
    value = parse_duration(item.text);
    if (!value) {
      fault(key, item.where, std::string(key) + ": " + shown + " is not a duration",
            "write it as \"8h\", \"90m\" or \"3600s\"");
      return std::nullopt;
    }
  }
  const bool zero = range.or_zero && value == Duration::zero();
  if (value && (zero || (*value >= range.min && *value <= range.max))) return value;
  fault(key, item.where, std::string(key) + " cannot be " + shown,
        "write " + std::string(range.or_zero ? "0 or " : "") + "a duration from " +
            duration_text(range.min) + " to " + duration_text(range.max));
  return std::nullopt;
}

std::optional<std::uint64_t> Settings::octets(std::string_view key, std::uint64_t min,
                                              std::uint64_t max) {
  const Entry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  const Item& item = entry->value;
  const bool is_number = item.kind == Item::Kind::kInteger;
  if (!is_number && !has_type(*entry, Item::Kind::kText, "a size")) return std::nullopt;
  if (!is_number && !is_plain_text(item.text, item.where, key)) return std::nullopt;
  const auto value = parse_octets(is_number ? std::to_string(item.integer) : item.text);
  const std::string shown = is_number ? std::to_string(item.integer) : quote(item.text);
  if (!value && !is_number) {
    fault(key, item.where, std::string(key) + ": " + shown + " is not a size",
          "write it as \"4GiB\", \"500MB\" or a number of octets");
    return std::nullopt;
  }
  if (value && (*value == 0 || (*value >= min && *value <= max))) return value;
  fault(key, item.where, std::string(key) + " cannot be " + shown,
        "write 0 or a size from " + octets_text(min) + " to " + octets_text(max));
  return std::nullopt;
}

std::optional<std::vector<Item>> Settings::list(std::string_view key, std::size_t max) {
  const Entry* entry = find(key);
  if (entry == nullptr || !has_type(*entry, Item::Kind::kList, list_name(*entry))) {
    return std::nullopt;
  }
  if (entry->items.size() > max) {
    fault(key, entry->value.where,
          std::string(key) + " lists " + std::to_string(entry->items.size()) + " values",
          "at most " + std::to_string(max) + " are allowed");
    return std::nullopt;
  }
  std::vector<Item> good;
  for (const Item& item : entry->items) {
    if (item.kind != Item::Kind::kText) {
      fault(key, item.where, std::string(key) + " must list texts", example_hint(key, item.where));
      continue;
    }
    if (!is_plain_text(item.text, item.where, key)) continue;
    const bool twice =
        std::any_of(good.begin(), good.end(), [&](const Item& g) { return g.text == item.text; });
    if (twice) {
      fault(key, item.where, std::string(key) + " lists " + quote(item.text) + " twice",
            "keep one");
      continue;
    }
    good.push_back(item);
  }
  return good;
}

}  // namespace godwit::config
