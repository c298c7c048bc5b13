#include "core/importers/draft.h"

#include <algorithm>
#include <bit>

#include "core/config/options.h"
#include "core/config/profile_parser.h"
#include "core/config/proposal.h"
#include "core/config/values.h"
#include "core/importers/text.h"

namespace godwit::importers {
namespace {

constexpr std::size_t kRemarksMax = 100;
constexpr std::size_t kListMax = 20;  // as the profile has it for proposals

// Without one of these it would be another tunnel.
constexpr std::string_view kEssential[] = {"gateway", "mode", "auth", "l2tp"};

// What may stand behind a # in TOML, whatever the source held.
std::string comment(std::string_view text) {
  std::string shown = config::printable(text, 400);
  if (is_text(shown)) return shown;
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return shown;
}

std::string toml_list(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) {
    out += (out.empty() ? "" : ", ") + config::toml_string(value);
  }
  return "[" + out + "]";
}

// 10.0.0.0/255.0.0.0, with blanks around the slash or not, as 10.0.0.0/8.
std::string with_length(std::string_view network) {
  std::string_view rest = network;
  const std::string address(take_part(rest, "/"));
  const std::string_view behind = trim(rest);
  if (behind.empty()) return std::string(network);
  const auto mask = IpAddress::parse(behind);
  if (!mask || !mask->is_v4()) return address + "/" + std::string(behind);
  const std::uint32_t bits = mask->v4_value();
  const int length = std::countl_one(bits);
  if (length < 32 && bits << length != 0) return std::string(network);  // no mask has holes
  return address + "/" + std::to_string(length);
}

void add_once(std::vector<std::string>& values, std::string value) {
  if (std::find(values.begin(), values.end(), value) == values.end() && values.size() < kListMax) {
    values.push_back(std::move(value));
  }
}

}  // namespace

std::string Remark::to_string() const {
  std::string out = file;
  if (line > 0) out += ":" + std::to_string(line);
  out += ": " + what + ", " + why;
  if (!remedy.empty()) out += ", " + remedy;
  return out;
}

const Draft::Entry* Draft::find(std::string_view key) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(),
                               [&](const Entry& entry) { return entry.key == key; });
  return at == entries_.end() ? nullptr : &*at;
}

void Draft::set(Entry entry) {
  forget(entry.key);
  entries_.push_back(std::move(entry));
}

void Draft::forget(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
  std::erase_if(companions_, [&](const auto& one) { return one.first == key; });
}

std::string Draft::value(std::string_view key) const {
  const Entry* entry = find(key);
  return entry == nullptr || entry->values.empty() ? std::string() : entry->values.front();
}

void Draft::text(std::string_view key, std::string_view value, Place place) {
  if (value.empty()) return;
  set({std::string(key), config::toml_string(value), {std::string(value)}, std::move(place)});
}

void Draft::raw(std::string_view key, std::string_view toml, Place place) {
  set({std::string(key), std::string(toml), {}, std::move(place)});
}

void Draft::list(std::string_view key, std::vector<std::string> values, Place place) {
  std::vector<std::string> each;
  for (std::string& value : values) add_once(each, std::move(value));
  if (each.empty()) return;
  std::string toml = toml_list(each);
  set({std::string(key), std::move(toml), std::move(each), std::move(place)});
}

void Draft::seconds(std::string_view key, std::int64_t value, Place place) {
  text(key, std::to_string(value) + "s", std::move(place));
}

void Draft::networks(std::vector<std::string> values, const Place& place) {
  std::vector<std::string> good;
  for (const std::string& value : values) {
    if (const auto network = config::parse_network(with_length(value))) {
      good.push_back(network->to_string());
    } else {
      remark(place, network.error().message, network.error().hint);
    }
  }
  list("networks", std::move(good), place);
}

