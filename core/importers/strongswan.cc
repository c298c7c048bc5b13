#include "core/importers/strongswan.h"

#include <algorithm>
#include <array>

#include "core/config/proposal.h"
#include "core/config/values.h"
#include "core/importers/text.h"

namespace godwit::importers {
namespace {

constexpr std::array<std::string_view, 9> kCiphers = {
    "aes", "3des", "des", "camellia", "chacha", "blowfish", "cast", "null", "serpent"};

constexpr std::size_t kSuitesMax = 20;

// The words of one proposal by their kind.
struct Words {
  std::vector<std::string> ciphers;
  std::vector<std::string> hashes;
  std::vector<std::string> groups;
};

Words sort_words(std::string_view proposal) {
  Words out;
  while (!proposal.empty()) {
    std::string word = lower(take_part(proposal, "-;"));
    while (word.ends_with('!')) word.pop_back();
    if (word.empty() || word.starts_with("prf") || word == "esn" || word == "noesn") continue;
    const bool cipher = std::any_of(kCiphers.begin(), kCiphers.end(),
                                    [&](std::string_view name) { return word.starts_with(name); });
    const bool group = word.starts_with("modp") || word.starts_with("ecp") ||
                       word.starts_with("dh") || word.starts_with("curve") ||
                       word.starts_with("x25519") || word.starts_with("x448");
    auto& list = cipher ? out.ciphers : group ? out.groups : out.hashes;
    list.push_back(std::move(word));
  }
  return out;
}

// One or no word of each kind becomes every combination.
std::vector<std::string> product(const std::vector<std::string>& heads,
                                 const std::vector<std::string>& tails) {
  if (tails.empty()) return heads;
  std::vector<std::string> out;
  for (const std::string& head : heads) {
    for (const std::string& tail : tails) {
      if (out.size() < kSuitesMax) out.push_back(head + "-" + tail);
    }
  }
  return out;
}

bool is_default(std::string_view proposal) {
  while (proposal.ends_with('!')) proposal.remove_suffix(1);
  return proposal.empty() || same_word(proposal, "default");
}

struct Prefix {
  std::string_view text;
  std::string_view type;
};

// Longer ones first.
constexpr auto kPrefixes = std::to_array<Prefix>({{"userfqdn:", "user-fqdn"},
                                                  {"rfc822:", "user-fqdn"},
                                                  {"keyid:", "key-id"},
                                                  {"email:", "user-fqdn"},
                                                  {"fqdn:", "fqdn"},
                                                  {"ipv4:", "ipv4"},
                                                  {"dns:", "fqdn"}});

}  // namespace

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::string_view part = take_part(text, ",");
    if (!part.empty()) out.emplace_back(part);
  }
  return out;
}

void strongswan_ike(Draft& draft, std::string_view proposals, const Place& place) {
  std::vector<std::string> all;
  for (const std::string& proposal : list_of(proposals)) {
    if (is_default(proposal)) continue;
    const Words words = sort_words(proposal);
    for (auto& suite : product(product(words.ciphers, words.hashes), words.groups)) {
      if (all.size() < kSuitesMax) all.push_back(std::move(suite));
    }
  }
  draft.ike(all, place);
}

void strongswan_esp(Draft& draft, std::string_view proposals, const Place& place) {
  std::vector<std::string> all;
  std::string group;
  for (const std::string& proposal : list_of(proposals)) {
    if (is_default(proposal)) continue;
    const Words words = sort_words(proposal);
    if (group.empty() && !words.groups.empty()) group = words.groups.front();
    for (const std::string& cipher : words.ciphers) {
      const bool sealed = cipher.find("gcm") != cipher.npos;
      for (auto& suite : product({cipher}, sealed ? std::vector<std::string>() : words.hashes)) {
        if (all.size() < kSuitesMax) all.push_back(std::move(suite));
      }
    }
  }
  draft.esp(all, place);
  if (!group.empty()) draft.pfs(group, place);
}

void strongswan_id(Draft& draft, std::string_view key, std::string_view id, const Place& place) {
  if (id.empty() || id.starts_with("%")) return;
  std::string_view type = "auto";
  if (id.starts_with("@#")) {
    return draft.remark(place, "an identity in hexadecimal cannot be written in a profile",
                        "write it as text with " + std::string(key) + "-type = \"key-id\"");
  }
  if (id.starts_with("@@")) {
    type = "user-fqdn";
    id.remove_prefix(2);
  } else if (id.starts_with("@")) {
    type = "fqdn";
    id.remove_prefix(1);
  }
  for (const Prefix& prefix : kPrefixes) {
    if (!starts_with_word(id, prefix.text)) continue;
    id.remove_prefix(prefix.text.size());
    type = prefix.type;
    break;
  }
  if (id.find('=') != id.npos && type == "auto") {
    if (key == "id") return;  // our certificate's subject, which is shown without being named
    return draft.remark(place, "a gateway is known by its name, not by a subject",
                        "write remote-id when its certificate has another name");
  }
  draft.text(key, id, place);
  draft.text(std::string(key) + "-type", type, place);
}

void strongswan_time(Draft& draft, std::string_view key, std::string_view time,
                     const Place& place) {
  const auto duration = config::parse_duration(time);
  if (!duration)
    return draft.remark(place, "is not a time that godwit reads", "write it as \"4h\"");
  if (*duration > Duration::zero()) draft.text(key, config::duration_text(*duration), place);
}

void add_proof(Proofs& proofs, std::string_view word, bool ours) {
  if (starts_with_word(word, "xauth")) {
    proofs.xauth = proofs.xauth || ours;
  } else if (same_word(word, "psk") || same_word(word, "secret")) {
    proofs.psk = proofs.psk || ours;
  } else if (starts_with_word(word, "pubkey") || starts_with_word(word, "rsa") ||
             starts_with_word(word, "ecdsa")) {
    (ours ? proofs.certificate : proofs.gateway_signs) = true;
  }
}

std::string_view auth_of(const Proofs& proofs) {
  if (proofs.certificate) return proofs.xauth ? "xauth-cert" : "cert";
  if (proofs.xauth && proofs.gateway_signs && !proofs.psk) return "hybrid";
  return proofs.xauth ? "xauth-psk" : "psk";
}

std::string in_folder(std::string_view file, std::string_view folder) {
  if (file.starts_with('/')) return std::string(file);
  return std::string(folder) + "/" + std::string(file);
}

}  // namespace godwit::importers
