// The site files of Shrew Soft's client (*.vpn): one setting a line, "n:" for numbers, "s:" for
// texts and "b:" for octets in base64, then its name, a colon and the value.
#include <algorithm>
#include <array>

#include "core/crypto/base64.h"
#include "core/importers/draft.h"
#include "core/importers/formats.h"
#include "core/importers/old_suites.h"
#include "core/importers/text.h"

namespace godwit::importers {
namespace {

struct Word {
  std::string_view theirs;
  std::string_view ours;
};

constexpr auto kAuth = std::to_array<Word>({
    {"mutual-psk", "psk"},
    {"mutual-psk-xauth", "xauth-psk"},
    {"mutual-rsa", "cert"},
    {"mutual-rsa-xauth", "xauth-cert"},
    {"hybrid-rsa-xauth", "hybrid"},
    {"hybrid-grp-xauth", "hybrid"},
});

constexpr auto kNatt = std::to_array<Word>({
    {"enable", "auto"},
    {"disable", "off"},
    {"force-rfc", "force"},
    {"force-draft", "force"},
    {"force-cisco-udp", "cisco-udp"},
});

constexpr auto kFragments =
    std::to_array<Word>({{"enable", "auto"}, {"disable", "off"}, {"force", "always"}});

constexpr auto kIdentity = std::to_array<Word>(
    {{"keyid", "key-id"}, {"fqdn", "fqdn"}, {"ufqdn", "user-fqdn"}, {"address", "ipv4"}});

constexpr auto kExchange = std::to_array<Word>({{"main", "main"}, {"aggressive", "aggressive"}});

// Settings of its window, its driver, and defaults that nobody would miss.
constexpr std::array<std::string_view, 14> kNothing = {
    "version",          "network-frag-size",   "network-notify-enable",  "client-banner-enable",
    "client-wins-used", "client-wins-auto",    "client-dns-suffix-auto", "client-splitdns-used",
    "client-iface",     "policy-nailed",       "policy-level",           "client-ip-mask",
    "client-addr-auto", "client-splitdns-auto"};

struct Setting {
  std::string name;
  std::string_view value;
  Place place;
};

class ShrewReader {
 public:
  explicit ShrewReader(const Source& source) : draft_(source) {}

  Result<Imported, Refusal> read() {
    collect();
    read_gateway();
    read_auth();
    read_identity("ident-client", "id", "id-type");
    read_identity("ident-server", "remote-id", "remote-id-type");
    read_phase1();
    read_phase2();
    read_inside();
    for (const std::string_view name : kNothing) take(name);
    for (const Setting& s : settings_) {
      draft_.remark(s.place, "has no counterpart here", "look at it");
    }
    return draft_.finish(format_name(Format::kShrew));
  }

 private:
  void collect() {
    Lines lines(draft_.source().text);
    while (const auto line = lines.next()) {
      std::string_view text = trim(line->text);
      if (text.empty()) continue;
      take_part(text, ":");
      const std::string name(take_part(text, ":"));
      if (!trim(text).empty()) settings_.push_back({name, trim(text), {line->number, name}});
    }
  }

  // The setting of a name, of which nobody else speaks afterwards.
  Setting take(std::string_view name) {
    Setting found;
    for (const Setting& s : settings_) {
      if (s.name == name) found = s;
    }
    std::erase_if(settings_, [&](const Setting& s) { return s.name == name; });
    return found;
  }

  std::optional<std::int64_t> take_number(std::string_view name) {
    return number_of(take(name).value);
  }

  // A word of theirs as one of ours; empty, with a remark, when it is none.
  template <class Words>
  std::string_view translate(const Setting& s, const Words& words) {
    if (s.value.empty()) return {};
    for (const Word& word : words) {
      if (word.theirs == s.value) return word.ours;
    }
    draft_.remark(s.place, "has a value that godwit does not know", "look at it");
    return {};
  }

  void number(std::string_view name, std::string_view key, std::int64_t usual) {
    const Setting s = take(name);
    const auto value = number_of(s.value);
    if (value && *value != usual) draft_.raw(key, std::to_string(*value), s.place);
  }

