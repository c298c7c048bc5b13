// The profiles of Cisco's VPN client (*.pcf): an INI file with one section, [main]. A ! before a
// key only says that the user may not change it (VPN Client Administrator Guide, chapter 2).
#include <algorithm>
#include <array>

#include "core/importers/draft.h"
#include "core/importers/formats.h"
#include "core/importers/obfuscation.h"
#include "core/importers/old_suites.h"
#include "core/importers/text.h"

namespace godwit::importers {
namespace {

struct Unknown {
  std::string_view key;
  std::string_view empty;  // the value that asks for nothing, beside none at all
  std::string_view why;
  std::string_view remedy;
};

// Keys that have no counterpart. Those that are not here either are told as unknown.
constexpr std::string_view kDialUp = "dialling in before the tunnel is not godwit's business";
constexpr std::string_view kWindows = "is about signing in to Windows";
constexpr std::string_view kCisco = "certificates of Cisco's and Windows' stores stay there";
constexpr std::string_view kExport = "export them as office.p12 and name that as cert-file";

constexpr auto kUnknown = std::to_array<Unknown>({
    {"enableispconnect", "0", kDialUp, ""},
    {"ispconnecttype", "0", "", ""},
    {"ispconnect", "", kDialUp, ""},
    {"ispphonebook", "", kDialUp, ""},
    {"ispcommand", "", kDialUp, ""},
    {"enablemslogon", "1", kWindows, ""},
    {"mslogontype", "0", kWindows, ""},
    {"tcptunnelingport", "10000", "", ""},
    {"certstore", "0", kCisco, kExport},
    {"certname", "", kCisco, kExport},
    {"certpath", "", kCisco, kExport},
    {"certsubjectname", "", kCisco, kExport},
    {"certserialhash", "00000000000000000000000000000000", kCisco, kExport},
    {"sendcertchain", "0", "what leads from our certificate to its authority is always sent", ""},
    {"verifycertdn", "", "a gateway is known by its name or by its key, not by a subject",
     "write remote-id or gateway-cert-pin"},
    {"peertimeout", "90", "godwit asks by a measure of its own whether the gateway lives",
     "look at dpd-delay and dpd-attempts"},
    {"radiussdi", "0", "codes of SecurID are asked for when the gateway does", ""},
    {"sdiusehardwaretoken", "0", "codes of SecurID are asked for when the gateway does", ""},
    {"enablesplitdns", "1", "names of the gateway's domains are always looked up there", ""},
    {"uselegacyikeport", "1", "", ""},
    {"forcenetlogin", "0", kWindows, ""},
    {"forcekeepalives", "0", "keepalives are sent whenever there is a NAT", ""},
    {"saveuserpassword", "0", "", ""},
    {"description", "", "", ""},
});

class PcfReader {
 public:
  explicit PcfReader(const Source& source) : draft_(source) {}

  Result<Imported, Refusal> read() {
    collect();
    draft_.text("mode", "aggressive", {});
    read_gateways();
    read_auth();
    read_user();
    read_tunnel();
    for (const Unknown& unknown : kUnknown) {
      const Setting s = take(lower(unknown.key));
      if (s.value.empty() || s.value == unknown.empty || unknown.why.empty()) continue;
      draft_.remark(s.place, std::string(unknown.why), std::string(unknown.remedy));
    }
    for (const Setting& s : settings_) {
      if (!s.value.empty()) draft_.remark(s.place, "godwit does not know this key", "look at it");
    }
    return draft_.finish(format_name(Format::kPcf));
  }

 private:
  struct Setting {
    std::string key;  // in small letters
    std::string_view value;
    Place place;
  };

  void collect() {
    Lines lines(draft_.source().text);
    bool in_main = false;
    while (const auto line = lines.next()) {
      std::string_view text = trim(line->text);
      if (text.starts_with("[")) in_main = same_word(text, "[main]");
      while (text.starts_with("!")) text.remove_prefix(1);
      const auto equals = text.find('=');
      if (!in_main || equals == text.npos || text.starts_with(";")) continue;
      const std::string_view key = trim(text.substr(0, equals));
      settings_.push_back(
          {lower(key), trim(text.substr(equals + 1)), {line->number, std::string(key)}});
    }
  }

  // The last setting of a key, as Windows reads it; nobody looks at it again.
  Setting take(std::string_view key) {
    Setting found;
    for (const Setting& s : settings_) {
      if (s.key == key) found = s;
    }
    std::erase_if(settings_, [&](const Setting& s) { return s.key == key; });
    return found;
  }