void Draft::hosts(std::string_view key, std::vector<std::string> values, const Place& place) {
  std::vector<std::string> good;
  for (std::string& value : values) {
    if (const auto fault = config::host_fault(value)) {
      remark(place, fault->message, fault->hint);
    } else if (value != this->value("gateway")) {
      good.push_back(std::move(value));
    }
  }
  list(key, std::move(good), place);
}

void Draft::ike(const std::vector<std::string>& proposals, const Place& place) {
  std::vector<std::string> good;
  for (const std::string& proposal : proposals) {
    if (const auto suite = config::parse_ike_proposal(proposal)) {
      good.push_back(config::to_text(*suite));
    } else {
      remark(place, suite.error().front().message, suite.error().front().hint);
    }
  }
  list("ike", std::move(good), place);
}

void Draft::esp(const std::vector<std::string>& proposals, const Place& place) {
  std::vector<std::string> good;
  for (const std::string& proposal : proposals) {
    if (const auto suite = config::parse_esp_proposal(proposal)) {
      good.push_back(config::to_text(*suite));
    } else {
      remark(place, suite.error().front().message, suite.error().front().hint);
    }
  }
  list("esp", std::move(good), place);
}

void Draft::pfs(std::string_view group, const Place& place) {
  if (const auto known = config::parse_group(group)) {
    text("pfs", config::to_text(*known), place);
  } else {
    remark(place, known.error().front().message, known.error().front().hint);
  }
}

void Draft::companion(std::string_view key, std::string_view ending, SecretBytes octets,
                      Place place) {
  if (octets.empty()) return;
  text(key, path(ending), std::move(place));
  companions_.emplace_back(key, Companion{path(ending), std::move(octets)});
}

void Draft::psk(Bytes key, const Place& place) {
  if (!key.empty()) companion("psk-file", ".psk", written_psk(key), place);
}

void Draft::password(Bytes password, const Place& place) {
  const std::string_view text = text_of(password);
  if (text.find('\0') != text.npos || text.find('\n') != text.npos) {
    return remark(place, "holds an octet that no password file can", "it will be asked for");
  }
  companion("password-file", ".password", SecretBytes::copy_of(password), place);
}

// Whoever takes the wrong file for one of these would read for long.
void Draft::add(Remark remark) {
  if (remarks_.size() < kRemarksMax) {
    remarks_.push_back(std::move(remark));
  } else if (remarks_.size() == kRemarksMax) {
    remarks_.push_back({source_.file, remark.line, "what follows", "there is more of this kind",
                        "is this the right file?"});
  }
}

void Draft::remark(const Place& place, std::string why, std::string remedy) {
  add({source_.file, place.line, place.what, std::move(why), std::move(remedy)});
}

Refusal Draft::refusal(int line, std::string_view what, std::string remedy) const {
  std::string text = source_.file;
  if (line > 0) text += ":" + std::to_string(line);
  return {text + ": " + std::string(what), std::move(remedy)};
}

// RFC 2409 4: Aggressive Mode cannot negotiate the group, so the best that the source has is it.
void Draft::keep_one_group() {
  const Entry* entry = find("ike");
  if (entry == nullptr || value("mode") != "aggressive") return;
  const auto group = config::parse_ike_proposal(entry->values.front())->group;
  std::vector<std::string> good;
  for (const std::string& proposal : entry->values) {
    if (config::parse_ike_proposal(proposal)->group == group) {
      good.push_back(proposal);
    } else {
      remark(entry->place, "aggressive mode allows one group, so " + proposal + " is left out",
             "change ike if the gateway wants the other group");
    }
  }
  list("ike", std::move(good), Place(entry->place));
}