  void read_gateway() {
    const Setting host = take("network-host");
    draft_.text("gateway", host.value, host.place);
    number("network-ike-port", "gateway-port", 500);
    number("network-natt-port", "gateway-natt-port", 4500);
    number("network-mtu-size", "mtu", 1380);
    const Setting natt = take("network-natt-mode");
    draft_.text("nat-traversal", translate(natt, kNatt), natt.place);
    const Setting rate = take("network-natt-rate");
    if (const auto seconds = number_of(rate.value)) {
      draft_.seconds("keepalive", *seconds, rate.place);
    }
    const Setting fragments = take("network-frag-mode");
    draft_.text("fragmentation", translate(fragments, kFragments), fragments.place);
    const Setting dpd = take("network-dpd-enable");
    if (dpd.value == "0") draft_.seconds("dpd-delay", 0, dpd.place);
    const Setting checkpoint = take("vendor-chkpt-enable");
    if (checkpoint.value == "1") {
      draft_.remark(checkpoint.place, "Check Point's own way through a NAT is not spoken here");
    }
  }

  void read_auth() {
    const Setting method = take("auth-method");
    const std::string auth(translate(method, kAuth));
    draft_.text("auth", auth, method.place);
    const Setting user = take("client-saved-username");
    if (auth.starts_with("xauth") || auth == "hybrid") draft_.text("user", user.value, user.place);
    const Setting psk = take("auth-mutual-psk");
    const bool uses_psk = auth == "psk" || auth == "xauth-psk";
    if (!psk.value.empty() && uses_psk) {
      if (const auto key = crypto::base64_decode(psk.value)) {
        draft_.psk(key->expose(), psk.place);
      } else {
        draft_.remark(psk.place, "is not base64", "the key will be asked for");
      }
    }
    const bool certificates = !uses_psk && !auth.empty();
    certificate("auth-server-cert", "ca-file", "-ca.pem", certificates, method.place);
    const bool own = auth == "cert" || auth == "xauth-cert";
    certificate("auth-client-cert", "cert-file", "-cert.pem", own, method.place);
    certificate("auth-client-key", "key-file", "-key.pem", own, method.place);
  }

  // Since version 2.2 the file itself is here, before that its path.
  void certificate(const std::string& name, std::string_view key, std::string_view ending,
                   bool wanted, const Place& method) {
    const Setting data = take(name + "-data");
    const Setting file = take(name + "-name");
    const Setting path = take(name);
    if (!wanted) return;
    auto octets = crypto::base64_decode(data.value);
    if (octets && !octets->empty()) {
      return draft_.companion(key, ending, std::move(*octets), data.place);
    }
    draft_.text(key, draft_.path(ending), path.value.empty() ? method : path.place);
    draft_.remark(path.value.empty() ? method : path.place,
                  "needs a file that is not in this one (" + name + ")",
                  "put it into " + draft_.path(ending));
  }

  void read_identity(const std::string& name, std::string_view key, std::string_view type_key) {
    const Setting type = take(name + "-type");
    const Setting data = take(name + "-data");
    if (type.value.empty() || type.value == "any") return;
    // Our certificate's subject is shown without being named; the gateway's is known otherwise.
    if (type.value == "asn1dn") {
      if (key == "remote-id") {
        draft_.remark(type.place, "a gateway is known by its name, not by a subject",
                      "write remote-id when its certificate has another name");
      }
      return;
    }
    const std::string_view word = translate(type, kIdentity);
    if (word.empty() || (data.value.empty() && (word != "ipv4" || key == "remote-id"))) return;
    draft_.text(type_key, word, type.place);
    draft_.text(key, data.value, data.place);
  }

  std::vector<std::string> ciphers(const Setting& s, std::string_view name, std::int64_t bits) {
    const std::string cipher = lower(name);
    if (cipher == "aes" && bits > 0) return {"aes" + std::to_string(bits)};
    if (cipher == "aes" || cipher == "auto" || cipher.empty()) {
      if (cipher == "auto") remark_auto(s);
      return {"aes256", "aes192", "aes128"};
    }
    return {cipher};  // what godwit does not offer is told by the proposal's reader
  }

  std::vector<std::string> hashes(const Setting& s) {
    if (s.value.empty() || s.value == "auto") return {"sha256", "sha1"};
    return {lower(s.value)};
  }

  void remark_auto(const Setting& s) {
    draft_.remark(s.place, "its auto also offers ciphers that godwit does not offer unasked",
                  "write 3des into the proposals and allow-weak if the gateway knows no AES");
  }

