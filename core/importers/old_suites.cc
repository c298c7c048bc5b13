#include "core/importers/old_suites.h"

#include "core/config/proposal.h"
#include "core/importers/text.h"

namespace godwit::importers {

std::vector<std::string> esp_of(OldSuites suites) {
  std::vector<std::string> ciphers = {"aes256", "aes192", "aes128"};
  if (suites.triple_des) ciphers.emplace_back("3des");
  std::vector<std::string> out;
  for (const std::string& cipher : ciphers) out.push_back(cipher + "-sha1");
  if (!suites.md5) return out;
  for (const std::string& cipher : ciphers) out.push_back(cipher + "-md5");
  return out;
}

std::vector<std::string> ike_of(OldSuites suites, std::string_view group) {
  std::vector<std::string> out = esp_of(suites);
  for (std::string& suite : out) suite += "-" + std::string(group);
  return out;
}

std::string group_of(std::string_view number) {
  std::string_view digits = number;
  if (starts_with_word(digits, "dh")) digits.remove_prefix(2);
  if (starts_with_word(digits, "group")) digits.remove_prefix(5);
  const auto group = config::parse_group("dh" + std::string(digits));
  return group ? config::to_text(*group) : std::string();
}

}  // namespace godwit::importers
