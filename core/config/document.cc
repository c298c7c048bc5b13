// toml++ stops at its first error. So the text is cut into statements first and each is parsed by
// itself: all mistakes are found, and a duplicate key can name the place of the first.
#include "core/config/document.h"

#include <algorithm>
#include <optional>

// Without exceptions the inline namespace differs from that of the shared library some
// distributions build, so the implementation is compiled here.
#undef TOML_SHARED_LIB
#undef TOML_HEADER_ONLY
#undef TOML_EXCEPTIONS
#undef TOML_MAX_NESTED_VALUES
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 8
#include <toml++/toml.h>

namespace godwit::config {
namespace {

// toml++ 3.3 puts no bound on a.a.a.a..., and one table inside another costs stack.
constexpr int kDotsMax = 8;

// Several times the keys there are; it bounds the search for duplicates.
constexpr std::size_t kEntriesMax = 200;

// What toml++ 3.3 takes for impossible: its debug build aborts, and others assume it away.
struct Mishap {
  std::size_t at = 0;
  std::string_view message;
  std::string_view hint;
};

struct Statement {
  std::size_t begin = 0;
  std::size_t end = 0;  // after its newline
  int line = 1;
  std::optional<std::size_t> open;  // where a bracket was opened that is never closed
  std::optional<Mishap> mishap;     // the first, of those that toml++ must not see
  int dots = 0;                     // longest dotted key
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Finds the end of one statement: the newline outside of brackets.
class StatementLexer {
 public:
  StatementLexer(std::string_view text, std::size_t begin, int line) : text_(text) {
    found_.begin = begin;
    found_.line = line;
  }

  Statement run() {
    std::size_t i = found_.begin;
    while (i < text_.size()) {
      const char c = text_[i];
      if (c == '\n' && open_.empty()) {
        found_.end = i + 1;
        return found_;
      }
      if (c == '#') {
        i = std::min(text_.find('\n', i), text_.size());
      } else if (c == '"' || c == '\'') {
        const std::size_t end = skip_string(i);
        if (!may_begin_string()) step_over(i, end);
        last_ = c;
        i = end;
      } else {
        step(c, i);
        if (!is_blank(c)) last_ = c;
        ++i;
      }
    }
    found_.end = text_.size();
    if (!open_.empty()) found_.open = opened_;
    return found_;
  }

 private:
  void step(char c, std::size_t at) {
    if (static_cast<unsigned char>(c) >= 0x80) stumble_over_letter(at);
    check_number(c, at);
    if (c == '[' || c == '{') {
      if (open_.empty()) opened_ = at;
      open_.push_back(c == '[' ? ']' : '}');
    } else if ((c == ']' || c == '}') && !open_.empty()) {
      if (open_.back() != c) {
        stumble(at, "this bracket does not close the one before",
                "a list is written [\"one\", \"two\"]");
      }
      open_.pop_back();
    }
    if (c == '=') check_equals(at);
    if (c == ',' || c == '{') equals_ = false;
    if (c == '.') {
      found_.dots = std::max(found_.dots, ++dots_);
    } else if (c == '=' || c == ',' || c == '{' || c == '[') {
      dots_ = 0;
    }
  }

  // What begins like a number may be a date, a time or a fraction to TOML; a profile has none, and
  // toml++ stumbles over many that are almost one.
  void check_number(char c, std::size_t at) {
    const bool digit = c >= '0' && c <= '9';
    if (in_value() && opens_value(last_) && (digit || c == '+' || c == '-')) {
      number_ = true;
    } else if (is_blank(c) || c == ',' || c == ']' || c == '}') {
      number_ = false;
    } else if (number_ && !digit && c != '_') {
      stumble(at, "a number has no other character than digits",
              "a text stands between two straight quotation marks: \"...\"");
    }
  }

  // TOML reads 2p='x' as one odd number, its marks and all.
  void check_equals(std::size_t at) {
    if (in_value()) {
      stumble(at, "an equals sign that belongs to no key",
              "a text stands between two straight quotation marks: \"...\"");
    }
    equals_ = true;
  }

  // After the equals sign, or in a list: no key stands here.
  bool in_value() const { return equals_ || (!open_.empty() && open_.back() == ']'); }

  // A mark elsewhere, as in 12"x" or 1."x", begins no text for TOML, which reads what follows as it
  // stands. A dot joins keys only.
  bool may_begin_string() const {
    if (last_ == '.') return !in_value();
    return last_ == 0 || opens_value(last_);
  }

