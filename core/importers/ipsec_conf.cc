// ipsec.conf of strongSwan or Libreswan, with ipsec.secrets beside it: a conn section of IKEv1, its
// also= sections and %default (ipsec.conf(5)). Of left and right one is this machine.
#include <algorithm>
#include <array>

#include "core/importers/draft.h"
#include "core/importers/formats.h"
#include "core/importers/names.h"
#include "core/importers/strongswan.h"
#include "core/importers/text.h"

namespace godwit::importers {
namespace {

struct Setting {
  std::string key;  // in small letters
  std::string_view value;
  int line = 0;
};

struct Section {
  std::string name;
  int line = 0;
  std::vector<Setting> settings;

  const Setting* find(std::string_view key) const {
    const auto at = std::find_if(settings.begin(), settings.end(),
                                 [&](const Setting& one) { return one.key == key; });
    return at == settings.end() ? nullptr : &*at;
  }
};

std::string_view without_comment(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == '#' && !quoted && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
      return line.substr(0, i);
    }
  }
  return line;
}

// The conn sections; others, such as config setup, are not about a connection.
std::vector<Section> read_sections(std::string_view text) {
  std::vector<Section> out;
  Lines lines(text);
  bool in_conn = false;
  while (const auto line = lines.next()) {
    const std::string_view shown = without_comment(line->text);
    std::string_view words = trim(shown);
    if (words.empty()) continue;
    if (shown.front() != ' ' && shown.front() != '\t') {
      in_conn = take_part(words, " \t") == "conn" && !trim(words).empty();
      if (in_conn) out.push_back({std::string(trim(words)), line->number, {}});
      continue;
    }
    const auto equals = words.find('=');
    if (!in_conn || equals == words.npos) continue;
    out.back().settings.push_back({lower(trim(words.substr(0, equals))),
                                   unquote(trim(words.substr(equals + 1))), line->number});
  }
  return out;
}

const Section* section_of(const std::vector<Section>& sections, std::string_view name) {
  const auto at = std::find_if(sections.begin(), sections.end(),
                               [&](const Section& one) { return one.name == name; });
  return at == sections.end() ? nullptr : &*at;
}

// The settings of a section, then those of its also= sections, then %default's: the first counts.
void gather(const std::vector<Section>& sections, const Section& section, int depth,
            Section& into) {
  for (const Setting& one : section.settings) {
    if (one.key != "also" && into.find(one.key) == nullptr) into.settings.push_back(one);
  }
  for (const Setting& one : section.settings) {
    const Section* also = one.key == "also" ? section_of(sections, one.value) : nullptr;
    if (also != nullptr && depth < 4) gather(sections, *also, depth + 1, into);
  }
}

// One line of ipsec.secrets: who it is for, what it is, and the rest.
struct Secret {
  std::vector<std::string> ids;
  std::string kind;  // in small letters
  std::string_view value;
  std::string_view more;  // a passphrase behind a file
  int line = 0;
};

std::string_view take_word(std::string_view& text) {
  text = trim(text);
  if (text.starts_with('"')) {
    const auto end = std::min(text.find('"', 1), text.size() - 1);
    const std::string_view word = text.substr(1, end - (end == 0 ? 0 : 1));
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
  }
  return take_part(text, " \t");
}

std::vector<Secret> read_secrets(std::string_view text) {
  std::vector<Secret> out;
  Lines lines(text);
  while (const auto line = lines.next()) {
    std::string_view words = trim(without_comment(line->text));
    // The colon stands by itself, for there are some in IPv6 addresses.
    auto colon = words.starts_with(':') ? 0 : words.find(" :");
    if (colon == words.npos) colon = words.find("\t:");
    if (colon == words.npos) continue;
    Secret secret;
    secret.line = line->number;
    std::string_view ids = words.substr(0, colon);
    while (!trim(ids).empty()) {
      std::string_view id = take_word(ids);
      while (id.starts_with('@')) id.remove_prefix(1);
      secret.ids.emplace_back(id);
    }
    words.remove_prefix(words.find(':', colon) + 1);
    secret.kind = lower(take_word(words));
    secret.value = take_word(words);
    secret.more = take_word(words);
    out.push_back(std::move(secret));
  }
  return out;
}

