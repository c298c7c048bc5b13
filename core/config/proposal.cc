#include "core/config/proposal.h"

#include <algorithm>
#include <array>

#include "core/config/nearest.h"

namespace godwit::config {
namespace {

using crypto::DhGroup;
using crypto::EspCipher;
using crypto::EspSuite;
using crypto::HashAlg;
using crypto::IkeSuite;

// The first word of a value is the one godwit writes itself.
template <class T>
struct Word {
  std::string_view text;
  T value;
};

struct Cipher {
  std::uint16_t bits;
  bool gcm;
  friend bool operator==(const Cipher&, const Cipher&) = default;
};

constexpr auto kCiphers = std::to_array<Word<Cipher>>({
    {"aes128", {128, false}},
    {"aes192", {192, false}},
    {"aes256", {256, false}},
    {"aes128gcm16", {128, true}},
    {"aes192gcm16", {192, true}},
    {"aes256gcm16", {256, true}},
    {"aes", {128, false}},
    {"aes128gcm", {128, true}},
    {"aes192gcm", {192, true}},
    {"aes256gcm", {256, true}},
    {"aes128gcm128", {128, true}},
    {"aes192gcm128", {192, true}},
    {"aes256gcm128", {256, true}},
});

constexpr auto kHashes = std::to_array<Word<HashAlg>>({
    {"sha1", HashAlg::kSha1},
    {"sha256", HashAlg::kSha256},
    {"sha384", HashAlg::kSha384},
    {"sha512", HashAlg::kSha512},
    {"sha", HashAlg::kSha1},
    {"sha2_256", HashAlg::kSha256},
    {"sha2_384", HashAlg::kSha384},
    {"sha2_512", HashAlg::kSha512},
});

constexpr auto kGroups = std::to_array<Word<DhGroup>>({
    {"modp1024", DhGroup::kModp1024},
    {"modp1536", DhGroup::kModp1536},
    {"modp2048", DhGroup::kModp2048},
    {"modp3072", DhGroup::kModp3072},
    {"modp4096", DhGroup::kModp4096},
    {"ecp256", DhGroup::kEcp256},
    {"ecp384", DhGroup::kEcp384},
    {"ecp521", DhGroup::kEcp521},
    {"dh2", DhGroup::kModp1024},
    {"dh5", DhGroup::kModp1536},
    {"dh14", DhGroup::kModp2048},
    {"dh15", DhGroup::kModp3072},
    {"dh16", DhGroup::kModp4096},
    {"dh19", DhGroup::kEcp256},
    {"dh20", DhGroup::kEcp384},
    {"dh21", DhGroup::kEcp521},
});

// Broken, or not of IKEv1: named, so that whoever copies an old configuration learns the way out.
constexpr auto kRefused = std::to_array<Word<std::string_view>>({
    {"md5", "sha256"},
    {"des", "aes256"},
    {"3des", "aes256"},
    {"null", "aes256"},
    {"blowfish", "aes256"},
    {"blowfish128", "aes256"},
    {"blowfish256", "aes256"},
    {"cast128", "aes256"},
    {"camellia128", "aes128"},
    {"camellia256", "aes256"},
    {"chacha20poly1305", "aes256gcm16"},
    {"aes128gcm8", "aes128gcm16"},
    {"aes256gcm8", "aes256gcm16"},
    {"aes128gcm12", "aes128gcm16"},
    {"aes256gcm12", "aes256gcm16"},
    {"modp768", "modp2048"},
    {"dh1", "modp2048"},
    {"modp6144", "modp4096"},
    {"modp8192", "modp4096"},
    {"dh22", "modp2048"},
    {"dh23", "modp2048"},
    {"dh24", "modp2048"},
    {"modp1024s160", "modp2048"},
    {"modp2048s224", "modp2048"},
    {"modp2048s256", "modp2048"},
    {"curve25519", "ecp256"},
    {"x25519", "ecp256"},
});

constexpr std::array kWeak{
    WeakChoice{"modp1024", "a large attacker can compute the keys of modp1024 and read the traffic",
               DhGroup::kModp1024},
    WeakChoice{"modp1536", "modp1536 is too short to keep recorded traffic secret for years",
               DhGroup::kModp1536},
    WeakChoice{"aggressive-psk",
               "aggressive mode shows anyone who asks a hash of the pre-shared key (the group "
               "password), which can be guessed offline from a dictionary",
               std::nullopt},
};

template <class Table>
auto look_up(const Table& table, std::string_view text)
    -> std::optional<decltype(table.front().value)> {
  for (const auto& word : table) {
    if (word.text == text) return word.value;
  }
  return std::nullopt;
}

template <class Table, class T>
std::string_view word_of(const Table& table, const T& value) {
  for (const auto& word : table) {
    if (word.value == value) return word.text;
  }
  return {};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

template <class Table>
void add_words(std::vector<std::string_view>& words, const Table& table) {
  for (const auto& word : table) words.push_back(word.text);
}

Fault unknown_fault(std::string_view token, std::span<const std::string_view> words,
                    std::string otherwise) {
  const std::string meant = nearest(token, words);
  return {"unknown algorithm " + quote(token),
          meant.empty() ? std::move(otherwise) : "did you mean \"" + meant + "\"?"};
}

Fault refused_fault(std::string_view token, std::string_view instead) {
  return {"godwit does not offer " + std::string(token), "use " + std::string(instead)};
}

// What the words of one proposal say, each at most once.
struct Tokens {
  std::optional<Cipher> cipher;
  std::optional<HashAlg> hash;
  std::optional<DhGroup> group;
  Faults faults;
  bool complete = true;  // no word that might have been the missing one
};

template <class T>
void set_once(std::optional<T>& slot, T value, std::string_view kind, Tokens& out) {
  if (slot) {
    out.faults.push_back({"two " + std::string(kind) + " in one proposal",
                          "write each combination as a proposal of its own"});
  }
  slot = value;
}

void read_token(std::string_view token, Tokens& out, std::string_view example) {
  if (const auto cipher = look_up(kCiphers, token)) {
    set_once(out.cipher, Cipher(*cipher), "ciphers", out);
  } else if (const auto hash = look_up(kHashes, token)) {
    set_once(out.hash, HashAlg(*hash), "hashes", out);
  } else if (const auto group = look_up(kGroups, token)) {
    set_once(out.group, DhGroup(*group), "groups", out);
  } else if (const auto instead = look_up(kRefused, token)) {
    out.faults.push_back(refused_fault(token, *instead));
    out.complete = false;
  } else {
    std::vector<std::string_view> words;
    add_words(words, kCiphers);
    add_words(words, kHashes);
    add_words(words, kGroups);
    out.faults.push_back(unknown_fault(token, words, "a proposal looks like " + quote(example)));
    out.complete = false;
  }
}

Tokens read_tokens(std::string_view text, std::string_view example) {
  constexpr std::size_t kTokensMax = 8;
  Tokens out;
  const std::string lowered = lower(text);
  std::string_view rest = lowered;
  for (std::size_t i = 0;; ++i) {
    if (i == kTokensMax) {
      out.faults = {
          {quote(text) + " has too many words", "a proposal looks like " + quote(example)}};
      out.complete = false;
      break;
    }
    const auto dash = rest.find('-');
    read_token(rest.substr(0, dash), out, example);
    if (dash == std::string_view::npos) break;
    rest.remove_prefix(dash + 1);
  }
  return out;
}

void require(bool present, const Tokens& tokens, std::string_view text, std::string_view what,
             std::string_view suffix, Faults& faults) {
  if (present || !tokens.complete) return;
  faults.push_back({quote(text) + " has no " + std::string(what),
                    "write " + quote(std::string(text) + "-" + std::string(suffix))});
}

}  // namespace

Result<IkeSuite, Faults> parse_ike_proposal(std::string_view text) {
  Tokens tokens = read_tokens(text, "aes256-sha256-modp2048");
  Faults faults = tokens.faults;
  if (tokens.cipher && tokens.cipher->gcm) {
    // RFC 5282 is of IKEv2; RFC 2409 appendix B knows CBC only.
    faults.push_back({"IKEv1 does not encrypt its own messages with AES-GCM",
                      "use aes" + std::to_string(tokens.cipher->bits) + "-sha256"});
    tokens.complete = false;
  }
  if (tokens.complete && !tokens.cipher) {
    faults.push_back({quote(text) + " has no cipher", "write \"aes256-" + printable(text) + "\""});
    tokens.complete = false;
  }
  require(tokens.hash.has_value(), tokens, text, "hash", "sha256", faults);
  require(tokens.group.has_value(), tokens, text, "Diffie-Hellman group", "modp2048", faults);
  if (!faults.empty()) return fail(std::move(faults));
  return IkeSuite{{tokens.cipher->bits}, *tokens.hash, *tokens.group};
}

Result<EspSuite, Faults> parse_esp_proposal(std::string_view text) {
  Tokens tokens = read_tokens(text, "aes256gcm16");
  Faults faults = tokens.faults;
  if (tokens.group) {
    faults.push_back({quote(text) + " names a group",
                      "write pfs = \"" + to_text(*tokens.group) + "\" and leave it out here"});
  }
  if (tokens.complete && !tokens.cipher) {
    faults.push_back({quote(text) + " has no cipher", "write one such as \"aes256gcm16\""});
    tokens.complete = false;
  }
  const bool gcm = tokens.cipher && tokens.cipher->gcm;
  if (gcm && tokens.hash) {
    faults.push_back({quote(text) + " names a hash, but AES-GCM needs none",
                      "write \"" + std::string(word_of(kCiphers, *tokens.cipher)) + "\""});
  }
  if (!gcm && !tokens.group) {
    require(tokens.hash.has_value(), tokens, text, "hash", "sha256", faults);
  }
  if (!faults.empty()) return fail(std::move(faults));
  EspSuite suite;
  suite.cipher = gcm ? EspCipher::kAesGcm16 : EspCipher::kAesCbc;
  suite.key_bits = tokens.cipher->bits;
  suite.integrity = tokens.hash;
  return suite;
}

Result<DhGroup, Faults> parse_group(std::string_view text) {
  const std::string token = lower(text);
  if (const auto group = look_up(kGroups, token)) return *group;
  if (const auto instead = look_up(kRefused, token)) {
    return fail(Faults{refused_fault(token, *instead)});
  }
  std::vector<std::string_view> words;
  add_words(words, kGroups);
  words.push_back("none");
  Fault fault = unknown_fault(text, words, "write \"none\" or a group such as \"modp2048\"");
  fault.message = "unknown group " + quote(text);
  return fail(Faults{std::move(fault)});
}

std::string to_text(const IkeSuite& suite) {
  return "aes" + std::to_string(suite.cipher.key_bits) + "-" +
         std::string(word_of(kHashes, suite.hash)) + "-" + to_text(suite.group);
}

std::string to_text(const EspSuite& suite) {
  std::string text(word_of(kCiphers, Cipher{suite.key_bits, suite.cipher == EspCipher::kAesGcm16}));
  if (suite.integrity) text += "-" + std::string(word_of(kHashes, *suite.integrity));
  return text;
}

std::string to_text(DhGroup group) { return std::string(word_of(kGroups, group)); }

std::span<const WeakChoice> weak_choices() { return kWeak; }

}  // namespace godwit::config