  static bool opens_value(char c) {
    return std::string_view("=,[{").find(c) != std::string_view::npos;
  }

  void step_over(std::size_t begin, std::size_t end) {
    if (in_value()) {
      stumble(begin, "a quotation mark in the middle of a value",
              "a text stands between two straight quotation marks: \"...\"");
    }
    for (std::size_t i = begin; i < end; ++i) {
      if (static_cast<unsigned char>(text_[i]) >= 0x80) return stumble_over_letter(i);
    }
  }

  void stumble_over_letter(std::size_t at) {
    stumble(at, "a character that may stand only inside a text",
            "a text stands between two straight quotation marks: \"...\"");
  }

  void stumble(std::size_t at, std::string_view message, std::string_view hint) {
    if (!found_.mishap) found_.mishap = Mishap{at, message, hint};
  }

  // The offset after the string that begins at `at`. It ends with its line at the latest: no value
  // of a profile has two, so """ is not for us.
  std::size_t skip_string(std::size_t at) {
    const char mark = text_[at];
    if (text_.substr(at).starts_with(std::string(3, mark))) {
      stumble(at, "a text of several lines", "write it in one line, between single marks");
    }
    std::size_t i = at + 1;
    while (i < text_.size() && text_[i] != '\n') {
      if (text_[i] == mark) return i + 1;
      const bool escapes = text_[i] == '\\' && mark == '"';
      const bool skips = escapes && i + 1 < text_.size() && text_[i + 1] != '\n';
      i += skips ? 2u : 1u;
    }
    return i;
  }

  std::string_view text_;
  Statement found_;
  std::string open_;  // the closing brackets that are due, innermost last
  int dots_ = 0;
  bool equals_ = false;  // since the statement, its table or its entry of a table began
  std::size_t opened_ = 0;
  char last_ = 0;        // that is not blank
  bool number_ = false;  // since the value began
};

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The key of `key = ...` when it is a plain one, without asking TOML.
std::string_view leading_key(std::string_view line) {
  line = trim(line);
  const auto end = std::find_if_not(line.begin(), line.end(), is_bare);
  const auto length = static_cast<std::size_t>(end - line.begin());
  return trim(line.substr(length)).starts_with('=') ? line.substr(0, length) : std::string_view();
}

Item read_item(const toml::node& node, int first_line) {
  Item item;
  const auto& at = node.source().begin;
  item.where = {first_line + static_cast<int>(at.line) - 1, static_cast<int>(at.column), {}};
  if (const auto* text = node.as_string()) {
    item.kind = Item::Kind::kText;
    item.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    item.kind = Item::Kind::kInteger;
    item.integer = integer->get();
  } else if (const auto* boolean = node.as_boolean()) {
    item.kind = Item::Kind::kBool;
    item.boolean = boolean->get();
  } else if (node.is_array()) {
    item.kind = Item::Kind::kList;
  }
  return item;
}

class DocumentReader {
 public:
  DocumentReader(std::string_view text, Report& report) : text_(text), report_(report) {}

  Document run() {
    std::size_t at = text_.starts_with("\xef\xbb\xbf") ? 3 : 0;  // a byte order mark
    int line = 1;
    while (at < text_.size() && !is_done_ && !report_.is_full()) {
      Statement statement = StatementLexer(text_, at, line).run();
      const std::size_t next = read_statement(statement);
      line += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at),
                                          text_.begin() + static_cast<std::ptrdiff_t>(next), '\n'));
      at = next;
    }
    return std::move(document_);
  }

 private:
  // Returns where to go on. After a mistake in a statement of several lines that is the first line
  // that looks like another key, for most likely a closing bracket is missing before it.
  std::size_t read_statement(const Statement& statement) {
    const auto body = text_.substr(statement.begin, statement.end - statement.begin);
    const std::string_view content = trim(body);
    if (content.empty() || content.front() == '#') return statement.end;
    const std::size_t start = statement.begin + static_cast<std::size_t>(&content[0] - &body[0]);
    const Where where = locate(text_, start);

    if (content.front() == '[') {
      report_.add(where, "a profile has no sections", "remove this line; its keys stand alone");
      return resume(statement);
    }
    if (statement.dots > kDotsMax) {
      report_.add(where, "a key with " + std::to_string(statement.dots) + " dots",
                  "a profile's keys have none");
      return statement.end;
    }
    // A bracket that is never closed takes in the lines below, and what seems odd in them.
    const auto& mishap = statement.mishap;
    const bool below =
        mishap && statement.open && *statement.open < mishap->at &&
        text_.substr(*statement.open, mishap->at - *statement.open).find('\n') != text_.npos;
    if (mishap && !below) {
      report_.add(locate(text_, mishap->at), std::string(mishap->message),
                  std::string(mishap->hint));
      return resume(statement);
    }
    if (statement.open) {
      report_open(statement);
      return resume(statement);
    }
    const toml::parse_result parsed = toml::parse(body);
    if (!parsed) {
      report_error(parsed.error(), statement, content);
      return resume(statement);
    }
    for (const auto& [key, node] : parsed.table()) add_entry(key, node, statement.line);
    return statement.end;
  }