  void read_gateways() {
    const Setting host = take("host");
    draft_.text("gateway", host.value, host.place);
    const bool enabled = take("enablebackup").value == "1";
    const Setting backups = take("backupserver");
    if (!enabled || backups.value.empty()) return;
    std::vector<std::string> hosts;
    std::string_view rest = backups.value;
    while (!rest.empty()) {
      const auto host_name = take_part(rest, ",");
      if (!host_name.empty()) hosts.emplace_back(host_name);
    }
    draft_.hosts("backup-gateways", std::move(hosts), backups.place);
  }

  void read_auth() {
    const Setting type = take("authtype");
    const Setting group = take("groupname");
    draft_.text("id", group.value, group.place);
    if (draft_.has("id")) draft_.text("id-type", "key-id", group.place);
    if (type.value == "3") {
      draft_.text("mode", "main", type.place);
      draft_.text("auth", "xauth-cert", type.place);
      place_file("cert-file", ".p12", "our certificate and its key", type.place);
      place_file("ca-file", "-ca.pem", "the authority of the gateway's certificate", type.place);
    } else if (type.value == "5") {
      draft_.text("auth", "hybrid", type.place);
      place_file("ca-file", "-ca.pem", "the authority of the gateway's certificate", type.place);
    } else {
      draft_.text("auth", "xauth-psk", type.place);
    }
    const Setting clear = take("grouppwd");
    const Setting hidden = take("enc_grouppwd");
    if (type.value == "3" || type.value == "5") return;
    if (auto secret = secret_of_either(clear, hidden)) {
      draft_.psk(secret->expose(), clear.value.empty() ? hidden.place : clear.place);
    }
  }

  void place_file(std::string_view key, std::string_view ending, const std::string& what,
                  const Place& place) {
    draft_.text(key, draft_.path(ending), place);
    draft_.remark(place, "needs " + what, "put it into " + draft_.path(ending));
  }

  std::optional<SecretBytes> secret_of_either(const Setting& clear, const Setting& hidden) {
    if (!clear.value.empty()) return secret_of(clear.value);
    if (hidden.value.empty()) return std::nullopt;
    auto shown = reveal(hidden.value);
    if (!shown) {
      draft_.remark(hidden.place, "is not what Cisco's obfuscation makes",
                    "it will be asked for; write it to a file otherwise");
    }
    return shown;
  }

  void read_user() {
    const Setting user = take("username");
    const Setting domain = take("ntdomain");
    const Setting clear = take("userpassword");
    const Setting hidden = take("enc_userpassword");
    draft_.text("user", user.value, user.place);
    draft_.text("user-domain", domain.value, domain.place);
    if (auto secret = secret_of_either(clear, hidden)) {
      draft_.password(secret->expose(), clear.value.empty() ? hidden.place : clear.place);
    }
  }

  void read_tunnel() {
    const Setting group = take("dhgroup");
    std::string name = group.value.empty() ? std::string("modp1024") : group_of(group.value);
    if (name.empty()) {
      draft_.remark(group.place, "godwit does not offer this group", "use modp1024 or longer");
      name = "modp1024";
    }
    const Place place = group.value.empty() ? Place{0, "DHGroup"} : group.place;
    draft_.ike(ike_of({}, name), place);
    draft_.esp(esp_of({}), place);
    draft_.advise("Gateways that know nothing better: ike = [\"3des-md5-" + name +
                  "\"], esp = [\"3des-md5\"], and both words in allow-weak");
    const Setting lan = take("enablelocallan");
    if (lan.value == "1") draft_.raw("local-lan", "true", lan.place);
    const Setting tunnelling = take("tunnelingmode");
    if (tunnelling.value == "1") {
      draft_.remark(tunnelling.place, "Cisco's IPsec over TCP does not exist here",
                    "ask for a gateway that takes UDP ports 500 and 4500");
    }
    const Setting nat = take("enablenat");
    if (nat.value == "0") {
      draft_.remark(nat.place, "a NAT is looked for all the same, and found if there is one",
                    "write nat-traversal = \"off\" if the gateway wants plain ESP");
    }
  }

  Draft draft_;
  std::vector<Setting> settings_;
};

}  // namespace

bool is_pcf(std::string_view text) {
  Lines lines(text);
  bool in_main = false;
  while (const auto line = lines.next()) {
    std::string_view one = trim(line->text);
    if (same_word(one, "[main]")) in_main = true;
    while (one.starts_with("!")) one.remove_prefix(1);
    if (in_main && starts_with_word(one, "Host=")) return true;
  }
  return false;
}

Result<Imported, Refusal> import_pcf(const Source& source) { return PcfReader(source).read(); }

}  // namespace godwit::importers
