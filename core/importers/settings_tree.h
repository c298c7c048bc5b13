// strongSwan's format of nested sections (strongswan.conf(5), swanctl.conf(5)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/importers/draft.h"

namespace godwit::importers {

struct TreeSetting {
  std::string key;
  std::string_view value;
  int line = 0;
};

struct TreeSection {
  std::string name;
  int line = 0;
  std::vector<std::string> references;  // sections whose settings it has too
  std::vector<TreeSetting> settings;
  std::vector<TreeSection> sections;

  const TreeSection* section(std::string_view name) const;
  const TreeSetting* setting(std::string_view key) const;
};

struct TreeFault {
  int line = 0;
  std::string message;
};

class SettingsTree {
 public:
  static Result<SettingsTree, TreeFault> parse(std::string_view text);

  const TreeSection& root() const { return root_; }
  // Files that the text includes, which nobody reads here.
  const std::vector<TreeSetting>& includes() const { return includes_; }
  // The setting of a section, or of those that it refers to.
  const TreeSetting* find(const TreeSection& section, std::string_view key, int depth = 0) const;

 private:
  friend class TreeParser;
  SecretBytes texts_;  // where the values are; wiped with them
  TreeSection root_;
  std::vector<TreeSetting> includes_;
};

}  // namespace godwit::importers