// Settings without a counterpart that nobody would miss, and those that are read by name below.
constexpr std::array<std::string_view, 36> kQuiet = {
    "auto",           "keyexchange", "ikev2",         "aggressive",  "aggrmode",
    "authby",         "ike",         "esp",           "phase2alg",   "phase2",
    "ikelifetime",    "lifetime",    "keylife",       "salifetime",  "dpddelay",
    "dpdtimeout",     "dpdaction",   "fragmentation", "forceencaps", "encapsulation",
    "modeconfig",     "type",        "rekey",         "reauth",      "keyingtries",
    "margintime",     "rekeymargin", "rekeyfuzz",     "mobike",      "installpolicy",
    "xauth_identity", "xauth",       "pfs",           "pfsgroup",    "closeaction",
    "initial-contact"};
constexpr std::array<std::string_view, 18> kQuietOfSide = {"",
                                                           "id",
                                                           "auth",
                                                           "auth2",
                                                           "cert",
                                                           "subnet",
                                                           "sourceip",
                                                           "sendcert",
                                                           "firewall",
                                                           "hostaccess",
                                                           "protoport",
                                                           "nexthop",
                                                           "ca",
                                                           "modecfgclient",
                                                           "modecfgserver",
                                                           "xauthclient",
                                                           "xauthserver",
                                                           "username"};

