// A profile in the making. Importers set keys and leave remarks; finish() writes it down and takes
// out whatever the profile checker does not accept, with a remark for each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config/report.h"
#include "core/importers/importers.h"

namespace godwit::importers {

// Where something stands in the source, and the source's word for it.
struct Place {
  int line = 0;
  std::string what;
};

class Draft {
 public:
  explicit Draft(const Source& source) : source_(source) {}

  // A later value of a key takes the place of an earlier one; an empty one is none.
  void text(std::string_view key, std::string_view value, Place place);
  void raw(std::string_view key, std::string_view toml, Place place);  // a number or a boolean
  void list(std::string_view key, std::vector<std::string> values, Place place);
  void seconds(std::string_view key, std::int64_t value, Place place);
  void forget(std::string_view key);
  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::string value(std::string_view key) const;  // of text(); empty when it is not there

  // Lists whose values are looked at one by one: what is wrong with one is a remark.
  void networks(std::vector<std::string> values, const Place& place);
  void hosts(std::string_view key, std::vector<std::string> values, const Place& place);
  void ike(const std::vector<std::string>& proposals, const Place& place);
  void esp(const std::vector<std::string>& proposals, const Place& place);
  void pfs(std::string_view group, const Place& place);

  // A file beside the profile, which `key` names. An empty secret is none.
  void companion(std::string_view key, std::string_view ending, SecretBytes octets, Place place);
  void psk(Bytes key, const Place& place);
  void password(Bytes password, const Place& place);
  std::string path(std::string_view ending) const { return source_.stem + std::string(ending); }

  void remark(const Place& place, std::string why, std::string remedy = {});
  void add(Remark remark);
  // A comment at the head of the profile, for what somebody may want to try.
  void advise(std::string line) { advice_.push_back(std::move(line)); }

  const Source& source() const { return source_; }
  Refusal refusal(int line, std::string_view what, std::string remedy) const;

  // The draft cannot be used afterwards.
  Result<Imported, Refusal> finish(std::string_view format);

 private:
  struct Entry {
    std::string key;
    std::string toml;
    std::vector<std::string> values;  // of list() and text()
    Place place;
  };

  const Entry* find(std::string_view key) const;
  void set(Entry entry);
  void keep_one_group();
  std::vector<std::string> weak_words() const;
  std::string compose(std::string_view format, std::vector<std::string>& keys_of_lines) const;
  std::optional<Refusal> mend(const std::vector<config::Diagnostic>& mistakes,
                              const std::vector<std::string>& keys_of_lines);

  Source source_;
  std::vector<Entry> entries_;
  std::vector<Remark> remarks_;
  std::vector<std::string> advice_;
  std::vector<std::pair<std::string, Companion>> companions_;  // by key
};

}  // namespace godwit::importers
