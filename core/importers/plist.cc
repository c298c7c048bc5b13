#include "core/importers/plist.h"

#include <expat.h>

#include <algorithm>
#include <memory>

namespace godwit::importers {
namespace {

using Kind = PlistNode::Kind;

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kNodesMax = 10'000;

struct Element {
  std::string_view name;
  Kind kind;
};

constexpr Element kElements[] = {
    {"dict", Kind::kDict},  {"array", Kind::kArray},    {"string", Kind::kText},
    {"data", Kind::kData},  {"integer", Kind::kNumber}, {"real", Kind::kNumber},
    {"date", Kind::kOther}, {"true", Kind::kBool},      {"false", Kind::kBool},
};

using ParserPtr = std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)>;

// What happens while expat reads. The text of a document is never longer than the document, so one
// block of its size holds all of them.
class Builder {
 public:
  Builder(XML_Parser parser, MutBytes room, PlistNode& root)
      : parser_(parser), room_(room), root_(root) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, &Builder::on_start, &Builder::on_end);
    XML_SetCharacterDataHandler(parser, &Builder::on_text);
    XML_SetEntityDeclHandler(parser, &Builder::on_entity);
  }

  std::string fault;

 private:
  static Builder& self(void* data) { return *static_cast<Builder*>(data); }
  static void on_start(void* data, const char* name, const char** /*attributes*/) {
    self(data).start(name);
  }
  static void on_end(void* data, const char* name) { self(data).end(name); }
  static void on_text(void* data, const char* text, int size) {
    self(data).text({text, static_cast<std::size_t>(size)});
  }
  static void on_entity(void* data, const char*, int, const char*, int, const char*, const char*,
                        const char*, const char*) {
    self(data).stop("declares an entity, which no property list of Apple's does");
  }

  void stop(std::string why) {
    if (fault.empty()) fault = std::move(why);
    XML_StopParser(parser_, XML_FALSE);
  }

  void start(std::string_view name) {
    begin_ = used_;
    if (name == "plist" || name == "key") return;
    const auto* const known =
        std::find_if(std::begin(kElements), std::end(kElements),
                     [&](const Element& element) { return element.name == name; });
    if (known == std::end(kElements)) return stop("holds something else than a property list");
    if (open_.size() == kDepthMax || ++nodes_ > kNodesMax) return stop("is nested too deeply");
    PlistNode* const parent = open_.empty() ? nullptr : open_.back();
    if (parent == nullptr && root_.line != 0) return stop("holds more than one property list");
    if (parent != nullptr && parent->kind != Kind::kDict && parent->kind != Kind::kArray) {
      return stop("has something inside of a value");
    }
    PlistNode& node = parent == nullptr ? root_ : parent->children.emplace_back();
    node.kind = known->kind;
    node.line = static_cast<int>(XML_GetCurrentLineNumber(parser_));
    if (parent != nullptr && parent->kind == Kind::kDict) node.key = key_;
    if (known->kind == Kind::kBool) node.text = known->name;
    open_.push_back(&node);
  }

  void end(std::string_view name) {
    if (name == "plist") return;
    const std::string_view text(reinterpret_cast<const char*>(room_.data()) + begin_,
                                used_ - begin_);
    begin_ = used_;
    if (name == "key") {
      key_ = text;
      return;
    }
    if (open_.empty()) return;
    PlistNode& node = *open_.back();
    open_.pop_back();
    const bool leaf = node.kind == Kind::kText || node.kind == Kind::kData ||
                      node.kind == Kind::kNumber || node.kind == Kind::kOther;
    if (leaf) node.text = text;
  }

  void text(std::string_view text) {
    if (text.size() > room_.size() - used_) return stop("grows while it is read");
    std::copy(text.begin(), text.end(), room_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += text.size();
  }

  XML_Parser parser_;
  MutBytes room_;
  PlistNode& root_;
  std::vector<PlistNode*> open_;  // a node's vector does not grow while a child of it is open
  std::string_view key_;
  std::size_t begin_ = 0;
  std::size_t used_ = 0;
  std::size_t nodes_ = 0;
};

}  // namespace

const PlistNode* PlistNode::find(std::string_view name) const {
  if (kind != Kind::kDict) return nullptr;
  const auto at = std::find_if(children.begin(), children.end(),
                               [&](const PlistNode& child) { return child.key == name; });
  return at == children.end() ? nullptr : &*at;
}

std::string_view PlistNode::text_of(std::string_view name) const {
  const PlistNode* node = find(name);
  return node == nullptr ? std::string_view() : node->text;
}

bool PlistNode::is_set(std::string_view name) const {
  const std::string_view value = text_of(name);
  return !value.empty() && value != "false" && value != "0";
}

Result<Plist, PlistFault> Plist::parse(std::string_view xml) {
  const ParserPtr parser(XML_ParserCreate("UTF-8"), &XML_ParserFree);
  if (!parser) return fail(PlistFault{0, "cannot be read for want of memory"});
  Plist plist;
  plist.texts_ = SecretBytes(xml.size());
  Builder builder(parser.get(), plist.texts_.fill(), plist.root_);
  const auto status = XML_Parse(parser.get(), xml.data(), static_cast<int>(xml.size()), XML_TRUE);
  if (status == XML_STATUS_OK && plist.root_.line != 0) return plist;
  const int line = static_cast<int>(XML_GetCurrentLineNumber(parser.get()));
  if (!builder.fault.empty()) return fail(PlistFault{line, builder.fault});
  if (status == XML_STATUS_OK) return fail(PlistFault{0, "holds no property list"});
  return fail(PlistFault{
      line, std::string("is no XML: ") + XML_ErrorString(XML_GetErrorCode(parser.get()))});
}

}  // namespace godwit::importers
