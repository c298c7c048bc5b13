#include "core/importers/settings_tree.h"

#include <algorithm>

#include "core/importers/text.h"

namespace godwit::importers {
namespace {

constexpr int kDepthMax = 8;
constexpr std::size_t kItemsMax = 10'000;
constexpr std::string_view kEndsName = " \t\r\n={}:#\",";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

class TreeParser {
 public:
  TreeParser(std::string_view text, SettingsTree& tree) : text_(text), tree_(tree) {
    tree_.texts_ = SecretBytes(text.size());
  }

  bool run() {
    while (fault.message.empty()) {
      skip_blanks();
      if (at_ == text_.size()) return true;
      statement(tree_.root_, 0);
    }
    return false;
  }

  TreeFault fault;

 private:
  bool more() const { return at_ < text_.size() && fault.message.empty(); }
  void stop(std::string message) {
    if (fault.message.empty()) fault = {line_, std::move(message)};
  }

  void skip_blanks(bool lines = true) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (is_blank(c) && (lines || c != '\n')) {
        line_ += c == '\n' ? 1 : 0;
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string name() {
    const auto end = std::min(text_.find_first_of(kEndsName, at_), text_.size());
    std::string out(text_.substr(at_, end - at_));
    at_ = end;
    return out;
  }

  void statement(TreeSection& section, int depth) {
    if (++items_ > kItemsMax) return stop("holds too much");
    const int line = line_;
    std::string key = name();
    if (key.empty()) return stop("a name is missing here");
    if (key == "include" && more() && is_blank(text_[at_])) {
      skip_blanks(false);
      tree_.includes_.push_back({std::move(key), value(), line});
      return;
    }
    skip_blanks();
    std::vector<std::string> references;
    if (more() && text_[at_] == ':') {
      do {
        ++at_;
        skip_blanks();
        references.push_back(name());
        skip_blanks();
      } while (more() && text_[at_] == ',');
    }
    if (!more()) return stop("ends in the middle of a statement");
    if (text_[at_] == '=') {
      ++at_;
      section.settings.push_back({std::move(key), value(), line});
    } else if (text_[at_] == '{') {
      open(section, std::move(key), line, std::move(references), depth);
    } else {
      stop("neither = nor { follows a name");
    }
  }

  void open(TreeSection& parent, std::string key, int line, std::vector<std::string> references,
            int depth) {
    if (depth == kDepthMax) return stop("is nested too deeply");
    ++at_;
    TreeSection& section = parent.sections.emplace_back();
    section.name = std::move(key);
    section.line = line;
    section.references = std::move(references);
    while (true) {
      skip_blanks();
      if (!more()) return stop("a section is not closed");
      if (text_[at_] == '}') break;
      statement(section, depth + 1);
    }
    ++at_;
  }

  // To the end of the line, or in quotation marks.
  std::string_view value() {
    skip_blanks(false);
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const auto end = std::min(text_.find_first_of("#}\n", at_), text_.size());
    std::string_view out = text_.substr(at_, end - at_);
    at_ = end;
    while (!out.empty() && is_blank(out.back())) out.remove_suffix(1);
    return keep(out);
  }

  std::string_view quoted() {
    const std::size_t begin = used_;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      char c = text_[at_];
      line_ += c == '\n' ? 1 : 0;
      if (c == '\\' && at_ + 1 < text_.size()) {
        c = text_[++at_];
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
      }
      keep({&c, 1});
    }
    if (at_ == text_.size()) stop("a quotation mark is not closed");
    ++at_;
    if (at_ > text_.size()) at_ = text_.size();
    return text_of(tree_.texts_.expose().subspan(begin, used_ - begin));
  }

  // What is kept is never longer than what was read.
  std::string_view keep(std::string_view part) {
    const MutBytes room = tree_.texts_.fill().subspan(used_, part.size());
    std::copy(part.begin(), part.end(), room.begin());
    used_ += part.size();
    return text_of(room);
  }

  std::string_view text_;
  SettingsTree& tree_;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
  std::size_t items_ = 0;
  int line_ = 1;
};

const TreeSection* TreeSection::section(std::string_view wanted) const {
  const auto at = std::find_if(sections.begin(), sections.end(),
                               [&](const TreeSection& one) { return one.name == wanted; });
  return at == sections.end() ? nullptr : &*at;
}

const TreeSetting* TreeSection::setting(std::string_view key) const {
  const TreeSetting* found = nullptr;
  for (const TreeSetting& one : settings) {
    if (one.key == key) found = &one;  // the last one counts
  }
  return found;
}

Result<SettingsTree, TreeFault> SettingsTree::parse(std::string_view text) {
  SettingsTree tree;
  TreeParser parser(text, tree);
  if (!parser.run()) return fail(std::move(parser.fault));
  return tree;
}

const TreeSetting* SettingsTree::find(const TreeSection& section, std::string_view key,
                                      int depth) const {
  if (const TreeSetting* own = section.setting(key)) return own;
  if (depth == 4) return nullptr;
  for (const std::string& reference : section.references) {
    const TreeSection* other = &root_;
    std::string_view path = reference;
    while (other != nullptr && !path.empty()) other = other->section(take_part(path, "."));
    if (other == nullptr || other == &section) continue;
    if (const TreeSetting* theirs = find(*other, key, depth + 1)) return theirs;
  }
  return nullptr;
}

}  // namespace godwit::importers
