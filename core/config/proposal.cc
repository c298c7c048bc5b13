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
  EspCipher alg;
  std::uint16_t bits;
  friend bool operator==(const Cipher&, const Cipher&) = default;
};

constexpr auto kCiphers = std::to_array<Word<Cipher>>({
    {"aes128", {EspCipher::kAesCbc, 128}},
    {"aes192", {EspCipher::kAesCbc, 192}},
    {"aes256", {EspCipher::kAesCbc, 256}},
    {"aes128gcm16", {EspCipher::kAesGcm16, 128}},
    {"aes192gcm16", {EspCipher::kAesGcm16, 192}},
    {"aes256gcm16", {EspCipher::kAesGcm16, 256}},
    {"3des", {EspCipher::k3desCbc, 192}},
    {"aes", {EspCipher::kAesCbc, 128}},
    {"aes128gcm", {EspCipher::kAesGcm16, 128}},
    {"aes192gcm", {EspCipher::kAesGcm16, 192}},
    {"aes256gcm", {EspCipher::kAesGcm16, 256}},
    {"aes128gcm128", {EspCipher::kAesGcm16, 128}},
    {"aes192gcm128", {EspCipher::kAesGcm16, 192}},
    {"aes256gcm128", {EspCipher::kAesGcm16, 256}},
});

struct Hash {
  HashAlg alg;
  bool icv96 = false;
  friend bool operator==(const Hash&, const Hash&) = default;
};

constexpr auto kHashes = std::to_array<Word<Hash>>({
    {"md5", {HashAlg::kMd5}},
    {"sha1", {HashAlg::kSha1}},
    {"sha256", {HashAlg::kSha256}},
    {"sha384", {HashAlg::kSha384}},
    {"sha512", {HashAlg::kSha512}},
    {"sha256_96", {HashAlg::kSha256, true}},
    {"sha", {HashAlg::kSha1}},
    {"sha2", {HashAlg::kSha256}},
    {"sha2_256", {HashAlg::kSha256}},
    {"sha2_384", {HashAlg::kSha384}},
    {"sha2_512", {HashAlg::kSha512}},
});

constexpr auto kGroups = std::to_array<Word<DhGroup>>({
    {"modp1024", DhGroup::kModp1024}, {"modp1536", DhGroup::kModp1536},
    {"modp2048", DhGroup::kModp2048}, {"modp3072", DhGroup::kModp3072},
    {"modp4096", DhGroup::kModp4096}, {"modp6144", DhGroup::kModp6144},
    {"modp8192", DhGroup::kModp8192}, {"ecp256", DhGroup::kEcp256},
    {"ecp384", DhGroup::kEcp384},     {"ecp521", DhGroup::kEcp521},
    {"dh2", DhGroup::kModp1024},      {"dh5", DhGroup::kModp1536},
    {"dh14", DhGroup::kModp2048},     {"dh15", DhGroup::kModp3072},
    {"dh16", DhGroup::kModp4096},     {"dh17", DhGroup::kModp6144},
    {"dh18", DhGroup::kModp8192},     {"dh19", DhGroup::kEcp256},
    {"dh20", DhGroup::kEcp384},       {"dh21", DhGroup::kEcp521},
});