  std::size_t resume(const Statement& statement) {
    const auto body = text_.substr(statement.begin, statement.end - statement.begin);
    const std::string_view key = leading_key(body.substr(0, body.find('\n')));
    if (!key.empty()) document_.broken.emplace_back(key);
    for (std::size_t i = body.find('\n'); i < body.size(); i = body.find('\n', i + 1)) {
      const std::string_view line = body.substr(i + 1, body.find('\n', i + 1) - (i + 1));
      if (!leading_key(line).empty()) return statement.begin + i + 1;
    }
    return statement.end;
  }

  void report_open(const Statement& statement) {
    const std::string closing = text_[*statement.open] == '[' ? "]" : "}";
    report_.add(locate(text_, *statement.open), "what is opened here is never closed",
                "write " + closing + " where it ends");
  }

  void report_error(const toml::parse_error& error, const Statement& statement,
                    std::string_view content) {
    const std::string_view key = leading_key(content.substr(0, content.find('\n')));
    const auto& at = error.source().begin;
    // The library's words may quote the value; that of a forbidden secret is shown to nobody.
    if (is_secret_key(key)) {
      Entry entry;
      entry.key = key;
      entry.key_where = locate(text_, static_cast<std::size_t>(content.data() - text_.data()));
      document_.entries.push_back(std::move(entry));
      return;
    }
    std::string hint = "write key = value";
    if (!key.empty()) {
      const std::string_view value = trim(content.substr(content.find('=') + 1));
      const bool quoted = value.starts_with('"') || value.starts_with('\'');
      const bool opened = value.starts_with('[') || value.starts_with('{');
      hint = opened   ? "a list is written [\"one\", \"two\"]"
             : quoted ? "text stands between two quotation marks"
                      : "text stands in quotation marks: " + printable(key) + " = \"...\"";
    }
    report_.add({statement.line + std::max(1, static_cast<int>(at.line)) - 1,
                 std::max(1, static_cast<int>(at.column)),
                 {}},
                "not valid TOML: " + printable(error.description(), 200), std::move(hint));
  }

  void add_entry(const toml::key& key, const toml::node& node, int first_line) {
    Entry entry;
    entry.key = key.str();
    const auto& at = key.source().begin;
    entry.key_where = {first_line + static_cast<int>(at.line) - 1, static_cast<int>(at.column), {}};
    for (const Entry& other : document_.entries) {
      if (other.key != entry.key) continue;
      report_.add(entry.key_where, quote(entry.key) + " stands here a second time",
                  "the first is in line " + std::to_string(other.key_where.line) + "; keep one");
      return;
    }
    if (document_.entries.size() == kEntriesMax) {
      report_.add(entry.key_where, "more than " + std::to_string(kEntriesMax) + " keys",
                  "is this the right file?");
      is_done_ = true;
      return;
    }
    entry.value = read_item(node, first_line);
    entry.is_table = node.is_table();
    if (const auto* list = node.as_array()) {
      for (const toml::node& element : *list) entry.items.push_back(read_item(element, first_line));
    }
    document_.entries.push_back(std::move(entry));
  }

  std::string_view text_;
  Report& report_;
  Document document_;
  bool is_done_ = false;
};

}  // namespace

Where locate(std::string_view text, std::size_t at) {
  Where where;
  for (const char c : text.substr(0, at)) {
    if (c == '\n') {
      ++where.line;
      where.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
      ++where.column;
    }
  }
  return where;
}

bool is_secret_key(std::string_view key) {
  return key == "psk" || key == "password" || key == "secret" || key == "preshared-key" ||
         key == "totp" || key == "totp-secret" || key == "otp-secret";
}

Document read_document(std::string_view text, Report& report) {
  return DocumentReader(text, report).run();
}

}  // namespace godwit::config
