// Apple's property lists in XML: a tree of dictionaries, arrays and leaves. Read by libexpat, which
// is given no chance to expand entities or to fetch a DTD.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/secret.h"

namespace godwit::importers {

struct PlistNode {
  enum class Kind : std::uint8_t { kDict, kArray, kText, kData, kNumber, kBool, kOther };
  Kind kind = Kind::kOther;
  int line = 0;
  std::string_view key;   // in a dictionary
  std::string_view text;  // of a leaf; of a boolean "true" or "false"
  std::vector<PlistNode> children;

  // What a dictionary holds under `name`; null when nothing.
  const PlistNode* find(std::string_view name) const;
  std::string_view text_of(std::string_view name) const;  // empty when there is none
  bool is_set(std::string_view name) const;               // true, or a number other than 0
};

struct PlistFault {
  int line = 0;
  std::string message;
};

class Plist {
 public:
  static Result<Plist, PlistFault> parse(std::string_view xml);
  const PlistNode& root() const { return root_; }

 private:
  SecretBytes texts_;  // where the nodes' views point; wiped with everything in it
  PlistNode root_;
};

}  // namespace godwit::importers