template <class Keys>
bool is_in(const Keys& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

class IpsecReader {
 public:
  IpsecReader(const Source& source, Section section)
      : draft_(source), section_(std::move(section)), secrets_(read_secrets(source.secrets)) {}

  Result<Imported, Refusal> read() {
    const Setting* exchange = section_.find("keyexchange");
    const Setting* ikev2 = section_.find("ikev2");
    if ((exchange != nullptr && exchange->value == "ikev2") ||
        (ikev2 != nullptr && (ikev2->value == "insist" || is_yes(ikev2->value)))) {
      return fail(draft_.refusal((exchange != nullptr ? exchange : ikev2)->line,
                                 "this connection is of IKEv2",
                                 "godwit speaks IKEv1; ask whether the gateway does"));
    }
    find_sides();
    if (!draft_.has("gateway")) {
      return fail(draft_.refusal(section_.line, "neither left nor right names a gateway",
                                 "is this the gateway's own configuration?"));
    }
    read_proofs();
    read_exchange();
    read_inside();
    read_secret();
    for (const Setting& one : section_.settings) remark_unknown(one);
    return draft_.finish(format_name(Format::kIpsecConf));
  }

 private:
  static bool is_yes(std::string_view value) { return value == "yes" || value == "true"; }
  static bool is_host(std::string_view value) {
    return !value.empty() && !value.starts_with('%') && value != "0.0.0.0";
  }

  template <class Use>
  void with(std::string_view key, Use use) {
    const Setting* const one = section_.find(key);
    if (one != nullptr && !one->value.empty()) use(one->value, Place{one->line, one->key});
  }
  std::string ours(std::string_view key) const { return ours_ + std::string(key); }
  std::string theirs(std::string_view key) const { return theirs_ + std::string(key); }

  // strongSwan: left is this machine, unless only right could be.
  void find_sides() {
    const Setting* left = section_.find("left");
    const Setting* right = section_.find("right");
    const bool swapped =
        left != nullptr && is_host(left->value) && (right == nullptr || !is_host(right->value));
    ours_ = swapped ? "right" : "left";
    theirs_ = swapped ? "left" : "right";
    with(theirs_, [&](std::string_view value, const Place& place) {
      if (is_host(value)) draft_.text("gateway", value, place);
    });
    with(ours("id"), [&](std::string_view value, const Place& place) {
      strongswan_id(draft_, "id", value, place);
    });
    with(theirs("id"), [&](std::string_view value, const Place& place) {
      strongswan_id(draft_, "remote-id", value, place);
    });
  }

  void read_proofs() {
    Proofs proofs;
    Place where{section_.line, "authby"};
    with("authby", [&](std::string_view value, const Place& place) {
      where = place;
      if (value == "xauthpsk" || value == "xauthrsasig") proofs.xauth = true;
      std::string_view word = value;
      if (word.starts_with("xauth")) word.remove_prefix(5);
      add_proof(proofs, word, true);
      add_proof(proofs, word, false);
    });
    for (const std::string_view key : {"auth", "auth2"}) {
      with(ours(key), [&](std::string_view value, const Place& place) {
        where = place;
        add_proof(proofs, value, true);
      });
      with(theirs(key),
           [&](std::string_view value, const Place&) { add_proof(proofs, value, false); });
    }
    with(ours("xauthclient"), [&](std::string_view value, const Place&) {
      proofs.xauth = proofs.xauth || is_yes(value);
    });
    const std::string auth(auth_of(proofs));
    draft_.text("auth", auth, where);
    if (proofs.xauth) {
      with("xauth_identity",
           [&](std::string_view value, const Place& place) { draft_.text("user", value, place); });
      with(ours("username"),
           [&](std::string_view value, const Place& place) { draft_.text("user", value, place); });
    }
    if (auth == "cert" || auth == "xauth-cert") read_certificate(where);
    if (auth != "psk" && auth != "xauth-psk") read_authority(where);
  }

  void need(std::string_view key, std::string_view ending, const Place& place) {
    draft_.text(key, draft_.path(ending), place);
    draft_.remark(place, "this file is found by itself there, and a profile names it",
                  "put it into " + draft_.path(ending));
  }

  void read_certificate(const Place& where) {
    with(ours("cert"), [&](std::string_view value, const Place& place) {
      if (!value.starts_with('%')) {
        draft_.text("cert-file", in_folder(value, "/etc/ipsec.d/certs"), place);
      }
    });
    if (!draft_.has("cert-file")) need("cert-file", "-cert.pem", where);
    for (const Secret& one : secrets_) {
      const bool bundle = one.kind == "p12";
      if (!bundle && one.kind != "rsa" && one.kind != "ecdsa" && one.kind != "pkcs8") continue;
      const Place place{0, "ipsec.secrets"};
      draft_.text(bundle ? "cert-file" : "key-file", in_folder(one.value, "/etc/ipsec.d/private"),
                  place);
      draft_.companion("key-passphrase-file", ".passphrase", secret_of(one.more), place);
      if (bundle || draft_.has("key-file")) return;
    }
    need("key-file", "-key.pem", where);
  }

  void read_authority(const Place& where) {
    with(theirs("cert"), [&](std::string_view value, const Place& place) {
      draft_.text("gateway-cert-file", in_folder(value, "/etc/ipsec.d/certs"), place);
    });
    if (!draft_.has("gateway-cert-file")) need("ca-file", "-ca.pem", where);
  }

  void read_exchange() {
    for (const std::string_view key : {"aggressive", "aggrmode"}) {
      with(key, [&](std::string_view value, const Place& place) {
        if (is_yes(value)) draft_.text("mode", "aggressive", place);
      });
    }
    with("ike",
         [&](std::string_view value, const Place& place) { strongswan_ike(draft_, value, place); });
    for (const std::string_view key : {"phase2alg", "esp"}) {
      with(key, [&](std::string_view value, const Place& place) {
        strongswan_esp(draft_, value, place);
      });
    }
    with("pfsgroup", [&](std::string_view value, const Place& place) { draft_.pfs(value, place); });
    with("ikelifetime", [&](std::string_view value, const Place& place) {
      strongswan_time(draft_, "ike-lifetime", value, place);
    });
    for (const std::string_view key : {"keylife", "salifetime", "lifetime"}) {
      with(key, [&](std::string_view value, const Place& place) {
        strongswan_time(draft_, "esp-lifetime", value, place);
      });
    }
    with("dpddelay", [&](std::string_view value, const Place& place) {
      strongswan_time(draft_, "dpd-delay", value, place);
    });
    for (const std::string_view key : {"forceencaps", "encapsulation"}) {
      with(key, [&](std::string_view value, const Place& place) {
        if (is_yes(value)) draft_.text("nat-traversal", "force", place);
      });
    }
    with("fragmentation", [&](std::string_view value, const Place& place) {
      if (value == "no") draft_.text("fragmentation", "off", place);
      if (value == "force") draft_.text("fragmentation", "always", place);
    });
  }

  void read_inside() {
    bool l2tp = false;
    with("type", [&](std::string_view value, const Place& place) {
      l2tp = value == "transport";
      if (l2tp) draft_.raw("l2tp", "true", place);
    });
    if (l2tp) return;
    with("modeconfig", [&](std::string_view value, const Place& place) {
      if (value == "push") draft_.text("mode-config", "push", place);
    });
    with(theirs("subnet"), [&](std::string_view value, const Place& place) {
      draft_.networks(list_of(value), place);
    });
    if (section_.find(ours("sourceip")) == nullptr &&
        section_.find(ours("modecfgclient")) == nullptr) {
      draft_.remark({section_.line, ours("sourceip")},
                    "is absent, but an inner address is asked for",
                    "write mode-config = \"off\" and address if the gateway gives none");
    }
  }

  const Secret* best(std::string_view kind, const std::vector<std::string>& wanted) const {
    const Secret* found = nullptr;
    for (const Secret& one : secrets_) {
      if (one.kind != kind) continue;
      const bool named = std::any_of(one.ids.begin(), one.ids.end(), [&](const auto& id) {
        return std::find(wanted.begin(), wanted.end(), id) != wanted.end();
      });
      const bool any = std::all_of(one.ids.begin(), one.ids.end(),
                                   [](const auto& id) { return id.starts_with('%'); });
      if (named) return &one;
      if (any && found == nullptr) found = &one;
    }
    return found;
  }

  void read_secret() {
    const std::string auth = draft_.value("auth");
    const bool psk = auth == "psk" || auth == "xauth-psk";
    if (psk) {
      const Secret* one =
          best("psk", {draft_.value("id"), draft_.value("remote-id"), draft_.value("gateway")});
      // 0x and 0s mean there what they mean in psk-file.
      if (one != nullptr) {
        draft_.companion("psk-file", ".psk", secret_of(one->value), {0, "ipsec.secrets"});
      } else {
        draft_.remark({0, "ipsec.secrets"}, "no PSK for this connection stands beside this file",
                      "write it to a file and name that as psk-file, or type it at each connect");
      }
    }
    if (!auth.starts_with("xauth") && auth != "hybrid") return;
    const std::string user = draft_.value("user");
    const Secret* one = user.empty() ? nullptr : best("xauth", {user});
    if (user.empty()) {
      for (const Secret& each : secrets_) {
        if (each.kind == "xauth" && each.ids.size() == 1 && one == nullptr) one = &each;
      }
    }
    if (one == nullptr) return;
    draft_.password(octets_of(one->value), {0, "ipsec.secrets"});
    if (user.empty() && !one->ids.empty()) {
      draft_.text("user", one->ids.front(), {0, "ipsec.secrets"});
    }
  }

  void remark_unknown(const Setting& one) {
    std::string_view key = one.key;
    if (is_in(kQuiet, key)) return;
    for (const std::string_view side : {"left", "right"}) {
      if (!key.starts_with(side)) continue;
      if (is_in(kQuietOfSide, key.substr(side.size()))) return;
    }
    draft_.remark({one.line, one.key}, "has no counterpart here", "look at it");
  }

  Draft draft_;
  Section section_;
  std::vector<Secret> secrets_;
  std::string ours_ = "left";
  std::string theirs_ = "right";
};

}  // namespace

bool is_ipsec_conf(std::string_view text) {
  Lines lines(text);
  while (const auto line = lines.next()) {
    std::string_view words = line->text;
    if (words.starts_with("conn ") || words.starts_with("conn\t")) return true;
  }
  return false;
}

Result<Imported, Refusal> import_ipsec_conf(const Source& source) {
  const std::vector<Section> sections = read_sections(source.text);
  std::vector<std::string> names;
  for (const Section& one : sections) {
    if (one.name != "%default") names.push_back(one.name);
  }
  const std::size_t chosen = GODWIT_TRY(choose(names, source));
  const Section& wanted = *section_of(sections, names[chosen]);
  Section whole{wanted.name, wanted.line, {}};
  gather(sections, wanted, 0, whole);
  if (const Section* rest = section_of(sections, "%default")) gather(sections, *rest, 0, whole);
  return IpsecReader(source, std::move(whole)).read();
}

}  // namespace godwit::importers