// Broken, or not of IKEv1: named, so that whoever copies an old configuration learns the way out.
constexpr auto kRefused = std::to_array<Word<std::string_view>>({
    {"des", "aes256"},
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
               WeakChoice::Kind::kGroup, DhGroup::kModp1024},
    WeakChoice{"modp1536", "modp1536 is too short to keep recorded traffic secret for years",
               WeakChoice::Kind::kGroup, DhGroup::kModp1536},
    WeakChoice{"3des",
               "3des has blocks of 64 bits, which give away text when much is sent under one key "
               "(Sweet32), and is slow",
               WeakChoice::Kind::kCipher,
               {}},
    WeakChoice{"md5",
               "md5 is broken as a hash; nobody has broken its HMAC yet",
               WeakChoice::Kind::kHash,
               {}},
    WeakChoice{"aggressive-psk",
               "aggressive mode shows anyone who asks a hash of the pre-shared key (the group "
               "password), which can be guessed offline from a dictionary",
               WeakChoice::Kind::kAggressivePsk,
               {}},
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
  std::optional<Hash> hash;
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
    set_once(out.hash, Hash(*hash), "hashes", out);
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

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What manuals write in several words is one of ours: aes-256-cbc, hmac-sha-256, sha2-256, dh-14,
// group14.
void append_word(std::vector<std::string>& words, std::string_view word) {
  std::string* const last = words.empty() ? nullptr : &words.back();
  const bool behind_cipher = last != nullptr && (last->starts_with("aes") || *last == "3des");
  if (word == "cbc" && behind_cipher) return;
  if (last != nullptr && is_number(word) && (*last == "aes" || *last == "sha" || *last == "dh")) {
    *last += word;
  } else if (last != nullptr && is_number(word) && *last == "sha2") {
    *last = "sha" + std::string(word);
  } else if (word == "gcm" && behind_cipher) {
    *last += "gcm16";
  } else if (last != nullptr && *last == "hmac") {
    *last = word;
  } else if (word.starts_with("group") && (word.size() == 5 || is_number(word.substr(5)))) {
    words.push_back("dh" + std::string(word.substr(5)));
  } else {
    words.emplace_back(word);
  }
}

Tokens read_tokens(std::string_view text, std::string_view example) {
  constexpr std::size_t kTokensMax = 12;
  Tokens out;
  const std::string lowered = lower(text);
  std::string_view rest = lowered;
  std::vector<std::string> words;
  for (std::size_t i = 0;; ++i) {
    if (i == kTokensMax) {
      out.faults = {
          {quote(text) + " has too many words", "a proposal looks like " + quote(example)}};
      out.complete = false;
      return out;
    }
    const auto end = rest.find_first_of("-;");  // libreswan sets off the group with a semicolon
    append_word(words, rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  for (const std::string& word : words) read_token(word, out, example);
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
  if (tokens.cipher && tokens.cipher->alg == EspCipher::kAesGcm16) {
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
  if (tokens.hash && tokens.hash->icv96) {
    faults.push_back({"sha256_96 is a hash of ESP packets, not of IKE", "use sha256"});
  }
  if (!faults.empty()) return fail(std::move(faults));
  const auto alg = tokens.cipher->alg == EspCipher::k3desCbc ? crypto::IkeCipher::Alg::k3des
                                                             : crypto::IkeCipher::Alg::kAes;
  return IkeSuite{{tokens.cipher->bits, alg}, tokens.hash->alg, *tokens.group};
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
  const bool gcm = tokens.cipher && tokens.cipher->alg == EspCipher::kAesGcm16;
  if (gcm && tokens.hash) {
    faults.push_back({quote(text) + " names a hash, but AES-GCM needs none",
                      "write \"" + std::string(word_of(kCiphers, *tokens.cipher)) + "\""});
  }
  if (!gcm && !tokens.group) {
    require(tokens.hash.has_value(), tokens, text, "hash", "sha256", faults);
  }
  if (!faults.empty()) return fail(std::move(faults));
  EspSuite suite;
  suite.cipher = tokens.cipher->alg;
  suite.key_bits = tokens.cipher->bits;
  if (tokens.hash) {
    suite.integrity = tokens.hash->alg;
    suite.icv96 = tokens.hash->icv96;
  }
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
  const bool triple_des = suite.cipher.alg == crypto::IkeCipher::Alg::k3des;
  const Cipher cipher{triple_des ? EspCipher::k3desCbc : EspCipher::kAesCbc, suite.cipher.key_bits};
  return std::string(word_of(kCiphers, cipher)) + "-" +
         std::string(word_of(kHashes, Hash{suite.hash})) + "-" + to_text(suite.group);
}

std::string to_text(const EspSuite& suite) {
  std::string text(word_of(kCiphers, Cipher{suite.cipher, suite.key_bits}));
  if (suite.integrity) {
    text += "-" + std::string(word_of(kHashes, Hash{*suite.integrity, suite.icv96}));
  }
  return text;
}

std::string to_text(DhGroup group) { return std::string(word_of(kGroups, group)); }

std::span<const WeakChoice> weak_choices() { return kWeak; }

bool makes(const WeakChoice& weak, const IkeSuite& suite) {
  switch (weak.kind) {
    case WeakChoice::Kind::kGroup:
      return weak.group == suite.group;
    case WeakChoice::Kind::kCipher:
      return suite.cipher.alg == crypto::IkeCipher::Alg::k3des;
    case WeakChoice::Kind::kHash:
      return suite.hash == HashAlg::kMd5;
    case WeakChoice::Kind::kAggressivePsk:
      break;
  }
  return false;
}

bool makes(const WeakChoice& weak, const EspSuite& suite) {
  if (weak.kind == WeakChoice::Kind::kCipher) return suite.cipher == EspCipher::k3desCbc;
  return weak.kind == WeakChoice::Kind::kHash && suite.integrity == HashAlg::kMd5;
}

}  // namespace godwit::config