  void read_phase1() {
    const Setting exchange = take("phase1-exchange");
    draft_.text("mode", translate(exchange, kExchange), exchange.place);
    const Setting cipher = take("phase1-cipher");
    const Setting hash = take("phase1-hash");
    const Setting group = take("phase1-dhgroup");
    const auto bits = take_number("phase1-keylen").value_or(0);
    std::vector<std::string> groups = {"modp2048", "modp1536", "modp1024"};
    if (!group.value.empty() && group.value != "0") groups = {"dh" + std::string(group.value)};
    std::vector<std::string> proposals;
    for (const auto& g : groups) {
      for (const auto& c : ciphers(cipher, cipher.value, bits)) {
        for (const auto& h : hashes(hash)) proposals.push_back(c + "-" + h + "-" + g);
      }
    }
    draft_.ike(proposals, cipher.place);
    life("phase1", "ike-lifetime", "");
  }

  void life(const std::string& phase, std::string_view key, std::string_view octets_key) {
    const Setting time = take(phase + "-life-secs");
    if (const auto seconds = number_of(time.value)) draft_.seconds(key, *seconds, time.place);
    const Setting kilobytes = take(phase + "-life-kbytes");
    const auto count = number_of(kilobytes.value).value_or(0);
    if (count <= 0 || count > (1ll << 40)) return;
    if (!octets_key.empty()) {
      return draft_.raw(octets_key, std::to_string(count * 1024), kilobytes.place);
    }
    draft_.remark(kilobytes.place, "phase 1 has no limit in octets here");
  }

  void read_phase2() {
    const Setting transform = take("phase2-transform");
    const Setting hmac = take("phase2-hmac");
    const auto bits = take_number("phase2-keylen").value_or(0);
    std::string_view name = transform.value;
    if (name.starts_with("esp-")) name.remove_prefix(4);
    std::vector<std::string> proposals;
    for (const auto& c : ciphers(transform, name, bits)) {
      for (const auto& h : hashes(hmac)) proposals.push_back(c + "-" + h);
    }
    draft_.esp(proposals, transform.place);
    const Setting pfs = take("phase2-pfsgroup");
    const auto group = number_of(pfs.value).value_or(0);
    if (group > 0) draft_.pfs("dh" + std::to_string(group), pfs.place);
    life("phase2", "esp-lifetime", "esp-lifetime-bytes");
    const Setting compression = take("ipcomp-transform");
    if (!compression.value.empty() && compression.value != "disabled") {
      draft_.remark(compression.place, "packets are not compressed here");
    }
  }

  void read_inside() {
    const Setting mode = take("client-auto-mode");
    const Setting address = take("client-ip-addr");
    if (mode.value == "push") draft_.text("mode-config", "push", mode.place);
    if (mode.value == "disabled") {
      draft_.text("mode-config", "off", mode.place);
      draft_.text("address", address.value, address.place);
    } else if (mode.value == "dhcp") {
      draft_.remark(mode.place, "DHCP inside of IPsec is not spoken here; Mode Config is tried");
    }
    read_names();
    const bool by_gateway = take("policy-list-auto").value == "1";
    const Setting include = take("policy-list-include");
    std::vector<std::string> networks;
    std::string_view rest = by_gateway ? std::string_view() : include.value;
    while (!rest.empty()) networks.emplace_back(take_part(rest, ","));
    draft_.networks(std::move(networks), include.place);
    const Setting exclude = take("policy-list-exclude");
    if (!exclude.value.empty()) {
      draft_.remark(exclude.place, "no network can be taken out of those of the tunnel",
                    "write networks without it");
    }
  }

  void read_names() {
    const bool used = take("client-dns-used").value != "0";
    const bool by_gateway = take("client-dns-auto").value != "0";
    const Setting servers = take("client-dns-addr");
    if (!used) {
      draft_.text("dns", "none", {servers.place.line, "client-dns-used"});
    } else if (!by_gateway) {
      draft_.list("dns", parts(servers.value), servers.place);
    }
    const Setting suffix = take("client-dns-suffix");
    draft_.list("search-domains", parts(suffix.value), suffix.place);
    const Setting split = take("client-splitdns-list");
    draft_.list("routing-domains", parts(split.value), split.place);
    const Setting wins = take("client-wins-addr");
    if (!wins.value.empty()) draft_.remark(wins.place, "WINS is not used here");
  }

  static std::vector<std::string> parts(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty()) {
      const auto part = take_part(list, ",");
      if (!part.empty()) out.emplace_back(part);
    }
    return out;
  }

  Draft draft_;
  std::vector<Setting> settings_;
};

}  // namespace

bool is_shrew(std::string_view text) {
  Lines lines(text);
  while (const auto line = lines.next()) {
    if (trim(line->text).starts_with("s:network-host:")) return true;
  }
  return false;
}

Result<Imported, Refusal> import_shrew(const Source& source) { return ShrewReader(source).read(); }

}  // namespace godwit::importers