std::vector<std::string> Draft::weak_words() const {
  std::vector<std::string> words;
  const auto auth = value("auth");
  for (const config::WeakChoice& weak : config::weak_choices()) {
    bool used = weak.kind == config::WeakChoice::Kind::kAggressivePsk &&
                value("mode") == "aggressive" && (auth.empty() || auth.ends_with("psk"));
    if (const Entry* entry = find("ike")) {
      for (const auto& one : entry->values) used |= makes(weak, *config::parse_ike_proposal(one));
    }
    if (const Entry* entry = find("esp")) {
      for (const auto& one : entry->values) used |= makes(weak, *config::parse_esp_proposal(one));
    }
    const auto group = config::parse_group(value("pfs"));
    used |= weak.group && group && *weak.group == *group;
    if (used) words.emplace_back(weak.word);
  }
  return words;
}

// Keys in the order of the option table; `keys_of_lines` names the key of each line, or nothing.
std::string Draft::compose(std::string_view format, std::vector<std::string>& keys_of_lines) const {
  std::string out;
  const auto line = [&](const std::string& text, std::string_view key = {}) {
    out += text + "\n";
    keys_of_lines.emplace_back(key);
  };
  line("# Imported from " + comment(source_.file) + " (" + std::string(format) +
       ") by `godwit import`.");
  for (const std::string& advice : advice_) line("# " + comment(advice));
  if (!remarks_.empty()) line("#");
  for (const Remark& one : remarks_) line("# " + comment(one.to_string()));
  line("");
  for (const config::Option& option : config::options()) {
    const Entry* entry = find(option.key);
    if (entry != nullptr) line(entry->key + " = " + entry->toml, entry->key);
  }
  const auto words = weak_words();
  if (words.empty()) return out;
  line("");
  line("# Weak choices that the source makes, or the client that it is for:");
  for (const config::WeakChoice& weak : config::weak_choices()) {
    if (std::find(words.begin(), words.end(), weak.word) == words.end()) continue;
    line("# " + std::string(weak.word) + ": " + std::string(weak.risk) + ".");
  }
  line("allow-weak = " + toml_list(words), "allow-weak");
  return out;
}

// Takes out each key that the checker does not accept.
std::optional<Refusal> Draft::mend(const std::vector<config::Diagnostic>& mistakes,
                                   const std::vector<std::string>& keys_of_lines) {
  for (const config::Diagnostic& mistake : mistakes) {
    const auto at = static_cast<std::size_t>(std::max(1, mistake.line)) - 1;
    const std::string key = at < keys_of_lines.size() ? keys_of_lines[at] : std::string();
    const bool essential =
        std::find(std::begin(kEssential), std::end(kEssential), key) != std::end(kEssential);
    const Entry* entry = find(key);
    if (entry == nullptr && !key.empty() && key != "allow-weak") continue;  // taken out already
    if (entry == nullptr || essential) {
      return refusal(entry == nullptr ? 0 : entry->place.line, mistake.message, mistake.hint);
    }
    remark(Place(entry->place), mistake.message, mistake.hint);
    forget(key);
  }
  return std::nullopt;
}

Result<Imported, Refusal> Draft::finish(std::string_view format) {
  if (!has("gateway")) {
    return fail(refusal(0, "names no gateway", "write where the gateway is, and import it again"));
  }
  keep_one_group();
  while (true) {
    std::stable_sort(remarks_.begin(), remarks_.end(),
                     [](const Remark& a, const Remark& b) { return a.line < b.line; });
    std::vector<std::string> keys_of_lines;
    std::string text = compose(format, keys_of_lines);
    const auto profile = config::parse_profile(text, source_.file, "imported");
    if (profile) {
      Imported out{std::move(text), std::move(remarks_), {}};
      for (auto& [key, file] : companions_) out.companions.push_back(std::move(file));
      return out;
    }
    const std::size_t before = entries_.size();
    if (auto refused = mend(profile.error(), keys_of_lines)) return fail(std::move(*refused));
    if (entries_.size() == before) {  // nothing of it could be mended
      return fail(refusal(0, profile.error().front().message, profile.error().front().hint));
    }
  }
}

}  // namespace godwit::importers
