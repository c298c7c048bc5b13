#include "core/config/weak_uses.h"

#include <algorithm>

#include "core/config/nearest.h"

namespace godwit::config {
namespace {

std::vector<Item> allowed_words(Settings& in, Report& report) {
  std::vector<std::string_view> words;
  std::string all;
  for (const WeakChoice& weak : weak_choices()) {
    const bool last = &weak == &weak_choices().back();
    all += (words.empty() ? "" : last ? " and " : ", ") + std::string(weak.word);
    words.push_back(weak.word);
  }
  std::vector<Item> known;
  for (Item& item : in.list("allow-weak", 16).value_or(std::vector<Item>())) {
    if (std::find(words.begin(), words.end(), item.text) != words.end()) {
      known.push_back(std::move(item));
      continue;
    }
    const std::string meant = nearest(item.text, words);
    report.add(item.where, "allow-weak does not know " + quote(item.text),
               meant.empty() ? "it knows " + all : "did you mean \"" + meant + "\"?");
  }
  return known;
}

}  // namespace

void WeakUses::note(crypto::DhGroup group, const Where& where) {
  for (const WeakChoice& weak : weak_choices()) {
    if (weak.group == group) uses_.push_back({&weak, where});
  }
}

void WeakUses::note(const crypto::IkeSuite& suite, const Where& where) {
  for (const WeakChoice& weak : weak_choices()) {
    if (makes(weak, suite)) uses_.push_back({&weak, where});
  }
}

void WeakUses::note(const crypto::EspSuite& suite, const Where& where) {
  for (const WeakChoice& weak : weak_choices()) {
    if (makes(weak, suite)) uses_.push_back({&weak, where});
  }
}

void WeakUses::note_aggressive_psk(const Where& where) {
  for (const WeakChoice& weak : weak_choices()) {
    if (weak.kind == WeakChoice::Kind::kAggressivePsk) uses_.push_back({&weak, where});
  }
}

bool WeakUses::can_judge(const WeakChoice& weak, const Settings& in) const {
  if (weak.kind == WeakChoice::Kind::kAggressivePsk) {
    return !in.is_unclear("mode") && !in.is_unclear("auth");
  }
  return groups_are_clear && !in.is_unclear("ike") && !in.is_unclear("pfs") &&
         (weak.kind == WeakChoice::Kind::kGroup || (esp_is_clear && !in.is_unclear("esp")));
}

std::vector<std::string> WeakUses::check(Settings& in, Report& report) const {
  std::vector<std::string> in_use;
  const std::vector<Item> allowed = allowed_words(in, report);
  for (const WeakChoice& weak : weak_choices()) {
    const auto use =
        std::find_if(uses_.begin(), uses_.end(), [&](const Use& u) { return u.choice == &weak; });
    const auto word = std::find_if(allowed.begin(), allowed.end(),
                                   [&](const Item& item) { return item.text == weak.word; });
    const bool used = use != uses_.end();
    if (used) in_use.emplace_back(weak.word);
    if (used && word == allowed.end() && !in.is_unclear("allow-weak")) {
      report.add(
          use->where, std::string(weak.risk),
          "if the gateway knows nothing better, write " + quote(weak.word) + " in allow-weak");
    } else if (!used && word != allowed.end() && can_judge(weak, in)) {
      report.add(word->where, "allow-weak names " + quote(weak.word) + ", which nothing here uses",
                 "remove the word");
    }
  }
  return in_use;
}

}  // namespace godwit::config
