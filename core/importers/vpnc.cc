// vpnc.conf: one directive a line, its name without regard to case, the first of each counts, and
// the value ends with the line (vpnc(8), "Configuration"). Older versions of vpnc proposed 3DES and
// MD5 unasked; newer ones want them named, and so does a profile.
#include <algorithm>
#include <array>

#include "core/importers/draft.h"
#include "core/importers/formats.h"
#include "core/importers/obfuscation.h"
#include "core/importers/old_suites.h"
#include "core/importers/text.h"

namespace godwit::importers {
namespace {

enum class Directive : std::uint8_t {
  kGateway,
  kId,
  kSecret,
  kHiddenSecret,
  kUser,
  kPassword,
  kHiddenPassword,
  kDomain,
  kInteractive,
  kVendor,
  kNatMode,
  kScript,
  kGroup,
  kPfs,
  kSingleDes,
  kWeakEncryption,
  kNoEncryption,
  kWeakAuthentication,
  kVersion,
  kInterface,
  kInterfaceMode,
  kMtu,
  kLocalAddress,
  kLocalPort,
  kUdpPort,
  kDpd,
  kAuthMode,
  kCaFile,
  kCaDir,
  kTarget,
  kHelper,
  kOfTheProcess,
};

struct Name {
  std::string_view text;
  Directive directive;
  bool has_value = true;
};

constexpr auto kNames = std::to_array<Name>({
    {"IPSec gateway", Directive::kGateway},
    {"IPSec ID", Directive::kId},
    {"IPSec secret", Directive::kSecret},
    {"IPSec obfuscated secret", Directive::kHiddenSecret},
    {"Xauth username", Directive::kUser},
    {"Xauth password", Directive::kPassword},
    {"Xauth obfuscated password", Directive::kHiddenPassword},
    {"Domain", Directive::kDomain},
    {"Xauth interactive", Directive::kInteractive, false},
    {"Vendor", Directive::kVendor},
    {"NAT Traversal Mode", Directive::kNatMode},
    {"Script", Directive::kScript},
    {"IKE DH Group", Directive::kGroup},
    {"Perfect Forward Secrecy", Directive::kPfs},
    {"Enable Single DES", Directive::kSingleDes, false},
    {"Enable weak encryption", Directive::kWeakEncryption, false},
    {"Enable no encryption", Directive::kNoEncryption, false},
    {"Enable weak authentication", Directive::kWeakAuthentication, false},
    {"Application version", Directive::kVersion},
    {"Interface name", Directive::kInterface},
    {"Interface mode", Directive::kInterfaceMode},
    {"Interface MTU", Directive::kMtu},
    {"Debug", Directive::kOfTheProcess},
    {"No Detach", Directive::kOfTheProcess, false},
    {"Pidfile", Directive::kOfTheProcess},
    {"Local Addr", Directive::kLocalAddress},
    {"Local Port", Directive::kLocalPort},
    {"Cisco UDP Encapsulation Port", Directive::kUdpPort},
    {"DPD idle timeout (our side)", Directive::kDpd},
    {"Noninteractive", Directive::kOfTheProcess, false},
    {"IKE Authmode", Directive::kAuthMode},
    {"CA-File", Directive::kCaFile},
    {"CA-Dir", Directive::kCaDir},
    {"IPSEC target network", Directive::kTarget},
    {"Password helper", Directive::kHelper},
});

// Only vpnc has these; words such as "Script" could begin a line of anything.
constexpr std::array kTelling{Directive::kGateway, Directive::kId, Directive::kSecret,
                              Directive::kHiddenSecret, Directive::kUser};

struct Setting {
  Directive directive;
  std::string_view value;
  Place place;
};

const Name* name_of(std::string_view line) {
  for (const Name& name : kNames) {
    if (!starts_with_word(line, name.text)) continue;
    const std::string_view rest = line.substr(name.text.size());
    if (!name.has_value || rest.empty() || rest.front() == ' ' || rest.front() == '\t') {
      return &name;
    }
  }
  return nullptr;
}

std::string_view value_of(const Name& name, std::string_view line) {
  return name.has_value ? unquote(trim(line.substr(name.text.size()))) : std::string_view();
}

// The value of the first line that says `directive`.
std::string_view find_value(std::string_view text, Directive directive) {
  Lines lines(text);
  while (const auto line = lines.next()) {
    const Name* name = name_of(line->text);
    if (name != nullptr && name->directive == directive) return value_of(*name, line->text);
  }
  return {};
}

class VpncReader {
 public:
  VpncReader(const Source& source, bool in_place) : draft_(source), in_place_(in_place) {}

  Result<Imported, Refusal> read() {
    draft_.text("mode", "aggressive", {});
    draft_.text("auth", "xauth-psk", {});
    collect();
    for (const Setting& setting : settings_) read_setting(setting);
    read_suites();
    if (hybrid_ && !draft_.has("ca-file")) {
      draft_.text("ca-file", draft_.path("-ca.pem"), auth_place_);
      draft_.remark(auth_place_, "needs the authority of the gateway's certificate",
                    "write it to " + draft_.path("-ca.pem"));
    }
    // Hybrid authentication has no key of the group.
    if (hybrid_) {
      draft_.forget("psk-file");
      draft_.forget("psk-source");
    }
    draft_.advise(
        "Gateways that want to know the client: application-version = \"Cisco Systems "
        "VPN Client 0.5.3:Linux\"");
    return draft_.finish(format_name(Format::kVpnc));
  }

