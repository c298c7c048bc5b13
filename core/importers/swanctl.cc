// swanctl.conf of a strongSwan that is the client: a connection of IKEv1, one of its children, and
// the secrets that belong to it (swanctl.conf(5)).
#include <algorithm>
#include <array>

#include "core/importers/draft.h"
#include "core/importers/formats.h"
#include "core/importers/names.h"
#include "core/importers/settings_tree.h"
#include "core/importers/strongswan.h"
#include "core/importers/text.h"

namespace godwit::importers {
namespace {

// Settings that are said or done otherwise here, without anybody missing them.
constexpr std::array<std::string_view, 24> kQuiet = {
    "version",     "remote_addrs",  "proposals",   "aggressive",  "pull",          "dpd_delay",
    "encap",       "fragmentation", "rekey_time",  "reauth_time", "over_time",     "vips",
    "mobike",      "keyingtries",   "unique",      "send_cert",   "send_certreq",  "local_port",
    "remote_port", "rand_time",     "dpd_timeout", "dscp",        "esp_proposals", "start_action"};
constexpr std::array<std::string_view, 10> kQuietOfChild = {
    "remote_ts", "local_ts",     "esp_proposals", "rekey_time", "life_time",
    "mode",      "start_action", "close_action",  "dpd_action", "rand_time"};

template <class Keys>
bool is_in(const Keys& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

class SwanctlReader {
 public:
  SwanctlReader(const Source& source, const SettingsTree& tree, const TreeSection& connection)
      : draft_(source), tree_(tree), connection_(connection) {}

  Result<Imported, Refusal> read() {
    if (const TreeSetting* version = find("version"); version != nullptr) {
      if (version->value == "2") {
        return fail(draft_.refusal(version->line, "this connection is of IKEv2",
                                   "godwit speaks IKEv1; ask whether the gateway does"));
      }
    }
    read_gateway();
    if (!draft_.has("gateway")) {
      return fail(draft_.refusal(connection_.line, "remote_addrs names no gateway",
                                 "is this the gateway's own configuration?"));
    }
    read_proofs();
    read_phase1();
    read_child();
    read_secrets();
    for (const TreeSetting& one : connection_.settings) {
      if (!is_in(kQuiet, one.key)) {
        draft_.remark({one.line, one.key}, "has no counterpart here", "look at it");
      }
    }
    for (const TreeSetting& one : tree_.includes()) {
      draft_.remark({one.line, "include"}, "other files are not read",
                    "put what belongs to the connection into this one");
    }
    return draft_.finish(format_name(Format::kSwanctl));
  }

 private:
  const TreeSetting* find(std::string_view key) const { return tree_.find(connection_, key); }

  // Calls `use` with the value and its place when there is one.
  template <class Use>
  void with(const TreeSection& section, std::string_view key, Use use) {
    const TreeSetting* const one = tree_.find(section, key);
    if (one != nullptr && !one->value.empty()) use(one->value, Place{one->line, one->key});
  }

  void read_gateway() {
    with(connection_, "remote_addrs", [&](std::string_view value, const Place& place) {
      auto hosts = list_of(value);
      std::erase_if(hosts, [](const std::string& host) {
        return host.starts_with('%') || host.find('/') != host.npos;
      });
      if (hosts.empty()) return;
      draft_.text("gateway", hosts.front(), place);
      hosts.erase(hosts.begin());
      draft_.hosts("backup-gateways", std::move(hosts), place);
    });
    with(connection_, "remote_port", [&](std::string_view value, const Place& place) {
      if (value != "500") draft_.raw("gateway-port", value, place);
    });
    with(connection_, "local_port", [&](std::string_view value, const Place& place) {
      if (value != "500") draft_.raw("local-port", value, place);
    });
  }

  void read_proofs() {
    Proofs proofs;
    Place where{connection_.line, "auth"};
    for (const TreeSection& one : connection_.sections) {
      const bool ours = one.name.starts_with("local");
      if (!ours && !one.name.starts_with("remote")) continue;
      with(one, "auth", [&](std::string_view value, const Place& place) {
        add_proof(proofs, value, ours);
        if (ours) where = place;
      });
      read_round(one, ours);
    }
    const auto auth = auth_of(proofs);
    draft_.text("auth", auth, where);
    if (!auth.starts_with("xauth") && auth != "hybrid") draft_.forget("user");
    if (auth == "psk" || auth == "xauth-psk") {
      draft_.forget("ca-file");
      draft_.forget("gateway-cert-file");
    } else {
      need("ca-file", "-ca.pem", where, draft_.has("gateway-cert-file"));
    }
    if (auth != "cert" && auth != "xauth-cert") draft_.forget("cert-file");
    if (draft_.value("auth") == "cert" || draft_.value("auth") == "xauth-cert") {
      need("cert-file", "-cert.pem", where, false);
    }
  }

  void need(std::string_view key, std::string_view ending, const Place& place, bool otherwise) {
    if (draft_.has(key) || otherwise) return;
    draft_.text(key, draft_.path(ending), place);
    draft_.remark(place, "strongSwan looks for this file itself, and a profile names it",
                  "put it into " + draft_.path(ending));
  }

  void read_round(const TreeSection& round, bool ours) {
    with(round, "id", [&](std::string_view value, const Place& place) {
      strongswan_id(draft_, ours ? "id" : "remote-id", value, place);
    });
    with(round, "xauth_id", [&](std::string_view value, const Place& place) {
      if (ours) draft_.text("user", value, place);
    });
    with(round, "certs", [&](std::string_view value, const Place& place) {
      draft_.text(ours ? "cert-file" : "gateway-cert-file",
                  in_folder(list_of(value).front(), "/etc/swanctl/x509"), place);
    });
    with(round, "cacerts", [&](std::string_view value, const Place& place) {
      if (!ours) {
        draft_.text("ca-file", in_folder(list_of(value).front(), "/etc/swanctl/x509ca"), place);
      }
    });
    with(round, "revocation", [&](std::string_view value, const Place& place) {
      if (value != "relaxed") draft_.text("revocation", value, place);
    });
  }

  static bool is_yes(std::string_view value) {
    return value == "yes" || value == "true" || value == "1" || value == "enabled";
  }

  void read_phase1() {
    with(connection_, "aggressive", [&](std::string_view value, const Place& place) {
      if (is_yes(value)) draft_.text("mode", "aggressive", place);
    });
    with(connection_, "proposals",
         [&](std::string_view value, const Place& place) { strongswan_ike(draft_, value, place); });
    with(connection_, "encap", [&](std::string_view value, const Place& place) {
      if (is_yes(value)) draft_.text("nat-traversal", "force", place);
    });
    with(connection_, "fragmentation", [&](std::string_view value, const Place& place) {
      if (value == "no") draft_.text("fragmentation", "off", place);
      if (value == "force") draft_.text("fragmentation", "always", place);
    });
    with(connection_, "dpd_delay", [&](std::string_view value, const Place& place) {
      strongswan_time(draft_, "dpd-delay", value, place);
    });
    for (const std::string_view key : {"rekey_time", "reauth_time"}) {
      with(connection_, key, [&](std::string_view value, const Place& place) {
        strongswan_time(draft_, "ike-lifetime", value, place);
      });
    }
    with(connection_, "pull", [&](std::string_view value, const Place& place) {
      if (!is_yes(value)) draft_.text("mode-config", "push", place);
    });
    if (find("vips") == nullptr) {
      draft_.remark({connection_.line, "vips"}, "is absent, but an inner address is asked for",
                    "write mode-config = \"off\" and address if the gateway gives none");
    }
  }

  // The first one; a profile has one set of networks.
  void read_child() {
    const TreeSection* const children = connection_.section("children");
    if (children == nullptr || children->sections.empty()) return;
    const TreeSection& child = children->sections.front();
    for (std::size_t i = 1; i < children->sections.size(); ++i) {
      const TreeSection& other = children->sections[i];
      draft_.remark({other.line, other.name}, "only the first child is imported",
                    "add its remote_ts to networks");
    }
    with(child, "esp_proposals",
         [&](std::string_view value, const Place& place) { strongswan_esp(draft_, value, place); });
    bool l2tp = false;
    with(child, "mode", [&](std::string_view value, const Place& place) {
      l2tp = value == "transport";
      if (l2tp) draft_.raw("l2tp", "true", place);
    });
    with(child, "remote_ts", [&](std::string_view value, const Place& place) {
      if (!l2tp) draft_.networks(list_of(value), place);
    });
    if (l2tp) draft_.forget("mode-config");
    for (const std::string_view key : {"rekey_time", "life_time"}) {
      with(child, key, [&](std::string_view value, const Place& place) {
        strongswan_time(draft_, "esp-lifetime", value, place);
      });
    }
    for (const TreeSetting& one : child.settings) {
      if (!is_in(kQuietOfChild, one.key)) {
        draft_.remark({one.line, one.key}, "has no counterpart here", "look at it");
      }
    }
  }

  // How well a secret's identities fit: 2 one of them is ours or the gateway's, 1 it has none.
  int fit(const TreeSection& secret, const std::vector<std::string>& wanted) const {
    bool named = false;
    for (const TreeSetting& one : secret.settings) {
      if (!one.key.starts_with("id")) continue;
      named = true;
      std::string_view id = one.value;
      if (id.starts_with("keyid:")) id.remove_prefix(6);
      if (id.starts_with("@")) id.remove_prefix(1);
      if (std::find(wanted.begin(), wanted.end(), id) != wanted.end()) return 2;
    }
    return named ? 0 : 1;
  }

  const TreeSection* best(std::string_view kind, const std::vector<std::string>& wanted) const {
    const TreeSection* const secrets = tree_.root().section("secrets");
    const TreeSection* found = nullptr;
    int found_fit = 0;
    if (secrets == nullptr) return nullptr;
    for (const TreeSection& one : secrets->sections) {
      if (!one.name.starts_with(kind)) continue;
      const int now = fit(one, wanted);
      if (now > found_fit) {
        found = &one;
        found_fit = now;
      }
    }
    return found;
  }

  void read_secrets() {
    const std::string auth = draft_.value("auth");
    const std::vector<std::string> ids = {draft_.value("id"), draft_.value("remote-id"),
                                          draft_.value("gateway")};
    if (auth == "psk" || auth == "xauth-psk") {
      if (const TreeSection* ike = best("ike", ids)) {
        // 0x and 0s mean in strongSwan what they mean in psk-file.
        with(*ike, "secret", [&](std::string_view value, const Place& place) {
          draft_.companion("psk-file", ".psk", secret_of(value), place);
        });
      }
    }
    if (auth.starts_with("xauth") || auth == "hybrid") read_password();
    if (auth == "cert" || auth == "xauth-cert") read_key();
  }

  void read_password() {
    for (const std::string_view kind : {"xauth", "eap"}) {
      const std::string user = draft_.value("user");
      const TreeSection* one = best(kind, {user});
      const TreeSection* const all = tree_.root().section("secrets");
      // Whoever has one account only did not have to name it.
      if (one == nullptr && user.empty() && all != nullptr) {
        for (const TreeSection& any : all->sections) {
          if (any.name.starts_with(kind) && one == nullptr) one = &any;
        }
      }
      if (one == nullptr || draft_.has("password-file")) continue;
      with(*one, "secret", [&](std::string_view value, const Place& place) {
        draft_.password(octets_of(value), place);
      });
      if (!user.empty()) continue;
      with(*one, "id",
           [&](std::string_view value, const Place& place) { draft_.text("user", value, place); });
    }
  }

  void read_key() {
    const TreeSection* const secrets = tree_.root().section("secrets");
    if (secrets == nullptr) return need_key();
    for (const TreeSection& one : secrets->sections) {
      const bool bundle = one.name.starts_with("pkcs12");
      const bool key = one.name.starts_with("private") || one.name.starts_with("rsa") ||
                       one.name.starts_with("ecdsa") || one.name.starts_with("pkcs8");
      if (!bundle && !key) continue;
      with(one, "file", [&](std::string_view value, const Place& place) {
        draft_.text(bundle ? "cert-file" : "key-file",
                    in_folder(value, bundle ? "/etc/swanctl/pkcs12" : "/etc/swanctl/private"),
                    place);
      });
      with(one, "secret", [&](std::string_view value, const Place& place) {
        draft_.companion("key-passphrase-file", ".passphrase", secret_of(value), place);
      });
      return need_key();
    }
    need_key();
  }

  void need_key() {
    const std::string certificate = draft_.value("cert-file");
    const bool bundle = certificate.ends_with(".p12") || certificate.ends_with(".pfx");
    need("key-file", "-key.pem", {connection_.line, "certs"}, bundle);
  }

  Draft draft_;
  const SettingsTree& tree_;
  const TreeSection& connection_;
};

}  // namespace

bool is_swanctl(std::string_view text) {
  Lines lines(text);
  while (const auto line = lines.next()) {
    std::string_view one = trim(line->text);
    if (!one.starts_with("connections")) continue;
    one.remove_prefix(std::string_view("connections").size());
    one = trim(one);
    if (one.empty() || one.starts_with("{")) return true;
  }
  return false;
}

Result<Imported, Refusal> import_swanctl(const Source& source) {
  const auto tree = SettingsTree::parse(source.text);
  if (!tree) {
    return fail(Draft(source).refusal(tree.error().line, tree.error().message,
                                      "`swanctl --load-all` tells more"));
  }
  std::vector<std::string> names;
  const TreeSection* const connections = tree->root().section("connections");
  if (connections != nullptr) {
    for (const TreeSection& one : connections->sections) names.push_back(one.name);
  }
  const std::size_t chosen = GODWIT_TRY(choose(names, source));
  return SwanctlReader(source, *tree, connections->sections[chosen]).read();
}

}  // namespace godwit::importers