 private:
  void collect() {
    Lines lines(draft_.source().text);
    while (const auto line = lines.next()) {
      if (line->text.empty() || line->text.front() == '#') continue;
      const Name* name = name_of(line->text);
      if (name == nullptr) {
        if (trim(line->text).empty()) continue;
        // The line is not repeated: a mistyped name may stand before a secret.
        draft_.remark({line->number, "this line"}, "is no directive of vpnc", "look at it");
        continue;
      }
      const bool first = std::none_of(settings_.begin(), settings_.end(), [&](const Setting& s) {
        return s.directive == name->directive && name->has_value;
      });
      if (!first && name->directive != Directive::kOfTheProcess) continue;
      const std::string_view value = value_of(*name, line->text);
      if (name->has_value && value.empty()) continue;
      settings_.push_back({name->directive, value, {line->number, std::string(name->text)}});
    }
  }

  void read_setting(const Setting& s) {
    switch (s.directive) {
      case Directive::kGateway:
        return draft_.text("gateway", s.value, s.place);
      case Directive::kId:
        draft_.text("id-type", "key-id", s.place);
        return draft_.text("id", s.value, s.place);
      case Directive::kSecret:
        return secret("psk", octets_of(s.value), s.place);
      case Directive::kPassword:
        return secret("password", octets_of(s.value), s.place);
      case Directive::kHiddenSecret:
      case Directive::kHiddenPassword:
        return hidden(s);
      case Directive::kUser:
        return draft_.text("user", s.value, s.place);
      case Directive::kDomain:
        return draft_.text("user-domain", s.value, s.place);
      case Directive::kInteractive:
        interactive_ = true;
        draft_.forget("password-source");
        draft_.forget("password-file");
        return draft_.text("password-source", "prompt", s.place);
      case Directive::kHelper:
        return helper(s);
      case Directive::kAuthMode:
        return auth_mode(s);
      case Directive::kCaFile:
        return draft_.text("ca-file", s.value, s.place);
      default:
        return read_network(s);
    }
  }

  void read_network(const Setting& s) {
    switch (s.directive) {
      case Directive::kNatMode:
        return nat_mode(s);
      case Directive::kScript:
        return script(s);
      case Directive::kVersion:
        return draft_.text("application-version", s.value, s.place);
      case Directive::kInterface:
        return draft_.text("interface", s.value, s.place);
      case Directive::kMtu:
        return draft_.raw("mtu", s.value, s.place);
      case Directive::kLocalPort:
        return draft_.raw("local-port", s.value, s.place);
      case Directive::kTarget:
        return target(s);
      case Directive::kDpd:
        return dpd(s);
      default:
        return read_rest(s);
    }
  }

  // What there is no key for.
  void read_rest(const Setting& s) {
    switch (s.directive) {
      case Directive::kVendor:
        if (same_word(s.value, "cisco")) return;
        return draft_.remark(s.place, "godwit knows a gateway's maker by its vendor ID");
      case Directive::kInterfaceMode:
        if (same_word(s.value, "tun")) return;
        return draft_.remark(s.place, "a tunnel device is always of the kind tun");
      case Directive::kLocalAddress:
        if (s.value == "0.0.0.0") return;
        return draft_.remark(s.place, "the route to the gateway decides the local address");
      case Directive::kUdpPort:
        if (s.value == "10000") return;
        return draft_.remark(s.place, "this is a port of the laptop's, which is chosen freely here",
                             "write cisco-udp-port when the gateway's is not 10000");
      case Directive::kCaDir:
        return draft_.remark(s.place, "a folder of authorities cannot be named",
                             "write the one of the gateway into ca-file");
      case Directive::kSingleDes:
      case Directive::kNoEncryption:
        return draft_.remark(s.place, "godwit has no such ciphers", "have the gateway use AES");
      case Directive::kOfTheProcess:
        return draft_.remark(s.place, "is about the process of vpnc and not about the tunnel");
      default:
        return;  // those of read_suites()
    }
  }

  void secret(std::string_view kind, Bytes octets, const Place& place) {
    if (kind == "password" && interactive_) return;
    const std::string key = std::string(kind) + "-file";
    if (draft_.has(key) || octets.empty()) return;
    if (in_place_) {
      draft_.text(std::string(kind) + "-source", "vpnc", place);
      draft_.text(key, draft_.source().stem, place);
    } else if (kind == "psk") {
      draft_.psk(octets, place);
    } else {
      draft_.password(octets, place);
    }
  }

  void hidden(const Setting& s) {
    const auto shown = reveal(s.value);
    if (!shown) {
      return draft_.remark(s.place, "is not what Cisco's obfuscation makes",
                           "it will be asked for; write it to a file otherwise");
    }
    secret(s.directive == Directive::kHiddenSecret ? "psk" : "password", shown->expose(), s.place);
  }

  void helper(const Setting& s) {
    if (s.value.starts_with('/')) return draft_.text("askpass", s.value, s.place);
    draft_.remark(s.place, "is a name of vpnc's and no path",
                  "write askpass = \"/path/to/program\"");
  }

  void auth_mode(const Setting& s) {
    if (same_word(s.value, "psk")) return;
    if (same_word(s.value, "hybrid")) {
      hybrid_ = true;
      auth_place_ = s.place;
      return draft_.text("auth", "hybrid", s.place);
    }
    draft_.remark(s.place, "vpnc itself knows psk and hybrid only",
                  "write auth = \"xauth-cert\" with cert-file and ca-file");
  }

  void nat_mode(const Setting& s) {
    for (const auto& [theirs, ours] :
         {std::pair("natt", "auto"), std::pair("none", "off"), std::pair("force-natt", "force"),
          std::pair("cisco-udp", "cisco-udp")}) {
      if (same_word(s.value, theirs)) return draft_.text("nat-traversal", ours, s.place);
    }
    draft_.remark(s.place, "is none of vpnc's modes", "look at nat-traversal");
  }

  // godwit runs no shell, and makes addresses, routes and DNS itself.
  void script(const Setting& s) {
    if (s.value.ends_with("/vpnc-script")) {
      return draft_.remark(s.place, "godwit itself makes addresses, routes and DNS");
    }
    if (s.value.find_first_of("$`|;&<>*?(){}~#") != s.value.npos) {
      return draft_.remark(s.place, "needs a shell, and godwit runs none",
                           "write it as a program, and script = \"/path/to/program\"");
    }
    draft_.text("script", s.value, s.place);
  }

  void target(const Setting& s) {
    if (s.value == "0.0.0.0/0.0.0.0" || s.value == "0.0.0.0/0") return;
    draft_.networks({std::string(s.value)}, s.place);
  }

  void dpd(const Setting& s) {
    const auto seconds = number_of(s.value);
    if (!seconds) return draft_.remark(s.place, "is no number", "look at dpd-delay");
    draft_.seconds("dpd-delay", *seconds, s.place);
  }

  const Setting* find(Directive directive) const {
    const auto at = std::find_if(settings_.begin(), settings_.end(),
                                 [&](const Setting& s) { return s.directive == directive; });
    return at == settings_.end() ? nullptr : &*at;
  }

  void read_suites() {
    const OldSuites suites{find(Directive::kWeakEncryption) != nullptr,
                           find(Directive::kWeakAuthentication) != nullptr};
    const Setting* group = find(Directive::kGroup);
    const Place place = group != nullptr ? group->place : Place{0, "IKE DH Group"};
    std::string name = group != nullptr ? group_of(group->value) : std::string("modp1024");
    if (name.empty()) {
      draft_.remark(place, "godwit does not offer this group", "use modp1024 or a longer one");
      name = "modp1024";
    }
    draft_.ike(ike_of(suites, name), place);
    draft_.esp(esp_of(suites), place);
    if (!suites.triple_des || !suites.md5) {
      draft_.advise("Gateways that know nothing better: ike = [\"3des-md5-" + name +
                    "\"], esp = [\"3des-md5\"], and both words in allow-weak");
    }
    const Setting* pfs = find(Directive::kPfs);
    if (pfs == nullptr || same_word(pfs->value, "server") || same_word(pfs->value, "nopfs")) return;
    draft_.pfs(pfs->value, pfs->place);
  }

  Draft draft_;
  bool in_place_;
  bool interactive_ = false;
  bool hybrid_ = false;
  Place auth_place_;
  std::vector<Setting> settings_;
};

std::optional<SecretBytes> secret_in(std::string_view text, Directive clear, Directive hidden) {
  const std::string_view value = find_value(text, clear);
  if (!value.empty()) return secret_of(value);
  return reveal(find_value(text, hidden));
}

}  // namespace

bool is_vpnc(std::string_view text) {
  Lines lines(text);
  while (const auto line = lines.next()) {
    const Name* name = name_of(line->text);
    if (name == nullptr || value_of(*name, line->text).empty()) continue;
    if (std::find(kTelling.begin(), kTelling.end(), name->directive) != kTelling.end()) return true;
  }
  return false;
}

Result<Imported, Refusal> import_vpnc(const Source& source) {
  return VpncReader(source, false).read();
}

Result<Imported, Refusal> read_vpnc_in_place(std::string_view text, const std::string& path) {
  return VpncReader({text, path, path}, true).read();
}

std::optional<SecretBytes> vpnc_group_secret(std::string_view text) {
  const auto secret = secret_in(text, Directive::kSecret, Directive::kHiddenSecret);
  if (!secret || secret->empty()) return std::nullopt;
  return written_psk(secret->expose());
}

std::optional<SecretBytes> vpnc_user_password(std::string_view text) {
  auto secret = secret_in(text, Directive::kPassword, Directive::kHiddenPassword);
  if (!secret || secret->empty()) return std::nullopt;
  return secret;
}

}  // namespace godwit::importers
